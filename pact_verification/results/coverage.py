"""Which of the project's operations and messages consumers depend on, as values. `provider.coverage` finds them."""

from dataclasses import dataclass

from pact_verification.results.exchange import Endpoint, Producer


@dataclass(frozen=True, slots=True)
class Use:
    """A consumer's use of an operation or a message.

    Attributes:
        statuses: those that came; empty where no request was sent, and for a message.
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
class Produced:
    """The messages of a producer, with the consumers that depend on them.

    Attributes:
        names: those that the producer is registered for; the description of a message without a producer.
        producer: None for a message that consumers depend on, and that no producer gives.
    """

    names: tuple[str, ...]
    producer: Producer | None
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which of the project's operations and messages consumers depend on.

    Attributes:
        operations: the project's own, and those of libraries that a consumer uses.
        others: how many operations of libraries no consumer uses, such as the admin's.
        nowhere: consumers' requests that no URL pattern answered, each with the status that came.
        produced: the project's producers, and the messages without one.
    """

    operations: tuple[Operation, ...]
    others: int = 0
    nowhere: tuple[tuple[str, Use], ...] = ()
    produced: tuple[Produced, ...] = ()

    @property
    def used(self) -> int:
        """How many operations consumers depend on."""
        return sum(bool(operation.uses) for operation in self.operations)

    @property
    def has_operations(self) -> bool:
        """Whether there is something to say about URLs. A project may only publish messages."""
        return bool(self.operations or self.nowhere or not self.produced)

    @property
    def producers(self) -> int:
        """How many producers the project has."""
        return sum(each.producer is not None for each in self.produced)

    @property
    def used_producers(self) -> int:
        """How many producers consumers depend on."""
        return sum(bool(each.producer and each.uses) for each in self.produced)
