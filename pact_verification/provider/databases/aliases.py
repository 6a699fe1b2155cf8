"""The project's database aliases, and the names of a run's databases for them."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

DATABASE_OPTIONS = frozenset({"database", "db", "dbname"})
"""Members of OPTIONS that a driver prefers to NAME."""


def new_token() -> str:
    """Return a part of names that marks one run's databases."""
    return f"pact_{secrets.token_hex(4)}"


def with_databases() -> list[str]:
    """Return the aliases with a database of their own.

    These are no mirrors, and not the dummy of a project without a database.
    """
    return [
        alias
        for alias in connections
        if connections[alias].vendor != "unknown" and not connections[alias].settings_dict["TEST"]["MIRROR"]
    ]


def names_of(token: str) -> dict[str, str]:
    """Return the names of a run's databases, by alias. They need not exist."""
    return {alias: run_name(connections[alias], token) for alias in with_databases()}


def distinct(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield one alias for each database, with the name. Aliases of one database share its test database.

    Args:
        names: of databases, by alias.
    """
    seen = set()
    for alias, name in names.items():
        config = connections[alias].settings_dict
        place = (config["HOST"], config["PORT"], name)
        if place not in seen:
            seen.add(place)
            yield alias, name


def run_name(connection: BaseDatabaseWrapper, token: str) -> str:
    config = connection.settings_dict
    name = str(config["TEST"]["NAME"] or config["NAME"])
    if connection.vendor != "sqlite":
        # PostgreSQL counts bytes, and cuts a longer name without an error.
        limit = (connection.ops.max_name_length() or 63) - len(token) - 1
        return f"{name.encode()[:limit].decode(errors='ignore')}_{token}"
    if config["TEST"]["NAME"] in {None, "", ":memory:"} or "mode=memory" in name:
        return f"file:{token}_{connection.alias}?mode=memory&cache=shared"
    return f"{name}.{token}"


def without_database(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return OPTIONS without what would lead to another database than NAME."""
    return {key: value for key, value in options.items() if key not in DATABASE_OPTIONS}


def close_pool(connection: BaseDatabaseWrapper) -> None:
    if hasattr(connection, "close_pool"):  # PostgreSQL has one
        connection.close_pool()


def close(connection: BaseDatabaseWrapper) -> None:
    """Close a connection to a test database.

    Django's close() for SQLite would leave one in memory open.
    """
    BaseDatabaseWrapper.close(connection)


@contextmanager
def connection_to(alias: str, name: str | None = None) -> Iterator[BaseDatabaseWrapper]:
    """Make another connection for an alias, outside of all transactions, and close it with the block.

    Args:
        name: the database; by default the one of the alias.
    """
    connection = connections.create_connection(alias)
    config = connection.settings_dict
    options = {key: value for key, value in without_database(config["OPTIONS"]).items() if key != "pool"}
    connection.settings_dict = {**config, "NAME": name or config["NAME"], "OPTIONS": options}
    try:
        yield connection
    finally:
        close(connection)
