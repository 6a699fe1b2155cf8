"""Sharing out the pacts among several CI jobs."""

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self

from pact_verification.pacts.pact import Pact
from pact_verification.pacts.sources import Selection
from pact_verification.text import counted


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shares. `number` counts from 1.

    Every pact is in exactly one share. A consumer's pacts are in the same share.
    """

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a share such as 2/5. Raise ValueError for other text."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"{text!r} is not a share such as 2/5, the second of five")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def take(self, selection: Selection) -> Selection:
        """Return the share of a selection, with a line about the pacts that it leaves out."""
        consumers = sorted({pact.consumer for pact in selection.pacts})
        kept = tuple(pact for pact in selection.pacts if self._holds(pact, consumers))
        of = counted(len(selection.pacts), "selected pact")
        line = f"--shard {self}: this share holds {len(kept)} of {of}; the other shares hold the others."
        return replace(selection, pacts=kept, left_out=(*selection.left_out, line))

    def _holds(self, pact: Pact, consumers: list[str]) -> bool:
        """Tell whether a pact is in this share.

        Every job sees the same files, so the shares take turns. A broker's pacts may change between two jobs. There a
        consumer's share depends on its name alone, so that a new pact does not move another into a job that has ended.
        """
        if pact.at_broker:
            place = int(sha256(pact.consumer.encode()).hexdigest(), 16)
        else:
            place = consumers.index(pact.consumer)
        return place % self.count == self.number - 1
