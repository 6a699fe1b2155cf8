"""A response or a message beside the expected one, as lines. `response_diff` makes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pact_verification.text import counted

SAME, EXPECTED, CAME, WRONG, RESPONSE = " ", "-", "+", "!", "@"

LINES_AROUND = 3
"""How many lines stand before and after one that differs."""

LINES_WITHOUT_DIFFERENCE = 20
"""How many lines are left of a part in which no line differs."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff.

    Attributes:
        sign: SAME; EXPECTED for what did not come; CAME for what was not expected; WRONG for what `note` explains;
            RESPONSE for the number of the response that the next lines belong to.
        note: the core's sentence, with the path and the matching rule.
    """

    sign: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """A response or a message beside the expected one, with the headers or the metadata that the pact names."""

    status: tuple[DiffLine, ...] = ()
    headers: tuple[DiffLine, ...] = ()
    metadata: tuple[DiffLine, ...] = ()
    body: tuple[DiffLine, ...] = ()

    def parts(self) -> Iterator[tuple[str, tuple[DiffLine, ...]]]:
        """Yield the parts that have lines, each with its name."""
        for name in ("status", "headers", "metadata", "body"):
            if lines := getattr(self, name):
                yield name, lines


def shortened(lines: Sequence[DiffLine], around: int = LINES_AROUND) -> Iterator[DiffLine]:
    """Yield the lines that differ, with some around them; a line counts those left out in between."""
    marked = [number for number, line in enumerate(lines) if line.sign != SAME]
    kept = {near for number in marked for near in range(number - around, number + around + 1)}
    if not marked:
        kept = set(range(max(2 * around, LINES_WITHOUT_DIFFERENCE)))
    left_out = 0
    for number, line in enumerate(lines):
        if number in kept:
            yield from _gap(left_out)
            left_out = 0
            yield line
        else:
            left_out += 1
    yield from _gap(left_out)


def _gap(count: int) -> Iterator[DiffLine]:
    if count:
        yield DiffLine(SAME, f"… {counted(count, 'line')} left out")
