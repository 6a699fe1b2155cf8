"""Changes that are tried together have the verdicts that each has alone."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pact_verification.impact import asking, finding
from pact_verification.impact.asking import Core, Trial, Verdict
from pact_verification.impact.changes import Change
from pact_verification.impact.members import FoundMember
from pact_verification.pacts.pact import Interaction
from pact_verification.pacts.reading import parse_pact
from pact_verification.results.impact import Member
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from tests.pact_verification.impact.known import JSON, contract, judged, of_type, response, verified
from tests.pact_verification.pact_files import document, interaction

pytestmark = pytest.mark.no_database


def alone(members: Sequence[FoundMember]) -> Iterator[list[Change]]:
    for found in members:
        for kind in found.kinds:
            yield [Change(found, kind)]


def rule(path: str, *matchers: dict[str, Any], combine: str = "AND") -> dict[str, Any]:
    return {"body": {path: {"combine": combine, "matchers": list(matchers)}}}


NESTED = {
    "a": "x",
    "b": {"c": 1, "d": [{"e": 1.5, "f": None, "g": [[1, 2], [3]]}, {"e": 2.5, "h": True}]},
    "more": {"i": "2020-01-31", "j": []},
    "map": {"k": 1, "l": 2},
}

CASES = {
    "exact": contract(NESTED),
    "types": contract(NESTED, of_type("$")),
    "a part": contract({"a": "x", "b": {"d": [{"e": 1.5}]}}, of_type("$.b.d", min=1)),
    "some types": contract(NESTED, of_type("$.a", "$.b.d[*].e", "$.more.i")),
    "a format": contract(NESTED, rule("$.more.i", {"match": "date", "format": "yyyy-MM-dd"})),
    "anything": contract({}),
    "one of two": contract({"a": "x"}, rule("$.a", {"match": "type"}, {"match": "null"}, combine="OR")),
    "each value": contract(
        {"map": {"k": 5}},
        rule("$.map", {"match": "eachValue", "rules": [{"match": "type"}], "value": {"k": 5}}),
        version="4.0",
    ),
    "each key": contract(
        {"b": {"c": 1}},
        rule("$.b", {"match": "eachKey", "rules": [{"match": "regex", "regex": "[a-z]"}], "value": {"c": 1}}),
        version="4.0",
    ),
    "values": contract({"map": {"k": 1, "l": 2}}, rule("$.map", {"match": "values"})),
    "an array that contains": contract(
        {"b": {"d": [{"e": 1.5}]}},
        rule(
            "$.b.d",
            {
                "match": "arrayContains",
                "variants": [{"index": 0, "rules": {"$.e": {"matchers": [{"match": "decimal"}]}}}],
            },
        ),
        version="4.0",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_verdicts_are_the_same(core: Core, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pact, answer = CASES[name], response(NESTED)
    try:
        [together] = judged(core, pact, answer)
    except AssertionError:
        pytest.fail("The response does not fit the contract.")
    monkeypatch.setattr(finding, "_together", alone)
    [each] = judged(core, pact, answer)
    assert together.noticed == each.noticed
    assert together.changes == each.changes


def test_a_difference_of_the_whole_body_refuses_no_header() -> None:
    """A header has no place in the body, and neither has the body itself."""

    class Choosy(Core):
        def judge(self, trials: Sequence[Trial]) -> list[Verdict]:
            return [Verdict(len(trial.changes) < 2, frozenset({()})) for trial in trials]

    answer = response({}, headers={**JSON, "Vary": "a", "X-Frame-Options": "b"})
    [found] = judged(Choosy.__new__(Choosy), contract({}), answer)
    assert not any(found.noticed[member] for member in found.noticed if member.part == "header")


def test_no_change_is_tried_alone_where_the_unchanged_response_is_refused() -> None:
    asked = []

    class Refusing(Core):
        def judge(self, trials: Sequence[Trial]) -> list[Verdict]:
            asked.append(len(trials))
            return [Verdict(accepted=False) for _ in trials]

    core = Refusing.__new__(Refusing)
    found, left_out = finding.judge_changes(core, verified(contract(NESTED), response(NESTED)))
    assert (found, len(left_out), asked[1:]) == ([], 1, [0])


def test_a_fault_of_the_static_server_is_no_verdict_and_no_hang(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(recorded: Any, changes: Sequence[Change]) -> Any:
        if changes:
            raise LookupError
        return recorded

    monkeypatch.setattr(asking, "changed", failing)
    [found], left_out = finding.judge_changes(core, verified(contract({"a": 1}), response({"a": 1})))
    assert found.unjudged == found.changes > 0
    assert [why for _, why in left_out] == [finding.NO_VERDICT.format(found.changes)]


def test_what_is_hidden_in_a_result_is_still_expected(core: Core) -> None:
    """A result that could not be searched for secrets has a bare interaction. The pact has the whole one."""
    first, second = interaction("first"), interaction("second", response={"body": {"a": "x"}})
    pact = parse_pact(json.dumps(document(first, second)).encode(), "pacts/p.json")
    assert pact
    bare = InteractionResult(Interaction("hidden", place=1), Outcome.VERIFIED, answers=(response({"a": "x"}),))
    [found], _ = finding.judge_changes(core, list(finding.find_verified([pact], [PactResult(pact, (bare,))])))
    assert found.verified.name.title == "hidden"
    assert found.noticed[Member("body", "$.a")]


def test_the_files_of_a_run_do_not_add_up(core: Core) -> None:
    judged(core, contract(NESTED), response(NESTED))
    assert list(core.directory.glob("*.json")) == []
