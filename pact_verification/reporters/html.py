"""The report as a page: one file that needs nothing else, and no script.

Filters are radio buttons; what they hide is told by style rules, one for each consumer and outcome. So the page works
where scripts are forbidden, as in the viewers of CI servers.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from pact_verification.reporters.wording import facts, in_short, milliseconds, publication, verdict, warnings
from pact_verification.results.crash import Frame
from pact_verification.results.diff import shortened
from pact_verification.results.exchange import RecordedRequest, RecordedResponse
from pact_verification.results.report import (
    CAME,
    EXPECTED,
    WRONG,
    Coverage,
    InteractionResult,
    Line,
    Outcome,
    PactResult,
    Report,
)
from pact_verification.text import printable, printable_lines

FAILED, PENDING = "failed", "pending"
MEANINGS = {
    FAILED: "failed",
    "state-error": "state error",
    "not-verified": "not verified",
    PENDING: "pending",
    "skipped": "skipped",
    "verified": "verified",
}
"""Classes of the page's items, in the order of its filter, each as a person calls it."""

CONTEXT = 30
"""How many lines stand around one that differs."""

LINE_CLASSES = {EXPECTED: "expected", CAME: "came", WRONG: "wrong"}


def render(report: Report) -> str:
    """The report as HTML. Django's templates escape every value."""
    consumers = list(dict.fromkeys(result.pact.consumer for result in report.pacts))
    pacts = [_pact(result, consumers) for result in report.pacts]
    items = [item for pact in pacts for item in pact["items"]]
    kinds = [kind for kind in MEANINGS if any(item["kind"] == kind for item in items)]
    there = {(pact["number"], item["kind"]) for pact in pacts for item in pact["items"]}
    said = verdict(report)
    missing = report.publication.missing if report.publication else ()
    context = {
        "title": printable(f"Pacts of {report.provider}"),
        "verdict": printable_lines(said.text),
        "mood": "good" if said.good else "bad" if said.bad else "neutral",
        "started": report.started.strftime("%Y-%m-%d %H:%M:%S UTC") if report.started else "",
        "consumers": [
            (str(number), printable(name), str(sum(item["consumer"] == number for item in items)))
            for number, name in enumerate(consumers)
        ],
        "kinds": [(kind, MEANINGS[kind], str(sum(item["kind"] == kind for item in items))) for kind in kinds],
        "total": str(len(items)),
        # Of what nothing is left to see: the page says so, rather than to be empty.
        "empty": [(str(n), kind) for n, kind in product(range(len(consumers)), kinds) if (n, kind) not in there],
        "pacts": pacts,
        "notes": [printable_lines(note) for note in report.notes],
        "publication": printable(publication(report)),
        "missing": [(printable(name), printable_lines(why)) for name, why in missing],
        "coverage": report.coverage and _coverage(report.coverage),
    }
    engine = Engine(dirs=[str(Path(__file__).parent)], autoescape=True)
    return str(engine.get_template("report.html").render(Context(context, use_l10n=False)))


def _pact(result: PactResult, consumers: list[str]) -> dict[str, Any]:
    number = consumers.index(result.pact.consumer)
    items = [_item(result, each, number) for each in result.interactions]
    return {
        "number": number,
        "consumer": printable(result.pact.consumer),
        "source": printable(result.pact.source),
        "url": result.pact.at_broker.url if result.pact.at_broker else "",
        "kinds": " ".join(dict.fromkeys(f"has-{item['kind']}" for item in items)),
        "items": items,
    }


def _item(pact: PactResult, result: InteractionResult, number: int) -> dict[str, Any]:
    exchange = result.exchange
    kind = _kind(result)
    troubled = result.outcome is not Outcome.VERIFIED
    return {
        "kind": kind,
        "meaning": MEANINGS[kind],
        "consumer": number,
        "description": printable(result.interaction.description),
        "states": [printable(str(state)) for state in result.interaction.states],
        "open": result.failed and result.outcome is not Outcome.SKIPPED,
        "short": printable(in_short(result)) if troubled else "",
        "facts": [(name, printable_lines(text)) for name, text in _facts(pact, result)],
        "error": printable_lines(result.error or ""),
        "warnings": [printable_lines(warning) for warning in warnings(result)],
        "diff": [(part, list(map(_line, shortened(lines, CONTEXT)))) for part, lines in result.diff.parts()],
        "messages": list(_messages(result)) if troubled else [],
        "crash": exchange.crash
        and {
            "exception": printable_lines(exchange.crash.exception),
            "own": list(map(_frame, exchange.crash.own)),
            "libraries": list(map(_frame, exchange.crash.libraries)),
        },
        "rerun": printable(result.rerun) if troubled else "",
        "took": milliseconds(exchange.seconds) if exchange.seconds else "",
    }


def _kind(result: InteractionResult) -> str:
    match result.outcome:
        case Outcome.VERIFIED:
            return "verified"
        case Outcome.SKIPPED:
            return "skipped"
        case _ if not result.failed:
            return PENDING
        case Outcome.STATE_ERROR:
            return "state-error"
        case Outcome.NOT_VERIFIED:
            return "not-verified"
        case _:
            return FAILED


def _facts(pact: PactResult, result: InteractionResult) -> Iterator[tuple[str, str]]:
    exchange = result.exchange
    at_broker = pact.pact.at_broker
    version = f", version {at_broker.consumer_version}" if at_broker else ""
    yield "consumer", f"{pact.pact.consumer}{version}"
    yield "pact", pact.pact.source
    yield "key", result.interaction.key
    if result.interaction.pending:
        yield "pending", "Its failure does not fail the run: the contract counts once this branch has verified it."
    for state in result.interaction.states[len(exchange.states) :]:
        yield "state", f"{state}: not set up"
    yield from facts(result)


def _messages(result: InteractionResult) -> Iterator[dict[str, Any]]:
    for name, message in (("request", result.exchange.request), ("response", result.exchange.response)):
        if message:
            yield {"name": name, "text": _whole(message)}


def _whole(message: RecordedRequest | RecordedResponse) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in message.headers.items())
    body = message.body.decode(errors="replace")
    return printable_lines(f"{message.headline}\n{headers}\n{body}".strip())


def _frame(frame: Frame) -> str:
    return printable_lines(f"{frame.file}:{frame.line} in {frame.function}\n    {frame.code}")


def _line(line: Line) -> dict[str, str]:
    return {
        "kind": LINE_CLASSES.get(line.sign, "same"),
        "sign": line.sign,
        "text": printable(line.text),
        "note": printable_lines(line.note),
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "used": str(sum(bool(operation.uses) for operation in coverage.operations)),
        "total": str(len(coverage.operations)),
        "others": str(coverage.others or ""),
        "rows": [
            {
                "method": each.method,
                "route": printable(each.endpoint.route or "(empty)"),
                "view": printable(each.endpoint.view),
                "uses": [
                    (printable(use.consumer), ", ".join(map(str, use.statuses)), use.failing) for use in each.uses
                ],
            }
            for each in coverage.operations
        ],
        "nowhere": [
            (printable(request), printable(use.consumer), ", ".join(map(str, use.statuses)))
            for request, use in coverage.nowhere
        ],
    }
