"""Drops the databases of a run, also those that a killed run has left."""

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.provider.databases.aliases import close, close_pool, with_databases, without_database

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5
"""How long a server may take to accept a connection that drops a database which a killed run has left."""


def drop(connection: BaseDatabaseWrapper, name: str, project_name: str, verbosity: int) -> None:
    """Drop a test database by its name, also when its creation was interrupted."""
    made = connection.settings_dict["NAME"] == name
    close_pool(connection)
    if made:
        end_sessions_beside(connection)
    connection.settings_dict["NAME"] = name
    try:
        connection.creation.destroy_test_db(project_name, verbosity=verbosity)
    except Exception as error:  # noqa: BLE001  # it must not hide the exception that ended the run
        if made:
            logger.warning("The test database %s could not be dropped: %s. Drop it by hand.", name, error)
    finally:
        close(connection)
        connection.settings_dict["NAME"] = project_name
        remove_files(connection, name)


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
        connection.settings_dict = {**connection.settings_dict, "NAME": name, "OPTIONS": impatient(connection)}
        try:
            if not exists(connection, name):
                continue
            end_sessions_beside(connection)
            close(connection)
            connection.creation.destroy_test_db(project_name, verbosity=0)
            dropped.append(name)
        except Exception as error:  # noqa: BLE001  # of any backend
            problems.append(f"The test database {name} could not be dropped: {error}. Drop it by hand.")
        finally:
            close_pool(connection)
            close(connection)
            remove_files(connection, name)
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
        if re.search(r"database .* does not exist|Unknown database", str(error)):
            return False
        raise
    return True


def impatient(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return the connection's OPTIONS with a limit for servers that never answer."""
    options = without_database(connection.settings_dict["OPTIONS"])
    if connection.vendor in {"postgresql", "mysql"}:
        options["connect_timeout"] = CONNECT_SECONDS
    return options


def remove_files(connection: BaseDatabaseWrapper, name: str) -> None:
    """Remove the files that SQLite leaves after an interrupted transaction."""
    if connection.vendor == "sqlite" and not name.startswith("file:"):
        for suffix in ("-journal", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)


def end_other_sessions() -> None:
    """End other sessions on every database, such as one of a request that hangs."""
    for alias in with_databases():
        end_sessions_beside(connections[alias])


def end_sessions_beside(connection: BaseDatabaseWrapper) -> None:
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
