"""The report as a page: one file without scripts, so that it works in the viewers of CI servers.

Filters are radio buttons. Style rules, one for each consumer and outcome, hide the other interactions.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from pact_verification.reporters.conclusion import conclusion, publication_sentence
from pact_verification.reporters.failure import facts, milliseconds, short_reason, warnings
from pact_verification.results.coverage import Coverage
from pact_verification.results.crash import Frame
from pact_verification.results.diff import CAME, EXPECTED, WRONG, DiffLine, shortened
from pact_verification.results.exchange import RecordedRequest, RecordedResponse
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report

FAILED, PENDING = "failed", "pending"
MEANINGS = {
    FAILED: "failed",
    "state-error": "state error",
    "not-verified": "not verified",
    PENDING: "pending",
    "skipped": "skipped",
    "verified": "verified",
}
"""The classes of the page's items in the order of its filter, each in words."""

LINES_AROUND = 30
"""How many lines stand before and after one that differs."""

LINE_CLASSES = {EXPECTED: "expected", CAME: "came", WRONG: "wrong"}


def render(report: Report) -> str:
    """Return the report as HTML. Its values are printable, and Django's templates escape them."""
    consumers = list(dict.fromkeys(result.pact.consumer for result in report.pacts))
    pacts = [_pact(result, consumers) for result in report.pacts]
    items = [item for pact in pacts for item in pact["items"]]
    kinds = [kind for kind in MEANINGS if any(item["kind"] == kind for item in items)]
    there = {(pact["number"], item["kind"]) for pact in pacts for item in pact["items"]}
    end = conclusion(report)
    missing = report.publication.missing if report.publication else ()
    context = {
        "title": f"Pacts of {report.provider}",
        "conclusion": end.text,
        "mood": end.mood.value,
        "started": report.started.strftime("%Y-%m-%d %H:%M:%S UTC") if report.started else "",
        "consumers": [
            (str(number), name, str(sum(item["consumer"] == number for item in items)))
            for number, name in enumerate(consumers)
        ],
        "kinds": [(kind, MEANINGS[kind], str(sum(item["kind"] == kind for item in items))) for kind in kinds],
        "total": str(len(items)),
        # Filters that leave nothing to show: the page then says so.
        "empty": [(str(n), kind) for n, kind in product(range(len(consumers)), kinds) if (n, kind) not in there],
        "pacts": pacts,
        "notes": report.notes,
        "publication": publication_sentence(report) or "",
        "missing": missing,
        "coverage": report.coverage and _coverage(report.coverage),
    }
    engine = Engine(dirs=[str(Path(__file__).parent)], autoescape=True)
    return str(engine.get_template("report.html").render(Context(context, use_l10n=False)))


def _pact(result: PactResult, consumers: list[str]) -> dict[str, Any]:
    number = consumers.index(result.pact.consumer)
    items = [_item(result, each, number) for each in result.interactions]
    return {
        "number": number,
        "consumer": result.pact.consumer,
        "source": result.pact.source,
        "url": result.pact.at_broker.url if result.pact.at_broker else "",
        "kinds": " ".join(dict.fromkeys(f"has-{item['kind']}" for item in items)),
        "items": items,
    }


def _item(pact: PactResult, result: InteractionResult, number: int) -> dict[str, Any]:
    exchange = result.exchange
    kind = _kind(result)
    failed = result.outcome is not Outcome.VERIFIED
    return {
        "kind": kind,
        "meaning": MEANINGS[kind],
        "consumer": number,
        "description": result.interaction.description,
        "states": list(map(str, result.interaction.states)),
        "open": result.failed and result.outcome is not Outcome.SKIPPED,
        "short": short_reason(result) if failed else "",
        "facts": list(_facts(pact, result)),
        "error": result.error or "",
        "warnings": warnings(result),
        "diff": [(part, list(map(_line, shortened(lines, LINES_AROUND)))) for part, lines in result.diff.parts()],
        "messages": list(_messages(result)) if failed else [],
        "crash": exchange.crash
        and {
            "exception": exchange.crash.exception,
            "own": list(map(_frame, exchange.crash.own)),
            "libraries": list(map(_frame, exchange.crash.libraries)),
        },
        "rerun": result.rerun if failed else "",
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
            yield {"name": name, "text": _text_of(message)}


def _text_of(message: RecordedRequest | RecordedResponse) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in message.headers.items())
    body = message.body.decode(errors="replace")
    return f"{message.headline}\n{headers}\n{body}".strip()


def _frame(frame: Frame) -> str:
    return f"{frame.file}:{frame.line} in {frame.function}\n    {frame.code}"


def _line(line: DiffLine) -> dict[str, str]:
    return {
        "kind": LINE_CLASSES.get(line.sign, "same"),
        "sign": line.sign,
        "text": line.text,
        "note": line.note,
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "used": str(coverage.used),
        "total": str(len(coverage.operations)),
        "others": str(coverage.others or ""),
        "rows": [
            {
                "method": each.method,
                "route": each.endpoint.route or "(empty)",
                "view": each.endpoint.view,
                "uses": [(use.consumer, ", ".join(map(str, use.statuses)), use.failing) for use in each.uses],
            }
            for each in coverage.operations
        ],
        "nowhere": [(request, use.consumer, ", ".join(map(str, use.statuses))) for request, use in coverage.nowhere],
    }
