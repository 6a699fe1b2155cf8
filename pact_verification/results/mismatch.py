"""One difference between an expected response and the one that came, and the sentence that explains it."""

from dataclasses import dataclass
from typing import Any

from pact_verification.pacts.matching_rules import Rule


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between the response that the pact expects and the one that came.

    Attributes:
        part: status, header or body, or another word of the core's.
        path: the header's name, or the place in the body: `$.name`.
        message: the core's sentence.
        rule: the pact's matching rule there; None where the value has to be equal.
    """

    part: str
    path: str
    expected: Any
    actual: Any
    message: str
    rule: Rule | None = None

    @property
    def where(self) -> str:
        """Part and path for a person: body $.name."""
        return f"{self.part} {self.path}".rstrip()


def explained(*mismatches: Mismatch) -> str:
    """Return what is wrong at one place, with the matching rules. Without a rule the value has to be equal."""
    texts = [f"{each.message} (rule: {each.rule})" if each.rule else each.message for each in mismatches]
    place = f"{mismatches[0].path or '$'}: " if mismatches and mismatches[0].part == "body" else ""
    return place + "; ".join(texts) if texts else ""
