"""The sentences about a whole Impact, and the groups of consumers with the same need."""

from collections.abc import Iterable, Iterator

from pact_verification.reporters.conclusion import Conclusion, Mood
from pact_verification.reporters.conclusion import conclusion as conclusion_of_report
from pact_verification.reporters.failure import short_reason
from pact_verification.results.impact import Impact, InteractionName, MemberNeeds, OperationNeeds, Plan, Strength
from pact_verification.results.report import InteractionResult, Outcome
from pact_verification.text import counted

ONLY_SEEN = "Only members of responses and messages that were verified count."

UNTRIED_ADVICE = "verify_pacts shows such failures in full."

ALL = 3
"""From how many consumers on "all 3 consumers" stands for their names."""

MAX_UNTRIED = 10
"""How many interactions are named that were not verified."""

SHOWN_CHANGES = 3
"""How many planned changes are named in a heading."""


def conclusion(impact: Impact) -> Conclusion:
    """Return what was found, in a sentence or two."""
    if impact.exit_code > 1 or not impact.report.interactions:
        return conclusion_of_report(impact.report)
    found = _plan(impact, impact.plan) if impact.plan else _needs(impact)
    parts = [f"{impact.report.provider}: {found.text}"]
    count = len(list(untried(impact)))
    if count:
        parts.append(f"{_were(count)} not verified, and {'its' if count == 1 else 'their'} needs are unknown.")
    if gaps := len({name for name, _ in impact.left_out}) if impact.plan is None else 0:
        parts.append(f"Not everything could be tried of {counted(gaps, 'verified interaction')}.")
    if impact.exit_code:
        return Conclusion(" ".join(parts), Mood.BAD)
    return Conclusion(" ".join(parts), Mood.NEUTRAL if count or gaps else found.mood)


def _needs(impact: Impact) -> Conclusion:
    members = [each for operation in impact.operations for each in operation.members]
    if not members:
        return Conclusion("no member of a response or message was tried.", Mood.NEUTRAL)
    needed = sum(bool(each.needs) for each in members)
    of = f"{counted(len(members), 'member')} of {counted(len(impact.operations), 'operation')}"
    headers = sum(map(is_spare_header, members))
    which = f", of which {headers} {'is a header' if headers == 1 else 'are headers'}" if headers else ""
    text = f"of {of}, consumers need {needed}. No consumer needs {len(members) - needed}{which}. {_effort(impact)}"
    return Conclusion(text, Mood.GOOD)


def _effort(impact: Impact) -> str:
    return f"The Pact core judged {counted(impact.changes, 'change')} in {impact.seconds:.1f} s."


def _plan(impact: Impact, plan: Plan) -> Conclusion:
    if not plan.affected:
        text = "no verified response or message has what the planned change names. Is the path right?"
        return Conclusion(text, Mood.NEUTRAL)
    text = f"the planned change affects {_of_consumers(plan.affected)}"
    gaps = len({name for name, _ in impact.left_out})
    untried_too = f" {counted(gaps, 'interaction')} could not be tried." if gaps else ""
    if not plan.breaks:
        complete = not (gaps or any(untried(impact)))
        end = "No contract breaks." if complete else "No contract that was tried breaks."
        return Conclusion(f"{text}.{untried_too} {end}", Mood.GOOD)
    text += f", and breaks {_of_consumers(each.interaction for each in plan.breaks)}.{untried_too}"
    if plan.fails:
        return Conclusion(f"{text} Contracts break.", Mood.BAD)
    return Conclusion(f"{text} What breaks is pending: no contract breaks.", Mood.NEUTRAL)


def _of_consumers(interactions: Iterable[InteractionName]) -> str:
    listed = list(interactions)
    consumers = {each.consumer for each in listed}
    return f"{counted(len(listed), 'interaction')} of {counted(len(consumers), 'consumer')}"


def _were(count: int) -> str:
    return f"{counted(count, 'interaction')} {'was' if count == 1 else 'were'}"


def planned(plan: Plan) -> str:
    """Return the planned change, in words."""
    more = len(plan.changes) - SHOWN_CHANGES
    shown = "; ".join(plan.changes[:SHOWN_CHANGES]) + (f"; and {more} more" if more > 0 else "")
    return f"{shown} (only in {plan.operation})" if plan.operation is not None else shown


def untried(impact: Impact) -> Iterator[tuple[str, InteractionResult]]:
    """Yield the interactions that were not verified, each with its consumer."""
    for pact in impact.report.pacts:
        for result in pact.interactions:
            if result.outcome is not Outcome.VERIFIED:
                yield pact.pact.consumer, result


def untried_heading(impact: Impact) -> str:
    """Return why the answer has gaps; empty if every interaction was verified."""
    count = len(list(untried(impact)))
    if not count:
        return ""
    needs = "it needs" if count == 1 else "they need"
    return f"{_were(count)} not verified and could not be tried. What {needs} is missing below."


def untried_name(consumer: str, result: InteractionResult) -> str:
    """Return an interaction that was not verified, with its consumer and key."""
    return f"{consumer}: {result.interaction.title} ({result.interaction.key})"


def untried_reason(result: InteractionResult) -> str:
    """Return in one line why an interaction was not verified."""
    return " ".join(short_reason(result).split())


def named(interaction: InteractionName) -> str:
    """Return an interaction's title with its key."""
    pending = ", pending" if interaction.pending else ""
    return f"{interaction.title} ({interaction.key}{pending})"


def is_spare_header(needs: MemberNeeds) -> bool:
    """Tell whether a member is a header that no consumer needs. Each response has many, of the framework and others."""
    return needs.member.part == "header" and not needs.needs


def rows_of(operation: OperationNeeds) -> list[tuple[MemberNeeds, ...]]:
    """Return the members of an operation for a table: a row for each, and one for all spare headers at its end."""
    rows = [(each,) for each in operation.members if not is_spare_header(each)]
    spare = tuple(filter(is_spare_header, operation.members))
    return [*rows, spare] if spare else [*rows]


def groups(needs: MemberNeeds) -> dict[str, list[str]]:
    """Return the consumers by how they need a member, in words."""
    found: dict[str, list[str]] = {}
    for need in needs.needs:
        found.setdefault(need.text, []).append(need.consumer)
    return found


def consumers_or_all(consumers: list[str], operation: OperationNeeds) -> list[str]:
    """Return the consumers, or how many they are where they are all of an operation's."""
    every = len(operation.consumers)
    return [f"all {every} consumers"] if len(consumers) == every >= ALL else consumers


def percent(strength: Strength) -> str:
    """Return the share of changes that a contract notices. It is 100 % only if the contract notices all."""
    if not strength.changes:
        return "no change was tried"
    return f"{strength.noticed * 100 // strength.changes} %"


def breaks_of(plan: Plan) -> dict[str, list[int]]:
    """Return the numbers of the plan's breaks, by consumer."""
    found: dict[str, list[int]] = {}
    for number, each in enumerate(plan.breaks):
        found.setdefault(each.interaction.consumer, []).append(number)
    return found


def unharmed(impact: Impact, plan: Plan) -> list[str]:
    """Return the consumers whose responses or messages would change, and none of whose interactions may break."""
    broken = {each.interaction.consumer for each in plan.breaks}
    broken |= {each.consumer for each, _ in impact.left_out} | {consumer for consumer, _ in untried(impact)}
    return [name for name in dict.fromkeys(each.consumer for each in plan.affected) if name not in broken]
