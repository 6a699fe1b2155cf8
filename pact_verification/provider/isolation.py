"""One interaction, one database state: begin, commit as far as the project can tell, roll back.

All of it runs on the live server's thread, which owns the connections it works on.
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

MARK = "pact_interaction"  # a savepoint

Require = Callable[[BaseDatabaseWrapper], None]


class Isolation(ABC):
    """Made on the thread that serves: connections belong to the thread that opens them.

    Args:
        require: raises for a connection that leads to a database which is not to be written to.
    """

    def __init__(self, require: Require) -> None:
        self.require = require
        self.aliases = _share_connections(require)

    def begin(self) -> None:
        """Start an interaction on what migrations left, and nothing else."""
        self.roll_back()
        empty_stores()

    @abstractmethod
    def commit(self) -> None:
        """Do what a commit would do: check deferred constraints and run on_commit callbacks. May raise what they do."""

    @abstractmethod
    def roll_back(self) -> None:
        """Forget what the interaction wrote. Does nothing when there is none."""

    def start_anew(self) -> None:
        """Give up the connections, with whatever is open on them."""
        for alias in self.aliases:
            _reconnect(connections[alias])

    def advice(self, error: BaseException) -> str:
        """What to say when the project raised an error that may be the isolation's own fault."""
        return ""


class TransactionIsolation(Isolation):
    """Everything inside one transaction on each database, as Django's TestCase has it; and it ends in a rollback."""

    def __init__(self, require: Require) -> None:
        super().__init__(require)
        self.atomics: dict[str, transaction.Atomic] = {}
        self.spoiled = ""

    def begin(self) -> None:
        super().begin()
        if self.spoiled:
            raise StateError(self.spoiled)
        for alias in self.aliases:
            atomic = transaction.atomic(using=alias)
            atomic._from_testcase = True  # type: ignore[attr-defined]  # Django's own: durable blocks may nest in it
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
                    "An on_commit callback is waiting, and the transaction around the interaction is broken, so nobody "
                    "can tell whether it would run."
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
            except Exception:  # the project closed the connection, or the server did: what was written is gone as well
                logger.debug("%s could not be rolled back; a new connection takes its place", alias, exc_info=True)
            if connection.in_atomic_block or connection.closed_in_transaction:
                _reconnect(connection)
        self.atomics.clear()

    def advice(self, error: BaseException) -> str:
        if (
            isinstance(error, transaction.TransactionManagementError)
            or "transaction is aborted" in Crash.of(error).exception
        ):
            return (
                "The project goes on after a database error, which the transaction around every interaction does not "
                "allow: try --isolation flush."
            )
        return ""


class FlushIsolation(Isolation):
    """Real commits, and every table emptied before the next interaction: slower, and nothing is nested.

    Args:
        migrated: by alias, what migrations had put into the tables.
    """

    def __init__(self, require: Require, migrated: Mapping[str, str]) -> None:
        super().__init__(require)
        self.migrated = migrated
        self.used = False

    def begin(self) -> None:
        super().begin()
        self.used = True

    def commit(self) -> None:
        """Everything is committed already."""

    def roll_back(self) -> None:
        if not self.used:
            return
        for alias in self.aliases:
            connection = connections[alias]
            if connection.in_atomic_block or not connection.get_autocommit():
                _reconnect(connection)
            self.require(connection)  # by now it may be a new one, or the project's SQL may have led it elsewhere
            # Sequences go on: what migrations had put in keeps its ids, and new rows must not meet them.
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
    """Real commits, on databases that a server reads too: all that they held comes back before the next interaction.

    Args:
        restore: brings it back, on connections of its own.
    """

    def __init__(self, require: Require, restore: Callable[[], None]) -> None:
        super().__init__(require)
        self.restore = restore
        self.used = False

    def begin(self) -> None:
        super().begin()
        self.used = True

    def commit(self) -> None:
        """Everything is committed already."""

    def roll_back(self) -> None:
        if not self.used:
            return
        for alias in self.aliases:
            if connections[alias].connection:  # it may be in a transaction, or in the middle of a query
                _reconnect(connections[alias])
        self.restore()
        self.used = False


def isolation_of(name: str, migrated: Mapping[str, str], require: Require) -> Callable[[], Isolation]:
    """What makes the isolation of a name (conf.ISOLATIONS), on the thread that serves."""
    if name == "flush":
        return partial(FlushIsolation, require, migrated)
    return partial(TransactionIsolation, require)


def _share_connections(require: Require) -> list[str]:
    """Give aliases of one database (mirrors, and those that name the same) one connection on this thread.

    On connections of their own they would not see each other's open transaction.

    Returns:
        An alias for each connection.
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
        # A copy: should this thread outlive the run, it never opens the project's database, whose name comes back then.
        connections[alias].settings_dict = dict(config)
    return list(first.values())


def _load(connection: BaseDatabaseWrapper, data: str) -> None:
    """Save serialized objects to this database, where Django's own method would follow the routers.

    References may lead forward, so they are checked in the end.
    """
    tables = set()
    with transaction.atomic(using=connection.alias):
        with connection.constraint_checks_disabled():
            for each in serializers.deserialize("json", data, using=connection.alias):
                each.save(using=connection.alias)
                tables.add(each.object._meta.db_table)
        connection.check_constraints(table_names=tables)


def _mark(connection: BaseDatabaseWrapper) -> None:
    """Mark the transaction, to tell it from another."""
    with connection.cursor() as cursor:
        cursor.execute(connection.ops.savepoint_create_sql(MARK))


def _is_marked(connection: BaseDatabaseWrapper) -> bool:
    """Whether the interaction's transaction is still on: a COMMIT in SQL ends it behind Django's back."""
    if connection.connection is None or connection.closed_in_transaction:
        return True  # it is gone, and with it what it had written
    connection.needs_rollback = False  # or Django would refuse to ask
    try:
        with connection.cursor() as cursor:
            cursor.execute(connection.ops.savepoint_rollback_sql(MARK))
    except DatabaseError:  # there is no such savepoint, or there is no server
        raw: Any = connection.connection
        with suppress(Exception):
            raw.rollback()
        return not connection.is_usable()
    return True


def _run_on_commit(connection: BaseDatabaseWrapper) -> None:
    """Run the callbacks, and those that they register in turn, as a commit does."""
    while connection.run_on_commit:
        _, callback, robust = connection.run_on_commit.pop(0)  # type: ignore[misc]  # the stubs know two of the three
        try:
            callback()
        except Exception:
            if not robust:
                raise
            logger.exception("The on_commit callback %r failed; it is robust, so the others run.", callback)


def _reconnect(connection: BaseDatabaseWrapper) -> None:
    """Drop a transaction that can't be ended in order, with its connection; the next query opens another."""
    connection.in_atomic_block = False
    connection.closed_in_transaction = False
    connection.needs_rollback = False
    connection.savepoint_ids.clear()
    connection.atomic_blocks.clear()
    connection.run_on_commit.clear()
    close(connection)
