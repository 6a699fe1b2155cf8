"""Isolation: every interaction begins with the same database contents.

All of this runs on the live server's thread, which owns its database connections.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import StateError
from pact_verification.provider.caches.own import open_caches
from pact_verification.provider.databases.aliases import close
from pact_verification.provider.services.replacing import empty_services
from pact_verification.provider.stores import empty_stores
from pact_verification.results.crash import Crash

logger = logging.getLogger(__name__)

SAVEPOINT = "pact_interaction"

RequireOwnDatabase = Callable[[BaseDatabaseWrapper], None]


class Isolation(ABC):
    """Gives each interaction the same database contents. The thread that uses an isolation must also create it.

    Args:
        require: raises CannotVerify for a connection to a database that the run must not write to.

    Attributes:
        aliases: one alias for each database.
    """

    def __init__(self, require: RequireOwnDatabase) -> None:
        self.require = require
        self.aliases = _share_connections(require)
        open_caches()

    def begin(self) -> None:
        """Start an interaction: undo the changes of the one before, and empty stores and services."""
        self.roll_back()
        empty_stores()
        empty_services()
        self.open()

    @abstractmethod
    def open(self) -> None:
        """Take it that the databases are about to be changed, which `roll_back` will undo."""

    @abstractmethod
    def commit(self) -> None:
        """Check deferred constraints and run on_commit callbacks, as a commit does.

        Raises:
            Exception: a constraint or a callback raised it.
        """

    @abstractmethod
    def roll_back(self) -> None:
        """Undo what the current interaction wrote. Do nothing before the first interaction."""

    def close_connections(self) -> None:
        """Close all connections. That also ends their open transactions."""
        for alias in self.aliases:
            _force_close(connections[alias])

    def advice(self, error: BaseException) -> str | None:
        """Return a hint if the isolation may have caused the project's error, else None."""
        return None


class TransactionIsolation(Isolation):
    """Runs each interaction in a transaction on every database and rolls it back, as Django's TestCase does."""

    def __init__(self, require: RequireOwnDatabase) -> None:
        super().__init__(require)
        self.atomics: dict[str, transaction.Atomic] = {}
        self.leftover_error: str | None = None

    def open(self) -> None:
        if self.leftover_error:
            raise StateError(self.leftover_error)
        for alias in self.aliases:
            atomic = transaction.atomic(using=alias)
            atomic._from_testcase = True  # type: ignore[attr-defined]  # Django then allows durable blocks within it
            atomic.__enter__()
            self.atomics[alias] = atomic
            _set_savepoint(connections[alias])

    def commit(self) -> None:
        connections_in_use = []
        for alias in self.atomics:
            connection = connections[alias]
            if connection.in_atomic_block and not connection.needs_rollback:
                connections_in_use.append(connection)
            elif connection.run_on_commit:
                raise transaction.TransactionManagementError(
                    "The transaction around the interaction is broken, and an on_commit callback waits for its commit. "
                    "So it is unknown whether the callback would run."
                )
        for connection in connections_in_use:
            if connection.features.can_defer_constraint_checks:
                connection.check_constraints()
        for connection in connections_in_use:
            _run_on_commit(connection)

    def roll_back(self) -> None:
        for alias, atomic in reversed(self.atomics.items()):
            connection = connections[alias]
            if not _is_undone_by_rollback(connection):
                self.leftover_error = (
                    f"An earlier interaction ended the transaction on {alias!r} by itself, so its changes are still in "
                    "the database: use --isolation flush."
                )
            try:
                transaction.set_rollback(True, using=alias)
                atomic.__exit__(None, None, None)
            except Exception:  # a connection that is closed has already lost its changes
                logger.debug("%s could not be rolled back, so its connection is closed", alias, exc_info=True)
            if connection.in_atomic_block or connection.closed_in_transaction:
                _force_close(connection)
        self.atomics.clear()

    def advice(self, error: BaseException) -> str | None:
        if (
            isinstance(error, transaction.TransactionManagementError)
            or "transaction is aborted" in Crash.of(error).exception
        ):
            return (
                "The project sent a query after a database error. The transaction around each interaction does not "
                "allow that: try --isolation flush."
            )
        return None


class CommittingIsolation(Isolation):
    """Lets the project commit. A subclass says in `roll_back` how the contents come back."""

    def __init__(self, require: RequireOwnDatabase) -> None:
        super().__init__(require)
        self.has_begun = False

    def open(self) -> None:
        self.has_begun = True

    def commit(self) -> None:
        """Do nothing: the project's own commits were real."""


class FlushIsolation(CommittingIsolation):
    """Lets the project commit, and empties every table afterwards.

    It is slower. The project's transactions are not nested in another one.

    Args:
        migrated: the rows that migrations inserted, as JSON, by alias.
    """

    def __init__(self, require: RequireOwnDatabase, migrated: Mapping[str, str]) -> None:
        super().__init__(require)
        self.migrated = migrated

    def roll_back(self) -> None:
        if not self.has_begun:
            return
        for alias in self.aliases:
            connection = connections[alias]
            if connection.in_atomic_block or not connection.get_autocommit():
                _force_close(connection)
            # The connection may be new, or the project's SQL may have switched it to another database.
            self.require(connection)
            # Sequences continue, so that new rows don't get the ids of the rows that migrations inserted.
            call_command(
                "flush",
                verbosity=0,
                interactive=False,
                database=alias,
                reset_sequences=False,
                inhibit_post_migrate=True,
            )
            _load(connection, self.migrated.get(alias, "[]"))
        self.has_begun = False


class RestoringIsolation(CommittingIsolation):
    """Lets the project commit to databases that a running server reads, and restores their contents afterwards.

    Args:
        restore: restores the contents over its own connections.
    """

    def __init__(self, require: RequireOwnDatabase, restore: Callable[[], None]) -> None:
        super().__init__(require)
        self.restore = restore

    def roll_back(self) -> None:
        if not self.has_begun:
            return
        for alias in self.aliases:
            if connections[alias].connection:  # it may be in a transaction or in a query
                _force_close(connections[alias])
        self.restore()
        self.has_begun = False


def isolation_of(name: str, migrated: Mapping[str, str], require: RequireOwnDatabase) -> Callable[[], Isolation]:
    """Return a factory for the isolation with this name, one of conf.ISOLATIONS.

    The live server's thread calls the factory.
    """
    if name == "flush":
        return partial(FlushIsolation, require, migrated)
    return partial(TransactionIsolation, require)


def _share_connections(require: RequireOwnDatabase) -> list[str]:
    """Let all aliases of one database, such as mirrors, share one connection.

    Separate connections would not see each other's uncommitted rows.

    Returns:
        One alias for each connection.
    """
    first: dict[tuple[str, ...], str] = {}
    for alias in connections:
        if connections[alias].vendor == "unknown":  # Django's dummy, for a project without a database
            continue
        config = connections[alias].settings_dict
        place = tuple(str(config.get(key, "")) for key in ("ENGINE", "HOST", "PORT", "NAME"))
        primary = config["TEST"]["MIRROR"] or first.setdefault(place, alias)
        if primary != alias:
            connections[alias] = connections[primary]
            continue
        require(connections[alias])
        # A copy, since the run restores the project's database name at its end and this thread may outlive it.
        connections[alias].settings_dict = dict(config)
    return list(first.values())


def _load(connection: BaseDatabaseWrapper, data: str) -> None:
    """Save serialized objects to this database.

    Django's own method would follow the database routers. An object may refer to a later one, so constraints are
    checked at the end.
    """
    tables = set()
    with transaction.atomic(using=connection.alias):
        with connection.constraint_checks_disabled():
            for each in serializers.deserialize("json", data, using=connection.alias):
                each.save(using=connection.alias)
                tables.add(each.object._meta.db_table)
        connection.check_constraints(table_names=tables)


def _set_savepoint(connection: BaseDatabaseWrapper) -> None:
    """Set a savepoint in the interaction's transaction. `_is_undone_by_rollback` looks for it."""
    with connection.cursor() as cursor:
        cursor.execute(connection.ops.savepoint_create_sql(SAVEPOINT))


def _is_undone_by_rollback(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether a rollback leaves none of the interaction's changes.

    The project's SQL may have committed them without Django's knowledge: then the savepoint is gone. A lost connection
    leaves no changes, since the database undoes its transaction.
    """
    if connection.connection is None or connection.closed_in_transaction:
        return True  # the connection is lost
    connection.needs_rollback = False  # Django would refuse the query
    try:
        with connection.cursor() as cursor:
            cursor.execute(connection.ops.savepoint_rollback_sql(SAVEPOINT))
    except DatabaseError:  # the savepoint or the server is gone
        raw: Any = connection.connection
        with suppress(Exception):
            raw.rollback()
        return not connection.is_usable()  # a usable connection without the savepoint means a commit
    return True


def _run_on_commit(connection: BaseDatabaseWrapper) -> None:
    """Run the on_commit callbacks and any that they register, as a commit does."""
    while connection.run_on_commit:
        _, callback, robust = connection.run_on_commit.pop(0)  # type: ignore[misc]  # the stubs know two of the three
        try:
            callback()
        except Exception:
            if not robust:
                raise
            logger.exception("The on_commit callback %r failed; it is robust, so the others run.", callback)


def _force_close(connection: BaseDatabaseWrapper) -> None:
    """Close a connection, and make Django forget the transaction on it.

    The next query opens a new one.
    """
    connection.in_atomic_block = False
    connection.closed_in_transaction = False
    connection.needs_rollback = False
    connection.savepoint_ids.clear()
    connection.atomic_blocks.clear()
    connection.run_on_commit.clear()
    close(connection)
