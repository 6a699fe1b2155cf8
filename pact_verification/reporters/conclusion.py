"""The sentences about a whole run: its conclusion, why nothing was verified, what was published."""

from dataclasses import dataclass
from enum import Enum

from pact_verification.results.report import Outcome, Report
from pact_verification.text import counted


class Mood(Enum):
    """How a run ended. It is neutral if only pending interactions failed, or nothing had to be verified."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


NOTED_SECONDS = 1.0
"""Test databases that take less are not worth a word."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The last sentence of a report, with its numbers."""

    text: str
    mood: Mood


def conclusion(report: Report) -> Conclusion:  # noqa: PLR0911  # one return for each way to end
    """Return how a run ended, in a sentence."""
    numbers = ", ".join(
        f"{_counted_outcome(outcome, count)}{' (pending)' if pending else ''}"
        for outcome in Outcome
        for pending in (False, True)
        if (count := report.count(outcome, pending=pending))
    )
    consumers = len({pact.pact.consumer for pact in report.pacts})
    of = f"{counted(len(report.interactions), 'interaction')} of {counted(consumers, 'consumer')}"
    summary = f"{report.provider}: {of}: {numbers}" if numbers else report.provider
    timed = f"{summary}, in {report.seconds:.1f} s{_databases(report)}."
    match report.exit_code:
        case 0 if report.count(Outcome.VERIFIED):
            text = f"{timed} The contracts hold."
            if any(report.count(outcome, pending=True) for outcome in Outcome):
                text += " What failed is pending: it counts once the consumer that wants it is deployed."
            return Conclusion(text, Mood.GOOD)
        case 0 if report.interactions:
            return Conclusion(f"{timed} What failed is pending: no contract is broken.", Mood.NEUTRAL)
        case 0:
            return Conclusion(f"{summary}: nothing was verified, and {report.nothing_is_fine}.", Mood.NEUTRAL)
        case 1 if report.count(Outcome.MISMATCH):
            return Conclusion(f"{timed} The contracts are broken.", Mood.BAD)
        case 1 if not any(result.failed and not result.interaction.pending for result in report.interactions):
            return Conclusion(f"{timed} What failed is pending, and --fail-on-pending counts it.", Mood.BAD)
        case 1:
            return Conclusion(f"{timed} The contracts could not be proved.", Mood.BAD)
        case 4:
            return Conclusion(f"{timed} Verified, but the broker does not hold the results.", Mood.BAD)
        case _:
            return Conclusion(f"{summary}: {why_nothing_was_verified(report)}", Mood.BAD)


def _databases(report: Report) -> str:
    """Return the share of the test databases in the time of a run, if it is worth a word."""
    seconds = report.databases_seconds
    return f" ({seconds:.1f} s for the test databases)" if seconds >= NOTED_SECONDS else ""


def why_nothing_was_verified(report: Report) -> str:
    """Return why nothing was verified, or nothing of a pact."""
    if report.nothing_because is not None and not report.pacts:
        return f"nothing was verified: {report.nothing_because}"
    if report.pacts and report.nothing_for:
        return f"nothing was verified for {', '.join(report.nothing_for)}. --allow-no-pacts accepts that."
    if report.unproven:
        names = ", ".join(pact.name for pact in report.unproven)
        return f"nothing was verified for {names}, which holds no interactions. --allow-no-pacts accepts that."
    wanted = f" for {', '.join(report.nothing_for)}" if report.nothing_for else ""
    is_explained = report.nothing_for and all(each.endswith(")") for each in report.nothing_for)
    question = "" if is_explained else " Are the paths, the provider's name and the filters right?"
    return f"nothing was verified: no pact was selected{wanted}.{question} --allow-no-pacts accepts that."


def publication_sentence(report: Report) -> str | None:
    """Return which results the broker holds, or why none were published; None in a run that publishes nothing."""
    if report.unpublished is not None:
        return f"Results were not published. {report.unpublished}"
    if not (made := report.publication) or not made.published:
        return None
    results = counted(len(made.published), "result")
    return f"Published {results} for version {made.version} of branch {made.branch} to {made.broker}, and read back."


def _counted_outcome(outcome: Outcome, count: int) -> str:
    return (
        counted(count, outcome.value)
        if outcome in {Outcome.STATE_ERROR, Outcome.PRODUCER_ERROR}
        else f"{count} {outcome.value}"
    )
