"""Figures that mean something on a machine that is never quiet: ratios, from sides that take turns."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

Side = Callable[[], float]
"""Does its work once, and returns what it took: seconds, or requests a second."""

Tell = Callable[[str], None]
"""Hears what is being measured."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """A target for a ratio."""

    limit: float

    def __str__(self) -> str:
        return f"≤ {self.limit:g}"

    def met(self, ratio: float) -> bool:
        return ratio <= self.limit


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A target for a ratio."""

    limit: float

    def __str__(self) -> str:
        return f"≥ {self.limit:g}"

    def met(self, ratio: float) -> bool:
        return ratio >= self.limit


Target = AtMost | AtLeast


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: two sides of one measurement.

    Attributes:
        what: what was measured.
        figures: the medians of both sides with their units: for orientation, since they are this machine's.
        ratios: one for each round, of the two figures of that round.
        target: None where there is none.
        not_run: why there are no figures; empty when there are.
    """

    what: str
    figures: tuple[str, str]
    ratios: Sequence[float]
    target: Target | None = None
    not_run: str = ""

    @classmethod
    def left_out(cls, what: str, why: str, target: Target | None = None) -> Self:
        """A line for what could not be measured here, so that it is seen."""
        return cls(what, ("", ""), (), target, why)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        """Whether nothing is wrong with it: nor is there with what has no target, or could not be measured here."""
        return self.target is None or bool(self.not_run) or (not self.drowned and self.target.met(self.ratio))

    @property
    def drowned(self) -> bool:
        """Whether noise was larger than what was measured: a difference of two times came out below zero."""
        return any(ratio <= 0 for ratio in self.ratios)

    @property
    def verdict(self) -> str:
        if self.not_run:
            return f"NOT RUN: {self.not_run}"
        if self.drowned:
            return "TOO NOISY"
        if self.target is None:
            return ""
        return "met" if self.met else "NOT MET"


def take_turns(sides: Mapping[str, Side], rounds: int, tell: Tell, *, warm_up: bool = True) -> dict[str, list[float]]:
    """Measure every side once a round, in an order that rotates, so that what disturbs the machine disturbs all.

    Args:
        tell: hears what is being measured.
        warm_up: whether each side has a turn before the first round that doesn't count, so that caches are warm for
            all; not worth it for what takes minutes.
    """
    names = list(sides)
    if warm_up:
        for name in names:
            tell(f"warming up: {name}")
            sides[name]()
    measured: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            tell(f"round {number + 1} of {rounds}: {name}")
            measured[name].append(sides[name]())
    return measured


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]


def milliseconds(seconds: Sequence[float]) -> str:
    """Their median."""
    return f"{statistics.median(seconds) * 1000:.2f} ms"


def a_second(rates: Sequence[float]) -> str:
    """Their median."""
    return f"{statistics.median(rates):.0f}/s"
