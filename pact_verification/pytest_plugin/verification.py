"""Verifies interactions one at a time: the verifier process and the live server on pytest-django's databases."""

import atexit
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.creation import TEST_DATABASE_PREFIX

from pact_verification.checks import require_settings
from pact_verification.conf import conf
from pact_verification.core.engine import running_engine
from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.parts import in_parts
from pact_verification.provider.caches.own import OwnCaches, run_caches
from pact_verification.provider.databases.aliases import new_token, with_databases
from pact_verification.provider.databases.dropping import end_other_sessions
from pact_verification.provider.databases.guard import require_named
from pact_verification.provider.databases.left_alone import leaving_alone, unnamed_by_setting
from pact_verification.provider.databases.making import serialized
from pact_verification.provider.http_connection import HOST
from pact_verification.provider.isolation import isolation_of
from pact_verification.provider.live_server import LiveServer
from pact_verification.provider.outbound import elsewhere_text, refusing_connections
from pact_verification.provider.services.replacing import empty_services, note_unseen, own_services
from pact_verification.provider.serving import VerificationOptions
from pact_verification.provider.stores import empty_stores, own_stores
from pact_verification.pytest_plugin.collection import NotVerified, PactWarning
from pact_verification.pytest_plugin.databases import EMPTIED_BY
from pact_verification.pytest_plugin.kept import KeptDatabases, marked_databases
from pact_verification.pytest_plugin.notes import add_note
from pact_verification.reporters import failure
from pact_verification.results.masking import mask
from pact_verification.results.printable import printable_values
from pact_verification.results.report import Outcome, PactResult, refused_elsewhere, results_of_unverifiable
from pact_verification.run.session import Session
from pact_verification.states.preflight import require_handlers
from pact_verification.states.registry import autodiscover
from pact_verification.system.credentials import harmless


@contextmanager
def running_verifier(
    tests: pytest.Session,
    *,
    directory: Path,
    project_databases: Mapping[str, str],
    keeps_databases: bool,
    unblock: Callable[[], Any],
    debug_sql: bool = False,
) -> Iterator["Verifier"]:
    """Start the verifier process and the live server, and end them with the block.

    Args:
        directory: for the files that the core reads.
        project_databases: the names of the project's own databases by alias.
        keeps_databases: whether pytest-django keeps the test databases for the next session.
        unblock: pytest-django's way to let a test use the database.
        debug_sql: whether to record SQL queries.

    Raises:
        CannotVerify: the settings are wrong, or a database is not a test database or not clean.
    """
    require_settings()

    def is_made_by_django(connection: BaseDatabaseWrapper) -> bool:
        own = project_databases[connection.alias]
        made = str(connection.settings_dict["TEST"]["NAME"] or TEST_DATABASE_PREFIX + own)
        return str(connection.settings_dict["NAME"]).startswith((made, "file:memorydb_"))

    def require_test_database(connection: BaseDatabaseWrapper) -> None:
        name = str(connection.settings_dict["NAME"])
        if name == project_databases[connection.alias]:
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
        left_alone = unnamed_by_setting()
        own = cleanup.enter_context(ExitStack())
        caches = own.enter_context(run_caches(new_token()))
        session: Session | None = None
        with own_stores(caches), own_services(), refusing_connections(), unblock(), leaving_alone(left_alone):
            registry = autodiscover()
            for alias in with_databases():
                require_test_database(connections[alias])
            kept = _kept_aliases(is_made_by_django) if keeps_databases else []
            if marked := marked_databases(kept):
                raise CannotVerify(
                    f"An earlier run has left rows in {', '.join(marked)}, which is kept. Use --create-db once."
                )
            databases = KeptDatabases(kept, commits=conf.PACT_ISOLATION == "flush")
            migrated = serialized() if conf.PACT_ISOLATION == "flush" else {}
            make_isolation = isolation_of(conf.PACT_ISOLATION, migrated, require_test_database)
            server = LiveServer(
                registry.with_data_in_each_interaction(),
                make_isolation,
                conf.PACT_REQUEST_TIMEOUT,
                debug_sql=debug_sql,
            )
            running = ExitStack()
            running.enter_context(server.running())
            for note in note_unseen():
                add_note(tests.config, note)

        def stop() -> None:
            """Stop the server. The shutdown of an ASGI application runs the project's code."""
            with own_stores(caches), own_services(), refusing_connections(), unblock(), leaving_alone(left_alone):
                running.close()

        cleanup.callback(lambda: _stop_after_hang(running, own) if session and session.hangs else stop())
        options = VerificationOptions(conf.PACT_PROVIDER_NAME, request_timeout=conf.PACT_REQUEST_TIMEOUT)
        session = Session(options, engine, server)
        verifier = Verifier(
            session, server, databases, caches, directory=directory, left_alone=left_alone, unblock=unblock, tests=tests
        )
        yield verifier
        if session.hangs:
            with unblock(), leaving_alone(left_alone):
                end_other_sessions()
    verifier.leave_databases()


def _stop_after_hang(running: ExitStack, own: ExitStack) -> None:
    """Stop a server whose thread is still in the project. Its stores and caches stay until the process ends."""
    atexit.register(own.pop_all().close)
    running.close()


def _kept_aliases(is_made_by_django: Callable[[BaseDatabaseWrapper], bool]) -> list[str]:
    """Return the aliases of the databases that pytest-django made and that outlive this process."""
    kept = (alias for alias in with_databases() if is_made_by_django(connections[alias]))
    return [alias for alias in kept if not str(connections[alias].settings_dict["NAME"]).startswith("file:memorydb_")]


class Verifier:
    """Verifies one interaction at a time.

    Args:
        databases: those that pytest-django keeps.
        caches: the session's.
        directory: for interactions as pacts of their own.
        left_alone: the database aliases that PACT_DATABASES does not name, with the text of each refusal.
        unblock: pytest-django's way to let a test use the database.
        tests: pytest's session.
    """

    def __init__(
        self,
        session: Session,
        server: LiveServer,
        databases: KeptDatabases,
        caches: OwnCaches,
        *,
        directory: Path,
        left_alone: Mapping[str, str],
        unblock: Callable[[], Any],
        tests: pytest.Session,
    ) -> None:
        self.session = session
        self.server = server
        self.databases = databases
        self.caches = caches
        self.directory = directory
        self.left_alone = left_alone
        self.unblock = unblock
        self.tests = tests
        self.parts: dict[str, dict[str, Pact]] = {}

    def verify(self, pact: Pact, interaction: Interaction) -> None:
        """Verify an interaction, and let its test fail if it fails.

        Raises:
            NotVerified: the interaction failed. A pending one is an expected failure instead.
            CannotVerify: a state has no handler.
        """
        if interaction.unverifiable is not None:
            unverifiable = results_of_unverifiable(replace(pact, interactions=(interaction,)))
            self._raise_unless_verified(mask(unverifiable))
            return
        if pact.name not in self.parts:
            parts = in_parts(pact, 1, self.directory)
            self.parts[pact.name] = {part.interactions[0].key: part for part in parts}
        part = self.parts[pact.name][interaction.key]
        require_handlers([part], self.server.registry)
        with ExitStack() as stores:
            stores.enter_context(own_stores(self.caches))
            stores.enter_context(own_services())
            stores.enter_context(refusing_connections(f"{HOST}:{self.server.address.port}"))
            with self.unblock(), leaving_alone(self.left_alone), self.server.listening():
                self.databases.begin()
                result = self.session.verify(part)
            if self.session.ending:  # the server's thread is still in the project, so it keeps the run's own stores
                atexit.register(stores.pop_all().close)
                self.tests.shouldfail = self.session.ending.reason
            else:
                empty_stores()
                empty_services()
        if servers := refused_elsewhere([result]):
            add_note(self.tests.config, elsewhere_text(servers))
        self._raise_unless_verified(result)

    def _raise_unless_verified(self, masked: PactResult) -> None:
        """Raise for an interaction that failed, and warn of problems of one that was verified."""
        pact = printable_values(masked)
        (result,) = pact.interactions
        if result.failed:
            text = failure.failure_text(pact, result) + self._other_causes()
            raise NotVerified(failure.short_reason(result), text)
        if result.outcome is not Outcome.VERIFIED:
            pytest.xfail(harmless(f"pending: {failure.short_reason(result)}"))
        for warning in failure.warnings(result):
            warnings.warn(harmless(f"{result.interaction.description!r}: {warning}"), PactWarning, stacklevel=1)

    def leave_databases(self) -> None:
        """Leave the kept databases clean or marked, before other tests use them and at the end."""
        with self.unblock():
            clean = self.databases.end(hangs=self.session.hangs)
        if not clean:
            add_note(
                self.tests.config,
                "Interactions have left rows in the test database that --reuse-db keeps. The next run with this plugin "
                "makes it anew; without the plugin use --create-db.",
            )

    def _other_causes(self) -> str:
        """Return what other tests and fixtures may have to do with a failure, a line for each."""
        causes = [
            f"A fixture of this test, autouse perhaps, holds a transaction on {alias!r}; the server can't see what it "
            "wrote, and may have to wait for it."
            for alias in connections
            if connections[alias].in_atomic_block
        ]
        if emptied_by := self.tests.config.stash.get(EMPTIED_BY, ""):
            causes.append(
                f"{emptied_by} ran before, in a transaction that empties all tables: what migrations had put there is "
                "gone. By default pacts are first."
            )
        return "".join(f"      {cause}\n" for cause in causes)
