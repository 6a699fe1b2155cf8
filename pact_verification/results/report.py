"""The Report of a run and its parts. Every reporter reads these, and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from pact_verification.pacts.matching_rules import Rule
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.results.exchange import Endpoint, Exchange

Progress = Callable[[int, int, str], None]
"""Called now and then with the number of interactions done, of all, and the description of the current one."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between the response that the pact expects and the one that came.

    Attributes:
        part: status, header or body; another word for what else the core may tell.
        path: the header's name, or the place in the body: `$.name`.
        rule: the pact's matching rule there; None where it has to be equal.
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff.

    Attributes:
        sign: SAME; EXPECTED and did not come; CAME and was not expected; WRONG in a way that the note tells.
        note: what the core says of it, with the path and the matching rule.
    """

    sign: str
    text: str
    note: str = ""


SAME, EXPECTED, CAME, WRONG = " ", "-", "+", "!"


@dataclass(frozen=True, slots=True)
class Diff:
    """A response beside what the pact expects of it: status, headers (those that the pact names) and body."""

    status: tuple[Line, ...] = ()
    headers: tuple[Line, ...] = ()
    body: tuple[Line, ...] = ()

    def parts(self) -> Iterator[tuple[str, tuple[Line, ...]]]:
        """The parts that have lines, each with its name."""
        for name in ("status", "headers", "body"):
            if lines := getattr(self, name):
                yield name, lines


class Outcome(Enum):
    """How an interaction ended. A state error is told apart from a mismatch; neither is green."""

    VERIFIED = "verified"
    MISMATCH = "failed"
    STATE_ERROR = "state error"
    NOT_VERIFIED = "not verified"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class InteractionResult:
    """What became of one interaction.

    Attributes:
        diff: the response that came beside the expected one; empty when it is as expected, or none came.
        rerun: a command line that runs only this interaction.
    """

    interaction: Interaction
    outcome: Outcome
    exchange: Exchange = Exchange()
    mismatches: tuple[Mismatch, ...] = ()
    error: str | None = None
    diff: Diff = Diff()
    rerun: str = ""

    @property
    def failed(self) -> bool:
        """Whether it fails the run. Pending excuses every way to fail."""
        return self.outcome is not Outcome.VERIFIED and not self.interaction.pending


@dataclass(frozen=True, slots=True)
class PactResult:
    """A pact with a result for each of its selected interactions.

    Attributes:
        core_output: what the core printed, for those who ask for it.
    """

    pact: Pact
    interactions: tuple[InteractionResult, ...]
    core_output: str = ""


def untried(pact: Pact) -> PactResult:
    """The results of those interactions that can't be verified at all."""
    interactions = tuple(each for each in pact.interactions if each.unverifiable is not None)
    return PactResult(
        replace(pact, interactions=interactions, content=b""),
        tuple(InteractionResult(each, Outcome.NOT_VERIFIED, error=each.unverifiable) for each in interactions),
    )


def whole(pact: Pact, parts: Sequence[PactResult], unverifiable: PactResult) -> PactResult:
    """A pact's result, from those of its parts and of what can't be verified at all."""
    ran = [each for part in parts for each in part.interactions]
    tried, others = iter(ran), iter(unverifiable.interactions)
    results = [next(tried if each.unverifiable is None else others) for each in pact.interactions]
    results += tried  # more than the pact holds
    return PactResult(
        replace(pact, interactions=tuple(each.interaction for each in results), content=b""),
        tuple(results),
        "".join(part.core_output for part in parts),
    )


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of publishing the results.

    Attributes:
        broker: its URL.
        version: the provider's, with its branch.
        published: the pacts whose result the broker holds: it was read back.
        missing: the others, each with why.
    """

    broker: str
    version: str
    branch: str
    published: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """A consumer's use of an operation: the statuses that came, and whether one of its interactions is not verified.

    Where no request was sent there is no status.
    """

    consumer: str
    statuses: tuple[int, ...]
    failing: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a URL pattern, with the consumers that depend on it."""

    method: str
    endpoint: Endpoint
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which of the project's operations consumers depend on.

    Attributes:
        operations: the project's own, and those of libraries that a consumer uses.
        others: how many of libraries' operations no consumer uses, such as the admin's.
        nowhere: consumers' requests that no URL pattern answered, each with the status that came.
    """

    operations: tuple[Operation, ...]
    others: int = 0
    nowhere: tuple[tuple[str, Use], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run.

    Attributes:
        started: when, with its time zone.
        coverage: None when it was not asked for.
        publication: None when nothing was published.
        unpublished: why nothing was published, where somebody might expect it.
        notes: what a reader has to know beside the results, such as pacts that were left out.
        nothing_for: what was asked for, and has no pact: a directory, a consumer.
        nothing_because: why there was nothing to verify, where that is known.
        nothing_is_fine: why it is fine when there is nothing to verify; None when it isn't.
    """

    provider: str
    pacts: tuple[PactResult, ...]
    notes: tuple[str, ...] = ()
    nothing_for: tuple[str, ...] = ()
    seconds: float = 0.0
    nothing_is_fine: str | None = None
    publication: Publication | None = None
    unpublished: str | None = None
    started: datetime | None = None
    coverage: Coverage | None = None
    nothing_because: str | None = None

    @property
    def interactions(self) -> tuple[InteractionResult, ...]:
        return tuple(result for pact in self.pacts for result in pact.interactions)

    def count(self, outcome: Outcome, *, pending: bool = False) -> int:
        """How many interactions ended so. Pending is told apart where it matters: for what was not verified."""
        return sum(
            result.outcome is outcome and (result.interaction.pending and outcome is not Outcome.VERIFIED) is pending
            for result in self.interactions
        )

    @property
    def unproven(self) -> tuple[Pact, ...]:
        """Selected pacts of which nothing was verified: green needs evidence for each that is not pending."""
        empty = (result.pact for result in self.pacts if not result.interactions)
        return tuple(pact for pact in empty if not (pact.at_broker and pact.at_broker.pending))

    @property
    def exit_code(self) -> int:
        """0 all verified, 1 something failed, 3 nothing was verified, 4 the broker does not hold the results."""
        if any(result.failed for result in self.interactions):
            return 1
        if (not self.pacts or self.unproven or self.nothing_for) and self.nothing_is_fine is None:
            return 3
        return 4 if self.publication and self.publication.missing else 0
