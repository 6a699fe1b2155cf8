"""The verdict: nothing is green without evidence."""

from pathlib import Path

import pytest

from pact_verification.engine import CoreReport, CoreResult
from pact_verification.pacts import Interaction, Pact, ProviderState
from pact_verification.results import Exchange, InteractionResult, Message, Outcome, PactResult, Report
from pact_verification.runner import join

SEEN = Exchange(Message("GET /"), Message("200 OK"))
FIRST = Interaction("a", (ProviderState("s"),))
SECOND = Interaction("b")
PACT = Pact("shop", "testapp", (FIRST, SECOND), Path("x.json"), "x.json")
OK_FIRST, OK_SECOND = CoreResult("a", ("s",), ok=True), CoreResult("b", (), ok=True)


def outcomes(core: CoreReport, *exchanges: Exchange) -> list[Outcome]:
    return [result.outcome for result in join(PACT, core, exchanges).interactions]


def test_green_when_all_agree() -> None:
    assert outcomes(CoreReport((OK_FIRST, OK_SECOND)), SEEN, SEEN) == [Outcome.VERIFIED] * 2


@pytest.mark.parametrize(
    ("core", "exchanges"),
    [
        (CoreReport(()), ()),
        (CoreReport((), "can't be loaded"), ()),
        (CoreReport((OK_FIRST,)), (SEEN, SEEN)),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN,)),  # "OK", and no request came
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, Exchange())),
        (CoreReport((OK_FIRST, CoreResult("b", ("s",), ok=True))), (SEEN, SEEN)),  # another of the same description
        (CoreReport((OK_SECOND, OK_FIRST)), (SEEN, SEEN)),  # in another order
        (CoreReport((OK_FIRST, OK_SECOND, OK_SECOND)), (SEEN, SEEN, SEEN)),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, Exchange(Message("GET /"), Message("200 OK"), too_slow="slow"))),
        (CoreReport((OK_FIRST, OK_SECOND)), (SEEN, Exchange(state_error="raised"))),
        (CoreReport((OK_FIRST, CoreResult("b", (), ok=False))), (SEEN, SEEN)),
    ],
)
def test_red_when_anything_is_missing_or_does_not_fit(core: CoreReport, exchanges: tuple[Exchange, ...]) -> None:
    report = Report("testapp", (join(PACT, core, exchanges),))
    assert report.exit_code == 1
    assert Outcome.VERIFIED not in {result.outcome for result in report.interactions[2:]}


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
    ],
)
def test_exit_codes(pacts: tuple[PactResult, ...], exit_code: int) -> None:
    assert Report("testapp", pacts).exit_code == exit_code
    allowed = Report("testapp", pacts, nothing_is_fine=True).exit_code
    assert allowed == (0 if exit_code == 3 else exit_code)
