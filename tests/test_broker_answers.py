"""The double of a Pact Broker against the answers of a real one, which are in the repository.

`tests/broker_double/answers.py` says how to record them again.
"""

import re
from functools import cache

import pytest

from tests.broker_double import BrokerDouble, validation, verification
from tests.broker_double.answers import NOT_COMPARED, play, recorded
from tests.broker_double.comparing import differences
from tests.broker_double.steps import STEPS
from tests.broker_double.store import Json, Store

pytestmark = pytest.mark.no_database


def answers() -> Json:
    with BrokerDouble() as broker:
        return play(broker.url)


@cache
def found() -> list[str]:
    got = answers()
    return [f"{name} {each}" for name, want in recorded()["answers"].items() for each in differences(want, got[name])]


def test_the_double_answers_as_the_broker_did() -> None:
    assert not [each for each in found() if not any(re.search(pattern, each) for pattern in _patterns())]


@pytest.mark.parametrize("pattern", NOT_COMPARED)
def test_what_is_not_compared_does_differ(pattern: str) -> None:
    assert any(re.search(pattern, each, re.MULTILINE) for each in found())


def test_every_step_is_recorded() -> None:
    assert list(recorded()["answers"]) == [step.name for step in STEPS]


@pytest.mark.parametrize(
    ("owner", "name", "mutant", "caught"),
    [
        (validation, "NOTHING_SELECTED", "select something", "pacts: selector {}"),
        (verification, "RANKS", verification.RANKS[::-1], "pacts: main branch and work in progress"),
        (Store, "has_succeeded", lambda *_, **__: False, "pacts: after a success"),
        (Store, "delete_branch", lambda *_: True, "pacts: after the branch is deleted"),
    ],
)
def test_a_double_that_answers_otherwise_is_found_out(
    owner: object, name: str, mutant: object, caught: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, mutant)
    assert list(differences(recorded()["answers"][caught], answers()[caught]))


def _patterns() -> list[re.Pattern[str]]:
    return [re.compile(pattern, re.MULTILINE) for pattern in NOT_COMPARED]
