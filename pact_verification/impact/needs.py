"""What consumers need, from the Pact core's verdicts on changes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pact_verification.impact.finding import Judged, Verified, is_content_type
from pact_verification.impact.members import FoundMember, path_of
from pact_verification.pacts.matching_rules import Rule
from pact_verification.results.exchange import Serializer
from pact_verification.results.impact import (
    How,
    Kind,
    Member,
    MemberNeeds,
    Need,
    OperationNeeds,
    SerializerNeeds,
    Strength,
)

FORMATS = frozenset(
    {
        "contentType",
        "date",
        "datetime",
        "include",
        "regex",
        "semver",
        "statusCode",
        "time",
        "timestamp",
    }
)
"""Matching rules that accept some values of a type, and not all."""

ORDER = tuple(How)


def operations_of(judged: Sequence[Judged]) -> tuple[OperationNeeds, ...]:
    """Return what consumers need of each operation, in the order of their names and statuses."""

    def operation(each: Judged) -> tuple[str, int]:
        return each.verified.operation, each.verified.status or 0

    return tuple(_operation(list(group)) for _, group in groupby(sorted(judged, key=operation), operation))


def _operation(judged: Sequence[Judged]) -> OperationNeeds:
    members = dict.fromkeys(found.member for each in judged for found in each.verified.members)
    first, fields = judged[0].verified, _fields(judged)
    return OperationNeeds(
        first.operation,
        first.status,
        tuple(dict.fromkeys(each.verified.name for each in judged)),
        tuple(MemberNeeds(member, tuple(_needs(member, judged)), fields.get(member, ())) for member in members),
    )


def _fields(judged: Sequence[Judged]) -> dict[Member, tuple[str, ...]]:
    """Return the serializer fields that wrote each member."""
    found: dict[Member, dict[str, None]] = {}
    for each in dict.fromkeys(written for one in judged for written in one.verified.serialized.members):
        found.setdefault(Member("body", path_of(each.steps)), {})[f"{each.serializer}.{each.field}"] = None
    return {member: tuple(fields) for member, fields in found.items()}


def serializers_of(operations: Sequence[OperationNeeds], verified: Sequence[Verified]) -> tuple[SerializerNeeds, ...]:
    """Return the serializers of the responses, with their fields by whether a consumer needs them."""
    known: dict[str, Serializer] = {}
    for each in dict.fromkeys(serializer for one in verified for serializer in one.serialized.serializers):
        other = known.get(each.name, each)  # a serializer may choose its fields by the request
        known[each.name] = replace(each, fields=tuple(dict.fromkeys((*other.fields, *each.fields))))
    written = {f"{each.serializer}.{each.field}" for one in verified for each in one.serialized.members}
    tried: set[str] = set()
    needed: set[str] = set()
    for member in (member for operation in operations for member in operation.members):
        tried |= set(member.fields)
        if member.needs:
            needed |= set(member.fields)

    def fields(serializer: Serializer, wanted: set[str]) -> tuple[str, ...]:
        return tuple(field for field in serializer.fields if f"{serializer.name}.{field}" in wanted)

    return tuple(
        SerializerNeeds(
            each.name,
            each.place,
            fields(each, needed),
            fields(each, tried - needed),
            fields(each, {f"{each.name}.{field}" for field in each.fields} - written),
        )
        for each in sorted(known.values(), key=lambda each: each.name)
    )


def _needs(member: Member, judged: Sequence[Judged]) -> Iterator[Need]:
    """Yield what each consumer needs of a member."""
    by_consumer: dict[str, list[Judged]] = {}
    for each in judged:
        if each.noticed.get(member):
            by_consumer.setdefault(each.verified.name.consumer, []).append(each)
    for consumer, found in by_consumer.items():
        needs = [_how(member, each) for each in found]
        how, detail = max(needs, key=lambda need: ORDER.index(need[0]))
        kinds = {kind for each in found for kind in each.noticed[member]}
        names = tuple(dict.fromkeys(each.verified.name for each in found))
        yield Need(consumer, how, detail, tuple(kind for kind in Kind if kind in kinds), names)


def _how(member: Member, judged: Judged) -> tuple[How, str]:
    """Return how an interaction needs a member that it needs."""
    noticed = judged.noticed[member]
    found = next(each for each in judged.verified.members if each.member == member)
    if is_content_type(found) and not found.is_named:
        return How.TYPE, "of contents"  # the contract is about the body, which the core could not read
    rule = _rule(judged.verified, member)
    if member.part == "status" and rule:
        return How.FORMAT, str(rule)  # the statuses that it accepts are not all of a class
    if Kind.VALUE in noticed:
        return (How.FORMAT, str(rule)) if rule and any(map(rule.has, FORMATS)) else (How.VALUE, "")
    if Kind.TYPE in noticed or Kind.NUMBER in noticed:
        return How.TYPE, _type(found, noticed)
    return How.PRESENT, "and not null" if Kind.NULL in noticed and Kind.REMOVED in noticed else ""


def _type(found: FoundMember, noticed: Sequence[Kind]) -> str:
    name = found.type_name
    if name in {"integer", "decimal"} and Kind.NUMBER not in noticed:
        name = "number"
    if Kind.FEWER in noticed:
        name += " with as many items"
    elif Kind.EMPTY in noticed:
        name += " of at least one item"
    if Kind.NULL in found.kinds and Kind.NULL not in noticed:
        name += " or null"
    if Kind.REMOVED in found.kinds and Kind.REMOVED not in noticed:
        name += ", if it is there"
    return name


def _rule(verified: Verified, member: Member) -> Rule | None:
    wanted = verified.shown.wanted  # a rule may hold a secret
    return wanted.rules.of(member.part, member.path.replace("[*]", "[0]") if member.part == "body" else member.path)


def strengths_of(judged: Sequence[Judged]) -> tuple[Strength, ...]:
    """Return how many of the changes each contract notices, consumer by consumer."""
    by_consumer: dict[str, list[Judged]] = {}
    for each in judged:
        by_consumer.setdefault(each.verified.name.consumer, []).append(each)
    return tuple(
        Strength(
            consumer,
            sum(len(kinds) for each in found for kinds in each.noticed.values()),
            sum(each.changes for each in found),
            tuple(each.verified.name for each in found if _accepts_anything(each)),
        )
        for consumer, found in sorted(by_consumer.items())
    )


def _accepts_anything(judged: Judged) -> bool:
    """Return whether the interaction refuses only another status, although its answer has contents."""
    members = [found.member for found in judged.verified.members]
    has_contents = any(member.part == "body" for member in members)
    return has_contents and not any(judged.noticed[member] for member in members if member.part != "status")
