"""The report as JUnit XML, as GitHub, GitLab and Jenkins read it.

A suite for each pact and a case for each interaction. What is pending and failed is skipped, with its reason; a state
error and what was not verified are errors; a mismatch is a failure. What makes a run red without an interaction that
failed (a pact of which nothing was verified, a result that the broker does not hold) is a case of its own: nobody who
reads this alone may take the run for green.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pact_verification.reporters.console import render_failure
from pact_verification.reporters.wording import in_short, nothing, place_of, remarks
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.text import printable_lines, relative

KINDS = {Outcome.MISMATCH: "failure", Outcome.STATE_ERROR: "error", Outcome.NOT_VERIFIED: "error"}
NOTHING_VERIFIED = 3


def render(report: Report) -> str:
    """The report as XML."""
    root = Element("testsuites", name=printable_lines(report.provider), time=f"{report.seconds:.3f}")
    for result in report.pacts:
        root.append(_suite(f"{result.pact.consumer} ({result.pact.source})", report.started, _cases(result)))
    trouble = list(_trouble(report))
    if trouble:
        root.append(_suite(f"{report.provider}: the run", report.started, trouble))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(name: str, started: datetime | None, cases: list[Element]) -> Element:
    suite = Element("testsuite", name=printable_lines(name), tests=str(len(cases)))
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
        title = printable_lines(each.interaction.title)
        seen[title] += 1
        name = title if seen[title] == 1 else f"{title} #{seen[title]}"  # readers take equal names for one case
        cases.append(_case(result, each, name))
    return cases


def _case(pact: PactResult, result: InteractionResult, name: str) -> Element:
    case = Element(
        "testcase", classname=printable_lines(pact.pact.consumer), name=name, time=f"{result.exchange.seconds:.3f}"
    )
    if result.outcome is not Outcome.VERIFIED and (place := place_of(result)):
        case.set("file", relative(place.file))
        case.set("line", str(place.line))
    if result.outcome is Outcome.VERIFIED:
        if lines := remarks(result):
            SubElement(case, "system-out").text = printable_lines("\n".join(lines))
        return case
    text = printable_lines(render_failure(pact, result))
    short = printable_lines(in_short(result))
    if result.outcome is Outcome.SKIPPED:
        SubElement(case, "skipped", message=short)
    elif not result.failed:
        SubElement(case, "skipped", message=f"pending, so it does not fail the run: {short}")
        SubElement(case, "system-out").text = text
    else:
        SubElement(case, KINDS[result.outcome], message=short, type=result.outcome.value).text = text
    return case


def _trouble(report: Report) -> Iterable[Element]:
    reasons = []
    if report.exit_code == NOTHING_VERIFIED:
        reasons.append(("something was verified", nothing(report)))
    for name, why in report.publication.missing if report.publication else ():
        reasons.append((f"the broker holds the result of {name}", why))
    for name, why in reasons:
        case = Element("testcase", classname=printable_lines(report.provider), name=printable_lines(name), time="0")
        SubElement(case, "error", message=printable_lines(why), type="not verified")
        yield case
