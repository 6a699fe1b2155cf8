"""What every report says alike: the verdict, and what became of an interaction, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from pact_verification.results.diff import note
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, Outcome, Report
from pact_verification.text import Place, counted

SHORT = 2
"""How many differences stand in a line."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The last line of a report. It is good, bad, or neither: what failed is pending, or nothing had to be verified."""

    text: str
    good: bool = False
    bad: bool = False


def verdict(report: Report) -> Verdict:  # noqa: PLR0911  # one return for each way to end
    """The verdict on a run, with its numbers."""
    numbers = ", ".join(
        f"{_named(outcome, count)}{' (pending)' if pending else ''}"
        for outcome in Outcome
        for pending in (False, True)
        if (count := report.count(outcome, pending=pending))
    )
    consumers = len({pact.pact.consumer for pact in report.pacts})
    of = f"{counted(len(report.interactions), 'interaction')} of {counted(consumers, 'consumer')}"
    summary = f"{report.provider}: {of}: {numbers}" if numbers else report.provider
    timed = f"{summary}, in {report.seconds:.1f} s."
    match report.exit_code:
        case 0 if report.count(Outcome.VERIFIED):
            text = f"{timed} The contracts hold."
            if any(report.count(outcome, pending=True) for outcome in Outcome):
                text += " What failed is pending: it counts once the consumer that wants it is deployed."
            return Verdict(text, good=True)
        case 0 if report.interactions:
            return Verdict(f"{timed} What failed is pending: no contract is broken.")
        case 0:
            return Verdict(f"{summary}: nothing was verified, and {report.nothing_is_fine}.")
        case 1 if report.count(Outcome.MISMATCH):
            return Verdict(f"{timed} The contracts are broken.", bad=True)
        case 1:
            return Verdict(f"{timed} The contracts could not be proved.", bad=True)
        case 4:
            return Verdict(f"{timed} Verified, but the broker does not hold the results.", bad=True)
        case _:
            return Verdict(f"{summary}: {nothing(report)}", bad=True)


def nothing(report: Report) -> str:
    """Why nothing, or nothing of a pact, was verified."""
    if report.nothing_because is not None and not report.pacts:
        return f"nothing was verified: {report.nothing_because}"
    if report.pacts and report.nothing_for:
        return f"nothing was verified for {', '.join(report.nothing_for)}. --allow-no-pacts accepts that."
    if report.unproven:
        names = ", ".join(pact.name for pact in report.unproven)
        return f"nothing was verified for {names}, which holds no interactions. --allow-no-pacts accepts that."
    wanted = f" for {', '.join(report.nothing_for)}" if report.nothing_for else ""
    return (
        f"nothing was verified: no pact was selected{wanted}. Are the paths, the provider's name and the filters "
        "right? --allow-no-pacts accepts that."
    )


def in_short(result: InteractionResult) -> str:
    """Why an interaction failed, in a line: a state error's cause, an exception, or the first things that differ."""
    if result.error is not None and not result.mismatches:
        return result.error
    exchange = result.exchange
    told = []
    if exchange.response and any(mismatch.part == "status" for mismatch in result.mismatches):
        told.append(f"status {exchange.response.status} instead of {result.interaction.expected.status}")
    if cause := exchange.crash or exchange.refusal:
        told.append(cause.exception)
    else:
        told += [note(mismatch) for mismatch in result.mismatches if mismatch.part != "status"]
    more = f"; and {len(told) - SHORT} more" if len(told) > SHORT else ""
    return "; ".join(told[:SHORT]) + more or result.outcome.value


def facts(result: InteractionResult) -> Iterator[tuple[str, str]]:
    """What is known of how an interaction went, as names and texts: test, states, request, view, exception, log."""
    exchange = result.exchange
    yield from about(result)
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
        yield "took", took(exchange)
    for record in exchange.log:
        yield "log", record


def about(result: InteractionResult) -> Iterator[tuple[str, str]]:
    """What the consumer says of an interaction: the test that wrote it, and comments."""
    if name := result.interaction.test_name:
        yield "test", name
    for comment in result.interaction.comments:
        yield "comment", comment


def remarks(result: InteractionResult) -> list[str]:
    """What there is to say of an interaction that was verified, as lines."""
    lines = [f"{name}: {text}" for name, text in about(result)]
    return lines + [f"warning: {warning}" for warning in warnings(result)]


def warnings(result: InteractionResult) -> tuple[str, ...]:
    """What to know of an interaction beside its outcome."""
    exchange = result.exchange
    return (*exchange.warnings, exchange.self_call) if exchange.self_call else exchange.warnings


def took(exchange: Exchange) -> str:
    """What a request took."""
    if exchange.queries is None:
        return milliseconds(exchange.request_seconds)
    queries = f"{exchange.queries} SQL {'query' if exchange.queries == 1 else 'queries'}"
    return f"{milliseconds(exchange.request_seconds)}, {queries}"


def publication(report: Report) -> str:
    """What became of the results at the broker, but for those that are missing there; empty where nobody asked."""
    if report.unpublished is not None:
        return f"Results were not published. {report.unpublished}"
    if not (made := report.publication) or not made.published:
        return ""
    results = counted(len(made.published), "result")
    return f"Published {results} for version {made.version} of branch {made.branch} to {made.broker}, and read back."


def place_of(result: InteractionResult) -> Place | None:
    """The line of the project that a failure leads to: where it raised, else its view."""
    exchange = result.exchange
    for cause in (exchange.crash, exchange.refusal):
        if cause and cause.own:
            return cause.where
    if exchange.endpoint and exchange.endpoint.own and exchange.endpoint.reached:
        return exchange.endpoint.location
    return None


def milliseconds(seconds: float) -> str:
    """A time as a person reads it: 12 ms, 0.4 ms."""
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"  # noqa: PLR2004  # 10 ms


def _named(outcome: Outcome, count: int) -> str:
    return counted(count, outcome.value) if outcome is Outcome.STATE_ERROR else f"{count} {outcome.value}"
