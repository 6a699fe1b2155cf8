"""The report for programs. report.schema.json, beside this module, says what each member means."""

import json
from typing import Any

from pact_verification.pacts.pact import Interaction, PactMessage, ProviderState
from pact_verification.reporters.conclusion import conclusion
from pact_verification.reporters.failure import warnings
from pact_verification.results.coverage import Coverage, Produced, Use
from pact_verification.results.crash import Crash
from pact_verification.results.diff import DiffLine, shortened
from pact_verification.results.exchange import Endpoint, Exchange, RecordedMessage, RecordedRequest, RecordedResponse
from pact_verification.results.report import Cause, InteractionResult, Outcome, PactResult, Publication, Report
from pact_verification.text import visible

LINES_AROUND = 30
"""How many lines stand before and after one that differs."""

VERSION = 1
"""Of the format. It rises when a program that reads it has to change; new members don't raise it."""


def render(report: Report) -> str:
    """Return the report as JSON. Its values are exact, so their unprintable characters are escaped here."""
    document = {
        "report": "pact-verification",
        "version": VERSION,
        "provider": report.provider,
        "started": report.started.isoformat() if report.started else None,
        "seconds": round(report.seconds, 3),
        "databases_seconds": round(report.databases_seconds, 3),
        "exit_code": report.exit_code,
        "verdict": conclusion(report).text,
        "counts": {
            outcome.name.lower(): sum(each.outcome is outcome for each in report.interactions) for outcome in Outcome
        },
        "causes": [_cause(cause, report) for cause in report.causes],
        "pacts": [_pact(result) for result in report.pacts],
        "coverage": report.coverage and _coverage(report.coverage),
        "publication": report.publication and _publication(report.publication),
        "unpublished": report.unpublished or "",
        "nothing_for": list(report.nothing_for),
        "notes": list(report.notes),
    }
    return visible(json.dumps(document, indent=1, ensure_ascii=False, default=str)) + "\n"


def _cause(cause: Cause, report: Report) -> dict[str, Any]:
    return {
        "title": cause.title,
        "subjects": list(cause.subjects),
        "place": str(cause.place) if cause.place else None,
        "consumers": list(cause.consumers),
        "interactions": [report.pacts[pact].interactions[number].interaction.key for pact, number in cause.failures],
        "rerun": cause.rerun,
    }


def _pact(result: PactResult) -> dict[str, Any]:
    at_broker = result.pact.at_broker
    return {
        "consumer": result.pact.consumer,
        "consumer_version": at_broker.consumer_version if at_broker else None,
        "source": result.pact.source,
        "url": at_broker.url if at_broker else None,
        "reason": at_broker.reason if at_broker else None,
        "pending": bool(at_broker and at_broker.pending),
        "wip": bool(at_broker and at_broker.wip),
        "interactions": [_interaction(each) for each in result.interactions],
    }


def _interaction(result: InteractionResult) -> dict[str, Any]:
    interaction, exchange = result.interaction, result.exchange
    return {
        "key": interaction.key,
        "description": interaction.description,
        "pending": interaction.pending,
        "outcome": result.outcome.name.lower(),
        "failed": result.failed,
        "error": result.error or "",
        "rerun": result.rerun,
        "states": _states(interaction.states, exchange),
        "request": exchange.request and _message(exchange.request),
        "response": exchange.response and {**_message(exchange.response), "status": exchange.response.status},
        "kind": interaction.kind,
        "message_request": exchange.message_request and _contents(exchange.message_request),
        "message": exchange.message and _contents(exchange.message),
        "message_number": interaction.response if exchange.message else None,
        "producer": exchange.producer and f"{exchange.producer.name} ({exchange.producer.location})",
        "expected": _expected(interaction),
        "expected_messages": list(map(_contents, interaction.messages)),
        "mismatches": [
            {
                "part": mismatch.part,
                "path": mismatch.path,
                "expected": mismatch.expected,
                "actual": mismatch.actual,
                "message": mismatch.message,
                "rule": str(mismatch.rule or ""),
                "message_number": mismatch.response,
            }
            for mismatch in result.mismatches
        ],
        "diff": {part: list(map(_line, shortened(lines, LINES_AROUND))) for part, lines in result.diff.parts()},
        "endpoint": (exchange.endpoint and exchange.endpoint.reached and _endpoint(exchange.endpoint)) or None,
        "crash": exchange.crash and _crash(exchange.crash),
        "queries": exchange.queries,
        "sql": [
            {"sql": each.sql, "database": each.database, "seconds": round(each.seconds, 6)} for each in exchange.sql
        ],
        "request_seconds": round(exchange.request_seconds, 6),
        "seconds": round(exchange.seconds, 6),
        "refusal": exchange.refusal and exchange.refusal.exception,
        "log": list(exchange.log),
        "warnings": list(warnings(result)),
        "test_name": interaction.test_name or None,
        "comments": list(interaction.comments),
    }


def _states(states: tuple[ProviderState, ...], exchange: Exchange) -> list[dict[str, Any]]:
    """Return the states that the pact needs, each with what its handler did. None follows one that failed."""
    set_up = [*exchange.states, *[None] * len(states)]
    return [
        {
            "name": state.name,
            "params": dict(state.params),
            "handler": made.handler if made else None,
            "values": dict(made.values) if made else {},
        }
        for state, made in zip(states, set_up, strict=False)
    ]


def _message(message: RecordedRequest | RecordedResponse) -> dict[str, Any]:
    return {
        "headline": message.headline,
        "headers": dict(message.headers),
        "body": message.body.decode(errors="backslashreplace"),
    }


def _expected(interaction: Interaction) -> dict[str, Any]:
    """Return the expected response. It is an object for messages too, since programs read its members."""
    if interaction.is_message:
        return {"status": 0, "headers": {}, "body": None}
    expected = interaction.expected
    return {"status": expected.status, "headers": dict(expected.headers), "body": expected.body}


def _contents(message: RecordedMessage | PactMessage) -> dict[str, Any]:
    body = message.body.decode(errors="backslashreplace") if isinstance(message.body, bytes) else message.body
    return {"content_type": message.content_type, "metadata": dict(message.metadata), "body": body}


def _line(line: DiffLine) -> dict[str, str]:
    return {"sign": line.sign, "text": line.text, "note": line.note}


def _endpoint(endpoint: Endpoint) -> dict[str, str]:
    return {"route": endpoint.route, "view": endpoint.view, "location": str(endpoint.location or "")}


def _crash(crash: Crash) -> dict[str, Any]:
    frames = [*crash.own, *crash.libraries]
    return {
        "exception": crash.exception,
        "frames": [
            {"file": each.file, "line": each.line, "function": each.function, "code": each.code, "own": each.own}
            for each in frames
        ],
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "operations": [
            {"method": each.method, **_endpoint(each.endpoint), "uses": list(map(_use, each.uses))}
            for each in coverage.operations
        ],
        "others": coverage.others,
        "nowhere": [{"request": request, **_use(use)} for request, use in coverage.nowhere],
        "producers": list(map(_produced, coverage.produced)),
    }


def _produced(produced: Produced) -> dict[str, Any]:
    producer = produced.producer
    return {
        "messages": list(produced.names),
        "producer": producer and producer.name,
        "location": str(producer.location) if producer else "",
        "uses": list(map(_use, produced.uses)),
    }


def _use(use: Use) -> dict[str, Any]:
    return {"consumer": use.consumer, "statuses": list(use.statuses), "failing": use.failing}


def _publication(publication: Publication) -> dict[str, Any]:
    return {
        "broker": publication.broker,
        "version": publication.version,
        "branch": publication.branch,
        "published": list(publication.published),
        "missing": [{"pact": name, "why": why} for name, why in publication.missing],
    }
