"""The verdict: nothing is green without evidence."""

from dataclasses import replace
from pathlib import Path

import pytest

from pact_verification.broker.publishing import is_publishable, is_success
from pact_verification.core.engine import CoreReport, CoreResult
from pact_verification.core.verdict import judge_pact
from pact_verification.pacts.matching_rules import read_rules
from pact_verification.pacts.pact import Expected, Interaction, Pact, ProviderState, Request
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report

pytestmark = pytest.mark.no_database

SEEN = Exchange(RecordedRequest("GET", "/"), RecordedResponse(200, "OK"), arrived=RecordedRequest("GET", "/"))
FIRST = Interaction("a", (ProviderState("s"),))
SECOND = Interaction("b")
PACT = Pact("shop", "testapp", (FIRST, SECOND), Path("x.json"), "x.json")
OK_FIRST, OK_SECOND = CoreResult("a", ("s",), ok=True), CoreResult("b", (), ok=True)
FAILED = CoreResult("b", (), ok=False)


def outcomes(core: CoreReport, *exchanges: Exchange) -> list[Outcome]:
    return [result.outcome for result in judge_pact(PACT, core, exchanges).interactions]


def test_green_when_all_agree() -> None:
    assert outcomes(CoreReport((OK_FIRST, OK_SECOND)), SEEN, SEEN) == [Outcome.VERIFIED] * 2


GREEN, RED, STATE, NOT = Outcome.VERIFIED, Outcome.MISMATCH, Outcome.STATE_ERROR, Outcome.NOT_VERIFIED


@pytest.mark.parametrize(
    ("core", "exchanges", "expected"),
    [
        (CoreReport(()), (), [NOT, NOT]),
        (CoreReport((), "can't be loaded"), (), [NOT, NOT]),
        (CoreReport((OK_FIRST,)), (SEEN, SEEN), [GREEN, NOT]),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN,), [GREEN, NOT]),  # "OK", and no request came
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, Exchange()), [GREEN, NOT]),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, replace(SEEN, arrived=None)), [GREEN, NOT]),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, replace(SEEN, arrived=RecordedRequest("GET", "/b"))), [GREEN, NOT]),
        (CoreReport((OK_FIRST, FAILED)), (SEEN, replace(SEEN, arrived=RecordedRequest("GET", "/b"))), [GREEN, NOT]),
        (CoreReport((OK_FIRST, FAILED)), (SEEN, Exchange()), [GREEN, RED]),  # the core can't send it, and says why
        (CoreReport((OK_FIRST, CoreResult("b", ("s",), ok=True))), (SEEN, SEEN), [GREEN, NOT]),  # another state
        (CoreReport((OK_SECOND, OK_FIRST)), (SEEN, SEEN), [NOT, NOT]),  # in another order
        (CoreReport((OK_FIRST, OK_SECOND, OK_SECOND)), (SEEN, SEEN, SEEN), [GREEN, GREEN, NOT]),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, replace(SEEN, over_limit="slow")), [GREEN, RED]),
        (CoreReport((OK_FIRST,)), (SEEN, replace(SEEN, over_limit="stuck")), [GREEN, NOT]),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, Exchange(state_error="raised")), [GREEN, STATE]),
        (CoreReport((OK_FIRST, FAILED)), (SEEN, SEEN), [GREEN, RED]),
    ],
)
def test_red_when_anything_is_missing_or_does_not_fit(
    core: CoreReport, exchanges: tuple[Exchange, ...], expected: list[Outcome]
) -> None:
    assert outcomes(core, *exchanges) == expected
    assert Report("testapp", (judge_pact(PACT, core, exchanges),)).exit_code == 1


def test_a_request_that_differs_is_told_with_both_sides() -> None:
    """The request that arrived is kept for nothing else."""
    pact = replace(PACT, interactions=(replace(SECOND, request=Request(path="//b")), SECOND))
    exchanges = [replace(SEEN, arrived=RecordedRequest("GET", "/b")), SEEN]
    different, same = judge_pact(pact, CoreReport((OK_SECOND, OK_SECOND)), exchanges).interactions
    assert different.error == "The request that arrived is not the pact's: path is '/b', the pact says '//b'."
    assert different.exchange.arrived
    assert same.exchange.arrived is None


def result(outcome: Outcome, *, pending: bool = False) -> PactResult:
    return PactResult(PACT, (InteractionResult(Interaction("a", pending=pending), outcome),))


@pytest.mark.parametrize(
    ("pacts", "exit_code"),
    [
        ((), 3),
        ((result(Outcome.VERIFIED),), 0),
        ((result(Outcome.VERIFIED), PactResult(PACT, ())), 3),
        ((result(Outcome.MISMATCH), PactResult(PACT, ())), 1),
        ((result(Outcome.MISMATCH, pending=True),), 0),
        ((result(Outcome.STATE_ERROR),), 1),
        ((result(Outcome.NOT_VERIFIED),), 1),
        ((result(Outcome.SKIPPED),), 1),
        ((result(Outcome.SKIPPED, pending=True),), 0),
        ((result(Outcome.NOT_VERIFIED, pending=True),), 0),
    ],
)
def test_exit_codes(pacts: tuple[PactResult, ...], exit_code: int) -> None:
    assert Report("testapp", pacts).exit_code == exit_code
    assert Report("testapp", (result(Outcome.VERIFIED),), nothing_for=("empty/",)).exit_code == 3
    allowed = Report("testapp", pacts, nothing_is_fine="it is").exit_code
    assert allowed == (0 if exit_code == 3 else exit_code)


def test_a_mismatch_is_told_with_its_matching_rule() -> None:
    rules = read_rules(
        {
            "status": {"matchers": [{"match": "statusCode", "status": "success"}]},
            "header": {"X-A": {"matchers": [{"match": "regex", "regex": "a"}]}},
            "body": {"$.a": {"matchers": [{"match": "integer"}]}},
        }
    )
    interaction = Interaction("a", expected=Expected(rules=rules))
    places = (
        ("status", ""),
        ("header", "x-a"),
        ("header", "X-B"),
        ("body", "$.a"),
        ("body", "$.b"),
        ("body's content type", ""),
    )
    core = CoreResult("a", (), ok=False, mismatches=tuple(Mismatch(*place, "e", "c", "m") for place in places))
    pact = Pact("shop", "testapp", (interaction,), Path("x.json"), "x.json")
    (joined,) = judge_pact(pact, CoreReport((core,)), (SEEN,)).interactions
    assert [str(each.rule or "") for each in joined.mismatches] == [
        "statusCode success",
        "regex a",
        "",
        "integer",
        "",
        "",
    ]


def test_a_pact_of_which_nothing_ran_is_neither_published_nor_a_success() -> None:
    """A run that was stopped did not come to the one, and the other is empty."""
    for untried in (PactResult(PACT, ()), result(Outcome.NOT_VERIFIED), result(Outcome.SKIPPED)):
        assert not is_success(untried)
        assert not is_publishable(untried)
    assert is_publishable(result(Outcome.VERIFIED))
    assert is_publishable(result(Outcome.MISMATCH))
