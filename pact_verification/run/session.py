"""The verifier process and a live server together: one pact after the other is verified."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pact_verification.core.engine import CoreReport, Engine, VerifyRequest
from pact_verification.core.verdict import judge_pact
from pact_verification.pacts.pact import Pact
from pact_verification.provider.http_connection import HOST, RUN_HEADER
from pact_verification.provider.serving import Provider, Served, VerificationOptions
from pact_verification.results.diff import Diff
from pact_verification.results.exchange import Exchange
from pact_verification.results.masking import mask, named_without_secrets
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Progress
from pact_verification.results.response_diff import response_diff

GIVE_UP_AFTER = 4
"""A state or request that takes this many times the request timeout is taken never to come back."""

SILENT_AFTER, SILENT_SECONDS, SECONDS_PER_MB = 12, 10, 2
"""The verifier process may be silent for so many times the request timeout, and for so many seconds at least. It gets
more time for a large pact, which it reads and compares in silence."""

POLL_SECONDS = 0.1

ANSWER_SECONDS = 10
"""How long the verifier process may take to find out that the server is no more."""


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
        """What becomes of a pact that follows. The result is without secrets."""
        results = tuple(InteractionResult(each, self.outcome, error=self.why) for each in pact.interactions)
        return mask(PactResult(pact, results))


@dataclass
class Session:
    """Verifies pacts one after the other, until an ending.

    Attributes:
        progress: hears how many interactions are done, of `total`.
        ending: why the rest does not run; None while it does.
        hangs: a call did not come back, and the server's thread in this process is still in it.
    """

    options: VerificationOptions
    engine: Engine
    server: Served
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
        if failing and self.options.exit_first and not self.ending:
            why = f"Not run: {failing[0].interaction.description!r} failed, and --exit-first stops there."
            self.ending = Ending(Outcome.SKIPPED, why)
        return result

    def _verify(self, pact: Pact) -> PactResult:
        self.server.expect(pact.interactions)
        self.engine.begin(self._request(pact))
        hung, core = self._wait(pact)
        if hung is None and self.server.check_alive() is None:
            hung = None if self.server.finish(self._patience) else self._hung()
        exchanges = self.server.exchanges()
        why = self.server.check_alive() if hung is None else hung
        if why is not None:
            core, exchanges = self._stop(pact, core, exchanges, why, hung=hung is not None)
        self.done += len(pact.interactions)
        self.progress(self.done, self.total, pact.consumer)
        return judge_pact(pact, core, exchanges)

    def _wait(self, pact: Pact) -> tuple[str | None, CoreReport]:
        """Wait for the core's answer. Returns why a call hangs, if one does, and the answer."""
        patience = self._silence(pact)
        number, current = -1, ""
        while (core := self.engine.answer(POLL_SECONDS)) is None:
            ended = self.server.check_alive()
            glance = self.server.board.look()
            if glance.number in range(len(pact.interactions)):
                if glance.number != number:
                    number = glance.number
                    current = named_without_secrets(pact.interactions[number]).description
                self.progress(self.done + number, self.total, current)
            if self.server.board.busy_for() > self._patience:
                hung = self._hung()
                answer = self.engine.answer(ANSWER_SECONDS) if self.server.outlives_a_hang else None
                return hung, answer or CoreReport(())
            if self.server.board.same_for() > (patience if ended is None else ANSWER_SECONDS):
                self.engine.stop()
                why = f"The verifier process asked for nothing in {self.server.board.same_for():.0f} s. It was ended."
                self.ending = Ending(Outcome.NOT_VERIFIED, f"Not run: {why}")
                return None, CoreReport((), why)
        return None, core

    @property
    def _patience(self) -> float:
        return GIVE_UP_AFTER * self.options.request_timeout

    def _silence(self, pact: Pact) -> float:
        """Seconds that the verifier process may ask for nothing."""
        megabytes = pact.path.stat().st_size / 1e6 if pact.path else 0
        return max(SILENT_SECONDS, SILENT_AFTER * self.options.request_timeout) + SECONDS_PER_MB * megabytes

    def _request(self, pact: Pact) -> VerifyRequest:
        # The server says what took too long and whose fault it was. The core's own clock would only say "failed", and
        # the core would go on with the next interaction while the thread is still busy with this one.
        address = self.server.address
        return VerifyRequest(
            provider=self.options.provider_name,
            pact=str(pact.path),
            host=HOST,
            port=address.port,
            state_url=address.state_url,
            header=(RUN_HEADER, address.secret),
            request_timeout_ms=int((self._patience + self.options.request_timeout) * 1000),
        )

    def _hung(self) -> str:
        """Give up a call to the project. Returns what to say about it."""
        doing = self.server.board.look().doing
        stack = self.server.give_up()
        self.hangs = not self.server.outlives_a_hang
        at = f" It was at\n{stack}" if stack else ""
        return f"It did not come back in {self._patience:g} s, so the run was stopped: {doing}.{at}"

    def _stop(
        self, pact: Pact, core: CoreReport, exchanges: list[Exchange], why: str, *, hung: bool
    ) -> tuple[CoreReport, list[Exchange]]:
        """Keep what was verified before the run was stopped, and say of the interaction that stopped it why."""
        glance = self.server.board.look()
        numbers = range(len(pact.interactions))
        at = glance.number if glance.number in numbers else min(len(exchanges), numbers[-1])
        during = len(exchanges) <= at or glance.busy
        exchanges += [Exchange()] * (at + 1 - len(exchanges))
        if hung:
            exchanges[at] = replace(exchanges[at], over_limit=why)
        elif during:
            stack = getattr(self.server, "stack", "")
            where = f"{why} {'during' if glance.busy else 'after'} {glance.doing}."
            why = f"{where} It was at\n{stack}" if stack else where
            exchanges[at] = replace(exchanges[at], unanswered=why)
        description = named_without_secrets(pact.interactions[at]).description
        verb = "did not come back" if hung else "ended the process that ran the project"
        rest = f"Not run: {description!r} {verb}, and the run was stopped."
        if not during:
            rest = f"Not run: {why} after {description!r}."
        self.ending = Ending(Outcome.NOT_VERIFIED, rest)
        known = at if during else at + 1
        return CoreReport(core.results[:known], rest, core.output), exchanges


@contextmanager
def running_session(
    engine: Engine,
    options: VerificationOptions,
    provider: Provider,
    progress: Progress = lambda *_: None,
    total: int = 0,
) -> Iterator[Session]:
    """Start the project's live server for a session, and stop it with the block."""
    with provider.serving(options) as server:
        yield Session(options, engine, server, progress, total)


def _presentable(result: PactResult) -> PactResult:
    """Without secrets, with the differences, and with bodies that a report can hold: in this order."""
    masked = mask(result)
    return replace(masked, interactions=tuple(map(_with_diff, masked.interactions)))


def _with_diff(result: InteractionResult) -> InteractionResult:
    diff = Diff() if result.outcome is Outcome.VERIFIED else response_diff(result)
    exchange = result.exchange
    request, response = exchange.request and exchange.request.cut(), exchange.response and exchange.response.cut()
    return replace(result, diff=diff, exchange=replace(exchange, request=request, response=response))
