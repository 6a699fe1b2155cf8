"""Keeps the test databases of --reuse-db clean for the next run, or marks those that are not.

The mark is a table in the database itself. So it outlives the process, and goes with the database.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.provider.databases.aliases import connection_to, with_databases
from pact_verification.provider.databases.dropping import exists

MARK = "pact_verification_unfinished"


class KeptDatabases:
    """The kept databases of one run. All methods use connections, so unblock them before.

    Args:
        aliases: only those of databases that pytest-django made.
        commits: whether interactions commit. Then a run that is killed leaves behind what they wrote.
    """

    def __init__(self, aliases: Sequence[str], *, commits: bool) -> None:
        self.aliases = aliases
        self.commits = commits
        self.content = self._read()
        self.clean = True

    def begin(self) -> None:
        """Prepare for an interaction: mark the databases that it may leave with rows of its own."""
        if self.clean and self.commits:
            self._mark()
        self.clean = False

    def end(self, *, hangs: bool = False) -> bool:
        """Remove the marks from databases that hold what they held at first, and mark all others.

        Args:
            hangs: a request has not come back. Where interactions commit, it may still write.

        Returns:
            Whether the databases are clean.
        """
        if not self.aliases:
            return True
        if not self.clean and not (hangs and self.commits) and self._is_unchanged():
            for alias in self.aliases:
                with connection_to(alias) as connection:
                    if _is_marked(connection):
                        _execute(connection, "DROP TABLE {}", MARK)
            self.clean = True
        if not self.clean:
            with suppress(DatabaseError):  # SQLite's lock is held by a transaction, which ends with this process
                self._mark()
        return self.clean

    def _is_unchanged(self) -> bool:
        with suppress(DatabaseError):
            return self._read() == self.content
        return False

    def _mark(self) -> None:
        for alias in self.aliases:
            with connection_to(alias) as connection:
                if not _is_marked(connection):
                    _execute(connection, "CREATE TABLE {} (id integer)", MARK)

    def _read(self) -> list[Any]:
        """Read what flush restores, and count the rows of every table, since flush knows only migrated models."""
        content: list[Any] = []
        for alias in self.aliases:
            content.append(connections[alias].creation.serialize_db_to_string())
            with connection_to(alias) as connection:
                tables = sorted({*connection.introspection.table_names()} - {MARK})
                content.append([(table, _execute(connection, "SELECT COUNT(*) FROM {}", table)) for table in tables])
        return content


def marked_databases(aliases: Sequence[str] | None = None) -> list[str]:
    """Return the names of the test databases that an earlier run has left marked.

    Args:
        aliases: of databases that are already in use; by default those that pytest-django is about to make or keep.
    """
    names = []
    for alias in with_databases() if aliases is None else aliases:
        creation: Any = connections[alias].creation
        name = None if aliases else str(creation._get_test_db_name())
        with suppress(DatabaseError), connection_to(alias, name) as connection:  # Django's own attempt will tell why
            name = str(connection.settings_dict["NAME"])
            if exists(connection, name) and _is_marked(connection):
                names.append(name)
    return names


def _is_marked(connection: BaseDatabaseWrapper) -> bool:
    return MARK in connection.introspection.table_names()


def _execute(connection: BaseDatabaseWrapper, sql: str, table: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(connection.ops.quote_name(table)))
        return cursor.fetchone() if cursor.description else None
