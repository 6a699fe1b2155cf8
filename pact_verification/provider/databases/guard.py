"""Guards: a connection must lead to the database that it names, and to one of the run."""

from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import close

QUESTIONS = {
    "postgresql": "SELECT current_database()",
    "mysql": "SELECT DATABASE(), @@lower_case_table_names",  # and MariaDB
    "sqlite": "SELECT file FROM pragma_database_list WHERE name = 'main'",
    "oracle": "SELECT sys_context('USERENV', 'SERVICE_NAME') FROM dual",
}
"""The SQL that tells to which database a connection leads, by vendor."""


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


def require_named_when_opened(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Close a new connection that does not lead to the database in NAME."""
    if connection.alias not in connections:  # Django's connection to no database, on which it creates the test database
        return
    try:
        require_named(connection)
    except CannotVerify:
        close(connection)
        raise


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
