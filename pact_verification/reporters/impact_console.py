"""What consumers need of responses and messages, or what a planned change breaks, for a person at a console."""

from collections.abc import Iterator, Sequence

from pact_verification.reporters.console import DETAILED, MOOD_STYLES, Writer
from pact_verification.reporters.failure import PENDING_PASSES, SIGNS
from pact_verification.reporters.impact_conclusion import (
    MAX_UNTRIED,
    ONLY_SEEN,
    UNTRIED_ADVICE,
    breaks_of,
    conclusion,
    consumers_or_all,
    groups,
    is_spare_header,
    named,
    percent,
    planned,
    unharmed,
    untried,
    untried_heading,
    untried_name,
    untried_reason,
)
from pact_verification.reporters.lines import Part, Role, TextLine
from pact_verification.results.impact import Impact, MemberNeeds, OperationNeeds, Plan, SerializerNeeds, Strength
from pact_verification.results.report import Outcome
from pact_verification.text import encodable

WIDTH = 100
"""Characters of a line with several names. A longer name has a line of its own, and is never cut."""

MEMBER_WIDTH = 40
"""The most characters of the members' column. A longer member has a line of its own."""


def render(impact: Impact, *, colour: bool = False, verbosity: int = 1, encoding: str = "utf-8") -> str:
    """Return the impact as text.

    Args:
        impact: with printable values.
        colour: with ANSI colours.
        verbosity: 0 nothing; 1 who needs what, or what breaks; 2 also which changes each consumer notices, in which
            interactions, and which serializer fields write a member.
        encoding: the stream's. Characters that it lacks are spelled in ASCII.
    """
    if verbosity < 1:
        return ""
    writer = Writer(colour)
    for block in _blocks(impact, detailed=verbosity >= DETAILED):
        if lines := list(block):
            writer.blank()
            writer.lines(lines)
    end = conclusion(impact)
    writer.blank()
    writer.text(end.text, MOOD_STYLES[end.mood])
    return encodable(writer.written, encoding)


def _blocks(impact: Impact, *, detailed: bool) -> Iterator[Iterator[TextLine]]:
    yield _untried(impact)
    if impact.plan:
        yield _plan(impact.plan)
        for consumer, numbers in breaks_of(impact.plan).items():
            yield _breaks(impact.plan, consumer, numbers)
        yield _unharmed(impact, impact.plan)
    for operation in impact.operations:
        yield _operation(operation, detailed=detailed)
    if impact.serializers is not None:
        yield _serializers(impact.serializers)
    yield _strengths(impact.strengths)
    yield _left_out(impact)
    yield (_line(note, Role.WARNING) for note in impact.report.notes)
    yield iter([_line(ONLY_SEEN, Role.DETAIL)])


def _untried(impact: Impact) -> Iterator[TextLine]:
    if not (heading := untried_heading(impact)):
        return
    yield _line(heading, Role.WARNING)
    found = list(untried(impact))
    for consumer, result in found[:MAX_UNTRIED]:
        yield _line(f"  {SIGNS[result.outcome]} {untried_name(consumer, result)}: {untried_reason(result)}")
    if (more := len(found) - MAX_UNTRIED) > 0:
        yield _line(f"  … and {more} more")
    yield _line(UNTRIED_ADVICE, Role.DETAIL)


def _operation(operation: OperationNeeds, *, detailed: bool) -> Iterator[TextLine]:
    yield from _heading(operation)
    needed = [each for each in operation.members if each.needs]
    column = max((len(each.member.title) for each in needed if len(each.member.title) <= MEMBER_WIDTH), default=0)
    for member in needed:
        yield from _member(member, operation, column)
        if detailed:
            yield from _details(member)
    unneeded = [each for each in operation.members if not each.needs]
    if titles := [each.member.title for each in unneeded if not is_spare_header(each)]:
        yield from _flowed(Part("  no consumer needs:"), titles, 6, Role.WARNING)
    if names := [each.member.path for each in unneeded if is_spare_header(each)]:
        yield from _flowed(Part("  no consumer needs the headers:"), names, 6, Role.DETAIL)
    if detailed:
        for member in unneeded:
            yield from _fields(member, f"{member.member.title}: ")


def _heading(operation: OperationNeeds) -> Iterator[TextLine]:
    start = Part(operation.title, Role.HEADING)
    names = operation.consumers
    yield from _flowed(start, [f"({names[0]}", *names[1:-1], f"{names[-1]})"] if len(names) > 1 else _only(names), 6)


def _only(names: Sequence[str]) -> list[str]:
    return [f"({name})" for name in names]


def _member(member: MemberNeeds, operation: OperationNeeds, column: int) -> Iterator[TextLine]:
    """Yield a line for each way in which consumers need a member."""
    title = member.member.title
    indent = column + 4
    if len(title) > column:
        yield TextLine((Part(f"  {title}", Role.LABEL),))
        title = ""
    for how, consumers in groups(member).items():
        start = Part(f"  {title:<{column}}  ", Role.LABEL)
        yield from _flowed(start, consumers_or_all(consumers, operation), indent + 2, before=f"{how}:")
        title = ""


def _details(member: MemberNeeds) -> Iterator[TextLine]:
    yield from _fields(member)
    for need in member.needs:
        kinds = ", ".join(kind.value for kind in need.noticed)
        yield _line(f"      {need.consumer} notices: {kinds}", Role.DETAIL)
        for each in need.interactions:
            yield _line(f"        in {named(each)}", Role.DETAIL)


def _fields(member: MemberNeeds, before: str = "") -> Iterator[TextLine]:
    for field in member.fields:
        yield _line(f"      {before}written by {field}", Role.DETAIL)


def _serializers(serializers: Sequence[SerializerNeeds]) -> Iterator[TextLine]:
    yield _line("Serializers", Role.HEADING)
    if not serializers:
        yield _line("  No serializer wrote a member of these responses.")
    for each in serializers:
        yield TextLine((Part(f"  {each.name}", Role.LABEL), Part(f"  ({each.place})" if each.place else "")))
        for title, fields, role in (
            ("consumers need:", each.needed, Role.PLAIN),
            ("no consumer needs:", each.unneeded, Role.WARNING),
            ("no verified response had:", each.unseen, Role.DETAIL),
        ):
            if fields:
                yield from _flowed(Part(f"    {title}"), fields, 8, role)


def _strengths(strengths: Sequence[Strength]) -> Iterator[TextLine]:
    if not strengths:
        return
    yield _line("How many of the changes each consumer's contract notices", Role.HEADING)
    column = max(len(each.consumer) for each in strengths)
    counts = [f"{each.noticed} of {each.changes}" for each in strengths]
    wide = max(map(len, counts))
    for each, count in zip(strengths, counts, strict=True):
        yield _line(f"  {each.consumer:<{column}}  {count:>{wide}}  {percent(each)}")
        for interaction in each.accepting:
            yield _line(f"      accepts anything: {named(interaction)}", Role.WARNING)


def _left_out(impact: Impact) -> Iterator[TextLine]:
    if not impact.left_out:
        return
    yield _line("What could not be tried of verified interactions:", Role.WARNING)
    for interaction, reason in impact.left_out:
        yield _line(f"  {interaction.consumer}: {named(interaction)}: {' '.join(reason.split())}")


def _plan(plan: Plan) -> Iterator[TextLine]:
    yield TextLine((Part("The planned change: ", Role.LABEL), Part(planned(plan))))


def _breaks(plan: Plan, consumer: str, numbers: Sequence[int]) -> Iterator[TextLine]:
    yield TextLine((Part(f"{consumer} breaks", Role.HEADING),))
    for each in (plan.breaks[number] for number in numbers):
        pending = each.interaction.pending
        sign = "pending:" if pending else SIGNS[Outcome.MISMATCH]
        role = Role.WARNING if pending else Role.FAILED
        yield TextLine((Part(f"  {sign} {each.interaction.title}"),), role)
        if pending:
            yield _line(f"      pending    {PENDING_PASSES}", Role.DETAIL)
        for label, text in (
            ("operation", each.operation),
            ("change", "; ".join(each.members)),
            ("key", each.interaction.key),
        ):
            yield TextLine((Part(f"      {label:<9}  ", Role.LABEL), Part(text)))


def _unharmed(impact: Impact, plan: Plan) -> Iterator[TextLine]:
    if names := unharmed(impact, plan):
        yield from _flowed(Part("Consumers that get it and do not need it:"), names, 6)


def _flowed(
    start: Part, names: Sequence[str], indent: int, role: Role = Role.PLAIN, *, before: str = ""
) -> Iterator[TextLine]:
    """Yield lines that begin with a part and list names. Lines break between names, and never within one.

    Args:
        indent: of the lines after the first.
        before: words that stand before the first name, and are no name.
    """
    pieces = [f"{name}," for name in names[:-1]] + list(names[-1:])
    if before:
        pieces.insert(0, before)
    lines = [""]
    room = WIDTH - len(start.text) - 1
    for piece in pieces:
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > room:
            lines.append("")
            room = WIDTH - indent
        lines[-1] += f" {piece}" if lines[-1] else piece
    gap = "" if start.text.endswith(" ") else " "
    yield TextLine((start, Part(f"{gap}{lines[0]}" if lines[0] else "")), role)
    for line in lines[1:]:
        yield _line(" " * indent + line, role)


def _line(text: str, role: Role = Role.PLAIN) -> TextLine:
    return TextLine((Part(text),), role)
