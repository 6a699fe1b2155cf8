"""Renders one interaction: why it failed, the diff of the response, and how to run it again."""

from collections.abc import Iterator, Sequence

from pact_verification.reporters.lines import Part, Role, TextLine, joined, lines_of
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.diff import CAME, EXPECTED, WRONG, DiffLine, shortened
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.mismatch import explained
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from pact_verification.text import Place, counted

SIGNS = {
    Outcome.VERIFIED: "✓",
    Outcome.MISMATCH: "✗",
    Outcome.STATE_ERROR: "!",
    Outcome.NOT_VERIFIED: "?",
    Outcome.SKIPPED: "-",
}
DIFF_ROLES = {EXPECTED: Role.EXPECTED, CAME: Role.CAME, WRONG: Role.WARNING}
HEADERS_OF_THE_CLIENT = {"User-Agent", "Accept-Encoding", "Host"}
MAX_REASONS = 2
"""How many differences `short_reason` names."""

MAX_LINES = 40
MAX_CHARACTERS = 500


def failure_text(pact: PactResult, result: InteractionResult) -> str:
    """Return one interaction as plain text, with its consumer and pact."""
    return joined([pact_heading(pact), *interaction_lines(result)])


def pact_heading(pact: PactResult) -> TextLine:
    """Return the heading of a pact: its consumer and source."""
    return TextLine((Part(f"{pact.pact.consumer}  ({pact.pact.source})"),), Role.HEADING)


def interaction_lines(result: InteractionResult, *, detailed: bool = False) -> Iterator[TextLine]:
    """Yield the lines of one interaction.

    Args:
        detailed: also show times, all headers, whole bodies and every line of a traceback.
    """
    yield _heading(result, detailed=detailed)
    if result.outcome is Outcome.SKIPPED:
        return
    explanation = _Explanation(result, detailed=detailed)
    yield from explanation.success() if result.outcome is Outcome.VERIFIED else explanation.failure()
    for warning in warnings(result):
        yield from lines_of(f"warning: {warning}", Role.WARNING, indent=6)


def short_reason(result: InteractionResult) -> str:
    """Return in one line why an interaction failed: the error, the exception, or the first differences."""
    if result.error is not None and not result.mismatches:
        return result.error
    exchange = result.exchange
    reasons = []
    if exchange.response and any(mismatch.part == "status" for mismatch in result.mismatches):
        reasons.append(f"status {exchange.response.status} instead of {result.interaction.expected.status}")
    if cause := exchange.crash or exchange.refusal:
        reasons.append(cause.exception)
    else:
        reasons += [explained(mismatch) for mismatch in result.mismatches if mismatch.part != "status"]
    more = f"; and {len(reasons) - MAX_REASONS} more" if len(reasons) > MAX_REASONS else ""
    return "; ".join(reasons[:MAX_REASONS]) + more or result.outcome.value


def facts(result: InteractionResult) -> Iterator[tuple[str, str]]:
    """Yield labels and texts: test, comments, states, request, view, exception, time and log."""
    exchange = result.exchange
    yield from consumer_facts(result)
    for state in exchange.states:
        values = ", ".join(f"{name}={value!r}" for name, value in state.values.items())
        yield "state", f"{state.state}: {state.handler}{f', gave {values}' if values else ''}"
    if exchange.request:
        yield "request", exchange.request.headline
    if (endpoint := exchange.endpoint) and endpoint.reached:
        place = f" ({endpoint.location})" if endpoint.location else ""
        yield "view", f"{endpoint.view}{place}, for the URL pattern {endpoint.route!r}"
    elif endpoint:
        yield "view", f"not reached: a middleware answered before it, for the URL pattern {endpoint.route!r}"
    elif exchange.response:
        yield "view", exchange.no_route or "no URL pattern matches"
    if exchange.refusal:
        place = f" ({exchange.refusal.where})" if exchange.refusal.own else ""
        yield "raised", f"{exchange.refusal.exception}{place}"
    if exchange.response:
        yield "took", request_cost(exchange)
    for record in exchange.log:
        yield "log", record


def consumer_facts(result: InteractionResult) -> Iterator[tuple[str, str]]:
    """Yield what the pact says about an interaction: the consumer's test and comments."""
    if name := result.interaction.test_name:
        yield "test", name
    for comment in result.interaction.comments:
        yield "comment", comment


def remarks(result: InteractionResult) -> list[str]:
    """Return a line for each of the pact's comments and each warning on a verified interaction."""
    lines = [f"{label}: {text}" for label, text in consumer_facts(result)]
    return lines + [f"warning: {warning}" for warning in warnings(result)]


def warnings(result: InteractionResult) -> tuple[str, ...]:
    """Return the warnings on an interaction, with the requests that were refused to its project."""
    exchange = result.exchange
    told = "\n".join((exchange.state_error or "", *exchange.warnings))
    refused = (text for text in exchange.refused if text not in told)
    return (*exchange.warnings, *((exchange.self_call,) if exchange.self_call else ()), *refused)


def request_cost(exchange: Exchange) -> str:
    """Return how long a request took and how many SQL queries it sent."""
    if exchange.queries is None:
        return milliseconds(exchange.request_seconds)
    queries = f"{exchange.queries} SQL {'query' if exchange.queries == 1 else 'queries'}"
    return f"{milliseconds(exchange.request_seconds)}, {queries}"


def place_of(result: InteractionResult) -> Place | None:
    """Return the line of the project's code where the exception was raised, else where the view is."""
    exchange = result.exchange
    for cause in (exchange.crash, exchange.refusal):
        if cause and cause.own:
            return cause.where
    if exchange.endpoint and exchange.endpoint.own and exchange.endpoint.reached:
        return exchange.endpoint.location
    return None


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, such as 12 ms or 0.4 ms."""
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"  # noqa: PLR2004  # 10 ms


def _heading(result: InteractionResult, *, detailed: bool) -> TextLine:
    interaction, verified = result.interaction, result.outcome is Outcome.VERIFIED
    parts = [
        Part(f"  {SIGNS[result.outcome]} "),
        Part(interaction.description, Role.PLAIN if verified else Role.HEADING),
    ]
    if interaction.states:
        parts.append(Part(f"  [{', '.join(map(str, interaction.states))}]", Role.DETAIL))
    if interaction.pending and not verified:
        parts.append(Part("  pending: does not fail the run", Role.WARNING))
    if detailed:
        parts.append(Part(f"  {milliseconds(result.exchange.seconds)}", Role.DETAIL))
    return TextLine(tuple(parts), Role.VERIFIED if verified else Role.FAILED if result.failed else Role.WARNING)


class _Explanation:
    """Lays out the lines below the heading of one interaction."""

    def __init__(self, result: InteractionResult, *, detailed: bool) -> None:
        self.result = result
        self.exchange = result.exchange
        self.detailed = detailed

    def success(self) -> Iterator[TextLine]:
        for label, text in consumer_facts(self.result):
            yield self._fact(label, text)
        if self.detailed and self.exchange.request and self.exchange.response:
            exchange = f"{self.exchange.request.headline} → {self.exchange.response.headline}"
            yield from lines_of(exchange, Role.DETAIL, indent=6)

    def failure(self) -> Iterator[TextLine]:
        exchange = self.exchange
        if self.result.error:
            yield from lines_of(self.result.error, Role.ERROR, indent=6)
        for label, text in facts(self.result):
            yield self._fact(label, text)
            if label == "request" and exchange.request:
                yield from self._headers_and_body(exchange.request, exchange.request.body)
        if exchange.response and self.detailed:
            yield self._fact("response", exchange.response.headline)
            yield from self._headers_and_body(exchange.response, b"")  # the diff shows the body
        if exchange.crash:
            yield from self._crash(exchange.crash)
        if exchange.response:
            yield from self._diff()
        if self.result.rerun:
            yield _labelled("again", self.result.rerun)

    def _fact(self, label: str, text: str) -> TextLine:
        return _labelled(label, self._cut(text.replace("\n", "\\n")))

    def _cut(self, text: str) -> str:
        if self.detailed or len(text) <= MAX_CHARACTERS:
            return text
        return f"{text[:MAX_CHARACTERS]}… {len(text) - MAX_CHARACTERS} more characters (--verbosity 2)"

    def _headers_and_body(self, message: RecordedRequest | RecordedResponse, body: bytes) -> Iterator[TextLine]:
        for name, value in message.headers.items():
            if name in HEADERS_OF_THE_CLIENT and not self.detailed:
                continue
            yield from lines_of(self._cut(f"{name}: {value}"), Role.DETAIL, indent=15)
        lines = body.decode(errors="replace").splitlines()
        kept = lines if self.detailed else lines[:MAX_LINES]
        for line in kept:
            yield from lines_of(self._cut(line), Role.DETAIL, indent=15)
        if len(kept) < len(lines):
            yield from lines_of(_and_more(len(lines)), Role.DETAIL, indent=15)

    def _diff(self) -> Iterator[TextLine]:
        """Yield the diff. After a crash only the detailed form has the body, which is an error page."""
        yield from lines_of("- expected, + came", Role.HEADING, indent=6)
        for name, lines in self.result.diff.parts():
            if name != "body" or self.detailed or not self.exchange.crash:
                yield from self._diff_lines(lines)

    def _diff_lines(self, lines: Sequence[DiffLine]) -> Iterator[TextLine]:
        for number, line in enumerate(lines if self.detailed else shortened(lines)):
            if number == MAX_LINES and not self.detailed:
                yield from lines_of(_and_more(len(lines)), Role.DETAIL, indent=8)
                break
            if line.note:
                yield from lines_of(f"# {self._cut(line.note)}", Role.WARNING, indent=8)
            role = DIFF_ROLES.get(line.sign, Role.PLAIN)
            yield from lines_of(f"{line.sign} {self._cut(line.text)}", role, indent=8)

    def _crash(self, crash: Crash) -> Iterator[TextLine]:
        yield from lines_of("the exception", Role.HEADING, indent=6)
        libraries = crash.libraries
        yield from _frames(crash.own)
        raising_frame = libraries[-1:] if crash.frames[-1:] == libraries[-1:] else ()
        yield from _frames(libraries if self.detailed else raising_frame)
        yield from lines_of(crash.exception, Role.ERROR, indent=8)
        if not self.detailed and (hidden := len(libraries) - len(raising_frame)):
            left_out = f"({counted(hidden, 'line')} of libraries left out: --verbosity 2)"
            yield from lines_of(left_out, Role.DETAIL, indent=8)


def _labelled(label: str, text: str) -> TextLine:
    return TextLine((Part(f"      {label:<9}", Role.LABEL), Part(text)))


def _and_more(lines: int) -> str:
    return f"… and more, of {counted(lines, 'line')} in all (--verbosity 2)"


def _frames(frames: Sequence[Frame]) -> Iterator[TextLine]:
    for frame in frames:
        role = Role.PLAIN if frame.own else Role.DETAIL
        yield from lines_of(f"{frame.file}:{frame.line} in {frame.function}", role, indent=8)
        if frame.code:
            yield from lines_of(frame.code, Role.CODE if frame.own else Role.DETAIL, indent=10)
