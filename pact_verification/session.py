"""The verifier process and the live server together: one pact after the other is verified."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from pact_verification.databases import require_run_database, run_databases
from pact_verification.deployed import Deployed, ProjectElsewhere, require_disposable
from pact_verification.diff import response_diff
from pact_verification.engine import CoreReport, Engine, Job
from pact_verification.isolation import isolation_of
from pact_verification.live_server import LiveServer
from pact_verification.masking import mask
from pact_verification.pacts import Pact
from pact_verification.results import Diff, InteractionResult, Outcome, PactResult, Progress
from pact_verification.states import Registry
from pact_verification.stores import own_stores
from pact_verification.verdict import join
from pact_verification.wire import HOST

GIVE_UP_AFTER = 4
"""A state or request that takes this many times the request timeout is taken never to come back."""

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class How:
    """How a session verifies, whichever process it is in.

    Attributes:
        provider: its name.
        isolation: one of conf.ISOLATIONS.
        request_timeout: seconds that a provider state or a request may take.
        exit_first: stop after the first interaction that fails the run.
        verbosity: as for Django's commands, for what Django says of its test databases.
    """

    provider: str
    isolation: str = "transaction"
    request_timeout: float = 5.0
    exit_first: bool = False
    verbosity: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """Why nothing is run any more.

    Attributes:
        outcome: of what follows.
        why: told beside it.
    """

    outcome: Outcome
    why: str

    def result(self, pact: Pact) -> PactResult:
        """What becomes of a pact that follows."""
        return PactResult(
            pact, tuple(InteractionResult(each, self.outcome, error=self.why) for each in pact.interactions)
        )


@dataclass
class Session:
    """Verifies pacts one after the other, until an ending.

    Attributes:
        progress: hears how many interactions are done, of `total`.
        ending: an interaction failed and `how` says to stop there, or one doesn't come back.
        hangs: it was the latter, and the server's thread is still in the project.
    """

    how: How
    engine: Engine
    server: LiveServer
    progress: Progress = lambda *_: None
    total: int = 0
    done: int = 0
    ending: Ending | None = None
    hangs: bool = False

    def verify(self, pact: Pact) -> PactResult:
        """Verify a pact. The result is without secrets."""
        if self.ending:
            return self.ending.result(pact)
        result = _presentable(self._verify(pact))
        failing = [each for each in result.interactions if each.failed]
        if failing and self.how.exit_first and not self.ending:
            why = f"Not run: {failing[0].interaction.description!r} failed, and --exit-first stops there."
            self.ending = Ending(Outcome.SKIPPED, why)
        return result

    def _verify(self, pact: Pact) -> PactResult:
        self.server.expect(pact.interactions)
        self.engine.begin(self._job(pact))
        while (core := self.engine.answer(POLL_SECONDS)) is None:
            self.server.check_alive()
            if recordings := self.server.recordings:
                self.progress(self.done + len(recordings) - 1, self.total, recordings[-1].interaction.description)
            if self.server.busy_for() > self._patience:
                core = CoreReport((), self._give_up())
                break
        if not self.ending:
            try:
                self.server.finish(self._patience)
            except TimeoutError:
                self._give_up()
        self.done += len(pact.interactions)
        self.progress(self.done, self.total, pact.consumer)
        return join(pact, core, [recording.exchange for recording in self.server.recordings])

    @property
    def _patience(self) -> float:
        return GIVE_UP_AFTER * self.how.request_timeout

    def _job(self, pact: Pact) -> Job:
        # The server tells what took too long, and says whose fault it was; the core's own clock would only say "failed"
        # (F8), and go on with the next interaction while the thread is still busy with this one.
        return Job(
            provider=self.how.provider,
            pact=str(pact.path),
            host=HOST,
            port=self.server.http.port,
            state_url=self.server.state_url,
            request_timeout_ms=int((self._patience + self.how.request_timeout) * 1000),
        )

    def _give_up(self) -> str:
        recording = self.server.recordings[-1]
        recording.note(
            too_slow=f"It did not come back in {self._patience:g} s, so the run was stopped. It is at\n"
            f"{self.server.where()}"
        )
        why = f"Not run: {recording.interaction.description!r} did not come back, and the run was stopped."
        self.ending, self.hangs = Ending(Outcome.NOT_VERIFIED, why), True
        return why


@contextmanager
def running_session(
    engine: Engine, how: How, registry: Registry, progress: Progress, total: int, *, deployed: Deployed | None = None
) -> Iterator[Session]:
    """A session on test databases of its own, which are dropped with the block, whatever happens in it.

    Args:
        deployed: a server that already runs: then it is that, on the databases that it reads.
    """
    with ExitStack() as cleanup:
        cleanup.enter_context(own_stores())
        if deployed:
            isolation = isolation_of("flush", deployed.content, require_disposable)
            server = LiveServer(registry, isolation, how.request_timeout, partial(ProjectElsewhere, deployed))
        else:
            flush = how.isolation == "flush"
            migrated = cleanup.enter_context(run_databases(verbosity=how.verbosity, serialize=flush))
            isolation = isolation_of(how.isolation, migrated, require_run_database)
            server = LiveServer(registry, isolation, how.request_timeout)
        cleanup.enter_context(server.running())
        cleanup.enter_context(server.listening())
        # All that is loaded by now stays: the collector need not go through it again and again.
        gc.freeze()
        cleanup.callback(gc.unfreeze)
        yield Session(how, engine, server, progress, total)


def _presentable(result: PactResult) -> PactResult:
    """Without secrets, with the differences, and with bodies that a report can hold: in this order."""
    masked = mask(result)
    return replace(masked, interactions=tuple(map(_with_diff, masked.interactions)))


def _with_diff(result: InteractionResult) -> InteractionResult:
    diff = Diff() if result.outcome is Outcome.VERIFIED else response_diff(result)
    exchange = result.exchange
    request, response = exchange.request and exchange.request.cut(), exchange.response and exchange.response.cut()
    return replace(result, diff=diff, exchange=replace(exchange, request=request, response=response))
