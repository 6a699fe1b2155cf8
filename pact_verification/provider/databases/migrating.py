"""Creates and migrates test databases with Django, names each migration, and explains what fails."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models.signals import pre_migrate

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import with_databases
from pact_verification.provider.databases.telling import Tell
from pact_verification.results.crash import Crash


def migrate(verbosity: int, tell: Tell, *, is_filled: bool = False) -> None:
    """Create and migrate the databases that TEST["NAME"] names.

    Args:
        verbosity: as for Django's commands.
        tell: hears the name of each migration.
        is_filled: the databases exist, and lack some migrations at most.

    Raises:
        CannotVerify: a database can't be created, or a migration or a receiver of a signal fails.
    """
    # Imported here, since it imports Django's test client, and a run on kept databases may not need it.
    from django.test.utils import setup_databases

    with _named_migrations(tell) as current:
        try:
            setup_databases(verbosity=verbosity, interactive=False, keepdb=is_filled, serialized_aliases=[])
        except CannotVerify:
            raise
        except Exception as error:
            remedy = "\n--create-db makes the kept test databases again." if is_filled else ""
            raise CannotVerify(f"{_why_failed(error, current)}{remedy}") from error
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


def _why_failed(error: Exception, current: list[str]) -> str:
    """Explain an error, by what Django was doing."""
    crash = Crash.of(error)
    cause = f"{crash.exception.strip()} ({crash.where})"
    if current:
        return f"The test databases can't be made: the migration {current[0]} failed: {cause}"
    functions = {frame.name for frame in traceback.extract_tb(error.__traceback__)}
    for signal in ("pre_migrate", "post_migrate"):
        if f"emit_{signal}_signal" in functions:
            return (
                f"The test databases can't be made: a receiver of {signal} failed: {cause}\n"
                "Receivers run in `manage.py test` too. Does this one need a service, or rows that are not there?"
            )
    return (
        f"The test databases can't be made: {type(error).__name__}: {str(error).strip()}\n"
        "verify_pacts makes them as `manage.py test` does: does the server answer, and may its user create one?"
    )


@contextmanager
def _named_migrations(tell: Tell) -> Iterator[list[str]]:
    """Name each migration that the block applies. Yields a list with the one that is being applied, if any."""
    from django.core.management.commands.migrate import Command  # imported here, as setup_databases above

    current: list[str] = []
    plan: list[str] = []

    def read_plan(using: str, **signal: Any) -> None:
        in_alias = f"{using}: " if len(with_databases()) > 1 else ""
        plan[:] = [f"{in_alias}{migration}" for migration, _ in signal["plan"]]

    def name(command: Command, action: str, migration: Any = None, fake: bool = False) -> None:  # Django's
        current.clear()
        if action == "apply_start":
            current.append(str(migration))
            number = next((index for index, each in enumerate(plan) if each.endswith(str(migration))), 0)
            tell(f"migrating, {plan[number] if plan else migration} ({number + 1} of {len(plan)})")
        original(command, action, migration, fake)

    original = Command.migration_progress_callback
    Command.migration_progress_callback = name  # type: ignore[method-assign, assignment]  # Django has no other way
    pre_migrate.connect(read_plan)
    try:
        yield current
    finally:
        pre_migrate.disconnect(read_plan)
        Command.migration_progress_callback = original  # type: ignore[method-assign]
