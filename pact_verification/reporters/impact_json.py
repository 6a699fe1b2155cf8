"""What consumers need, for programs. impact.schema.json, beside this module, says what each member means."""

import json
from typing import Any

from pact_verification.reporters.impact_conclusion import conclusion, untried, untried_reason
from pact_verification.results.impact import (
    Impact,
    InteractionName,
    MemberNeeds,
    Need,
    OperationNeeds,
    Plan,
    SerializerNeeds,
    Strength,
)
from pact_verification.results.report import InteractionResult
from pact_verification.text import visible

VERSION = 1
"""Of the format. It rises when a program that reads it has to change; new members don't raise it."""


def render(impact: Impact) -> str:
    """Return the impact as JSON. Its values are exact, so their unprintable characters are escaped here."""
    report = impact.report
    document = {
        "report": "pact-impact",
        "version": VERSION,
        "provider": report.provider,
        "started": report.started.isoformat() if report.started else None,
        "exit_code": impact.exit_code,
        "verdict": conclusion(impact).text,
        "verification": {
            "exit_code": report.exit_code,
            "seconds": round(report.seconds, 3),
            "interactions": len(report.interactions),
            "not_verified": [_untried(consumer, result) for consumer, result in untried(impact)],
            "notes": list(report.notes),
        },
        "changes": impact.changes,
        "seconds": round(impact.seconds, 3),
        "operations": list(map(_operation, impact.operations)),
        "strengths": list(map(_strength, impact.strengths)),
        "left_out": [{"interaction": _name(each), "reason": reason} for each, reason in impact.left_out],
        "serializers": None if impact.serializers is None else list(map(_serializer, impact.serializers)),
        "plan": impact.plan and _plan(impact.plan),
    }
    return visible(json.dumps(document, indent=1, ensure_ascii=False)) + "\n"


def _untried(consumer: str, result: InteractionResult) -> dict[str, Any]:
    interaction = result.interaction
    name = InteractionName(consumer, interaction.title, interaction.key, interaction.pending)
    return {
        "interaction": _name(name),
        "outcome": result.outcome.name.lower(),
        "reason": untried_reason(result),
    }


def _operation(operation: OperationNeeds) -> dict[str, Any]:
    return {
        "name": operation.name,
        "status": operation.status,
        "interactions": list(map(_name, operation.interactions)),
        "members": list(map(_member, operation.members)),
    }


def _member(needs: MemberNeeds) -> dict[str, Any]:
    return {
        "part": needs.member.part,
        "path": needs.member.path,
        "needs": list(map(_need, needs.needs)),
        "fields": list(needs.fields),
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "consumer": need.consumer,
        "how": need.how.name.lower(),
        "detail": need.detail,
        "noticed": [kind.name.lower() for kind in need.noticed],
        "interactions": [each.key for each in need.interactions],
    }


def _strength(strength: Strength) -> dict[str, Any]:
    return {
        "consumer": strength.consumer,
        "noticed": strength.noticed,
        "changes": strength.changes,
        "accepting": list(map(_name, strength.accepting)),
    }


def _serializer(serializer: SerializerNeeds) -> dict[str, Any]:
    return {
        "name": serializer.name,
        "place": str(serializer.place) if serializer.place else None,
        "needed": list(serializer.needed),
        "unneeded": list(serializer.unneeded),
        "unseen": list(serializer.unseen),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "changes": list(plan.changes),
        "operation": plan.operation,
        "affected": list(map(_name, plan.affected)),
        "breaks": [
            {"interaction": _name(each.interaction), "operation": each.operation, "changes": list(each.members)}
            for each in plan.breaks
        ],
    }


def _name(interaction: InteractionName) -> dict[str, Any]:
    return {
        "consumer": interaction.consumer,
        "title": interaction.title,
        "key": interaction.key,
        "pending": interaction.pending,
    }
