"""Snapshots of SQLite: the whole file, by SQLite's own backup."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Self

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.provider.snapshots.snapshot import Snapshot, require_same

BUSY = frozenset([5, 6])
"""SQLITE_BUSY and SQLITE_LOCKED. Python repeats a backup that fails with one of them, without end."""

BUSY_SECONDS = 0.02


class SQLiteSnapshot(Snapshot):
    """All pages of the file, and with them the schema, triggers and sequences."""

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
                    with suppress(sqlite3.OperationalError):  # a virtual table's module may be missing in this process
                        quoted = '"' + table.replace('"', '""') + '"'
                        rows += memory.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0]  # noqa: S608
            return cls(_schema(memory), {"": memory.serialize()}, {}, rows)

    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with _raw(connection) as raw, closing(sqlite3.connect(":memory:")) as memory:
            memory.deserialize(_without_wal(self.content[""]))
            _back_up(memory, raw)

    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """See Snapshot."""
        with _raw(connection) as raw:
            require_same(self.schema, _schema(raw))


def _back_up(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy a database. Raises DatabaseError if a lock stays too long."""
    until = time.monotonic() + Snapshot.LOCK_SECONDS

    def bound(status: int, remaining: int, total: int) -> None:
        if status in BUSY and time.monotonic() > until:
            raise DatabaseError("database is locked")

    source.backup(target, progress=bound, sleep=BUSY_SECONDS)


def _schema(raw: sqlite3.Connection) -> str:
    return json.dumps(raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall())


def _without_wal(content: bytes) -> bytes:
    """Return a database's bytes for memory, where WAL mode is impossible.

    A restored file keeps its own mode.
    """
    return content[:18] + b"\x01\x01" + content[20:]


@contextmanager
def _raw(connection: BaseDatabaseWrapper) -> Iterator[sqlite3.Connection]:
    """Open a connection of sqlite3.

    A statement that Django's has not finished would block a backup.
    """
    parameters = connection.get_connection_params()
    with closing(sqlite3.connect(parameters["database"], uri=True, timeout=Snapshot.LOCK_SECONDS)) as raw:
        raw.text_factory = lambda data: data.decode(errors="surrogateescape")
        yield raw
