"""Which rule applies where, in words."""

from typing import Any

import pytest

from pact_verification.pacts.matching_rules import MatchingRules, read_rule, read_rules, steps

pytestmark = pytest.mark.no_database


def rule(**matcher: Any) -> dict[str, Any]:
    return {"matchers": [matcher], "combine": "AND"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", ()),
        ("$.a.b", ("a", "b")),
        ("$.a[0].b", ("a", "0", "b")),
        ("$[2]", ("2",)),
        ("$['a b'].c", ("a b", "c")),
        ("$['it\\'s'][*].*", ("it's", "*", "*")),
        ("", ()),
    ],
)
def test_steps(path: str, expected: tuple[str, ...]) -> None:
    assert steps(path) == expected


BODY = {
    "$": rule(match="type"),
    "$.list": rule(match="type", min=2, max=5),
    "$.list[*].id": rule(match="integer"),
    "$.list[0].id": rule(match="decimal"),
    "$.*.any": rule(match="boolean"),
    "$['a b']": rule(match="regex", regex="\\d+"),
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", "type"),
        ("$.unknown.deep", "type"),
        ("$.list", "type, at least 2, at most 5"),
        ("$.list[3]", "type"),  # bounds are the list's own
        ("$.list[3].id", "integer"),
        ("$.list[0].id", "decimal"),
        ("$.one.any", "boolean"),
        ("$['a b'].below", "regex \\d+"),
    ],
)
def test_the_most_specific_rule_applies_also_to_what_is_below(path: str, expected: str) -> None:
    assert str(read_rules({"body": BODY}).of_body(path) or "") == expected


def test_without_a_rule_it_has_to_be_equal() -> None:
    assert MatchingRules().of_body("$.a") is MatchingRules().of_header("X") is None
    assert read_rules({"body": {"$.b": rule(match="type")}}).of_body("$.a") is None


def test_headers_and_status() -> None:
    rules = read_rules({"header": {"X-Rate": rule(match="type")}, "status": rule(match="statusCode", status="success")})
    assert str(rules.of_header("x-rate")) == "type"
    assert str(rules.status) == "statusCode success"


def test_specification_2() -> None:
    rules = read_rules(
        {
            "$.body": {"match": "type"},
            "$.body.date": {"match": "date", "date": "yyyy-MM-dd"},
            "$.body.list": {"min": 1},
            "$.headers.X-Rate": {"match": "regex", "regex": "a+"},
            "$.headers['X-Other']": {"match": "type"},
            "$['body']['in brackets'][*]['b']": {"match": "integer"},
        }
    )
    assert str(rules.of_body("$.a")) == "type"
    assert str(rules.of_body("$['in brackets'][3].b")) == "integer"
    assert str(rules.of_body("$.date")) == "date yyyy-MM-dd"
    assert str(rules.of_body("$.list")) == "type, at least 1"
    assert (str(rules.of_header("X-Rate")), str(rules.of_header("X-Other"))) == ("regex a+", "type")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"matchers": [{"match": "type"}, {"match": "regex", "regex": "x"}], "combine": "AND"}, "type and regex x"),
        ({"matchers": [{"match": "null"}, {"match": "integer"}], "combine": "OR"}, "null or integer"),
        ({"match": "timestamp", "format": "HH:mm"}, "timestamp HH:mm"),
        ({"match": "include", "value": "x"}, "include x"),
        ({"match": "equality"}, "equality"),
        ({"regex": "x"}, "regex x"),
        ("nonsense", ""),
        ({"matchers": ["nonsense"]}, ""),
    ],
)
def test_a_rule_in_words(given: Any, expected: str) -> None:
    assert str(read_rule(given) or "") == expected


@pytest.mark.parametrize(
    "data", [None, [], "x", {"body": None}, {"body": []}, {"body": {"$": None}}, {"$.headers": {}}]
)
def test_what_is_not_understood_is_left_to_the_core(data: Any) -> None:
    assert not any(read_rules(data).body.values())
