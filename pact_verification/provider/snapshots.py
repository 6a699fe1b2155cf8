"""Everything that databases hold, raw: taken, kept in a file, and put back without models, signals or triggers."""

import hashlib
import json
import logging
import os
import sqlite3
import time
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from io import BytesIO
from pathlib import Path
from typing import IO, Any, ClassVar, Self

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases import close, require_named, undisturbed_at_the_end, with_databases
from pact_verification.system.cache import open_cache

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no lock that ends with its process and leaves the file readable
    fcntl = None

logger = logging.getLogger(__name__)

LOCK_SECONDS = 30
"""How long a restore may wait for a server that holds a lock."""

BUSY_SECONDS = 0.02

BUSY = frozenset([5, 6])
"""SQLITE_BUSY and SQLITE_LOCKED, for which Python tries a backup again and again, without end."""

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)

COMPLETE = "complete"
"""The last line of a file: one without it was written before anything was written into the database."""


class Changed(Exception):
    """The database has other tables or columns than its snapshot."""


@dataclass(frozen=True)
class Snapshot(ABC):
    """What a database holds. A subclass knows a vendor.

    Attributes:
        schema: its tables and columns, to which alone the content fits.
        content: by table, its rows as the database itself writes them.
        sequences: where each is.
        rows: how many there are in all tables.
    """

    vendors: ClassVar[tuple[str, ...]] = ()

    schema: str
    content: Mapping[str, bytes]
    sequences: Mapping[str, str]
    rows: int

    @staticmethod
    def of(connection: BaseDatabaseWrapper) -> "Snapshot":
        """Take a snapshot.

        Raises:
            CannotVerify: the database holds something that could not be put back.
            DatabaseError: the database can't be read.
        """
        return _kind(connection).take(connection)

    @classmethod
    @abstractmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """See `of`."""

    @abstractmethod
    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """Make the database hold this, and nothing else.

        Args:
            connection: one without a transaction, which the project does not use.

        Raises:
            Changed: the tables are others.
            DatabaseError: the database refuses, or a server holds a lock.
        """

    @abstractmethod
    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """Raise Changed for a database with other tables or columns."""

    def save(self, file: IO[str]) -> None:
        """Write the snapshot into an empty file."""
        content = {name: b64encode(data).decode() for name, data in self.content.items()}
        kept = {"schema": self.schema, "content": content, "sequences": dict(self.sequences), "rows": self.rows}
        file.write(f"{json.dumps(kept)}\n{COMPLETE}\n")
        file.flush()

    @staticmethod
    def load(file: IO[str], connection: BaseDatabaseWrapper) -> "Snapshot | None":
        """Read the snapshot that a file keeps; None where the file is empty or was not written to its end."""
        file.seek(0)
        text, _, rest = file.read().partition("\n")
        if rest != f"{COMPLETE}\n":
            return None
        kept = json.loads(text)
        kept["content"] = {name: b64decode(data) for name, data in kept["content"].items()}
        return _kind(connection)(**kept)


class SQLite(Snapshot):
    """The whole file, page by page, by SQLite's backup: with it come the schema, triggers and sequences."""

    vendors = ("sqlite",)

    @classmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """See Snapshot."""
        with _raw(connection) as raw, closing(sqlite3.connect(":memory:")) as memory:
            _back_up(raw, memory)
            tables = memory.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if not tables:
                raise DatabaseError("There are no tables.")
            rows = 0
            for (table,) in tables:
                if not table.startswith("sqlite_"):
                    with suppress(sqlite3.OperationalError):  # a virtual table's module may be missing here
                        quoted = '"' + table.replace('"', '""') + '"'
                        rows += memory.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0]  # noqa: S608
            return cls(_sqlite_schema(memory), {"": memory.serialize()}, {}, rows)

    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with _raw(connection) as raw, closing(sqlite3.connect(":memory:")) as memory:
            memory.deserialize(_without_wal(self.content[""]))
            _back_up(memory, raw)

    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with _raw(connection) as raw:
            _require_same(self.schema, _sqlite_schema(raw))


def _back_up(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    until = time.monotonic() + LOCK_SECONDS

    def bound(status: int, remaining: int, total: int) -> None:
        if status in BUSY and time.monotonic() > until:
            raise DatabaseError("database is locked")

    source.backup(target, progress=bound, sleep=BUSY_SECONDS)


def _sqlite_schema(raw: sqlite3.Connection) -> str:
    return json.dumps(raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall())


def _without_wal(content: bytes) -> bytes:
    """A database in memory can't be in WAL mode. The file that is restored keeps its own mode."""
    return content[:18] + b"\x01\x01" + content[20:]


@contextmanager
def _raw(connection: BaseDatabaseWrapper) -> Iterator[sqlite3.Connection]:
    """A connection of sqlite3's own: Django's may have a statement that is not finished, which blocks a backup."""
    parameters = connection.get_connection_params()
    with closing(sqlite3.connect(parameters["database"], uri=True, timeout=LOCK_SECONDS)) as raw:
        raw.text_factory = lambda data: data.decode(errors="surrogateescape")
        yield raw


POSTGRESQL_RELATIONS = r"""
SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind::text,
    CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') AND has_sequence_privilege(c.oid, 'UPDATE')
    ELSE has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'TRUNCATE') END AND has_schema_privilege(n.oid, 'USAGE'),
    CASE WHEN c.relkind = 'S' THEN FALSE ELSE row_security_active(c.oid) END,
    pg_has_role(c.relowner, 'USAGE'),
    EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'),
    ARRAY(SELECT format('%s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm', 'S') AND c.relpersistence <> 't'
    AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 2
"""

POSTGRESQL_REFUSED = {"f": "the foreign table", "m": "the materialized view"}

POSTGRESQL_CONSTRAINTS = """
SELECT conrelid, confrelid, condeferrable, convalidated, conname FROM pg_constraint WHERE contype IN ('f', 'c')
    AND conrelid <> 0
"""

POSTGRESQL_TRIGGERS = """
SELECT tgrelid, quote_ident(tgname), CASE tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END FROM pg_trigger
WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgparentid = 0
"""

POSTGRESQL_TEXT = """
SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 3;
SET LOCAL synchronize_seqscans = off; SET LOCAL row_security = off; SET LOCAL statement_timeout = 0
"""


@dataclass(frozen=True)
class _Relations:
    """The parts of a PostgreSQL database that hold something.

    Attributes:
        names: of tables with rows of their own, each after those that its foreign keys lead to.
        partitioned: of tables whose rows are in others.
        sequences: their names.
        references: by table, those that its foreign keys lead to.
        triggers: table, name and how the trigger is enabled, for those that a restore would set off.
    """

    schema: str
    names: tuple[str, ...]
    partitioned: tuple[str, ...]
    sequences: tuple[str, ...]
    references: Mapping[str, set[str]]
    triggers: tuple[tuple[str, str, str], ...]

    def with_referring(self, changed: set[str]) -> tuple[str, ...]:
        """Those tables, and all whose foreign keys lead to them: PostgreSQL empties them together or not at all."""
        if self.partitioned:
            return self.names
        found: set[str] = set()
        more = set(changed)
        while more:
            found |= more
            more = {name for name in self.names if self.references[name] & found} - found
        return tuple(name for name in self.names if name in found)


class PostgreSQL(Snapshot):
    """Every table of every schema, by COPY: it writes each value exactly, and computes nothing."""

    vendors = ("postgresql",)

    @classmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """See Snapshot."""
        with _transaction(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as cursor:
            cursor.execute(POSTGRESQL_TEXT)
            relations = _relations(cursor)
            if not relations.names:
                raise DatabaseError("There are no tables.")
            content = {name: _copy_out(cursor, name) for name in relations.names}
            sequences = {name: _sequence(cursor, name) for name in relations.sequences}
        return cls(relations.schema, content, sequences, sum(data.count(b"\n") for data in content.values()))

    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with _transaction(connection, "BEGIN") as cursor:
            cursor.execute(POSTGRESQL_TEXT)
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            relations = _relations(cursor)
            _require_same(self.schema, relations.schema)
            changed = {name for name in relations.names if _copy_out(cursor, name) != self.content[name]}
            if changed:
                self._restore_rows(cursor, relations, relations.with_referring(changed))
            for name in relations.sequences:
                if _sequence(cursor, name) != self.sequences[name]:
                    value, _, is_called = self.sequences[name].partition(" ")
                    cursor.execute("SELECT setval(%s::regclass, %s, %s)", [name, int(value), is_called == "True"])

    def _restore_rows(self, cursor: Any, relations: _Relations, names: Sequence[str]) -> None:
        tables = [*relations.partitioned, *(f"ONLY {name}" for name in names)]
        for table, trigger, _ in relations.triggers:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"TRUNCATE {', '.join(tables)}")
        for name in names:
            if self.content[name]:
                _copy_in(cursor, name, self.content[name])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, trigger, how in relations.triggers:
            cursor.execute(f"ALTER TABLE {table} ENABLE {how} TRIGGER {trigger}")

    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with _transaction(connection, "BEGIN READ ONLY") as cursor:
            _require_same(self.schema, _relations(cursor).schema)


def _relations(cursor: Any) -> _Relations:
    """Read what holds something.

    Raises:
        CannotVerify: something can't be restored.
    """
    problems: list[str] = []
    tables: dict[int, str] = {}
    partitioned: dict[int, str] = {}
    owned: set[int] = set()
    sequences: list[str] = []
    schema = []
    cursor.execute(POSTGRESQL_RELATIONS)
    for oid, name, kind, allowed, hidden, owns, of_extension, columns in cursor.fetchall():
        if of_extension and not allowed:
            continue  # such as PostGIS's reference systems, which the project can't change either
        schema.append([name, kind, columns])
        if why := _why_not(name, kind, allowed=allowed, hidden=hidden):
            problems.append(why)
        elif kind == "S":
            sequences.append(name)
        else:
            (partitioned if kind == "p" else tables)[oid] = name
        if owns:
            owned.add(oid)
    cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
    if count := cursor.fetchone()[0]:
        problems.append(f"large objects ({count})")
    every = tables | partitioned
    triggers = _triggers(cursor, every, owned, problems)
    order, references = _references(cursor, tables, every, problems)
    _refuse(problems)
    return _Relations(json.dumps(schema), order, tuple(partitioned.values()), tuple(sequences), references, triggers)


def _why_not(name: str, kind: str, *, allowed: bool, hidden: bool) -> str:
    if kind in POSTGRESQL_REFUSED:
        return f"{POSTGRESQL_REFUSED[kind]} {name}"
    if not allowed:
        return f"{name}, for which the database user lacks rights (SELECT and INSERT, TRUNCATE or UPDATE)"
    return f"{name}, whose row security hides rows from the database user" if hidden else ""


def _triggers(
    cursor: Any, tables: Mapping[int, str], owned: set[int], problems: list[str]
) -> tuple[tuple[str, str, str], ...]:
    cursor.execute(POSTGRESQL_TRIGGERS)
    triggers = [(table, name, how) for table, name, how in cursor.fetchall() if table in tables]
    problems += [
        f"{tables[table]}, whose trigger {name} only the table's owner may disable"
        for table, name, _ in triggers
        if table not in owned
    ]
    return tuple((tables[table], name, how) for table, name, how in triggers)


def _references(
    cursor: Any, tables: Mapping[int, str], every: Mapping[int, str], problems: list[str]
) -> tuple[tuple[str, ...], dict[str, set[str]]]:
    """Read the foreign keys. Returns an order in which rows can be put in, and what each table refers to."""
    references: dict[str, set[str]] = {name: set() for name in tables.values()}
    orders = TopologicalSorter({name: set() for name in tables.values()})
    cursor.execute(POSTGRESQL_CONSTRAINTS)
    for table, other, can_wait, is_valid, name in cursor.fetchall():
        if table in every and not is_valid:
            problems.append(f"{every[table]}, whose constraint {name} is NOT VALID")
        if table in tables and other in tables and table != other:
            references[tables[table]].add(tables[other])
            if not can_wait:
                orders.add(tables[table], tables[other])
    try:
        return tuple(orders.static_order()), references
    except CycleError as error:
        problems.append(f"foreign keys in a circle that are not DEFERRABLE: {' → '.join(error.args[1])}")
        return (), references


def _copy_out(cursor: Any, name: str) -> bytes:
    statement = f"COPY {name} TO STDOUT"
    if hasattr(cursor, "copy_expert"):  # psycopg2
        cursor.copy_expert(statement, file := BytesIO())
        return file.getvalue()
    with cursor.copy(statement) as copy:
        return b"".join(copy)


def _copy_in(cursor: Any, name: str, data: bytes) -> None:
    statement = f"COPY {name} FROM STDIN"
    if hasattr(cursor, "copy_expert"):  # psycopg2
        cursor.copy_expert(statement, BytesIO(data))
        return
    with cursor.copy(statement) as copy:
        copy.write(data)


def _sequence(cursor: Any, name: str) -> str:
    cursor.execute(f"SELECT last_value, is_called FROM {name}")  # noqa: S608  # PostgreSQL quoted it
    return " ".join(map(str, cursor.fetchone()))


MYSQL_SESSION = (
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', foreign_key_checks = 0, "
    "lock_wait_timeout = %s, innodb_lock_wait_timeout = %s"
)

MYSQL_TEXT = frozenset(
    (
        *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"),
        *("date", "time", "datetime", "timestamp", "year", "json"),
    )
)
"""Types whose values go through text. All others are bytes to begin with."""


class MySQL(Snapshot):
    """Every table of the database, each value in hexadecimal digits, and where AUTO_INCREMENT is."""

    vendors = ("mysql",)

    @classmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """See Snapshot."""
        with connection.wrap_database_errors, connection.cursor() as cursor:
            cursor.execute(MYSQL_SESSION, [LOCK_SECONDS, LOCK_SECONDS])
            tables = _mysql_tables(cursor)
            if not tables:
                raise DatabaseError("There are no tables.")
        with _transaction(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT") as cursor:
            content = {name: _mysql_rows(cursor, name, columns) for name, columns in tables.items()}
            rows = sum(data.count(b"\n") for data in content.values())
            return cls(json.dumps(tables), content, _mysql_sequences(cursor), rows)

    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with connection.wrap_database_errors, connection.cursor() as cursor:
            cursor.execute(MYSQL_SESSION, [LOCK_SECONDS, LOCK_SECONDS])
        with _transaction(connection, "START TRANSACTION") as cursor:
            tables = _mysql_tables(cursor)
            _require_same(self.schema, json.dumps(tables))
            for name, columns in tables.items():
                if _mysql_rows(cursor, name, columns) != self.content[name]:
                    cursor.execute(f"DELETE FROM {_tick(name)}")  # noqa: S608  # quoted
                    rows = [
                        [None if value == "N" else value[1:] for value in line.split(",")]
                        for line in self.content[name].decode().splitlines()
                    ]
                    into = f"{_tick(name)} ({', '.join(_tick(column) for column, _ in columns)})".replace("%", "%%")
                    values = ", ".join(_mysql_in(kind) for _, kind in columns)
                    cursor.executemany(f"INSERT INTO {into} VALUES ({values})", rows)  # noqa: S608  # quoted
        with connection.wrap_database_errors, connection.cursor() as cursor:
            for name, value in _mysql_sequences(cursor).items():
                if self.sequences[name] != value:
                    cursor.execute(f"ALTER TABLE {_tick(name)} AUTO_INCREMENT = {int(self.sequences[name])}")

    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with connection.wrap_database_errors, connection.cursor() as cursor:
            _require_same(self.schema, json.dumps(_mysql_tables(cursor)))


def _mysql_tables(cursor: Any) -> dict[str, list[list[str]]]:
    """By table, its columns that are not computed, each with its type.

    Raises:
        CannotVerify: something can't be restored.
    """
    problems = []
    cursor.execute(
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1"
    )
    tables: dict[str, list[list[str]]] = {}
    for name, kind in cursor.fetchall():
        if kind == "BASE TABLE":
            tables[name] = []
        elif "VIEW" not in kind:
            problems.append(f"the {str(kind).lower()} {name}")
    cursor.execute(
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() "
        "AND COALESCE(GENERATION_EXPRESSION, '') = '' ORDER BY 1, ORDINAL_POSITION"
    )
    for name, column, kind in cursor.fetchall():
        if name in tables:
            tables[name].append([column, str(kind).lower()])
    cursor.execute("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()")
    problems += [f"the trigger {name}, which can't be disabled" for (name,) in cursor.fetchall()]
    for name, columns in tables.items():
        names = ", ".join(_tick(column) for column, _ in columns)
        try:  # rights, which only statements tell for sure
            cursor.execute(f"DELETE FROM {_tick(name)} WHERE FALSE")  # noqa: S608  # quoted
            cursor.execute(f"INSERT INTO {_tick(name)} ({names}) SELECT {names} FROM {_tick(name)} WHERE FALSE")  # noqa: S608
        except DatabaseError as error:
            problems.append(f"{name}, which the database user may not write: {error}")
    _refuse(problems)
    return tables


def _mysql_rows(cursor: Any, name: str, columns: Sequence[Sequence[str]]) -> bytes:
    values = ", ".join(f"COALESCE(CONCAT('=', {_mysql_out(column, kind)}), 'N')" for column, kind in columns)
    cursor.execute(f"SELECT CONCAT_WS(',', {values}) FROM {_tick(name)}")  # noqa: S608  # quoted
    return "".join(f"{row.decode() if isinstance(row, bytes) else row}\n" for (row,) in cursor.fetchall()).encode()


def _mysql_out(column: str, kind: str) -> str:
    name = _tick(column)
    if kind == "float":  # as text it would lose digits
        name = f"CAST({name} AS DOUBLE)"
    return f"HEX(CONVERT(CAST({name} AS CHAR) USING utf8mb4))" if kind in MYSQL_TEXT else f"HEX({name})"


def _mysql_in(kind: str) -> str:
    return "CONVERT(UNHEX(%s) USING utf8mb4)" if kind in MYSQL_TEXT else "UNHEX(%s)"


def _mysql_sequences(cursor: Any) -> dict[str, str]:
    with suppress(DatabaseError):  # MySQL keeps old figures for a day; MariaDB has no such variable
        cursor.execute("SET SESSION information_schema_stats_expiry = 0")
    cursor.execute(
        "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = DATABASE() AND AUTO_INCREMENT IS NOT NULL"
    )
    return {name: str(value) for name, value in cursor.fetchall()}


def _tick(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@contextmanager
def _transaction(connection: BaseDatabaseWrapper, begin: str) -> Iterator[Any]:
    """A transaction for reading or restoring. Django's own would need the connection's alias."""
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            with suppress(Exception):
                cursor.execute("ROLLBACK")
            raise


def _kind(connection: BaseDatabaseWrapper) -> type[Snapshot]:
    for kind in (SQLite, PostgreSQL, MySQL):
        if connection.vendor in kind.vendors:
            return kind
    raise CannotVerify(f"The content of a {connection.vendor} database ({connection.alias}) can't be restored.")


def _require_same(schema: str, found: str) -> None:
    if schema != found:
        raise Changed("its tables have changed since")


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise CannotVerify(f"It holds what can't be restored: {'; '.join(problems)}.")


@dataclass(frozen=True)
class Looked:
    """What a look into the databases tells.

    Attributes:
        rows: how many rows each holds, by its name.
        notes: what an earlier run had left in them.
    """

    rows: Mapping[str, int]
    notes: tuple[str, ...]


def look() -> Looked:
    """Count what the databases hold, once what an earlier run has left is restored.

    Raises:
        CannotVerify: a database holds what can't be restored, another run uses it, or there is no place for a file.
        DatabaseError: a database can't be read.
    """
    with ExitStack() as cleanup:
        rows, notes = {}, []
        for alias in _places():
            connection = cleanup.enter_context(_own_connection(alias))
            file = cleanup.enter_context(_own_file(connection))
            notes += _restore_from(file, connection)
            rows[str(connection.settings_dict["NAME"])] = _take(connection).rows
        return Looked(rows, tuple(notes))


@contextmanager
def kept() -> Iterator[Callable[[], None]]:
    """Keep what all databases hold in files of the cache directory, and restore it when the block ends.

    A database that can't be restored keeps its file: the next run, or the process that watches this one, tries again.

    Yields:
        What restores the databases in between, on any thread.

    Raises:
        CannotVerify: see `look`.
        DatabaseError: a database can't be read.
    """
    with undisturbed_at_the_end() as cleanup:
        taken: list[tuple[BaseDatabaseWrapper, Snapshot]] = []
        for alias in _places():
            connection = cleanup.enter_context(_own_connection(alias))
            file = cleanup.enter_context(_own_file(connection))
            _restore_from(file, connection)
            snapshot = _take(connection)
            _empty(file)
            snapshot.save(file)
            cleanup.callback(_restore_at_the_end, file, connection, snapshot)
            taken.append((connection, snapshot))

        def restore() -> None:
            for connection, snapshot in taken:
                snapshot.restore(connection)

        yield restore


def restore_left() -> list[str]:
    """Restore the databases that a process has left in the middle. Returns why some could not be restored."""
    problems = []
    for alias in _places():
        with ExitStack() as cleanup:
            connection = cleanup.enter_context(_own_connection(alias))
            try:
                if _path(connection, make=False).exists():
                    _restore_from(cleanup.enter_context(_own_file(connection)), connection)
            except CannotVerify as error:
                problems.append(str(error))
    return problems


def _take(connection: BaseDatabaseWrapper) -> Snapshot:
    try:
        return Snapshot.of(connection)
    except CannotVerify as error:
        raise CannotVerify(
            f"--provider-url can't use the database {connection.settings_dict['NAME']} ({connection.alias}). {error}"
        ) from error


def _restore_at_the_end(file: IO[str], connection: BaseDatabaseWrapper, snapshot: Snapshot) -> None:
    close(connection)  # whatever the last interaction has made of it
    try:
        snapshot.restore(connection)
    except Exception as error:  # noqa: BLE001  # of any backend; the file has what the database should hold
        logger.warning("%s", _not_restored(file, connection, error))
    else:
        _empty(file)


def _restore_from(file: IO[str], connection: BaseDatabaseWrapper) -> list[str]:
    """Restore what a file keeps. Returns a note about it.

    Raises:
        CannotVerify: it can't be restored.
    """
    try:
        if (snapshot := Snapshot.load(file, connection)) is None:
            return []
        snapshot.require_schema(connection)
        snapshot.restore(connection)
    except Exception as error:
        raise CannotVerify(f"An earlier run was killed. {_not_restored(file, connection, error)}") from error
    _empty(file)
    name = connection.settings_dict["NAME"]
    return [f"An earlier run was killed. The database {name} was restored to what it held before that run."]


def _not_restored(file: IO[str], connection: BaseDatabaseWrapper, error: Exception) -> str:
    return (
        f"The database {connection.settings_dict['NAME']} could not be restored: {str(error).strip()}. "
        f"{file.name} keeps what it held. The next run with --provider-url restores it; remove that file to give it up."
    )


def _empty(file: IO[str]) -> None:
    file.seek(0)
    file.truncate()


def _places() -> list[str]:
    """An alias for each database."""
    found: dict[str, str] = {}
    for alias in with_databases():
        found.setdefault(_place(connections[alias]), alias)
    return list(found.values())


def _place(connection: BaseDatabaseWrapper) -> str:
    config = connection.settings_dict
    name = os.path.realpath(config["NAME"]) if connection.vendor == "sqlite" else config["NAME"]
    return json.dumps([connection.vendor, *(str(each) for each in (config["HOST"], config["PORT"], name))])


@contextmanager
def _own_connection(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """A connection that the project's code does not use, nor its session settings change."""
    connection = connections.create_connection(alias)
    connection.inc_thread_sharing()
    try:
        require_named(connection)
        yield connection
    finally:
        close(connection)


def _path(connection: BaseDatabaseWrapper, *, make: bool) -> Path:
    """A file for each database: two runs can't both think that a database is theirs."""
    digest = hashlib.sha256(_place(connection).encode()).hexdigest()[:16]
    return open_cache(make=make) / f"snapshot-{digest}.json"


@contextmanager
def _own_file(connection: BaseDatabaseWrapper) -> Iterator[IO[str]]:
    """The file of a database, locked by this process until the block ends. One that is empty then is removed.

    Raises:
        CannotVerify: another run has it, or it can't be written.
    """
    name = connection.settings_dict["NAME"]
    try:
        file = _open(path := _path(connection, make=True))
    except BlockingIOError as error:
        raise CannotVerify(f"Another run with --provider-url uses the database {name}. Wait for its end.") from error
    except OSError as error:
        raise CannotVerify(
            f"--provider-url keeps what the database {name} holds in the cache directory, which can't be written: "
            f"{error}. PACT_CACHE_DIR names another."
        ) from error
    with file:
        try:
            yield file
        finally:
            file.flush()
            if not os.fstat(file.fileno()).st_size:
                path.unlink(missing_ok=True)


def _open(path: Path) -> IO[str]:
    """Open and lock a file that only this user may read. Raises BlockingIOError if another process has locked it."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o600), "r+", encoding="utf-8")
        try:
            if fcntl is None:
                return file
            # Not flock(), whose lock a process that the project has forked would share, and keep.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        except PermissionError as error:  # POSIX allows it in place of BlockingIOError
            file.close()
            raise BlockingIOError from error
        except BaseException:
            file.close()
            raise
        file.close()  # the run that had locked it has removed it meanwhile
