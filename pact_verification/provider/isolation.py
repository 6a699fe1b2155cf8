"""One database state for each interaction: begin it, commit it as far as the project can see, and roll it back.

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
from pact_verification.provider.databases import close
from pact_verification.provider.stores import empty_stores
from pact_verification.results.crash import Crash

logger = logging.getLogger(__name__)

SAVEPOINT = "pact_interaction"

Require = Callable[[BaseDatabaseWrapper], None]


class Isolation(ABC):
    """The way to give each interaction the same database state. Made on the thread that uses it.

    Args:
        require: raises CannotVerify for a connection to a database that the run must not write to.
    """

    def __init__(self, require: Require) -> None:
        self.require = require
        self.aliases = _share_connections(require)

    def begin(self) -> None:
        """Start an interaction on the rows that migrations left, with empty stores."""
        self.roll_back()
        empty_stores()

    @abstractmethod
    def commit(self) -> None:
        """Check deferred constraints and run on_commit callbacks, as a commit does.

        Raises what they raise.
        """

    @abstractmethod
    def roll_back(self) -> None:
        """Undo what the interaction wrote, if there is one."""

    def start_anew(self) -> None:
        """Close the connections, with the transactions that are open on them."""
        for alias in self.aliases:
            _reconnect(connections[alias])

    def advice(self, error: BaseException) -> str | None:
        """Return a hint if the isolation may have caused the project's error; None if not."""
        return None


class TransactionIsolation(Isolation):
    """One transaction on each database, which is rolled back at the end, as in Django's TestCase."""

    def __init__(self, require: Require) -> None:
        super().__init__(require)
        self.atomics: dict[str, transaction.Atomic] = {}
        self.spoiled: str | None = None

    def begin(self) -> None:
        super().begin()
        if self.spoiled:
            raise StateError(self.spoiled)
        for alias in self.aliases:
            atomic = transaction.atomic(using=alias)
            atomic._from_testcase = True  # type: ignore[attr-defined]  # Django's own: durable blocks may be nested in it
            atomic.__enter__()
            self.atomics[alias] = atomic
            _mark(connections[alias])

    def commit(self) -> None:
        connections_in_use = []
        for alias in self.atomics:
            connection = connections[alias]
            if connection.in_atomic_block and not connection.needs_rollback:
                connections_in_use.append(connection)
            elif connection.run_on_commit:
                raise transaction.TransactionManagementError(
                    "An on_commit callback is waiting, and the transaction around the interaction is broken, so it "
                    "can't be known whether it would run."
                )
        for connection in connections_in_use:
            if connection.features.can_defer_constraint_checks:
                connection.check_constraints()
        for connection in connections_in_use:
            _run_on_commit(connection)

    def roll_back(self) -> None:
        for alias, atomic in reversed(self.atomics.items()):
            connection = connections[alias]
            if not _is_marked(connection):
                self.spoiled = (
                    f"An earlier interaction ended the transaction on {alias!r} by itself, so what it wrote is still "
                    "there: use --isolation flush."
                )
            try:
                transaction.set_rollback(True, using=alias)
                atomic.__exit__(None, None, None)
            except Exception:  # the project or the server closed the connection, which undid what was written
                logger.debug("%s could not be rolled back; a new connection takes its place", alias, exc_info=True)
            if connection.in_atomic_block or connection.closed_in_transaction:
                _reconnect(connection)
        self.atomics.clear()

    def advice(self, error: BaseException) -> str | None:
        if (
            isinstance(error, transaction.TransactionManagementError)
            or "transaction is aborted" in Crash.of(error).exception
        ):
            return (
                "The project goes on after a database error, which the transaction around every interaction does not "
                "allow: try --isolation flush."
            )
        return None


class FlushIsolation(Isolation):
    """Real commits, after which every table is emptied. It is slower, and transactions are not nested.

    Args:
        migrated: the rows that migrations had inserted, by alias.
    """

    def __init__(self, require: Require, migrated: Mapping[str, str]) -> None:
        super().__init__(require)
        self.migrated = migrated
        self.used = False

    def begin(self) -> None:
        super().begin()
        self.used = True

    def commit(self) -> None:
        """Do nothing: the project's own commits were real."""

    def roll_back(self) -> None:
        if not self.used:
            return
        for alias in self.aliases:
            connection = connections[alias]
            if connection.in_atomic_block or not connection.get_autocommit():
                _reconnect(connection)
            self.require(
                connection
            )  # it may be a new one, or the project's SQL may have switched it to another database
            # Sequences continue, so that new rows don't get the ids of the rows that migrations had inserted.
            call_command(
                "flush",
                verbosity=0,
                interactive=False,
                database=alias,
                reset_sequences=False,
                inhibit_post_migrate=True,
            )
            _load(connection, self.migrated.get(alias, "[]"))
        self.used = False


class RestoringIsolation(Isolation):
    """Real commits, on databases that a server reads too. Their contents are restored after each interaction.

    Args:
        restore: restores the contents, on connections of its own.
    """

    def __init__(self, require: Require, restore: Callable[[], None]) -> None:
        super().__init__(require)
        self.restore = restore
        self.used = False

    def begin(self) -> None:
        super().begin()
        self.used = True

    def commit(self) -> None:
        """Do nothing: the project's own commits were real."""

    def roll_back(self) -> None:
        if not self.used:
            return
        for alias in self.aliases:
            if connections[alias].connection:  # it may be in a transaction or in a query
                _reconnect(connections[alias])
        self.restore()
        self.used = False


def isolation_of(name: str, migrated: Mapping[str, str], require: Require) -> Callable[[], Isolation]:
    """Return the factory for an isolation, one of conf.ISOLATIONS.

    The server's thread calls it.
    """
    if name == "flush":
        return partial(FlushIsolation, require, migrated)
    return partial(TransactionIsolation, require)


def _share_connections(require: Require) -> list[str]:
    """Give all aliases of one database, such as mirrors, one connection.

    With connections of their own, they would not see each other's open transaction.

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
        # A copy: the run puts back the project's database name at its end, and this thread may live longer.
        connections[alias].settings_dict = dict(config)
    return list(first.values())


def _load(connection: BaseDatabaseWrapper, data: str) -> None:
    """Save serialized objects to this database.

    Django's own method would follow the routers.

    An object may refer to a later one, so constraints are checked at the end.
    """
    tables = set()
    with transaction.atomic(using=connection.alias):
        with connection.constraint_checks_disabled():
            for each in serializers.deserialize("json", data, using=connection.alias):
                each.save(using=connection.alias)
                tables.add(each.object._meta.db_table)
        connection.check_constraints(table_names=tables)


def _mark(connection: BaseDatabaseWrapper) -> None:
    """Set a savepoint, by which the transaction can be recognized."""
    with connection.cursor() as cursor:
        cursor.execute(connection.ops.savepoint_create_sql(SAVEPOINT))


def _is_marked(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the interaction's transaction is still open.

    A COMMIT in SQL ends it without Django's knowledge.
    """
    if connection.connection is None or connection.closed_in_transaction:
        return True  # the connection is gone, and the transaction's changes with it
    connection.needs_rollback = False  # Django would refuse the query
    try:
        with connection.cursor() as cursor:
            cursor.execute(connection.ops.savepoint_rollback_sql(SAVEPOINT))
    except DatabaseError:  # the savepoint or the server is gone
        raw: Any = connection.connection
        with suppress(Exception):
            raw.rollback()
        return not connection.is_usable()
    return True


def _run_on_commit(connection: BaseDatabaseWrapper) -> None:
    """Run the on_commit callbacks, and those that they register, as a commit does."""
    while connection.run_on_commit:
        _, callback, robust = connection.run_on_commit.pop(0)  # type: ignore[misc]  # the stubs know two of the three
        try:
            callback()
        except Exception:
            if not robust:
                raise
            logger.exception("The on_commit callback %r failed; it is robust, so the others run.", callback)


def _reconnect(connection: BaseDatabaseWrapper) -> None:
    """Close a connection whose transaction can't be ended properly.

    The next query opens another.
    """
    connection.in_atomic_block = False
    connection.closed_in_transaction = False
    connection.needs_rollback = False
    connection.savepoint_ids.clear()
    connection.atomic_blocks.clear()
    connection.run_on_commit.clear()
    close(connection)
