"""The Report of a run and its parts. Reporters read these values and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.results.coverage import Coverage
from pact_verification.results.diff import Diff
from pact_verification.results.exchange import Exchange, RecordedMessage, RecordedResponse
from pact_verification.results.mismatch import Mismatch
from pact_verification.text import Place


class Outcome(Enum):
    """How an interaction ended."""

    VERIFIED = "verified"
    MISMATCH = "failed"
    STATE_ERROR = "state error"
    PRODUCER_ERROR = "producer error"
    NOT_VERIFIED = "not verified"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class InteractionResult:
    """The verification result of one interaction.

    Attributes:
        diff: the response beside the expected one; empty when they match, and when no response came.
        rerun: a command line that runs only this interaction; empty for one that the core can't try.
        counted: whether it fails the run if it fails, although it is pending.
        answers: the response or messages as the project gave them, with their secrets. A run keeps them only for
            `pact_impact`, and no report has them.
        secret_members: the names of the answers' members that are secret, each with what a report shows.
    """

    interaction: Interaction
    outcome: Outcome
    exchange: Exchange = Exchange()
    mismatches: tuple[Mismatch, ...] = ()
    error: str | None = None
    diff: Diff = Diff()
    rerun: str = ""
    counted: bool = False
    answers: tuple[RecordedResponse | RecordedMessage, ...] = field(default=(), repr=False)
    secret_members: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def failed(self) -> bool:
        """Whether it fails the run. A pending interaction does so only with --fail-on-pending."""
        return self.outcome is not Outcome.VERIFIED and (self.counted or not self.interaction.pending)

    @property
    def place(self) -> Place | None:
        """The line of the project's code where the exception was raised, else where the view or producer is."""
        exchange = self.exchange
        for cause in (exchange.crash, exchange.refusal):
            if cause and cause.own:
                return cause.where
        if exchange.endpoint and exchange.endpoint.own and exchange.endpoint.reached:
            return exchange.endpoint.location
        return exchange.producer.location if exchange.producer else None


@dataclass(frozen=True, slots=True)
class PactResult:
    """A pact with a result for each of its selected interactions.

    Attributes:
        core_output: what the core printed.
    """

    pact: Pact
    interactions: tuple[InteractionResult, ...]
    core_output: str = ""


def results_of_unverifiable(pact: Pact) -> PactResult:
    """Return results for the interactions that the core can't even try, such as unreadable ones."""
    interactions = tuple(each for each in pact.interactions if each.unverifiable is not None)
    return PactResult(
        replace(pact, interactions=interactions, content=b""),
        tuple(InteractionResult(each, Outcome.NOT_VERIFIED, error=each.unverifiable) for each in interactions),
    )


def with_counted_pending(result: PactResult) -> PactResult:
    """Return the result with pending interactions that fail the run if they fail."""
    return replace(
        result,
        interactions=tuple(
            replace(each, counted=True) if each.interaction.pending else each for each in result.interactions
        ),
    )


def refused_elsewhere(results: Sequence[PactResult]) -> tuple[str, ...]:
    """Return the servers that the run refused beside the interactions, each once."""
    return tuple(
        dict.fromkeys(
            server for result in results for each in result.interactions for server in each.exchange.refused_elsewhere
        )
    )


def merge_results(pact: Pact, parts: Sequence[PactResult], unverifiable: PactResult) -> PactResult:
    """Return a pact's result, its interactions in the order of the pact.

    Args:
        parts: the results of the parts in which the core verified the pact, in any order.
        unverifiable: the results of the other interactions.
    """
    order = {(each.kind, each.place): number for number, each in enumerate(pact.interactions)}
    last = len(order)  # the core may report more interactions than the pact holds
    results = sorted(
        (each for part in (*parts, unverifiable) for each in part.interactions),
        key=lambda each: order.get((each.interaction.kind, each.interaction.place), last),
    )
    return PactResult(
        replace(pact, interactions=tuple(each.interaction for each in results), content=b""),
        tuple(results),
        "".join(part.core_output for part in parts),
    )


Failure = tuple[int, int]
"""An interaction that failed: the number of its pact in the report, and its number in the pact."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What several interactions fail for.

    Attributes:
        title: what is wrong, in a line.
        subjects: where in the API it is wrong, such as "GET /products/{id}"; none where the title says it.
        place: the line of the project's code that it leads to.
        failures: the interactions that fail for it. Their first one is the example.
        rerun: a command line that runs exactly these interactions; empty if there is none.
    """

    title: str
    subjects: tuple[str, ...]
    place: Place | None
    failures: tuple[Failure, ...]
    consumers: tuple[str, ...]
    rerun: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """What the broker holds after the results were published.

    Attributes:
        broker: its URL.
        version: the provider's version, on `branch`.
        published: the pacts whose result was read back from the broker.
        missing: the pacts whose result the broker does not hold, each with the reason. A pending pact that did not run
            is in neither list.
    """

    broker: str
    version: str
    branch: str
    published: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run.

    Attributes:
        started: with a time zone.
        coverage: None when it was not asked for.
        publication: None when nothing was published.
        unpublished: why nothing was published, in a run that could have published.
        notes: remarks on the run, such as pacts that were left out.
        nothing_for: directories, consumers and keys that were given and have no pact.
        nothing_because: why no interaction was selected, where the run knows it.
        nothing_is_fine: why a run without interactions is a success; None when it isn't.
        databases_seconds: how long making the test databases took, of `seconds`.
        causes: what the interactions fail for that fail the run.
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
    databases_seconds: float = 0.0
    causes: tuple[Cause, ...] = ()

    @property
    def interactions(self) -> tuple[InteractionResult, ...]:
        return tuple(result for pact in self.pacts for result in pact.interactions)

    def count(self, outcome: Outcome, *, pending: bool = False) -> int:
        """Count the interactions that ended so. Verified ones count as not pending."""
        return sum(
            result.outcome is outcome and (result.interaction.pending and outcome is not Outcome.VERIFIED) is pending
            for result in self.interactions
        )

    @property
    def unproven(self) -> tuple[Pact, ...]:
        """The selected pacts without interactions, pending ones aside: success needs evidence for each."""
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
