"""The database aliases that a run leaves alone: unnamed ones, and those whose server can't be reached."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import with_databases
from pact_verification.provider.databases.dropping import CONNECT_SECONDS, impatient
from pact_verification.provider.databases.refusing import ENGINE, REASON

MYSQL_CLIENT_ERRORS = range(2000, 3000)
"""Errors of MySQL's client library. The server's own, such as "Access denied", have other numbers."""


def unnamed(used: Collection[str], source: str) -> dict[str, str]:
    """Return the aliases that are not among the used ones, with the reason for each.

    Args:
        used: the aliases that the run uses.
        source: the option or setting that names them.

    Raises:
        CannotVerify: DATABASES lacks one of them, or one is a mirror of an alias that is left alone.
    """
    known = ", ".join(map(repr, connections))
    for alias in used:
        if alias not in connections:
            is_path = source.startswith("--") and Path(alias).exists()
            hint = f" Where a PACT follows, write {source}=ALIAS." if is_path else ""
            raise CannotVerify(f"{source} names {alias!r}, and DATABASES has no such alias. It has {known}.{hint}")
        mirrored = connections[alias].settings_dict["TEST"]["MIRROR"]
        if mirrored and mirrored not in used:
            raise CannotVerify(
                f"{source} names {alias!r}, which mirrors {mirrored!r}, and does not name that. Name both. "
                f"DATABASES has {known}."
            )
    return {
        alias: f"The run leaves the database {alias!r} alone: --databases (or PACT_DATABASES) does not name it."
        for alias in connections
        if alias not in used
    }


def unnamed_by_setting() -> dict[str, str]:
    """Return the aliases that PACT_DATABASES does not name, with the reason for each. Raises CannotVerify."""
    return {} if conf.PACT_DATABASES is None else unnamed(conf.PACT_DATABASES, "PACT_DATABASES")


def unreachable() -> dict[str, str]:
    """Return the aliases whose servers can't be reached, with the reason for each.

    The alias `default` is not among them, since a project needs its database. Neither is another of the same server.
    """
    default = _place(connections[DEFAULT_DB_ALIAS])
    errors: dict[tuple[str, ...], str | None] = {default: None}
    found = {}
    for alias in with_databases():
        place = _place(connections[alias])
        if place not in errors:
            errors[place] = _connection_error(alias)
        if (error := errors[place]) is not None:
            found[alias] = f"The run leaves the database {alias!r} alone: its server can't be reached. {error}"
    mirrors = {alias: connections[alias].settings_dict["TEST"]["MIRROR"] for alias in connections}
    for alias, mirrored in mirrors.items():
        if mirrored in found:
            found[alias] = f"The run leaves the database {alias!r} alone: it mirrors {mirrored!r}. {found[mirrored]}"
    return found


@contextmanager
def leaving_alone(reasons: Mapping[str, str]) -> Iterator[None]:
    """Refuse connections to some aliases during the block, on this thread and on threads that start in it.

    Args:
        reasons: the text of the refusal, by alias.
    """
    with ExitStack() as cleanup:
        for alias, reason in reasons.items():
            caller, config = connections[alias], connections.settings[alias]
            before = dict(config)
            cleanup.callback(config.update, before)
            cleanup.callback(config.clear)
            cleanup.callback(connections.__setitem__, alias, caller)
            # A request would else begin a transaction on it, whether it uses the alias or not.
            config.update({"ENGINE": ENGINE, REASON: reason, "ATOMIC_REQUESTS": False})
            connections[alias] = connections.create_connection(alias)
        yield


def _place(connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    config = connection.settings_dict
    return tuple(str(config.get(key, "")) for key in ("ENGINE", "HOST", "PORT", "OPTIONS"))


def _connection_error(alias: str) -> str | None:
    """Return why a server can't be reached; None if it can, or if the vendor has no way to find out in time.

    The connection leads to no database of the project's. It is the driver's, so receivers of Django's signal don't run.
    """
    connection = connections.create_connection(alias)
    if connection.vendor not in {"postgresql", "mysql"}:
        return None
    options = {key: value for key, value in impatient(connection).items() if key != "pool"}
    if connection.vendor == "mysql":
        options["read_timeout"] = CONNECT_SECONDS  # a driver in Python does not count the handshake as connecting
    # PostgreSQL's backend then connects to the database "postgres", and MySQL's to none.
    connection.settings_dict = {**connection.settings_dict, "NAME": None, "OPTIONS": options}
    try:
        with connection.wrap_database_errors:
            raw: Any = connection.get_new_connection(connection.get_connection_params())
    except OperationalError as error:
        return None if _is_servers(connection, error) else " ".join(str(error.args[-1]).split())
    except Exception:  # noqa: BLE001  # the settings are wrong, and creating the test database will say how
        return None
    with suppress(Exception):
        raw.close()
    return None


def _is_servers(connection: BaseDatabaseWrapper, error: OperationalError) -> bool:
    """Return whether an error is the answer of a server, which refuses a user for example."""
    if connection.vendor == "mysql":
        return not (error.args and error.args[0] in MYSQL_CLIENT_ERRORS)
    return "FATAL" in str(error)
