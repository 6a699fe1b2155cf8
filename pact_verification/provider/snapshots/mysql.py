"""Snapshots of MySQL and MariaDB: every table's values in hexadecimal digits."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.provider.snapshots.snapshot import Snapshot, require_restorable, require_same, transaction

SESSION = (
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', foreign_key_checks = 0, "
    "lock_wait_timeout = %s, innodb_lock_wait_timeout = %s"
)

AS_TEXT = frozenset(
    (
        *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"),
        *("date", "time", "datetime", "timestamp", "year", "json"),
    )
)
"""Types whose values are read and written as text. Values of all others are bytes."""


class MySQLSnapshot(Snapshot):
    """The rows of each table, and the value of each AUTO_INCREMENT."""

    @classmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """See Snapshot."""
        with connection.wrap_database_errors, connection.cursor() as cursor:
            cursor.execute(SESSION, [Snapshot.LOCK_SECONDS, Snapshot.LOCK_SECONDS])
            tables = _tables(cursor)
            if not tables:
                raise DatabaseError("There are no tables.")
        with transaction(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT") as cursor:
            content = {name: _rows(cursor, name, columns) for name, columns in tables.items()}
            rows = sum(data.count(b"\n") for data in content.values())
            return cls(json.dumps(tables), content, _sequences(cursor), rows)

    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with connection.wrap_database_errors, connection.cursor() as cursor:
            cursor.execute(SESSION, [Snapshot.LOCK_SECONDS, Snapshot.LOCK_SECONDS])
        with transaction(connection, "START TRANSACTION") as cursor:
            tables = _tables(cursor)
            require_same(self.schema, json.dumps(tables))
            for name, columns in tables.items():
                if _rows(cursor, name, columns) != self.content[name]:
                    cursor.execute(f"DELETE FROM {_tick(name)}")  # noqa: S608  # quoted
                    rows = [
                        [None if value == "N" else value[1:] for value in line.split(",")]
                        for line in self.content[name].decode().splitlines()
                    ]
                    into = f"{_tick(name)} ({', '.join(_tick(column) for column, _ in columns)})".replace("%", "%%")
                    values = ", ".join(_decoded(kind) for _, kind in columns)
                    cursor.executemany(f"INSERT INTO {into} VALUES ({values})", rows)  # noqa: S608  # quoted
        with connection.wrap_database_errors, connection.cursor() as cursor:
            for name, value in _sequences(cursor).items():
                if self.sequences[name] != value:
                    cursor.execute(f"ALTER TABLE {_tick(name)} AUTO_INCREMENT = {int(self.sequences[name])}")

    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with connection.wrap_database_errors, connection.cursor() as cursor:
            require_same(self.schema, json.dumps(_tables(cursor)))


def _tables(cursor: Any) -> dict[str, list[list[str]]]:
    """Return for each table its columns that are not computed, with their types.

    Raises:
        CannotVerify: the database holds something that can't be restored.
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
        try:  # only statements show for sure whether the user has the rights
            cursor.execute(f"DELETE FROM {_tick(name)} WHERE FALSE")  # noqa: S608  # quoted
            cursor.execute(f"INSERT INTO {_tick(name)} ({names}) SELECT {names} FROM {_tick(name)} WHERE FALSE")  # noqa: S608
        except DatabaseError as error:
            problems.append(f"{name}, which the database user may not write: {error}")
    require_restorable(problems)
    return tables


def _rows(cursor: Any, name: str, columns: Sequence[Sequence[str]]) -> bytes:
    values = ", ".join(f"COALESCE(CONCAT('=', {_encoded(column, kind)}), 'N')" for column, kind in columns)
    cursor.execute(f"SELECT CONCAT_WS(',', {values}) FROM {_tick(name)}")  # noqa: S608  # quoted
    return "".join(f"{row.decode() if isinstance(row, bytes) else row}\n" for (row,) in cursor.fetchall()).encode()


def _encoded(column: str, kind: str) -> str:
    name = _tick(column)
    if kind == "float":  # MySQL writes a FLOAT as text with fewer digits
        name = f"CAST({name} AS DOUBLE)"
    return f"HEX(CONVERT(CAST({name} AS CHAR) USING utf8mb4))" if kind in AS_TEXT else f"HEX({name})"


def _decoded(kind: str) -> str:
    return "CONVERT(UNHEX(%s) USING utf8mb4)" if kind in AS_TEXT else "UNHEX(%s)"


def _sequences(cursor: Any) -> dict[str, str]:
    with suppress(DatabaseError):  # MySQL keeps old values for a day; MariaDB has no such variable
        cursor.execute("SET SESSION information_schema_stats_expiry = 0")
    cursor.execute(
        "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = DATABASE() AND AUTO_INCREMENT IS NOT NULL"
    )
    return {name: str(value) for name, value in cursor.fetchall()}


def _tick(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
