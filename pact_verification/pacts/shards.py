"""A run's share of the pacts, for a CI job that is one of several."""

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self

from pact_verification.pacts.pact import Pact
from pact_verification.pacts.sources import Selection
from pact_verification.text import counted


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several shares: `number`, from 1, of `count`. Together they are everything, and no two share a pact.

    A consumer's pacts are in one share.
    """

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read one such as 2/5. Raises ValueError for what is none."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"{text!r} is not a share such as 2/5, the second of five")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def take(self, selection: Selection) -> Selection:
        """The share of a selection, with a note that it is one."""
        consumers = sorted({pact.consumer for pact in selection.pacts})
        kept = tuple(pact for pact in selection.pacts if self._holds(pact, consumers))
        of = counted(len(selection.pacts), "selected pact")
        note = f"--shard {self}: this share holds {len(kept)} of {of}; the other shares hold the others."
        return replace(selection, pacts=kept, left_out=(*selection.left_out, note))

    def _holds(self, pact: Pact, consumers: list[str]) -> bool:
        """Files are the same for every job, so they are dealt out in turns.

        A broker's pacts may change between one job's question and another's. There a consumer's share depends on its
        name alone, or a pact that moved from a share to one that had asked before would be verified by none.
        """
        if pact.at_broker:
            place = int(sha256(pact.consumer.encode()).hexdigest(), 16)
        else:
            place = consumers.index(pact.consumer)
        return place % self.count == self.number - 1
