"""The report as a page: one file without scripts, so that it works in the viewers of CI servers.

Filters are radio buttons. Style rules, one for each consumer and outcome, hide the other interactions.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from pact_verification.reporters.conclusion import conclusion, publication_sentence
from pact_verification.reporters.failure import facts, milliseconds, queries, queries_left_out, short_reason, warnings
from pact_verification.reporters.page import page_context, render_page
from pact_verification.reporters.summary import interactions_of, numbers_of
from pact_verification.results.coverage import Coverage
from pact_verification.results.crash import Frame
from pact_verification.results.diff import CAME, EXPECTED, RESPONSE, WRONG, DiffLine, shortened
from pact_verification.results.exchange import Recorded
from pact_verification.results.report import Cause, Failure, InteractionResult, Outcome, PactResult, Report
from pact_verification.text import counted

FAILED, PENDING = "failed", "pending"
MEANINGS = {
    FAILED: "failed",
    "state-error": "state error",
    "producer-error": "producer error",
    "not-verified": "not verified",
    PENDING: "pending",
    "skipped": "skipped",
    "verified": "verified",
}
"""The classes of the page's items in the order of its filter, each in words."""

PENDING_COUNTS = "Its failure fails the run all the same, because of --fail-on-pending."

LINES_AROUND = 30
"""How many lines stand before and after one that differs."""

LINE_CLASSES = {EXPECTED: "expected", CAME: "came", WRONG: "wrong", RESPONSE: "response"}

ORDER = {FAILED: 0, "state-error": 0, "producer-error": 0, "not-verified": 0, PENDING: 1, "skipped": 2, "verified": 3}
"""Where the classes stand on the page: what fails the run comes first."""

LISTED = 5
"""How many interactions of a cause are listed before a reader opens the others."""


def render(report: Report) -> str:
    """Return the report as HTML. Its values are printable, and Django's templates escape them."""
    consumers = list(dict.fromkeys(result.pact.consumer for result in report.pacts))
    numbers = numbers_of(report.causes)
    pacts = [_pact(number, result, consumers, numbers) for number, result in enumerate(report.pacts)]
    pacts.sort(key=lambda pact: min((ORDER[item["kind"]] for item in pact["items"]), default=0))
    items = [item for pact in pacts for item in pact["items"]]
    kinds = [kind for kind in MEANINGS if any(item["kind"] == kind for item in items)]
    there = {(pact["number"], item["kind"]) for pact in pacts for item in pact["items"]}
    end = conclusion(report)
    missing = report.publication.missing if report.publication else ()
    context = {
        **page_context(f"Pacts of {report.provider}", end, report),
        "consumers": [
            (str(number), name, str(sum(item["consumer"] == number for item in items)))
            for number, name in enumerate(consumers)
        ],
        "kinds": [(kind, MEANINGS[kind], str(sum(item["kind"] == kind for item in items))) for kind in kinds],
        "total": str(len(items)),
        # Filters that leave nothing to show: the page then says so.
        "empty": [(str(n), kind) for n, kind in product(range(len(consumers)), kinds) if (n, kind) not in there],
        "causes": [_cause(cause, report) for cause in report.causes],
        "causes_heading": counted(len(report.causes), "cause"),
        "pacts": pacts,
        "notes": report.notes,
        "publication": publication_sentence(report) or "",
        "missing": missing,
        "coverage": report.coverage and _coverage(report.coverage),
    }
    return render_page("report.html", context)


def _cause(cause: Cause, report: Report) -> dict[str, Any]:
    failures = [
        (_anchor(pact, number), report.pacts[pact].pact.consumer, report.pacts[pact].interactions[number].interaction)
        for pact, number in cause.failures
    ]
    listed = [(anchor, f"{consumer}: {interaction.description}") for anchor, consumer, interaction in failures]
    return {
        "title": cause.title,
        "subjects": ", ".join(cause.subjects),
        "place": str(cause.place or ""),
        "interactions": interactions_of(cause),
        "listed": listed[:LISTED],
        "others": listed[LISTED:],
        "more": counted(len(listed) - LISTED, "more interaction"),
        "rerun": cause.rerun,
    }


def _anchor(pact: int, number: int) -> str:
    """Return the id of an interaction's element, by its place in the report."""
    return f"i-{pact + 1}-{number + 1}"


def _pact(
    index: int, result: PactResult, consumers: list[str], causes: Mapping[Failure, Sequence[int]]
) -> dict[str, Any]:
    number = consumers.index(result.pact.consumer)
    items = [
        {
            **_item(result, each, number),
            "id": _anchor(index, place),
            "causes": " and ".join(map(str, causes.get((index, place), ()))),
        }
        for place, each in enumerate(result.interactions)
    ]
    items.sort(key=lambda item: ORDER[item["kind"]])
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
        "sql": list(queries(exchange)),
        "sql_left_out": queries_left_out(exchange),
        "rerun": result.rerun if failed else "",
        "took": milliseconds(exchange.seconds) if exchange.seconds else "",
    }


def _kind(result: InteractionResult) -> str:
    if result.outcome not in {Outcome.VERIFIED, Outcome.SKIPPED} and not result.failed:
        return PENDING
    return FAILED if result.outcome is Outcome.MISMATCH else result.outcome.value.replace(" ", "-")


def _facts(pact: PactResult, result: InteractionResult) -> Iterator[tuple[str, str]]:
    exchange = result.exchange
    at_broker = pact.pact.at_broker
    version = f", version {at_broker.consumer_version}" if at_broker else ""
    yield "consumer", f"{pact.pact.consumer}{version}"
    yield "pact", pact.pact.source
    yield "key", result.interaction.key
    if result.interaction.pending:
        counts = "the contract counts once this branch has verified it."
        yield "pending", PENDING_COUNTS if result.counted else f"Its failure does not fail the run: {counts}"
    for state in result.interaction.states[len(exchange.states) :]:
        yield "state", f"{state}: not set up"
    yield from facts(result)


def _messages(result: InteractionResult) -> Iterator[dict[str, Any]]:
    exchange = result.exchange
    messages = {"request": exchange.sent, "response": exchange.response, "message": exchange.message}
    for name, message in messages.items():
        if message:
            yield {"name": name, "text": _text_of(message)}


def _text_of(message: Recorded) -> str:
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
        "has_operations": coverage.has_operations,
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
        "used_producers": str(coverage.used_producers),
        "producers": str(coverage.producers),
        "produced": [
            {
                "names": each.names,
                "producer": each.producer and f"{each.producer.name} ({each.producer.location})",
                "uses": [(use.consumer, use.failing) for use in each.uses],
            }
            for each in coverage.produced
        ],
    }
