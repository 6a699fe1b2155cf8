"""The use case: verify(options) -> Report."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from pact_verification.conf import ISOLATIONS
from pact_verification.databases import run_databases
from pact_verification.engine import CoreReport, CoreResult, Engine, Job, running_engine
from pact_verification.errors import CannotVerify
from pact_verification.isolation import FlushIsolation, Isolation, TransactionIsolation
from pact_verification.live_server import HOST, LiveServer
from pact_verification.options import Options
from pact_verification.pacts import Interaction, Pact, copy_chosen
from pact_verification.preflight import require_handlers
from pact_verification.results import Exchange, InteractionResult, Outcome, PactResult, Progress, Report
from pact_verification.sources import Selection
from pact_verification.states import Registry, autodiscover
from pact_verification.stores import own_stores

GIVE_UP_AFTER = 4
"""A state or request that takes this many times the request timeout is taken never to come back."""

POLL_SECONDS = 0.1


def verify(
    options: Options, progress: Progress = lambda *_: None, announce: Callable[[Selection], None] = lambda _: None
) -> Report:
    """Verify the selected pacts against the project, and report.

    Args:
        progress: hears how far the run is.
        announce: hears what was selected, before anything runs.

    Raises:
        CannotVerify: it can't run: options, an unreadable pact, states without a handler, no database, no broker.
    """
    started = time.monotonic()
    if not options.provider_name:
        raise CannotVerify(
            "The provider has no name. Set PACT_PROVIDER_NAME, in the settings or in the environment, to the name that "
            "consumers write in their pacts, or use --provider-name."
        )
    if options.isolation not in ISOLATIONS:
        raise CannotVerify(f"There is no isolation {options.isolation!r}; there are {' and '.join(ISOLATIONS)}.")
    with TemporaryDirectory(prefix="verify_pacts") as temporary:
        directory = Path(temporary)
        (downloads := directory / "pacts").mkdir()
        selection = options.source.select(options.provider_name, options.consumers, options.chosen, downloads)
        announce(selection)
        with own_stores():  # before any of the project's modules takes hold of a cache
            registry = autodiscover()
        try:
            notes = require_handlers(selection.pacts, registry)
        except CannotVerify as error:
            if options.publisher:
                raise CannotVerify(
                    f"{error}\n\nNothing was published, so the consumers' can-i-deploy waits."
                ) from error
            raise
        results: Sequence[PactResult] = [PactResult(pact, ()) for pact in selection.pacts]
        if selection.interactions:
            results = _run(options, selection, registry, directory, progress)
    provable = [result for result in results if result.interactions]
    publication = None
    if options.publisher and provable:
        progress(selection.interactions, selection.interactions, "publishing the results")
        publication = options.publisher.publish(provable)
        empty = [result.pact.name for result in results if not result.interactions]
        notes += tuple(f"{name} holds no interactions, so no result is published for it." for name in empty)
    return Report(
        options.provider_name,
        tuple(results),
        (*selection.left_out, *options.notes, *notes),
        selection.nothing_for,
        time.monotonic() - started,
        nothing_is_fine=options.allow_no_pacts,
        publication=publication,
        unpublished=options.unpublished,
    )


def _run(
    options: Options, selection: Selection, registry: Registry, directory: Path, progress: Progress
) -> list[PactResult]:
    flush = options.isolation == "flush"
    with ExitStack() as cleanup:
        engine = cleanup.enter_context(running_engine())
        cleanup.enter_context(own_stores())
        migrated = cleanup.enter_context(run_databases(verbosity=options.verbosity - 1, serialize=flush))
        isolation: Callable[[], Isolation] = partial(FlushIsolation, migrated) if flush else TransactionIsolation
        server = LiveServer(registry, isolation, options.request_timeout)
        cleanup.enter_context(server.running())
        run = _Run(options, engine, server, directory, progress, selection.interactions)
        return [run.verify(pact) for pact in selection.pacts]


@dataclass
class _Run:
    """Verifies pacts one after the other, until one of them doesn't come back.

    Attributes:
        directory: for copies of pacts of which only a part is verified.
    """

    options: Options
    engine: Engine
    server: LiveServer
    directory: Path
    progress: Progress
    total: int
    done: int = 0
    stopped: str = ""

    def verify(self, pact: Pact) -> PactResult:
        if self.stopped:
            return join(pact, CoreReport((), self.stopped), ())
        self.server.expect(pact.interactions)
        self.engine.begin(self._job(pact))
        while (core := self.engine.answer(POLL_SECONDS)) is None:
            self.server.check_alive()
            if recordings := self.server.recordings:
                self.progress(self.done + len(recordings), self.total, recordings[-1].interaction.description)
            if self.server.busy_for() > self._patience:
                core = CoreReport((), self._give_up())
                break
        if not self.stopped:
            try:
                self.server.finish(self._patience)
            except TimeoutError:
                self._give_up()
        self.done += len(pact.interactions)
        return join(pact, core, [recording.exchange for recording in self.server.recordings])

    @property
    def _patience(self) -> float:
        return GIVE_UP_AFTER * self.options.request_timeout

    def _job(self, pact: Pact) -> Job:
        path = copy_chosen(pact, self.options.chosen, self.directory) if self.options.chosen else pact.path
        # The server tells what took too long, and says whose fault it was; the core's own clock would only say "failed"
        # (F8), and go on with the next interaction while the thread is still busy with this one.
        return Job(
            provider=self.options.provider_name,
            pact=str(path),
            host=HOST,
            port=self.server.http.server_port,
            state_url=self.server.state_url,
            request_timeout_ms=int((self._patience + self.options.request_timeout) * 1000),
        )

    def _give_up(self) -> str:
        recording = self.server.recordings[-1]
        recording.note(
            too_slow=f"It did not come back in {self._patience:g} s, so the run was stopped. It is at\n"
            f"{self.server.where()}"
        )
        self.stopped = f"Not run: {recording.interaction.description!r} did not come back, and the run was stopped."
        return self.stopped


def join(pact: Pact, core: CoreReport, exchanges: Sequence[Exchange]) -> PactResult:
    """Put together what was selected, what the core says and what the server saw, one interaction after the other.

    Two interactions may share description and states, so their order is the only key (F18). Whatever is missing or
    doesn't fit is an interaction that was not verified: never a green one.
    """
    joined = zip_longest(pact.interactions, core.results, exchanges)
    results = tuple(_judge(interaction, result, exchange, core.error) for interaction, result, exchange in joined)
    return PactResult(pact, results, core.output)


def _judge(  # noqa: PLR0911  # one return for each way to end
    interaction: Interaction | None, result: CoreResult | None, exchange: Exchange | None, core_error: str
) -> InteractionResult:
    if interaction is None:
        extra = Interaction(result.description if result else "?")
        return InteractionResult(extra, Outcome.NOT_VERIFIED, error="The verifier ran more than the pact holds.")
    exchange = exchange or Exchange()
    judged = partial(InteractionResult, interaction, exchange=exchange)
    if exchange.state_error:
        return judged(outcome=Outcome.STATE_ERROR, error=exchange.state_error)
    if exchange.too_slow:
        # Where the run was stopped over it there is no result, and nothing excuses that.
        return judged(outcome=Outcome.MISMATCH if result else Outcome.NOT_VERIFIED, error=exchange.too_slow)
    if result is None:
        return judged(outcome=Outcome.NOT_VERIFIED, error=core_error or "The verifier did not run it.")
    if (result.description, result.states) != (interaction.description, tuple(s.name for s in interaction.states)):
        return judged(outcome=Outcome.NOT_VERIFIED, error=f"The verifier reports {result.description!r} in its place.")
    if not result.ok:
        return judged(outcome=Outcome.MISMATCH, mismatches=result.mismatches, error=result.error)
    if exchange.response is None:
        return judged(outcome=Outcome.NOT_VERIFIED, error="The verifier says that it passed, but sent no request.")
    return judged(outcome=Outcome.VERIFIED)
