"""Which of the project's operations consumers depend on, as values. `provider.coverage` finds them."""

from dataclasses import dataclass

from pact_verification.results.exchange import Endpoint


@dataclass(frozen=True, slots=True)
class Use:
    """A consumer's use of an operation.

    Attributes:
        statuses: those that came; empty where no request was sent.
        failing: whether one of the consumer's interactions is not verified.
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
        others: how many operations of libraries no consumer uses, such as the admin's.
        nowhere: consumers' requests that no URL pattern answered, each with the status that came.
    """

    operations: tuple[Operation, ...]
    others: int = 0
    nowhere: tuple[tuple[str, Use], ...] = ()

    @property
    def used(self) -> int:
        """How many operations consumers depend on."""
        return sum(bool(operation.uses) for operation in self.operations)
