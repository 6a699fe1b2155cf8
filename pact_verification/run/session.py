"""A session: the verifier process and a live server, which verify one pact after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pact_verification.core.engine import CoreReport, Engine, VerifyRequest
from pact_verification.core.verdict import judge_pact
from pact_verification.pacts.pact import Pact
from pact_verification.pacts.plugins import output_of
from pact_verification.pacts.sources import Progress
from pact_verification.provider.http_connection import HOST, RUN_HEADER
from pact_verification.provider.serving import Provider, Served, VerificationOptions
from pact_verification.results.diff import Diff
from pact_verification.results.exchange import Exchange
from pact_verification.results.masking import mask, named_without_secrets, secret_members
from pact_verification.results.report import InteractionResult, Outcome, PactResult, with_counted_pending
from pact_verification.results.response_diff import response_diff
from pact_verification.results.responses import with_joined_responses

HANG_TIMEOUTS = 4
"""A provider state or a request hangs if it takes this many times the request timeout."""

CORE_SILENT_TIMEOUTS = 12
"""How many request timeouts the verifier process may send nothing to the server."""

CORE_SILENT_SECONDS = 10
"""The least that the verifier process may be silent, for a short request timeout."""

CORE_SECONDS_PER_MB = 2
"""How much longer it may be silent for each megabyte of the pact. It reads and compares a large pact in silence."""

CORE_REQUEST_MS = 24 * 60 * 60 * 1000
"""How long the core waits for an answer."""

POLL_SECONDS = 0.1

CORE_STOP_SECONDS = 10
"""How long the verifier process may take to notice that the server has ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The reason why the rest of a session does not run.

    Attributes:
        outcome: the outcome of each interaction that follows.
        reason: the text that reports show for each of them.
    """

    outcome: Outcome
    reason: str

    def result(self, pact: Pact) -> PactResult:
        """Return the result of a pact that follows, without secrets."""
        results = tuple(InteractionResult(each, self.outcome, error=self.reason) for each in pact.interactions)
        return mask(PactResult(pact, results))


@dataclass
class Session:
    """A session, which verifies pacts one after the other until an ending.

    Attributes:
        progress: receives how many interactions are done, of `total`.
        ending: why the rest does not run; None while the session goes on.
        hangs: whether the server's thread in this process is still in a call that hangs.
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
        """Verify a pact, and return the result without secrets."""
        if self.ending:
            return with_joined_responses(self.ending.result(pact))
        judged = self._verify(pact)
        presentable = _presentable(judged)
        if self.options.keep_answers:
            presentable = _with_answers(presentable, judged)
        result = with_joined_responses(presentable)
        counted = with_counted_pending(result) if self.options.fail_on_pending else result
        failing = [each for each in counted.interactions if each.failed]
        stops = self.options.keep_open or ("exit-first" if self.options.exit_first else None)
        if failing and stops and not self.ending:
            reason = f"Not run: {failing[0].interaction.description!r} failed, and --{stops} stops there."
            self.ending = Ending(Outcome.SKIPPED, reason)
        return result

    def _verify(self, pact: Pact) -> PactResult:
        self.server.expect(pact.interactions)
        self.engine.begin(self._request(pact))
        hang, core = self._wait(pact)
        if hang is None and self.server.check_alive() is None:
            if self.options.keep_open:
                self._keep_open(self.options.keep_open, pact, core)
            hang = None if self.server.finish(self._hang_seconds) else self._give_up()
        exchanges = self.server.exchanges()
        reason = self.server.check_alive() if hang is None else hang
        if reason is not None:
            core, exchanges = self._stop(pact, core, exchanges, reason, hangs=hang is not None)
        elif core.error and pact.plugins:
            core = replace(core, error=f"{core.error} {output_of(pact.plugins)}")
        self.done += len(pact.interactions)
        self.progress(self.done, self.total, pact.consumer)
        return judge_pact(pact, core, exchanges)

    def _keep_open(self, how: str, pact: Pact, core: CoreReport) -> None:
        """Keep the interaction open if it fails the run, until a person has seen enough."""
        self.server.settle()
        exchanges = self.server.exchanges()
        if not exchanges:
            return
        # A synchronous message has an interaction for each response, and the last one is still open.
        presentable = _presentable(judge_pact(pact, core, exchanges))
        counted = with_counted_pending(presentable) if self.options.fail_on_pending else presentable
        result = counted.interactions[len(exchanges) - 1]
        if result.failed:
            self.server.keep_open(how, result)

    def _wait(self, pact: Pact) -> tuple[str | None, CoreReport]:
        """Wait for the core's report. Returns a message on a call that hangs, and the report."""
        silent_seconds = self._silent_seconds(pact)
        number, current = -1, ""
        while (core := self.engine.answer(POLL_SECONDS)) is None:
            ended = self.server.check_alive()
            glance = self.server.board.look()
            if glance.number in range(len(pact.interactions)):
                if glance.number != number:
                    number = glance.number
                    current = named_without_secrets(pact.interactions[number]).description
                self.progress(self.done + number, self.total, current)
            if self.server.board.busy_for() > self._hang_seconds:
                hang = self._give_up()
                report = self.engine.answer(CORE_STOP_SECONDS) if self.server.outlives_a_hang else None
                return hang, report or CoreReport(())
            if self.server.board.same_for() > (silent_seconds if ended is None else CORE_STOP_SECONDS):
                self.engine.stop()
                reason = (
                    f"The verifier process asked for nothing in {self.server.board.same_for():.0f} s. It was ended."
                )
                self.ending = Ending(Outcome.NOT_VERIFIED, f"Not run: {reason}")
                return None, CoreReport((), reason)
        return None, core

    @property
    def _hang_seconds(self) -> float:
        return HANG_TIMEOUTS * self.options.request_timeout

    def _silent_seconds(self, pact: Pact) -> float:
        """Return how long the verifier process may send nothing to the server."""
        megabytes = pact.path.stat().st_size / 1e6 if pact.path else 0
        return (
            max(CORE_SILENT_SECONDS, CORE_SILENT_TIMEOUTS * self.options.request_timeout)
            + CORE_SECONDS_PER_MB * megabytes
        )

    def _request(self, pact: Pact) -> VerifyRequest:
        # A debugger may keep a call waiting for hours. The session ends one that hangs, and names it. The core would
        # only say "failed", and start the next interaction while the server's thread is busy with this one.
        address = self.server.address
        return VerifyRequest(
            provider=self.options.provider_name,
            pact=str(pact.path),
            host=HOST,
            port=address.port,
            state_url=address.state_url,
            header=(RUN_HEADER, address.secret),
            request_timeout_ms=CORE_REQUEST_MS,
        )

    def _give_up(self) -> str:
        """Give up a call to the project that hangs. Returns a message on it."""
        doing = self.server.board.look().doing
        stack = self.server.give_up()
        self.hangs = not self.server.outlives_a_hang
        where = f" It was at\n{stack}" if stack else ""
        return f"It did not come back in {self._hang_seconds:g} s, so the run was stopped: {doing}.{where}"

    def _stop(
        self, pact: Pact, core: CoreReport, exchanges: list[Exchange], reason: str, *, hangs: bool
    ) -> tuple[CoreReport, list[Exchange]]:
        """Keep the results from before the stop, and give the reason to the interaction that caused it."""
        glance = self.server.board.look()
        numbers = range(len(pact.interactions))
        last = glance.number if glance.number in numbers else min(len(exchanges), numbers[-1])
        unfinished = len(exchanges) <= last or glance.busy
        exchanges += [Exchange()] * (last + 1 - len(exchanges))
        if hangs:
            exchanges[last] = replace(exchanges[last], over_limit=reason)
        elif unfinished:
            stack = getattr(self.server, "stack", "")
            where = f"{reason} {'during' if glance.busy else 'after'} {glance.doing}."
            reason = f"{where} It was at\n{stack}" if stack else where
            exchanges[last] = replace(exchanges[last], unanswered=reason)
        description = named_without_secrets(pact.interactions[last]).description
        verb = "did not come back" if hangs else "ended the process that ran the project"
        rest = f"Not run: {description!r} {verb}, and the run was stopped."
        if not unfinished:
            rest = f"Not run: {reason} after {description!r}."
        self.ending = Ending(Outcome.NOT_VERIFIED, rest)
        verified = last if unfinished else last + 1
        return CoreReport(core.results[:verified], rest, core.output), exchanges


@contextmanager
def running_session(
    engine: Engine,
    options: VerificationOptions,
    provider: Provider,
    progress: Progress = lambda *_: None,
    total: int = 0,
) -> Iterator[Session]:
    """Start the project's live server for a session, and stop it after the block."""
    with provider.serving(options, lambda doing: progress(0, total, doing)) as server:
        yield Session(options, engine, server, progress, total)


def _presentable(result: PactResult) -> PactResult:
    """Hide the secrets of a result, add its diffs, and cut long bodies. The order matters."""
    masked = mask(result)
    return replace(masked, interactions=tuple(map(_with_diff, masked.interactions)))


def _with_answers(result: PactResult, judged: PactResult) -> PactResult:
    """Return the result with the answers of verified interactions, as they were before secrets were hidden."""
    interactions = [
        replace(each, answers=(came,), secret_members=secret_members(before, came.body))
        if each.outcome is Outcome.VERIFIED and (came := before.exchange.came)
        else each
        for each, before in zip(result.interactions, judged.interactions, strict=True)
    ]
    return replace(result, interactions=tuple(interactions))


def _with_diff(result: InteractionResult) -> InteractionResult:
    diff = Diff() if result.outcome is Outcome.VERIFIED else response_diff(result)
    exchange = result.exchange
    cut = {name: getattr(exchange, name) for name in ("request", "response", "message_request", "message")}
    return replace(
        result,
        diff=diff,
        exchange=replace(exchange, **{name: message and message.cut() for name, message in cut.items()}),
    )
