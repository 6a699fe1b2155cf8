"""Makes the test databases of one run. Django makes them under names that belong to this run alone."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import (
    close,
    close_pool,
    distinct,
    names_of,
    with_databases,
    without_database,
)
from pact_verification.provider.databases.copying import copy_database
from pact_verification.provider.databases.dropping import drop
from pact_verification.provider.databases.guard import require_named_when_opened, require_run_database
from pact_verification.provider.databases.migrating import migrate
from pact_verification.provider.databases.sharing import Sharing
from pact_verification.provider.databases.telling import Tell, say_nothing
from pact_verification.system import clock
from pact_verification.system.interruption import undisturbed_at_the_end
from pact_verification.text import counted

CHUNK = 2000
"""How many objects are read at once."""


@dataclass(frozen=True, slots=True)
class Making:
    """How a run's databases are made.

    Attributes:
        token: part of the databases' names, from `new_token()`.
        verbosity: as for Django's commands. From 1 on, Django prints what it creates and migrates.
        serialize: serialize the rows of the databases, for isolation by flush to restore.
        keep: start from kept databases, and keep what was made.
        create: make the kept databases again.
        sharing: None if this process makes databases for itself alone.
        fill: fills the databases with the run's data, before they are copied.
    """

    token: str
    verbosity: int = 0
    serialize: bool = False
    keep: bool = False
    create: bool = False
    sharing: Sharing | None = None
    fill: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Made:
    """The databases of a run.

    Attributes:
        seconds: how long it took to make them.
        notes: remarks for the report.
        rows: with `serialize`, their rows by alias.
    """

    seconds: float
    notes: tuple[str, ...]
    rows: Mapping[str, str]


@contextmanager
def run_databases(making: Making, tell: Tell = say_nothing) -> Iterator[Made]:
    """Make a test database for every alias, and drop it at the end.

    The names have a random part, so that a test suite or another run on the same server is not disturbed. SQLite's
    databases are in memory, unless TEST["NAME"] names a file.

    Args:
        tell: hears what is being done.

    Raises:
        CannotVerify: a database can't be created, migrated or filled.
    """
    start = clock.seconds()
    with undisturbed_at_the_end() as cleanup:
        # Django opens connections for migrations, and a request may open some on its own threads.
        connection_created.connect(require_named_when_opened)
        cleanup.callback(connection_created.disconnect, require_named_when_opened)
        refuse = partial(_refuse_the_projects, making.token)
        connection_created.connect(refuse, weak=False)
        cleanup.callback(connection_created.disconnect, refuse)
        for alias in connections:
            cleanup.callback(_set_aside(alias))
        names = names_of(making.token)  # now, while the connections have the project's names
        kept = _kept_names() if making.keep else {}
        copies = {token: names_of(token) for token in (making.sharing.tokens if making.sharing else ())}
        for alias, name in names.items():
            config = connections[alias].settings_dict
            cleanup.callback(config["TEST"].__setitem__, "NAME", config["TEST"]["NAME"])
            config["TEST"]["NAME"] = name
        for alias, name in distinct(names):
            connection = connections[alias]
            cleanup.callback(drop, connection, name, str(connection.settings_dict["NAME"]), making.verbosity)
        tell("making the test databases")
        try:
            notes = _make_or_take(making, names, kept, copies, tell)
        except (DatabaseError, sqlite3.Error, OSError) as error:
            raise CannotVerify(
                f"The test databases can't be copied: {type(error).__name__}: {str(error).strip()}\n"
                "Without --keepdb and --parallel nothing is copied."
            ) from error
        for alias in with_databases():
            require_run_database(making.token, connections[alias])
        rows = serialized() if making.serialize else {}
        yield Made(clock.seconds() - start, notes, rows)


def _refuse_the_projects(token: str, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Close a connection that the project opens to its own database.

    Django gives one alias after the other its test database. A migration or a receiver may use a later alias before.
    """
    alias, name = connection.alias, str(connection.settings_dict["NAME"])
    is_projects = alias in connections and connections[alias] is connection and token not in name
    if is_projects and connection.vendor != "unknown":
        close(connection)
        raise CannotVerify(
            f"The database {alias!r} is used before its test database is made. That would use the project's own, "
            f"{name!r}. A migration or a receiver of post_migrate does it. Set TEST['DEPENDENCIES'] of the alias that "
            f"is migrated to [{alias!r}]."
        )


def _make_or_take(
    making: Making,
    names: Mapping[str, str],
    kept: Mapping[str, str],
    copies: Mapping[str, Mapping[str, str]],
    tell: Tell,
) -> tuple[str, ...]:
    """Make databases with these names, or take those that another process has made. Returns notes for the report.

    Args:
        kept: the names of the kept databases.
        copies: the names of the copies for other processes, by their tokens.
    """
    if making.sharing and not copies:
        _take_copies(making.sharing, making.token, names)
        return ()
    notes = _make(making, names, kept, tell)
    if making.keep:  # Django has made the cache tables of new databases
        for alias in with_databases():
            call_command("createcachetable", verbosity=0, database=alias)
    tell("filling the test databases")
    making.fill()
    if making.sharing:
        tell(f"copying the test databases {len(copies)} times")
        for token, names_of_copies in copies.items():
            _copy(making.sharing.folder, token, names, names_of_copies)
    return notes


def _make(making: Making, names: Mapping[str, str], kept_as: Mapping[str, str], tell: Tell) -> tuple[str, ...]:
    """Make databases with these names. Returns notes for the report."""
    if not making.keep:
        migrate(making.verbosity, tell)
        return ()
    from pact_verification.provider.databases.kept import kept_databases  # imported here, since few runs keep databases

    with kept_databases(kept_as, tell, create=making.create) as kept:
        if kept.outdated is None:
            tell("copying the kept test databases")
            kept.copy_to(names)
            _point_to(names)
        if kept.outdated is None and not kept.new_migrations:
            return ()
        migrate(making.verbosity, tell, is_filled=kept.outdated is None)
        tell("keeping copies of the test databases")
        try:
            kept.replace_by(names)
        except (DatabaseError, sqlite3.Error, OSError) as error:
            return (f"The test databases are not kept: {type(error).__name__}: {str(error).strip()}",)
    if kept.outdated is not None:
        return (f"The kept test databases were made: {kept.outdated}.",)
    return (f"The kept test databases got {counted(kept.new_migrations, 'new migration')}.",)


def _kept_names() -> dict[str, str]:
    from pact_verification.provider.databases.kept import kept_names  # imported here, since few runs keep databases

    return kept_names()


def _copy(folder: Path, token: str, names: Mapping[str, str], copies: Mapping[str, str]) -> None:
    """Copy the run's databases for another process. SQLite's go into files, since they may be in memory."""
    for alias, name in distinct(names):
        connection = connections[alias]
        is_file = connection.vendor == "sqlite"
        copy_database(connection, name, str(_file(folder, token, alias)) if is_file else copies[alias])


def _take_copies(sharing: Sharing, token: str, names: Mapping[str, str]) -> None:
    """Take the databases that another process has copied for this one."""
    for alias, name in distinct(names):
        connection = connections[alias]
        if connection.vendor == "sqlite":
            connection.settings_dict["NAME"] = name
            connection.ensure_connection()  # a database in memory lives as long as its connection
            copy_database(connection, str(_file(sharing.folder, token, alias)), name)
    _point_to(names)


def _file(folder: Path, token: str, alias: str) -> Path:
    return folder / f"{token}-{alias}.sqlite3"


def _point_to(names: Mapping[str, str]) -> None:
    """Let all aliases lead to databases that exist already, as Django's setup_databases does."""
    for alias, name in names.items():
        connections[alias].settings_dict["NAME"] = name
    for alias in connections:
        if mirror := connections[alias].settings_dict["TEST"]["MIRROR"]:
            connections[alias].creation.set_as_test_mirror(connections[mirror].settings_dict)


def serialized() -> dict[str, str]:
    """Return the rows of the databases by alias, for isolation by flush to restore.

    Django's own method leaves out apps without migrations, whose tables `@run_data` may have filled.
    """
    return {alias: serializers.serialize("json", _objects(alias)) for alias in with_databases()}


def _objects(alias: str) -> Iterator[Model]:
    """Yield every object in a database that a flush would delete.

    Content types come first. A constructor, such as that of Wagtail's pages, may ask for the one of its model, and
    Django makes a content type that is not there yet.
    """
    for config in sorted(apps.get_app_configs(), key=lambda config: config.name != "django.contrib.contenttypes"):
        if config.name in settings.TEST_NON_SERIALIZED_APPS:
            continue
        for model in config.get_models():
            if model._meta.can_migrate(connections[alias]) and router.allow_migrate_model(alias, model):
                objects = model._base_manager.using(alias).order_by(model._meta.pk.name)
                yield from objects.iterator(chunk_size=CHUNK)


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
    close_pool(caller)
    config["OPTIONS"] = without_database(options)
    connections[alias] = connections.create_connection(alias)

    def put_back() -> None:
        close(connections[alias])
        close_pool(connections[alias])
        config["NAME"], config["OPTIONS"] = project_name, options
        connections[alias] = caller

    return put_back
