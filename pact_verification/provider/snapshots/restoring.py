"""Taking snapshots of a run's databases, and restoring them in the run, at its end and after a killed run."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import close, with_databases
from pact_verification.provider.databases.guard import require_named
from pact_verification.provider.snapshots.files import empty, locked_file, path_for, place_of
from pact_verification.provider.snapshots.snapshot import Snapshot
from pact_verification.provider.snapshots.vendors import load_snapshot, take_snapshot
from pact_verification.system.interruption import undisturbed_at_the_end

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatabaseContents:
    """What the databases of a server hold.

    Attributes:
        rows: how many rows each database has, by its name.
        notes: which databases were restored after an earlier run that was killed.
    """

    rows: Mapping[str, int]
    notes: tuple[str, ...]


def count_rows() -> DatabaseContents:
    """Count the rows of all databases, after restoring what a killed run has left.

    Raises:
        CannotVerify: a database holds something that can't be restored, another run uses it, or its file can't be
            written.
        DatabaseError: a database can't be read.
    """
    with ExitStack() as cleanup:
        rows, notes = {}, []
        for alias in _one_alias_each():
            connection = cleanup.enter_context(_own_connection(alias))
            file = cleanup.enter_context(locked_file(connection))
            notes += _restore_from(file, connection)
            rows[str(connection.settings_dict["NAME"])] = _take(connection).rows
        return DatabaseContents(rows, tuple(notes))


@contextmanager
def keep_databases() -> Iterator[Callable[[], None]]:
    """Save what all databases hold, and restore it when the block ends.

    The file of a database that can't be restored stays. The next run, or the process that watches this one, tries
    again.

    Yields:
        A function that restores the databases before that, on any thread.

    Raises:
        CannotVerify: see `count_rows`.
        DatabaseError: a database can't be read.
    """
    with undisturbed_at_the_end() as cleanup:
        taken: list[tuple[BaseDatabaseWrapper, Snapshot]] = []
        for alias in _one_alias_each():
            connection = cleanup.enter_context(_own_connection(alias))
            file = cleanup.enter_context(locked_file(connection))
            _restore_from(file, connection)
            snapshot = _take(connection)
            empty(file)
            snapshot.save(file)
            cleanup.callback(_restore_at_the_end, file, connection, snapshot)
            taken.append((connection, snapshot))

        def restore() -> None:
            for connection, snapshot in taken:
                snapshot.restore(connection)

        yield restore


def restore_left() -> list[str]:
    """Restore the databases of a run that was killed. Returns why some could not."""
    problems = []
    for alias in _one_alias_each():
        with ExitStack() as cleanup:
            connection = cleanup.enter_context(_own_connection(alias))
            try:
                if path_for(connection, make=False).exists():
                    _restore_from(cleanup.enter_context(locked_file(connection)), connection)
            except CannotVerify as error:
                problems.append(str(error))
    return problems


def _take(connection: BaseDatabaseWrapper) -> Snapshot:
    try:
        return take_snapshot(connection)
    except CannotVerify as error:
        raise CannotVerify(
            f"--provider-url can't use the database {connection.settings_dict['NAME']} ({connection.alias}). {error}"
        ) from error


def _restore_at_the_end(file: IO[str], connection: BaseDatabaseWrapper, snapshot: Snapshot) -> None:
    close(connection)  # the last interaction may have left it in any state
    try:
        snapshot.restore(connection)
    except Exception as error:  # noqa: BLE001  # of any backend; the file still has what the database should hold
        logger.warning("%s", _not_restored(file, connection, error))
    else:
        empty(file)


def _restore_from(file: IO[str], connection: BaseDatabaseWrapper) -> list[str]:
    """Restore what a killed run has left in a file. Returns a note about it.

    Raises:
        CannotVerify: the database can't be restored.
    """
    try:
        if (snapshot := load_snapshot(file, connection)) is None:
            return []
        snapshot.require_schema(connection)
        snapshot.restore(connection)
    except Exception as error:
        raise CannotVerify(f"An earlier run was killed. {_not_restored(file, connection, error)}") from error
    empty(file)
    name = connection.settings_dict["NAME"]
    return [f"An earlier run was killed. The database {name} was restored to what it held before that run."]


def _not_restored(file: IO[str], connection: BaseDatabaseWrapper, error: Exception) -> str:
    return (
        f"The database {connection.settings_dict['NAME']} could not be restored: {str(error).strip()}. "
        f"{file.name} keeps what it held. The next run with --provider-url restores it; remove that file to give it up."
    )


def _one_alias_each() -> list[str]:
    """Return one alias for each database."""
    found: dict[str, str] = {}
    for alias in with_databases():
        found.setdefault(place_of(connections[alias]), alias)
    return list(found.values())


@contextmanager
def _own_connection(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Open a connection that the project's code does not use.

    The project can't change its session settings.
    """
    connection = connections.create_connection(alias)
    connection.inc_thread_sharing()
    try:
        require_named(connection)
        yield connection
    finally:
        close(connection)
