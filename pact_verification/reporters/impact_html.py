"""What consumers need, or what a planned change breaks, as a page: one file without scripts.

Filters are radio buttons. Style rules, a few for each consumer and one for each operation, hide the rest.
"""

from collections.abc import Sequence
from typing import Any

from pact_verification.reporters.impact_conclusion import (
    MAX_UNTRIED,
    ONLY_SEEN,
    UNTRIED_ADVICE,
    breaks_of,
    conclusion,
    groups,
    is_spare_header,
    named,
    percent,
    rows_of,
    unharmed,
    untried,
    untried_heading,
    untried_name,
    untried_reason,
)
from pact_verification.reporters.page import page_context, render_page
from pact_verification.results.impact import (
    Break,
    Impact,
    MemberNeeds,
    Need,
    OperationNeeds,
    Plan,
    SerializerNeeds,
    Strength,
)

MANY = 12
"""From how many choices on a filter scrolls in a box of its own."""


def render(impact: Impact) -> str:
    """Return the impact as HTML. Its values are printable, and Django's templates escape them."""
    end = conclusion(impact)
    provider = impact.report.provider
    title = f"What a planned change to {provider} breaks" if impact.plan else f"What consumers need of {provider}"
    missing = list(untried(impact))
    context = {
        **page_context(title, end, impact.report),
        "untried_heading": untried_heading(impact),
        "untried": [(untried_name(*each), untried_reason(each[1])) for each in missing[:MAX_UNTRIED]],
        "untried_more": str(max(len(missing) - MAX_UNTRIED, 0) or ""),
        "untried_advice": UNTRIED_ADVICE,
        "plan": impact.plan and _plan(impact, impact.plan),
        "serializers": None if impact.serializers is None else list(map(_serializer, impact.serializers)),
        "strengths": list(map(_strength, impact.strengths)),
        "left_out": [(f"{each.consumer}: {named(each)}", " ".join(why.split())) for each, why in impact.left_out],
        "notes": impact.report.notes,
        "only_seen": ONLY_SEEN,
        **_needs(impact.operations),
    }
    return render_page("impact.html", context)


def _needs(operations: Sequence[OperationNeeds]) -> dict[str, Any]:
    """Return the operations, and the choices of the filters."""
    consumers = list(dict.fromkeys(name for operation in operations for name in operation.consumers))
    numbers = {name: number for number, name in enumerate(consumers)}
    shown = [_operation(number, each, numbers) for number, each in enumerate(operations)]
    members = [member for operation in operations for member in operation.members]
    unneeded = sum(not each.needs for each in members)
    needed_by = [need.consumer for member in members for need in member.needs]
    return {
        "operations": shown,
        "all_classes": " ".join(dict.fromkeys(name for each in shown for name in each["classes"].split())),
        "many": len(shown) > MANY,
        "consumers": [(str(number), name, str(needed_by.count(name))) for name, number in numbers.items()],
        "kinds": [
            ("all", "all", str(len(members))),
            ("needed", "needed", str(len(members) - unneeded)),
            ("unneeded", "no consumer needs", str(unneeded)),
        ],
    }


def _operation(number: int, operation: OperationNeeds, numbers: dict[str, int]) -> dict[str, Any]:
    """Return an operation. Its classes say what a combination of filters leaves of it."""
    uses = sorted(numbers[name] for name in operation.consumers)
    needed = sorted({numbers[need.consumer] for member in operation.members for need in member.needs})
    classes = [f"consumer-{each}" for each in uses] + [f"needed-{each}" for each in needed]
    if needed:
        classes.append("has-needed")
    if any(not member.needs for member in operation.members):
        classes += ["has-unneeded", *(f"unneeded-{each}" for each in uses)]
    return {
        "number": str(number),
        "title": operation.title,
        "consumers": ", ".join(operation.consumers),
        "classes": " ".join(classes),
        "rows": [_row(members, numbers) for members in rows_of(operation)],
    }


def _row(members: Sequence[MemberNeeds], numbers: dict[str, int]) -> dict[str, Any]:
    member = members[0]
    unneeded = "unneeded spare" if is_spare_header(member) else "unneeded"
    return {
        "titles": [each.member.title for each in members],
        "classes": _by((need.consumer for need in member.needs), numbers) if member.needs else unneeded,
        "fields": member.fields,
        "groups": [
            {
                "how": how,
                "classes": _by(consumers, numbers),
                "consumers": [(str(numbers[name]), name) for name in consumers],
            }
            for how, consumers in groups(member).items()
        ],
        "needs": [_need(need, numbers) for need in member.needs],
    }


def _by(consumers: Any, numbers: dict[str, int]) -> str:
    return " ".join(f"by-{numbers[name]}" for name in consumers)


def _need(need: Need, numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "number": str(numbers[need.consumer]),
        "consumer": need.consumer,
        "noticed": ", ".join(kind.value for kind in need.noticed),
        "interactions": list(map(named, need.interactions)),
    }


def _strength(strength: Strength) -> dict[str, Any]:
    return {
        "consumer": strength.consumer,
        "count": f"{strength.noticed} of {strength.changes}" if strength.changes else "",
        "percent": percent(strength),
        "width": str(strength.noticed * 100 // strength.changes) if strength.changes else "0",
        "accepting": list(map(named, strength.accepting)),
    }


def _serializer(serializer: SerializerNeeds) -> dict[str, Any]:
    return {
        "name": serializer.name,
        "place": str(serializer.place or ""),
        "fields": [
            (kind, meaning, ", ".join(fields))
            for kind, meaning, fields in (
                ("unneeded", "no consumer needs", serializer.unneeded),
                ("needed", "consumers need", serializer.needed),
                ("unseen", "no verified response had", serializer.unseen),
            )
            if fields
        ],
    }


def _plan(impact: Impact, plan: Plan) -> dict[str, Any]:
    return {
        "changes": plan.changes,
        "operation": plan.operation,
        "consumers": [
            {"number": str(number), "name": consumer, "breaks": [_break(plan.breaks[each]) for each in breaks]}
            for number, (consumer, breaks) in enumerate(breaks_of(plan).items())
        ],
        "total": str(len(plan.breaks)),
        "unharmed": unharmed(impact, plan),
    }


def _break(broken: Break) -> dict[str, Any]:
    pending = broken.interaction.pending
    return {
        "kind": "pending" if pending else "breaks",
        "title": broken.interaction.title,
        "operation": broken.operation,
        "changes": broken.members,
        "key": broken.interaction.key,
        "pending": pending,
    }
