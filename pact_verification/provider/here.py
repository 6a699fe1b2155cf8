"""The provider under test in this process: its checks, provider states, databases and live server."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Pact
from pact_verification.provider.board import Board
from pact_verification.provider.caches.own import run_caches
from pact_verification.provider.coverage import cover
from pact_verification.provider.databases.aliases import new_token
from pact_verification.provider.databases.guard import require_run_database
from pact_verification.provider.databases.left_alone import leaving_alone
from pact_verification.provider.databases.making import Making, run_databases
from pact_verification.provider.databases.telling import Tell, say_nothing
from pact_verification.provider.deployed import Deployed, ProjectElsewhere, require_disposable
from pact_verification.provider.hold import Announce
from pact_verification.provider.http_connection import HOST
from pact_verification.provider.isolation import RestoringIsolation, isolation_of
from pact_verification.provider.live_server import LiveServer
from pact_verification.provider.outbound import refusing_connections
from pact_verification.provider.services.replacing import note_unseen, own_services, replace_services
from pact_verification.provider.serving import DatabasesMade, VerificationOptions
from pact_verification.provider.snapshots import keep_databases
from pact_verification.provider.stores import own_stores
from pact_verification.results.coverage import Coverage
from pact_verification.results.crash import Crash
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import PactResult
from pact_verification.states.preflight import require_handlers
from pact_verification.states.registry import Registry, autodiscover


@contextmanager
def provider_here(
    check: Callable[..., None], *, folder: Path, token: str | None = None, **options: Any
) -> Iterator["ProviderHere"]:
    """Give the project stores and services of the run's own, before one of its modules takes a reference to a cache.

    Args:
        check: runs Django's system checks, which import the project's modules.
        folder: for the project's files.
        token: part of the names of the run's databases and of its keys in caches; by default a new one.
        options: see ProviderHere.
    """
    token = token or new_token()
    with run_caches(token, folder) as caches, own_stores(caches, folder), own_services():
        yield ProviderHere(check, token, notes=caches.notes, **options)


class ProviderHere:
    """The project, called in this process.

    Args:
        check: runs Django's system checks, which import the project's modules.
        token: part of the test databases' names.
        notes: remarks for the report, on the stores.
        board: where the live server writes what it is doing.
        seen, failed, held: see LiveServer.

    Attributes:
        on_hold: see Provider.
    """

    def __init__(
        self,
        check: Callable[..., None],
        token: str,
        *,
        notes: Sequence[str] = (),
        board: Board | None = None,
        seen: Callable[[int, Exchange], None] = lambda number, exchange: None,
        failed: Callable[[str], None] = lambda why: None,
        held: Announce = lambda held: None,
    ) -> None:
        self.check = check
        self.token = token
        self.notes = notes
        self.board = board
        self.seen = seen
        self.failed = failed
        self.on_hold = held
        self.registry = Registry()
        self.deployed: Deployed | None = None

    def load(self) -> tuple[str, ...]:
        """See Provider."""
        with refusing_connections():
            self.check(databases=[])  # by default some versions of Django ask the project's own databases
            self.registry = autodiscover()
        replace_services()
        return note_unseen()

    def reach(self, options: VerificationOptions) -> str:
        """See Provider."""
        assert options.provider_url
        server = Deployed.at(options.provider_url, options.request_timeout).host_and_port
        with leaving_alone(options.left_alone), refusing_connections(server):
            self.deployed = Deployed.reach(options.provider_url, options.request_timeout)
        return str(self.deployed)

    def require_handlers(self, pacts: Sequence[Pact]) -> tuple[str, ...]:
        """See Provider."""
        return (*self.notes, *require_handlers(pacts, self.registry))

    @contextmanager
    def serving(self, options: VerificationOptions, tell: Tell = say_nothing) -> Iterator[LiveServer]:
        """See Provider."""
        with ExitStack() as cleanup:
            cleanup.enter_context(leaving_alone(options.left_alone))
            outbound = cleanup.enter_context(refusing_connections())
            serve = partial(
                LiveServer,
                board=self.board,
                seen=self.seen,
                failed=self.failed,
                held=self.on_hold,
                keeps_open=options.keep_open is not None,
                debug_sql=options.debug_sql,
                serializers=options.serializers,
            )
            if self.deployed:
                outbound.allow(self.deployed.host_and_port)
                # This block ends after the server's: no state handler may write after the databases are restored.
                isolation = partial(RestoringIsolation, require_disposable, cleanup.enter_context(keep_databases()))
                registry = self.registry.with_data_in_each_interaction()
                server = serve(registry, isolation, options.request_timeout, partial(ProjectElsewhere, self.deployed))
            else:
                made = cleanup.enter_context(run_databases(self._making(options), tell))
                require = partial(require_run_database, self.token)
                isolation_factory = isolation_of(options.isolation, made.rows, require)
                server = serve(self.registry, isolation_factory, options.request_timeout)
                server.databases = DatabasesMade(made.seconds, made.notes)
            cleanup.enter_context(server.running())
            outbound.allow(f"{HOST}:{server.address.port}")  # the server itself refuses the project's requests to it
            cleanup.enter_context(server.listening())
            # What is loaded by now stays, so the garbage collector need not visit it in every pass.
            gc.freeze()
            cleanup.callback(gc.unfreeze)
            yield server

    def _making(self, options: VerificationOptions) -> Making:
        return Making(
            self.token,
            verbosity=options.database_verbosity,
            serialize=options.isolation == "flush",
            keep=options.keepdb,
            create=options.create_db,
            sharing=options.sharing,
            fill=self.registry.fill_databases,
        )

    def cover(self, results: Sequence[PactResult]) -> Coverage:
        """See Provider."""
        try:
            return cover(results, self.registry.producers)
        except Exception as error:  # a URLconf that is written unlike any other
            raise CannotVerify(Crash.of(error).exception) from error
