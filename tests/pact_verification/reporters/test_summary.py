"""The summary of a run's causes, to the letter."""

import pytest

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.reporters.lines import joined
from pact_verification.reporters.summary import interactions_of, numbers_of, places_of, summary_lines
from pact_verification.results.report import Cause, InteractionResult, Outcome, PactResult, Report
from pact_verification.text import Place

pytestmark = pytest.mark.no_database


def cause(title: str, *failures: int, rerun: str = "") -> Cause:
    return Cause(title, (), None, tuple((0, each) for each in failures), ("app",), rerun)


def report(*causes: Cause, interactions: int = 1) -> Report:
    results = tuple(
        InteractionResult(Interaction(str(number)), Outcome.MISMATCH, rerun=f"verify {number}")
        for number in range(interactions)
    )
    return Report("shop", (PactResult(Pact("app", "shop", (), None, "a.json"), results),), causes=causes)


def test_a_cause_with_all_that_is_known() -> None:
    known = Cause("it broke", ("GET /a", "GET /b"), Place("v.py", 3), ((0, 0), (0, 1)), ("app", "web"), "verify --all")
    assert joined(summary_lines(report(known, interactions=2))) == (
        "2 failures, 1 cause\n"
        "   1. it broke\n"
        "      GET /a, GET /b  v.py:3\n"
        "      2 interactions of app, web\n"
        "      again  verify --all\n"
    )


def test_a_cause_of_which_nothing_more_is_known() -> None:
    assert joined(summary_lines(report(cause("it broke", 0)))) == (
        "1 failure, 1 cause\n   1. it broke\n      1 interaction of app\n"
    )


def test_a_run_without_failures() -> None:
    assert list(summary_lines(report())) == []


def test_more_than_eight_causes_have_a_line_each_and_more_than_sixteen_are_counted() -> None:
    causes = [cause(f"cause {number}", number - 1) for number in range(1, 19)]
    lines = joined(summary_lines(report(*causes, interactions=18))).splitlines()
    assert lines[0] == "18 failures, 18 causes"
    assert lines[15:18] == ["   8. cause 8", "      1 interaction of app", "   9. cause 9 (1 interaction of app)"]
    assert lines[-2:] == ["  16. cause 16 (1 interaction of app)", "      … and 2 causes more"]
    assert len(lines) == 1 + 8 * 2 + 8 + 1
    exactly = joined(summary_lines(report(*causes[:16], interactions=16))).splitlines()
    assert exactly[-1] == "  16. cause 16 (1 interaction of app)"


def test_a_command_line_that_would_fill_the_screen_is_for_one_interaction() -> None:
    text = joined(summary_lines(report(cause("it broke", 1, 0, rerun="verify " * 100), interactions=2)))
    assert text.endswith("      2 interactions of app\n      one of them again  verify 1\n")


def test_many_consumers_and_operations_are_counted() -> None:
    many = Cause("x", tuple("abcde"), None, ((0, 0), (1, 0)), tuple("fghijk"))
    assert interactions_of(many) == "2 interactions of f, g, h, i and 2 more"
    assert places_of(many) == "a, b, c and 2 more"


def test_the_numbers_of_an_interactions_causes() -> None:
    assert numbers_of([cause("x", 0, 1), cause("y", 1)]) == {(0, 0): [1], (0, 1): [1, 2]}
