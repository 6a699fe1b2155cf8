"""Snapshots of PostgreSQL: every table of every schema, by COPY."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from io import BytesIO
from typing import Any, Self

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.provider.snapshots.snapshot import Snapshot, require_restorable, require_same, transaction

RELATIONS = r"""
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

REFUSED = {"f": "the foreign table", "m": "the materialized view"}

CONSTRAINTS = """
SELECT conrelid, confrelid, condeferrable, convalidated, conname FROM pg_constraint WHERE contype IN ('f', 'c')
    AND conrelid <> 0
"""

TRIGGERS = """
SELECT tgrelid, quote_ident(tgname), CASE tgenabled WHEN 'A' THEN 'ALWAYS' ELSE '' END FROM pg_trigger
WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgparentid = 0
"""

SESSION = """
SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 3;
SET LOCAL synchronize_seqscans = off; SET LOCAL row_security = off; SET LOCAL statement_timeout = 0
"""


@dataclass(frozen=True)
class _Relations:
    """The tables, sequences and triggers of a database.

    Attributes:
        schema: the tables and columns as text, to compare.
        names: the tables with rows of their own, each after the tables that its foreign keys lead to.
        partitioned: the tables whose rows are in their partitions.
        sequences: the names of the sequences.
        references: for each table, the tables that its foreign keys lead to.
        triggers: table, name and enabling mode of each trigger that a restore would fire.
    """

    schema: str
    names: tuple[str, ...]
    partitioned: tuple[str, ...]
    sequences: tuple[str, ...]
    references: Mapping[str, set[str]]
    triggers: tuple[tuple[str, str, str], ...]

    def with_referring(self, changed: set[str]) -> tuple[str, ...]:
        """Return the changed tables and all whose foreign keys lead to them.

        PostgreSQL truncates only all of them.
        """
        if self.partitioned:
            return self.names
        found: set[str] = set()
        more = set(changed)
        while more:
            found |= more
            more = {name for name in self.names if self.references[name] & found} - found
        return tuple(name for name in self.names if name in found)


class PostgreSQLSnapshot(Snapshot):
    """The output of COPY for each table. COPY writes values exactly, and computes none."""

    @classmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """See Snapshot."""
        with transaction(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as cursor:
            cursor.execute(SESSION)
            relations = _relations(cursor)
            if not relations.names:
                raise DatabaseError("There are no tables.")
            content = {name: _copy_out(cursor, name) for name in relations.names}
            sequences = {name: _sequence(cursor, name) for name in relations.sequences}
        return cls(relations.schema, content, sequences, sum(data.count(b"\n") for data in content.values()))

    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with transaction(connection, "BEGIN") as cursor:
            cursor.execute(SESSION)
            cursor.execute(f"SET LOCAL lock_timeout = '{self.LOCK_SECONDS}s'")
            relations = _relations(cursor)
            require_same(self.schema, relations.schema)
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
        for table, trigger, mode in relations.triggers:
            cursor.execute(f"ALTER TABLE {table} ENABLE {mode} TRIGGER {trigger}")

    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with transaction(connection, "BEGIN READ ONLY") as cursor:
            require_same(self.schema, _relations(cursor).schema)


def _relations(cursor: Any) -> _Relations:
    """Read the database's tables, sequences and triggers.

    Raises:
        CannotVerify: one of them can't be restored.
    """
    problems: list[str] = []
    tables: dict[int, str] = {}
    partitioned: dict[int, str] = {}
    owned: set[int] = set()
    sequences: list[str] = []
    schema = []
    cursor.execute(RELATIONS)
    for oid, name, kind, allowed, hidden, owns, of_extension, columns in cursor.fetchall():
        if of_extension and not allowed:
            continue  # such as PostGIS's reference systems: the project can't change them either
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
    require_restorable(problems)
    return _Relations(json.dumps(schema), order, tuple(partitioned.values()), tuple(sequences), references, triggers)


def _why_not(name: str, kind: str, *, allowed: bool, hidden: bool) -> str | None:
    """Return why a relation can't be restored; None if it can."""
    if kind in REFUSED:
        return f"{REFUSED[kind]} {name}"
    if not allowed:
        return f"{name}, for which the database user lacks rights (SELECT and INSERT, TRUNCATE or UPDATE)"
    return f"{name}, whose row security hides rows from the database user" if hidden else None


def _triggers(
    cursor: Any, tables: Mapping[int, str], owned: set[int], problems: list[str]
) -> tuple[tuple[str, str, str], ...]:
    cursor.execute(TRIGGERS)
    triggers = [(table, name, mode) for table, name, mode in cursor.fetchall() if table in tables]
    problems += [
        f"{tables[table]}, whose trigger {name} only the table's owner may disable"
        for table, name, _ in triggers
        if table not in owned
    ]
    return tuple((tables[table], name, mode) for table, name, mode in triggers)


def _references(
    cursor: Any, tables: Mapping[int, str], every: Mapping[int, str], problems: list[str]
) -> tuple[tuple[str, ...], dict[str, set[str]]]:
    """Read the foreign keys.

    Returns an order in which rows can be inserted, and what each table refers to.
    """
    references: dict[str, set[str]] = {name: set() for name in tables.values()}
    orders = TopologicalSorter({name: set() for name in tables.values()})
    cursor.execute(CONSTRAINTS)
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
