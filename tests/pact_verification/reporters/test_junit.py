"""The JUnit report, read by a reader that is not ours."""

from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.reporters.junit import render
from pact_verification.results.printable import printable_values
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Publication, Report
from tests.pact_verification.reporters.conftest import CONSUMER, Reports, line_of

pytestmark = pytest.mark.no_database

PACT = Pact("shop", "testapp", (), Path("shop.json"), "shop.json")


@pytest.fixture
def suites(reports: Reports) -> list[TestSuite]:
    return list(JUnitXml.fromfile(str(reports.junit)))


def cases(suite: TestSuite) -> dict[str, TestCase]:
    return {case.name: case for case in suite}


def test_a_suite_a_pact_and_a_case_an_interaction(suites: list[TestSuite], reports: Reports) -> None:
    folder = reports.junit.parent / "pacts"
    assert [suite.name for suite in suites] == [f"{CONSUMER} ({folder}/a.json)", f"later ({folder}/b.json)"]
    assert [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites] == [
        (5, 2, 1, 0),
        (2, 0, 0, 1),
    ]
    whole = JUnitXml.fromfile(str(reports.junit))
    assert (whole.tests, whole.failures, whole.errors, whole.skipped) == (7, 2, 1, 1)
    assert whole.time > 0
    for suite in suites:
        assert len(suite) == len(cases(suite)) == suite.tests  # no two cases share a name
        assert {case.classname for case in suite} == {suite.name.rpartition(" (")[0]}


def test_mismatches_are_failures_and_state_errors_errors(suites: list[TestSuite]) -> None:
    results = [(name, case.result) for name, case in cases(suites[0]).items()]
    assert [(name.split()[1], [type(each) for each in found]) for name, found in results] == [
        ("list", []),
        ("item", [Failure]),
        ("crash", [Failure]),
        ("state", [Error]),
        ("list", []),
    ]
    (failure,) = results[1][1]
    assert failure.message.startswith("status 200 instead of 201; ")
    assert "- 201 Created" in failure.text
    (crash,) = cases(suites[0])["a crash"].result
    assert crash.message == "status 500 instead of 200; LookupError: the price service has no answer"


def test_pending_is_skipped_with_its_reason(suites: list[TestSuite]) -> None:
    (skipped,) = cases(suites[1])["to come"].result
    assert isinstance(skipped, Skipped)
    assert skipped.message == "pending, so it does not fail the run: status 404 instead of 200"
    assert cases(suites[1])["done"].result == []


def test_a_failure_leads_to_a_line_of_code(suites: list[TestSuite]) -> None:
    crash = cases(suites[0])["a crash"]._elem
    assert f"{crash.get('file')}:{crash.get('line')}" == line_of(
        "tests/testapp/views.py", 'raise LookupError("the price'
    )


def read(report: Report) -> JUnitXml:
    return JUnitXml.fromstring(render(report).encode())


@pytest.mark.parametrize(
    "report",
    [
        Report("testapp", ()),
        Report("testapp", (PactResult(PACT, ()),)),
        Report("testapp", (), nothing_for=("--consumer nobody",)),
        Report(
            "testapp",
            (PactResult(PACT, (InteractionResult(Interaction("a"), Outcome.VERIFIED),)),),
            publication=Publication("http://broker", "1", "main", missing=(("shop.json", "The broker refused it."),)),
        ),
        Report("testapp", (PactResult(PACT, (InteractionResult(Interaction("a"), Outcome.NOT_VERIFIED),)),)),
    ],
)
def test_what_is_red_is_red_here_too(report: Report) -> None:
    """A reader of this file alone must not take a run for green that was not."""
    assert report.exit_code != 0
    assert read(report).errors == 1


def test_what_is_fine_is_fine_here_too() -> None:
    report = Report("testapp", (), nothing_is_fine="it is")
    assert report.exit_code == 0
    assert read(report).errors == read(report).tests == 0


def test_what_was_skipped_is_skipped() -> None:
    failed = InteractionResult(Interaction("a"), Outcome.MISMATCH)
    skipped = InteractionResult(Interaction("b"), Outcome.SKIPPED, error="Not run: 'a' failed.")
    whole = read(Report("testapp", (PactResult(PACT, (failed, skipped)),)))
    assert (whole.tests, whole.failures, whole.skipped) == (2, 1, 1)


def test_control_characters_are_spelt() -> None:
    odd = InteractionResult(Interaction("a\x00\x1b[2J\ud800"), Outcome.STATE_ERROR, error="b\x08\nc")
    (suite,) = read(printable_values(Report("testapp", (PactResult(PACT, (odd,)),))))
    (case,) = suite
    assert case.name == "a\\x00\\x1b[2J\\ud800"
    assert case.result[0].message == "b\\x08\nc"
