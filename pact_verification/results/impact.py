"""What consumers need of the responses and messages that were verified, as values. `impact` finds them."""

from dataclasses import dataclass
from enum import Enum

from pact_verification.results.report import Report
from pact_verification.text import Place


class Kind(Enum):
    """A change to one member of a response or message."""

    REMOVED = "removed"
    NULL = "null"
    TYPE = "another type"
    NUMBER = "the other kind of number"
    VALUE = "another value"
    EMPTY = "empty"
    FEWER = "one item fewer"


class How(Enum):
    """How a consumer needs a member, from the weakest to the strictest."""

    PRESENT = "present"
    TYPE = "type"
    FORMAT = "format"
    VALUE = "exact value"


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A member of a response or message.

    Attributes:
        part: status, header, metadata or body.
        path: a header's or metadata's name; a JSON path such as `$.items[*].name`, where `[*]` is every item of a list.
            Empty for the status, and for a body that is not JSON.
    """

    part: str
    path: str = ""

    @property
    def title(self) -> str:
        """The member for a person: `$.name`, header Link, status."""
        if self.part == "body" and self.path:
            return self.path
        return f"{self.part} {self.path}".rstrip()


@dataclass(frozen=True, slots=True)
class InteractionName:
    """An interaction, as a report of impact names it.

    Attributes:
        title: the description with the provider states.
        key: what --interaction takes.
    """

    consumer: str
    title: str
    key: str
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What one consumer needs of a member, over all its interactions with that operation.

    Attributes:
        how: the strictest of what its interactions need.
        detail: the type that is needed (text, integer, list of at least one item), or the matching rule of a format.
            Empty for an exact value, and for a member that only has to be present.
        noticed: the kinds of changes that at least one of its interactions refuses.
        interactions: those that refuse a change.
    """

    consumer: str
    how: How
    detail: str
    noticed: tuple[Kind, ...]
    interactions: tuple[InteractionName, ...]

    @property
    def text(self) -> str:
        """How the consumer needs the member, in a few words: "type text", "format regex [0-9]+", "exact value"."""
        return f"{self.how.value} {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class MemberNeeds:
    """A member of an operation's responses, with the consumers that need it.

    Attributes:
        needs: none if no consumer needs the member.
        fields: the serializer fields that write it, such as products.serializers.ProductSerializer.name. Only with
            --serializers.
    """

    member: Member
    needs: tuple[Need, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationNeeds:
    """An operation with one status, or a message, and what consumers need of it.

    Attributes:
        name: GET /products/{id}, or "message of ..." with the producer's name.
        status: None for a message.
        interactions: the verified ones.
        members: those that the verified responses had, in their order.
    """

    name: str
    status: int | None
    interactions: tuple[InteractionName, ...]
    members: tuple[MemberNeeds, ...]

    @property
    def title(self) -> str:
        """Name and status: GET /products/{id}, 200."""
        return self.name if self.status is None else f"{self.name}, {self.status}"

    @property
    def consumers(self) -> tuple[str, ...]:
        """The consumers with a verified interaction, each once."""
        return tuple(dict.fromkeys(each.consumer for each in self.interactions))


@dataclass(frozen=True, slots=True)
class Strength:
    """How many of the changes a consumer's contract notices.

    Attributes:
        noticed: how many of `changes`.
        changes: all that were tried on its verified interactions.
        accepting: its interactions whose answer has a body, and that refuse only another status.
    """

    consumer: str
    noticed: int
    changes: int
    accepting: tuple[InteractionName, ...] = ()


@dataclass(frozen=True, slots=True)
class SerializerNeeds:
    """A serializer, with its fields by whether a consumer needs them.

    Attributes:
        name: dotted.
        place: where its class is; None if the source is not known.
        needed: the fields that at least one consumer needs, in the serializer's order.
        unneeded: the fields that verified responses had, and no consumer needs.
        unseen: the fields that no verified response had, such as those that are write-only.
    """

    name: str
    place: Place | None
    needed: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """An interaction that a planned change would break.

    Attributes:
        operation: with the status, as OperationNeeds.title.
        members: the planned changes that break it, as they were asked for.
    """

    interaction: InteractionName
    operation: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned change, and who it breaks.

    Attributes:
        changes: as they were asked for: "without $.name", "$.name renamed to $.title".
        operation: the operation that alone is changed; None for all.
        affected: the interactions whose responses or messages have one of the members.
        breaks: those of them that would break, consumer by consumer.
    """

    changes: tuple[str, ...]
    operation: str | None
    affected: tuple[InteractionName, ...]
    breaks: tuple[Break, ...]

    @property
    def fails(self) -> bool:
        """Whether the plan breaks an interaction that is not pending."""
        return any(not each.interaction.pending for each in self.breaks)


@dataclass(frozen=True, slots=True)
class Impact:
    """What `pact_impact` found.

    Attributes:
        report: the verification before it.
        operations: what consumers need; empty with a plan.
        strengths: how strong each consumer's contract is; empty with a plan.
        left_out: verified interactions of which something could not be tried, each with the reason.
        serializers: None without --serializers.
        plan: None where the whole table was asked for.
        changes: how many changes the Pact core has judged.
        seconds: how long that took, without the verification.
    """

    report: Report
    operations: tuple[OperationNeeds, ...] = ()
    strengths: tuple[Strength, ...] = ()
    left_out: tuple[tuple[InteractionName, str], ...] = ()
    serializers: tuple[SerializerNeeds, ...] | None = None
    plan: Plan | None = None
    changes: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """1 if the plan breaks a contract, or may break one that could not be tried; else as in verify_pacts."""
        untried = any(not name.pending for name, _ in self.left_out)
        return 1 if self.plan and (self.plan.fails or untried) else self.report.exit_code
