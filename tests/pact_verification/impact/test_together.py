"""Changes that are tried together have the verdicts that each has alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pact_verification.impact import finding
from pact_verification.impact.asking import Core
from pact_verification.impact.changes import Change
from pact_verification.impact.members import FoundMember
from tests.pact_verification.impact.known import contract, judged, of_type, response

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
