"""The verifier process and the live server together: one pact after the other is verified."""

from dataclasses import dataclass, replace
from pathlib import Path

from pact_verification.diff import response_diff
from pact_verification.engine import CoreReport, Engine, Job
from pact_verification.live_server import LiveServer
from pact_verification.masking import mask
from pact_verification.pacts import Pact, one_by_one
from pact_verification.results import Diff, InteractionResult, Outcome, PactResult, Progress
from pact_verification.verdict import join
from pact_verification.wire import HOST

GIVE_UP_AFTER = 4
"""A state or request that takes this many times the request timeout is taken never to come back."""

POLL_SECONDS = 0.1


@dataclass
class Session:
    """Verifies pacts one after the other, until one of them doesn't come back.

    Attributes:
        provider: its name.
        total: how many interactions there are to verify, for the progress.
        directory: one of the run's own, for parts of pacts.
        exit_first: stop after the first interaction that fails the run.
    """

    provider: str
    engine: Engine
    server: LiveServer
    request_timeout: float
    directory: Path
    progress: Progress = lambda *_: None
    total: int = 0
    exit_first: bool = False
    done: int = 0
    stopped: str = ""
    failed: str | None = None

    def verify(self, pact: Pact) -> PactResult:
        """Verify a pact; with `exit_first` up to its first failure. The result is without secrets."""
        if not self.exit_first:
            return _presentable(self._verify(pact))
        results: list[PactResult] = []
        for single in one_by_one(pact, self.directory):
            result = self._skip(single) if self.failed is not None else _presentable(self._verify(single))
            failing = [each for each in result.interactions if each.failed]
            if failing and self.failed is None:
                self.failed = failing[0].interaction.description
            results.append(result)
        return PactResult(
            replace(pact, interactions=tuple(each for result in results for each in result.pact.interactions)),
            tuple(each for result in results for each in result.interactions),
            "".join(result.core_output for result in results),
        )

    def _skip(self, pact: Pact) -> PactResult:
        why = f"Not run: {self.failed!r} failed, and --exit-first stops there."
        return PactResult(
            pact, tuple(InteractionResult(each, Outcome.SKIPPED, error=why) for each in pact.interactions)
        )

    def _verify(self, pact: Pact) -> PactResult:
        if self.stopped:
            return join(pact, CoreReport((), self.stopped), ())
        self.server.expect(pact.interactions)
        self.engine.begin(self._job(pact))
        while (core := self.engine.answer(POLL_SECONDS)) is None:
            self.server.check_alive()
            if recordings := self.server.recordings:
                self.progress(self.done + len(recordings) - 1, self.total, recordings[-1].interaction.description)
            if self.server.busy_for() > self._patience:
                core = CoreReport((), self._give_up())
                break
        if not self.stopped:
            try:
                self.server.finish(self._patience)
            except TimeoutError:
                self._give_up()
        self.done += len(pact.interactions)
        self.progress(self.done, self.total, pact.consumer)
        return join(pact, core, [recording.exchange for recording in self.server.recordings])

    @property
    def _patience(self) -> float:
        return GIVE_UP_AFTER * self.request_timeout

    def _job(self, pact: Pact) -> Job:
        # The server tells what took too long, and says whose fault it was; the core's own clock would only say "failed"
        # (F8), and go on with the next interaction while the thread is still busy with this one.
        return Job(
            provider=self.provider,
            pact=str(pact.path),
            host=HOST,
            port=self.server.http.port,
            state_url=self.server.state_url,
            request_timeout_ms=int((self._patience + self.request_timeout) * 1000),
        )

    def _give_up(self) -> str:
        recording = self.server.recordings[-1]
        recording.note(
            too_slow=f"It did not come back in {self._patience:g} s, so the run was stopped. It is at\n"
            f"{self.server.where()}"
        )
        self.stopped = f"Not run: {recording.interaction.description!r} did not come back, and the run was stopped."
        return self.stopped


def _presentable(result: PactResult) -> PactResult:
    """Without secrets, with the differences, and with bodies that a report can hold: in this order."""
    masked = mask(result)
    return replace(masked, interactions=tuple(map(_with_diff, masked.interactions)))


def _with_diff(result: InteractionResult) -> InteractionResult:
    diff = Diff() if result.outcome is Outcome.VERIFIED else response_diff(result)
    exchange = result.exchange
    request, response = exchange.request and exchange.request.cut(), exchange.response and exchange.response.cut()
    return replace(result, diff=diff, exchange=replace(exchange, request=request, response=response))
