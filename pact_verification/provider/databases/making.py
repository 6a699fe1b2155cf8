"""Makes the test databases of one run. Django makes them under names that belong to this run alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connections
from django.db.backends.signals import connection_created

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import (
    close,
    close_pool,
    new_token,
    run_name,
    with_databases,
    without_database,
)
from pact_verification.provider.databases.dropping import drop
from pact_verification.provider.databases.guard import require_named_when_opened, require_run_database
from pact_verification.results.crash import Crash
from pact_verification.system.interruption import undisturbed_at_the_end


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
        connection_created.connect(require_named_when_opened)
        cleanup.callback(connection_created.disconnect, require_named_when_opened)
        for alias in connections:
            cleanup.callback(set_aside(alias))
        places = set()
        for alias in with_databases():
            connection = connections[alias]
            config = connection.settings_dict
            name = run_name(connection, token)
            cleanup.callback(config["TEST"].__setitem__, "NAME", config["TEST"]["NAME"])
            config["TEST"]["NAME"] = name
            place = (config["HOST"], config["PORT"], name)
            if place not in places:  # aliases of one database share its test database, as in Django's tests
                places.add(place)
                cleanup.callback(drop, connection, name, str(config["NAME"]), verbosity)
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


def serialized() -> dict[str, str]:
    """Return the rows of the databases by alias, for isolation by flush to restore."""
    return {alias: connections[alias].creation.serialize_db_to_string() for alias in with_databases()}


def set_aside(alias: str) -> Callable[[], None]:
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
