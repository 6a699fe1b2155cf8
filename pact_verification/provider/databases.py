"""The test databases of one run. Django makes them under names that belong to this run alone."""

import logging
import re
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from pact_verification.errors import CannotVerify
from pact_verification.results.crash import Crash

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5
"""How long a server may take to accept a connection that drops a database which a killed run has left."""

QUESTIONS = {
    "postgresql": "SELECT current_database()",
    "mysql": "SELECT DATABASE(), @@lower_case_table_names",  # and MariaDB
    "sqlite": "SELECT file FROM pragma_database_list WHERE name = 'main'",
    "oracle": "SELECT sys_context('USERENV', 'SERVICE_NAME') FROM dual",
}
"""The SQL that tells to which database a connection leads, by vendor."""

DATABASE_OPTIONS = frozenset({"database", "db", "dbname"})
"""Members of OPTIONS that a driver prefers to NAME."""


@contextmanager
def run_databases(
    token: str | None = None, *, verbosity: int = 0, serialize: bool = False
) -> Iterator[Mapping[str, str]]:
    """Create a test database for every alias, and drop it at the end.

    The names have a random part, so that a test suite or another run on the same server is not disturbed. SQLite's
    databases are in memory, unless TEST["NAME"] names a file.

    Args:
        token: part of the databases' names, from `new_token()`; by default a new one.
        verbosity: as for Django's commands. From 1 on, Django prints what it creates and migrates.
        serialize: serialize the rows that migrations insert, for isolation by flush to restore.

    Yields:
        With serialize, those rows by alias.

    Raises:
        CannotVerify: a database can't be created or migrated.
    """
    from django.test.utils import setup_databases  # here, because it imports Django's test client

    token = token or new_token()
    with undisturbed_at_the_end() as cleanup:
        # Django opens connections for migrations, and a request may open some on its own threads.
        connection_created.connect(_require_named_when_opened)
        cleanup.callback(connection_created.disconnect, _require_named_when_opened)
        for alias in connections:
            cleanup.callback(_set_aside(alias))
        places = set()
        for alias in with_databases():
            connection = connections[alias]
            config = connection.settings_dict
            name = _run_name(connection, token)
            cleanup.callback(config["TEST"].__setitem__, "NAME", config["TEST"]["NAME"])
            config["TEST"]["NAME"] = name
            place = (config["HOST"], config["PORT"], name)
            if place not in places:  # aliases of one database share its test database, as in Django's tests
                places.add(place)
                cleanup.callback(_drop, connection, name, str(config["NAME"]), verbosity)
        try:
            setup_databases(
                verbosity=verbosity, interactive=False, serialized_aliases=list(connections) if serialize else []
            )
        except CannotVerify:
            raise
        except Exception as error:
            raise CannotVerify(
                f"The test databases can't be made: {type(error).__name__}: {str(error).strip()}\n"
                "verify_pacts makes them as `manage.py test` does: does the server answer, and may its user create one?"
            ) from error
        except SystemExit as error:  # Django raises it when it could not create one
            crash = Crash.of(error)
            if not crash.frames[-1].file.endswith("creation.py"):
                raise CannotVerify(
                    f"The test databases can't be made: {crash.exception} was raised ({crash.where}). Does a "
                    "migration, or a receiver of post_migrate, end the process?"
                ) from error
            raise CannotVerify(
                "A test database can't be created; Django's message is above. "
                "Does the database user have the right to create one?"
            ) from error
        for alias in with_databases():
            require_run_database(token, connections[alias])
        yield {alias: getattr(connections[alias], "_test_serialized_contents", "[]") for alias in with_databases()}


def new_token() -> str:
    """Return a part of names that marks one run's databases."""
    return f"pact_{secrets.token_hex(4)}"


def names_of(token: str) -> dict[str, str]:
    """Return the names of a run's databases, by alias. They need not exist."""
    return {alias: _run_name(connections[alias], token) for alias in with_databases()}


def drop_left(names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Drop the databases that a killed process has left.

    Args:
        names: by alias, from `names_of()`.

    Returns:
        The names of the dropped databases, and the reasons why others could not be dropped.
    """
    dropped, problems = [], []
    for alias, name in names.items():
        connection = connections.create_connection(alias)
        project_name = str(connection.settings_dict["NAME"])
        connection.settings_dict = {**connection.settings_dict, "NAME": name, "OPTIONS": _impatient(connection)}
        try:
            if not exists(connection, name):
                continue
            _end_other_sessions(connection)
            close(connection)
            connection.creation.destroy_test_db(project_name, verbosity=0)
            dropped.append(name)
        except Exception as error:  # noqa: BLE001  # of any backend
            problems.append(f"The test database {name} could not be dropped: {error}. Drop it by hand.")
        finally:
            _close_pool(connection)
            close(connection)
            _remove_files(connection, name)
    return dropped, problems


def exists(connection: BaseDatabaseWrapper, name: str) -> bool:
    """Return whether a database exists.

    Raises the backend's exception if its server does not answer.
    """
    if connection.vendor == "sqlite":
        return not name.startswith("file:") and Path(name).exists()
    try:
        connection.ensure_connection()
    except Exception as error:
        if re.search(r"does not exist|Unknown database", str(error)):
            return False
        raise
    return True


def _impatient(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return the connection's OPTIONS with a limit for servers that never answer."""
    options = _without_database(connection.settings_dict["OPTIONS"])
    if connection.vendor in {"postgresql", "mysql"}:
        options["connect_timeout"] = CONNECT_SECONDS
    return options


def require_run_database(token: str, connection: BaseDatabaseWrapper) -> None:
    """Raise CannotVerify if a connection does not lead to a database of this run.

    Args:
        token: part of the names of the run's databases.
    """
    if token not in (name := str(connection.settings_dict["NAME"])):
        raise CannotVerify(f"The connection {connection.alias!r} leads to the database {name!r}, not to the run's own.")
    require_named(connection)


def require_named(connection: BaseDatabaseWrapper) -> None:
    """Raise CannotVerify if a connection does not lead to the database in NAME.

    OPTIONS may name another database, and a pool may have been opened for an earlier one.
    """
    alias, vendor, name = connection.alias, connection.vendor, str(connection.settings_dict["NAME"])
    if vendor not in QUESTIONS:
        raise CannotVerify(
            f"A connection of the vendor {vendor!r} ({alias!r}) can't be asked which database it leads to, and the "
            "run must not write to another than its own. Give the alias a database of PostgreSQL, MySQL, MariaDB, "
            "SQLite or Oracle in the settings that you verify with."
        )
    found, *more = _ask(connection, QUESTIONS[vendor])
    if vendor == "sqlite":
        is_named = _is_file_of(name, found)
    elif vendor == "oracle":  # NAME may be a complete address, and Oracle ignores the case of names
        is_named = str(found).lower() == name.rpartition("/")[2].lower()
    else:
        is_named = found == name or (any(more) and str(found).lower() == name.lower())
    if not is_named:
        raise CannotVerify(
            f"The connection {alias!r} leads to the database {found!r}, not to {name!r}, as NAME says. "
            "OPTIONS leads it there, or SQL such as USE. Name the database in NAME alone."
        )


def _ask(connection: BaseDatabaseWrapper, question: str) -> tuple[Any, ...]:
    """Query the driver directly: Django would count it as a query of the project."""
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors, closing(raw.cursor()) as cursor:
        cursor.execute(question)
        return tuple(cursor.fetchone())


def _is_file_of(name: str, found: str) -> bool:
    """Return whether NAME means the open file of SQLite.

    A database in memory has no file.
    """
    if name == ":memory:" or "mode=memory" in name:
        return not found
    path = unquote(urlsplit(name).path) if name.startswith("file:") else name
    try:
        return bool(found) and Path(found).samefile(path)
    except OSError:
        return False


def _require_named_when_opened(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Close a new connection that does not lead to the database in NAME."""
    if connection.alias not in connections:  # Django's connection to no database, on which it creates the test database
        return
    try:
        require_named(connection)
    except CannotVerify:
        close(connection)
        raise


def serialized() -> dict[str, str]:
    """Return the rows of the databases by alias, for isolation by flush to restore."""
    return {alias: connections[alias].creation.serialize_db_to_string() for alias in with_databases()}


def _set_aside(alias: str) -> Callable[[], None]:
    """Replace the caller's connection by a new one.

    The caller's transaction, or its database in memory, has to survive the run.

    A pool belongs to the alias, whatever database it was opened for. So it is closed before and after the run.

    Returns:
        A function that puts the caller's connection back.
    """
    caller = connections[alias]
    config = caller.settings_dict
    project_name, options = config["NAME"], config["OPTIONS"]
    _close_pool(caller)
    config["OPTIONS"] = _without_database(options)
    connections[alias] = connections.create_connection(alias)

    def put_back() -> None:
        close(connections[alias])
        _close_pool(connections[alias])
        config["NAME"], config["OPTIONS"] = project_name, options
        connections[alias] = caller

    return put_back


def _without_database(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return OPTIONS without what would lead to another database than NAME."""
    return {key: value for key, value in options.items() if key not in DATABASE_OPTIONS}


def _close_pool(connection: BaseDatabaseWrapper) -> None:
    if hasattr(connection, "close_pool"):  # PostgreSQL has one
        connection.close_pool()


def close(connection: BaseDatabaseWrapper) -> None:
    """Close a connection to a test database.

    Django's close() for SQLite would leave one in memory open.
    """
    BaseDatabaseWrapper.close(connection)


def with_databases() -> list[str]:
    """Return the aliases with a database of their own.

    These are no mirrors, and not the dummy of a project without a database.
    """
    return [
        alias
        for alias in connections
        if connections[alias].vendor != "unknown" and not connections[alias].settings_dict["TEST"]["MIRROR"]
    ]


def _run_name(connection: BaseDatabaseWrapper, token: str) -> str:
    config = connection.settings_dict
    name = str(config["TEST"]["NAME"] or config["NAME"])
    if connection.vendor != "sqlite":
        limit = connection.ops.max_name_length() or 63
        return f"{name[: limit - len(token) - 1]}_{token}"
    if config["TEST"]["NAME"] in {None, "", ":memory:"}:
        return f"file:{token}_{connection.alias}?mode=memory&cache=shared"
    return f"{name}.{token}"


@contextmanager
def undisturbed_at_the_end() -> Iterator[ExitStack]:
    """Yield a stack of callbacks.

    A second Ctrl-C stops none of them, because it would leave a database behind.
    """
    with ExitStack() as cleanup:
        if threading.current_thread() is not threading.main_thread():
            yield cleanup
            return
        before: dict[signal.Signals, Any] = {}

        def hear_again() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        cleanup.callback(hear_again)
        try:
            yield cleanup
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, signal.SIG_IGN)


def _drop(connection: BaseDatabaseWrapper, name: str, project_name: str, verbosity: int) -> None:
    """Drop a test database by its name, also when its creation was interrupted."""
    made = connection.settings_dict["NAME"] == name
    _close_pool(connection)
    if made:
        _end_other_sessions(connection)
    connection.settings_dict["NAME"] = name
    try:
        connection.creation.destroy_test_db(project_name, verbosity=verbosity)
    except Exception as error:  # noqa: BLE001  # it must not hide the exception that ended the run
        if made:
            logger.warning("The test database %s could not be dropped: %s. Drop it by hand.", name, error)
    finally:
        close(connection)
        connection.settings_dict["NAME"] = project_name
        _remove_files(connection, name)


def _remove_files(connection: BaseDatabaseWrapper, name: str) -> None:
    """Remove the files that SQLite leaves after an interrupted transaction."""
    if connection.vendor == "sqlite" and not name.startswith("file:"):
        for suffix in ("-journal", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)


def end_other_sessions() -> None:
    """End other sessions on every database, such as one of a request that hangs."""
    for alias in with_databases():
        _end_other_sessions(connections[alias])


def _end_other_sessions(connection: BaseDatabaseWrapper) -> None:
    """End other sessions, such as one of a request that Ctrl-C interrupted.

    They would make DROP DATABASE fail on PostgreSQL, and wait on MySQL.
    """
    if connection.vendor == "postgresql":
        with suppress(Exception), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    elif connection.vendor == "mysql":
        with suppress(Exception), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            for (session,) in cursor.fetchall():
                with suppress(Exception):  # the session has already ended
                    cursor.execute("KILL %s", [session])
