"""The causes of a run's failures, each once, on one screen."""

from collections.abc import Iterator, Sequence

from pact_verification.reporters.lines import Part, Role, TextLine, lines_of
from pact_verification.results.report import Cause, Report
from pact_verification.text import counted

MAX_CAUSES = 8
"""How many causes fit a screen in full. The others get a line each, up to MAX_LINES."""

MAX_LINES = 8

MAX_SUBJECTS = 3
"""How many operations are named for a cause."""

MAX_CONSUMERS = 4
"""How many consumers are named for a cause."""

MAX_RERUN = 600
"""How many characters of a command line leave room for the other causes. A longer one is for one interaction."""


def summary_lines(report: Report) -> Iterator[TextLine]:
    """Yield the lines of the summary; none in a run without failures."""
    found = report.causes
    if not found:
        return
    failed = sum(each.failed for each in report.interactions)
    yield _line(f"{counted(failed, 'failure')}, {counted(len(found), 'cause')}", Role.HEADING)
    for number, cause in enumerate(found[:MAX_CAUSES], start=1):
        yield from _cause(number, cause, report)
    for number, cause in enumerate(found[MAX_CAUSES : MAX_CAUSES + MAX_LINES], start=MAX_CAUSES + 1):
        yield _line(f"  {number:>2}. {cause.title} ({interactions_of(cause)})")
    if (left := len(found) - MAX_CAUSES - MAX_LINES) > 0:
        yield _line(f"      … and {counted(left, 'cause')} more")


def interactions_of(cause: Cause) -> str:
    """Return how many interactions a cause has, and their consumers."""
    names = [" ".join(name.split()) for name in cause.consumers]
    more = f" and {len(names) - MAX_CONSUMERS} more" if len(names) > MAX_CONSUMERS else ""
    return f"{counted(len(cause.failures), 'interaction')} of {', '.join(names[:MAX_CONSUMERS])}{more}"


def places_of(cause: Cause) -> str:
    """Return where a cause is: the operations, and the line of code."""
    named = ", ".join(cause.subjects[:MAX_SUBJECTS])
    more = f" and {len(cause.subjects) - MAX_SUBJECTS} more" if len(cause.subjects) > MAX_SUBJECTS else ""
    return "  ".join(filter(None, (f"{named}{more}", str(cause.place or ""))))


def numbers_of(causes: Sequence[Cause]) -> dict[tuple[int, int], list[int]]:
    """Return the numbers of the causes of each interaction that failed."""
    numbers: dict[tuple[int, int], list[int]] = {}
    for number, cause in enumerate(causes, start=1):
        for failure in cause.failures:
            numbers.setdefault(failure, []).append(number)
    return numbers


def _cause(number: int, cause: Cause, report: Report) -> Iterator[TextLine]:
    yield TextLine((Part(f"  {number:>2}. "), Part(cause.title)), Role.FAILED)
    for text in filter(None, (places_of(cause), interactions_of(cause))):
        yield from lines_of(text, Role.DETAIL, indent=6)
    if len(cause.rerun) <= MAX_RERUN:
        label, rerun = "again", cause.rerun
    else:
        pact, interaction = cause.failures[0]
        label, rerun = "one of them again", report.pacts[pact].interactions[interaction].rerun
    if rerun:
        yield TextLine((Part(f"      {label}  ", Role.LABEL), Part(rerun)))


def _line(text: str, role: Role = Role.PLAIN) -> TextLine:
    return TextLine((Part(text),), role)
