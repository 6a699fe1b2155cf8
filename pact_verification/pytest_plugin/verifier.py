"""Interactions one at a time, for pytest: the verifier process and the live server on pytest-django's databases."""

import atexit
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pact_verification.conf import conf
from pact_verification.credentials import harmless
from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.parts import in_parts

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from pact_verification.provider.live_server import LiveServer
    from pact_verification.pytest_plugin.kept import KeptDatabases
    from pact_verification.results.report import PactResult
    from pact_verification.run.session import Session

PROJECT_DATABASES = pytest.StashKey[dict[str, str]]()
"""Names by alias, as they are before test databases take their place."""

EMPTIED_BY = pytest.StashKey[str]()
"""The first test that emptied the tables."""

NOTES = pytest.StashKey[set[str]]()
"""Lines for the end of the session."""

VERIFIER = pytest.StashKey["Verifier"]()
"""The session's, once it runs."""


class PactWarning(UserWarning):
    """What did not change the outcome of an interaction, such as a teardown that failed."""


class NotVerified(Exception):
    """An interaction failed. `short` is why, in a line; its text is the whole report on it."""

    def __init__(self, short: str, text: str) -> None:
        super().__init__(text)
        self.short = short


@pytest.fixture(scope="session")
def pact_verifier(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_keepdb: bool,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Verifier"]:
    """The verifier process and the live server, on pytest-django's databases, from the first pact to the end."""
    from django.db import connections
    from django.db.backends.base.creation import TEST_DATABASE_PREFIX

    from pact_verification.checks import require_settings
    from pact_verification.core.engine import running_engine
    from pact_verification.provider.databases import end_other_sessions, require_named, serialized, with_databases
    from pact_verification.provider.isolation import isolation_of
    from pact_verification.provider.live_server import LiveServer
    from pact_verification.provider.serving import VerificationOptions
    from pact_verification.provider.stores import own_stores
    from pact_verification.pytest_plugin.kept import KeptDatabases, marked_databases
    from pact_verification.run.session import Session
    from pact_verification.states.registry import autodiscover

    require_settings()
    directory = tmp_path_factory.mktemp("pacts")
    own = request.config.stash[PROJECT_DATABASES]

    def is_made_by_django(connection: "BaseDatabaseWrapper") -> bool:
        made = str(connection.settings_dict["TEST"]["NAME"] or TEST_DATABASE_PREFIX + own[connection.alias])
        return str(connection.settings_dict["NAME"]).startswith((made, "file:memorydb_"))

    def require_test_database(connection: "BaseDatabaseWrapper") -> None:
        name = str(connection.settings_dict["NAME"])
        if name == own[connection.alias]:
            raise CannotVerify(
                f"The database {name!r} is the project's own: django_db_setup has made no test database in its place. "
                "Does a conftest.py override that fixture?"
            )
        if conf.PACT_ISOLATION == "flush" and not is_made_by_django(connection):
            raise CannotVerify(f"The database {name!r} is none that pytest-django made, and flush would empty it.")
        require_named(connection)

    with ExitStack() as cleanup:
        engine = cleanup.enter_context(running_engine())
        engine.start()
        with own_stores(), django_db_blocker.unblock():
            registry = autodiscover()
            for alias in with_databases():
                require_test_database(connections[alias])
            kept = _kept_aliases(is_made_by_django) if django_db_keepdb else []
            if marked := marked_databases(kept):
                raise CannotVerify(
                    f"An earlier run has left rows in {', '.join(marked)}, which is kept. Use --create-db once."
                )
            databases = KeptDatabases(kept, commits=conf.PACT_ISOLATION == "flush")
            migrated = serialized() if conf.PACT_ISOLATION == "flush" else {}
            make_isolation = isolation_of(conf.PACT_ISOLATION, migrated, require_test_database)
            server = LiveServer(registry, make_isolation, conf.PACT_REQUEST_TIMEOUT)
            cleanup.enter_context(server.running())
        session = Session(
            VerificationOptions(conf.PACT_PROVIDER_NAME, request_timeout=conf.PACT_REQUEST_TIMEOUT), engine, server
        )
        unblock = django_db_blocker.unblock
        verifier = Verifier(session, server, databases, directory=directory, unblock=unblock, tests=request.session)
        request.config.stash[VERIFIER] = verifier
        yield verifier
        if session.hangs:
            with django_db_blocker.unblock():
                end_other_sessions()
    verifier.leave_databases()


def _kept_aliases(is_made_by_django: Callable[["BaseDatabaseWrapper"], bool]) -> list[str]:
    """Aliases of the databases that outlive this process, and that pytest-django made."""
    from django.db import connections

    from pact_verification.provider.databases import with_databases

    kept = (alias for alias in with_databases() if is_made_by_django(connections[alias]))
    return [alias for alias in kept if not str(connections[alias].settings_dict["NAME"]).startswith("file:memorydb_")]


class Verifier:
    """Verifies one interaction at a time.

    Args:
        databases: those that are kept.
        directory: for interactions as pacts of their own.
        unblock: pytest-django's way to let a test use the database.
        tests: pytest's session.
    """

    def __init__(
        self,
        session: "Session",
        server: "LiveServer",
        databases: "KeptDatabases",
        *,
        directory: Path,
        unblock: Callable[[], Any],
        tests: pytest.Session,
    ) -> None:
        self.session = session
        self.server = server
        self.databases = databases
        self.directory = directory
        self.unblock = unblock
        self.tests = tests
        self.parts: dict[str, dict[str, Pact]] = {}

    def verify(self, pact: Pact, interaction: Interaction) -> None:
        """Verify an interaction.

        Raises:
            NotVerified: it failed. One that is pending is an expected failure instead.
            CannotVerify: a state has no handler, or it can't be verified at all.
        """
        from pact_verification.provider.stores import empty_stores, own_stores
        from pact_verification.results.masking import mask
        from pact_verification.results.report import results_of_unverifiable
        from pact_verification.states.preflight import require_handlers

        if interaction.unverifiable is not None:
            self._report(mask(results_of_unverifiable(replace(pact, interactions=(interaction,)))))
            return
        if pact.name not in self.parts:
            parts = in_parts(pact, 1, self.directory)
            self.parts[pact.name] = {part.interactions[0].key: part for part in parts}
        part = self.parts[pact.name][interaction.key]
        require_handlers([part], self.server.registry)
        with ExitStack() as stores:
            stores.enter_context(own_stores())
            with self.unblock(), self.server.listening():
                self.databases.begin()
                whole = self.session.verify(part)
            if self.session.ending:  # the thread is still in the project, and must not get at what isn't the run's
                atexit.register(stores.pop_all().close)
                self.tests.shouldfail = self.session.ending.reason
            else:
                empty_stores()
        self._report(whole)

    def _report(self, whole: "PactResult") -> None:
        """Tell pytest the result of an interaction."""
        from pact_verification.reporters.failure import failure_text, short_reason
        from pact_verification.reporters.failure import warnings as told
        from pact_verification.results.report import Outcome

        (result,) = whole.interactions
        if result.failed:
            raise NotVerified(short_reason(result), failure_text(whole, result) + self._other_reasons())
        if result.outcome is not Outcome.VERIFIED:
            pytest.xfail(harmless(f"pending: {short_reason(result)}"))
        for warning in told(result):
            warnings.warn(harmless(f"{result.interaction.description!r}: {warning}"), PactWarning, stacklevel=1)

    def leave_databases(self) -> None:
        """Leave the kept databases clean or marked, before other tests use them and at the end."""
        with self.unblock():
            clean = self.databases.end(hangs=self.session.hangs)
        if not clean:
            self.tests.config.stash.setdefault(NOTES, set()).add(
                "Interactions have left rows in the test database that --reuse-db keeps. The next run with this plugin "
                "makes it anew; without the plugin use --create-db."
            )

    def _other_reasons(self) -> str:
        """What of the tests around it may be the reason for a failure."""
        from django.db import connections

        reasons = [
            f"A fixture of this test, autouse perhaps, holds a transaction on {alias!r}; the server can't see what it "
            "wrote, and may have to wait for it."
            for alias in connections
            if connections[alias].in_atomic_block
        ]
        if emptied_by := self.tests.config.stash.get(EMPTIED_BY, ""):
            reasons.append(
                f"{emptied_by} ran before, in a transaction that empties all tables: what migrations had put there is "
                "gone. By default pacts are first."
            )
        return "".join(f"      {reason}\n" for reason in reasons)
