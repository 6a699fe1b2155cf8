"""The report as JUnit XML, as GitHub, GitLab and Jenkins read it.

A suite is a pact, and a case is an interaction. A mismatch is a failure. A state error, and an interaction that was not
verified, are errors. A pending interaction that failed is skipped, with its reason. A run may also fail without a
failed interaction, such as for a pact without interactions. Then it has an error of its own, so this file is not green.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pact_verification.reporters.conclusion import why_nothing_was_verified
from pact_verification.reporters.failure import failure_text, remarks, short_reason
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.text import relative

KINDS = {
    Outcome.MISMATCH: "failure",
    Outcome.STATE_ERROR: "error",
    Outcome.PRODUCER_ERROR: "error",
    Outcome.NOT_VERIFIED: "error",
}
NOTHING_VERIFIED = 3


def render(report: Report) -> str:
    """Return the report as XML. Its values are printable."""
    root = Element("testsuites", name=report.provider, time=f"{report.seconds:.3f}")
    for result in report.pacts:
        root.append(_suite(f"{result.pact.consumer} ({result.pact.source})", report.started, _cases(result)))
    others = list(_other_failures(report))
    if others:
        root.append(_suite(f"{report.provider}: the run", report.started, others))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(name: str, started: datetime | None, cases: list[Element]) -> Element:
    suite = Element("testsuite", name=name, tests=str(len(cases)))
    for kind, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(counted, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    if started:
        suite.set("timestamp", started.strftime("%Y-%m-%dT%H:%M:%S"))
    suite.extend(cases)
    return suite


def _cases(result: PactResult) -> list[Element]:
    seen: Counter[str] = Counter()
    cases = []
    for each in result.interactions:
        title = each.interaction.title
        seen[title] += 1
        # Readers take two cases with one name for the same case.
        name = title if seen[title] == 1 else f"{title} #{seen[title]}"
        cases.append(_case(result, each, name))
    return cases


def _case(pact: PactResult, result: InteractionResult, name: str) -> Element:
    case = Element("testcase", classname=pact.pact.consumer, name=name, time=f"{result.exchange.seconds:.3f}")
    if result.outcome is not Outcome.VERIFIED and (place := result.place):
        case.set("file", relative(place.file))
        case.set("line", str(place.line))
    if result.outcome is Outcome.VERIFIED:
        if lines := remarks(result):
            SubElement(case, "system-out").text = "\n".join(lines)
        return case
    text = failure_text(pact, result)
    short = short_reason(result)
    if result.outcome is Outcome.SKIPPED:
        SubElement(case, "skipped", message=short)
    elif not result.failed:
        SubElement(case, "skipped", message=f"pending, so it does not fail the run: {short}")
        SubElement(case, "system-out").text = text
    else:
        SubElement(case, KINDS[result.outcome], message=short, type=result.outcome.value).text = text
    return case


def _other_failures(report: Report) -> Iterable[Element]:
    reasons = []
    if report.exit_code == NOTHING_VERIFIED:
        reasons.append(("something was verified", why_nothing_was_verified(report)))
    for name, why in report.publication.missing if report.publication else ():
        reasons.append((f"the broker holds the result of {name}", why))
    for name, why in reasons:
        case = Element("testcase", classname=report.provider, name=name, time="0")
        SubElement(case, "error", message=why, type="not verified")
        yield case
