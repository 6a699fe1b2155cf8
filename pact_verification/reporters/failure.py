"""Renders one interaction: why it failed, the diff of the response or message, and how to run it again."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from pact_verification.reporters.lines import Part, Role, TextLine, joined, lines_of
from pact_verification.results.causes import readable_route
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.diff import CAME, EXPECTED, RESPONSE, WRONG, DiffLine, shortened
from pact_verification.results.exchange import Exchange, Recorded
from pact_verification.results.mismatch import explained
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from pact_verification.text import counted

SIGNS = {
    Outcome.VERIFIED: "✓",
    Outcome.MISMATCH: "✗",
    Outcome.STATE_ERROR: "E",
    Outcome.PRODUCER_ERROR: "E",
    Outcome.NOT_VERIFIED: "?",
    Outcome.SKIPPED: "s",
}
"""A sign for each outcome. None of them is a sign of a diff; E and s are pytest's letters."""

DIFF_ROLES = {EXPECTED: Role.EXPECTED, CAME: Role.CAME, WRONG: Role.WARNING, RESPONSE: Role.HEADING}
HEADERS_OF_THE_CLIENT = {"User-Agent", "Accept-Encoding", "Host"}
MAX_REASONS = 2
"""How many differences `short_reason` names."""

PENDING_PASSES, PENDING_FAILS = "does not fail the run", "fails the run (--fail-on-pending)"

MAX_LINES = 40
MAX_CHARACTERS = 500


def failure_text(pact: PactResult, result: InteractionResult) -> str:
    """Return one interaction as plain text, with its consumer and pact."""
    return joined([pact_heading(pact), *interaction_lines(result)])


def pact_heading(pact: PactResult, *, detailed: bool = True) -> TextLine:
    """Return the heading of a pact: its consumer and source.

    Args:
        detailed: whether all its interactions follow. Otherwise the heading counts those that were verified.
    """
    parts = [Part(f"{pact.pact.consumer}  ({pact.pact.source})", Role.HEADING)]
    verified = sum(each.outcome is Outcome.VERIFIED for each in pact.interactions)
    if not detailed and verified:
        parts.append(Part(f"  {SIGNS[Outcome.VERIFIED]} {verified} verified", Role.VERIFIED))
    return TextLine(tuple(parts))


def interaction_lines(
    result: InteractionResult, *, detailed: bool = False, causes: Sequence[int] = ()
) -> Iterator[TextLine]:
    """Yield the lines of one interaction.

    Args:
        detailed: also show times, all headers, whole bodies and every frame of a traceback.
        causes: the numbers of its causes in the summary.
    """
    yield heading(result, detailed=detailed, causes=causes)
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
    """Yield labels and texts: test, comments, states, request, view, producer, message, exception, time and log."""
    exchange = result.exchange
    yield from consumer_facts(result)
    for state in exchange.states:
        values = ", ".join(f"{name}={value!r}" for name, value in state.values.items())
        yield "state", f"{state.state}: {state.handler}{f', gave {values}' if values else ''}"
    if exchange.sent:
        yield "request", exchange.sent.headline
    yield from _answered_by(result)
    if exchange.refusal:
        place = f" ({exchange.refusal.where})" if exchange.refusal.own else ""
        yield "raised", f"{exchange.refusal.exception}{place}"
    if exchange.came:
        yield "took", request_cost(exchange)
    for record in exchange.log:
        yield "log", record


def _answered_by(result: InteractionResult) -> Iterator[tuple[str, str]]:
    """Yield the view that answered, or the producer and its message."""
    exchange = result.exchange
    if (endpoint := exchange.endpoint) and endpoint.reached:
        place = f" ({endpoint.location})" if endpoint.location else ""
        yield "view", f"{endpoint.view}{place}, for the URL pattern {readable_route(endpoint.route)!r}"
    elif endpoint:
        yield (
            "view",
            f"not reached: a middleware answered before it, for the URL pattern {readable_route(endpoint.route)!r}",
        )
    elif exchange.response:
        yield "view", exchange.no_route or "no URL pattern matches"
    if exchange.producer:
        yield "producer", f"{exchange.producer.name} ({exchange.producer.location})"
    if exchange.message:
        yield "message", message_headline(result)


def message_headline(result: InteractionResult) -> str:
    """Return the content type of a message. Of several responses, it says which one this is."""
    number, count = result.interaction.response + 1, len(result.interaction.messages)
    which = f"response {number} of {count}: " if count > 1 else ""
    return which + (result.exchange.message.headline if result.exchange.message else "")


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


def queries(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the SQL queries that a run with --debug-sql has recorded: time and database, and the text in lines."""
    for query in exchange.sql:
        yield f"{milliseconds(query.seconds)}, {query.database}", formatted(query.sql)


def queries_left_out(exchange: Exchange) -> str:
    """Return how many queries were not recorded, since there were too many; empty if none was left out."""
    left = (exchange.queries or 0) - len(exchange.sql)
    return f"… and {left} more" if exchange.sql and left > 0 else ""


def formatted(sql: str) -> str:
    """Return a query in lines, as Django's --debug-sql shows it; as it is if sqlparse is missing or refuses it."""
    with suppress(Exception):
        import sqlparse  # a dependency of Django's; few runs need it

        return str(sqlparse.format(sql, reindent=True, keyword_case="upper"))
    return sql


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, such as 12 ms or 0.4 ms."""
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"  # noqa: PLR2004  # 10 ms


def heading(result: InteractionResult, *, detailed: bool = False, causes: Sequence[int] = ()) -> TextLine:
    """Return the line of one interaction: how it ended, its description, its states and its causes."""
    interaction, verified = result.interaction, result.outcome is Outcome.VERIFIED
    parts = [
        Part(f"  {SIGNS[result.outcome]} "),
        Part(interaction.description, Role.PLAIN if verified else Role.HEADING),
    ]
    if interaction.states:
        parts.append(Part(f"  [{', '.join(map(str, interaction.states))}]", Role.DETAIL))
    if interaction.pending and not verified:
        parts.append(Part(f"  pending: {PENDING_FAILS if result.failed else PENDING_PASSES}", Role.WARNING))
    if causes:
        parts.append(Part(f"  cause {' and '.join(map(str, causes))}", Role.PLAIN))
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
        exchange = self.exchange
        if self.detailed and exchange.request and exchange.response:
            headline = f"{exchange.request.headline} → {exchange.response.headline}"
            yield from lines_of(headline, Role.DETAIL, indent=6)
        if self.detailed and exchange.producer and exchange.message:
            headline = f"{exchange.producer.name} → {message_headline(self.result)}"
            yield from lines_of(headline, Role.DETAIL, indent=6)

    def failure(self) -> Iterator[TextLine]:
        exchange = self.exchange
        if self.result.error:
            yield from lines_of(self.result.error, Role.ERROR, indent=6)
        for label, text in facts(self.result):
            yield self._fact(label, text)
            if label == "request" and exchange.sent:
                yield from self._headers_and_body(exchange.sent, exchange.sent.body)
            if label == "message" and exchange.message and self.detailed:
                yield from self._headers_and_body(exchange.message, b"")
            if label == "took":
                yield from self._sql()
        if exchange.response and self.detailed:
            yield self._fact("response", exchange.response.headline)
            yield from self._headers_and_body(exchange.response, b"")  # the diff shows the body
        if exchange.crash:
            yield from self._crash(exchange.crash)
        if exchange.came:
            yield from self._diff()
        if self.result.rerun:
            yield _labelled("again", self.result.rerun)

    def _fact(self, label: str, text: str) -> TextLine:
        return _labelled(label, self._cut(text.replace("\n", "\\n")))

    def _cut(self, text: str) -> str:
        if self.detailed or len(text) <= MAX_CHARACTERS:
            return text
        return f"{text[:MAX_CHARACTERS]}… {len(text) - MAX_CHARACTERS} more characters (--verbosity 2)"

    def _headers_and_body(self, message: Recorded, body: bytes) -> Iterator[TextLine]:
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

    def _sql(self) -> Iterator[TextLine]:
        """Yield the SQL queries, if the run has recorded them."""
        for head, text in queries(self.exchange):
            yield from lines_of(head, Role.DETAIL, indent=15)
            yield from lines_of(text, Role.CODE, indent=17)
        if left_out := queries_left_out(self.exchange):
            yield from lines_of(left_out, Role.DETAIL, indent=15)

    def _crash(self, crash: Crash) -> Iterator[TextLine]:
        yield from lines_of("the exception", Role.HEADING, indent=6)
        libraries = crash.libraries
        yield from _frames(crash.own)
        raising_frame = libraries[-1:] if crash.frames[-1:] == libraries[-1:] else ()
        yield from _frames(libraries if self.detailed else raising_frame)
        yield from lines_of(crash.exception, Role.ERROR, indent=8)
        if not self.detailed and (hidden := len(libraries) - len(raising_frame)):
            left_out = f"({counted(hidden, 'frame')} of libraries left out: --verbosity 2)"
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
