"""The difference between what was expected and what came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_verification.pacts.matching_rules import Matcher, Rule
from pact_verification.pacts.pact import Expected, Interaction
from pact_verification.results.diff import Diff, DiffLine
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome
from pact_verification.results.response_diff import response_diff

pytestmark = pytest.mark.no_database


def diff(came: Any, *mismatches: Mismatch, expected: Any = None, headers: dict[str, str] | None = None) -> Diff:
    body = came if isinstance(came, bytes) else json.dumps(came).encode()
    return response_diff(
        InteractionResult(
            Interaction("a", expected=Expected(201, headers or {}, expected)),
            Outcome.MISMATCH,
            Exchange(
                RecordedRequest("GET", "/"), RecordedResponse(200, "OK", {"Content-Type": "application/json"}, body)
            ),
            mismatches,
        )
    )


def body(*arguments: Any, **more: Any) -> list[str]:
    lines = []
    for line in diff(*arguments, **more).body:
        lines += [f"# {line.note}"] if line.note else []
        lines.append(f"{line.sign} {line.text}")
    return lines


def test_what_a_rule_allows_is_no_difference() -> None:
    """The core finds no fault, so the line is shown as it came."""
    assert body({"name": "other"}, expected={"name": "example"}) == ["  {", '    "name": "other"', "  }"]


def test_a_value() -> None:
    wrong = Mismatch("body", "$.name", '"a"', "5", "Expected 5 to be like 'a'", Rule((Matcher("type"),)))
    assert body({"id": 1, "name": 5}, wrong, expected={"id": 2, "name": "a"}) == [
        "  {",
        '    "id": 1,',
        "# $.name: Expected 5 to be like 'a' (rule: type)",
        '-   "name": "a"',
        '+   "name": 5',
        "  }",
    ]


def test_a_key_that_is_missing() -> None:
    wrong = Mismatch("body", "$.a", '["b","c"]', '["b"]', "Actual map is missing the following keys: c")
    assert body({"a": {"b": 1}}, wrong, expected={"a": {"b": 1, "c": {"d": 2}}}) == [
        "  {",
        "# $.a: missing: c",
        '!   "a": {',
        '      "b": 1',
        '-     "c": {',
        '-       "d": 2',
        "-     }",
        "    }",
        "  }",
    ]


def test_a_list_of_another_length() -> None:
    short = Mismatch("body", "$", "[1,2,3]", "[1]", "Expected a List with 3 elements but received 1 elements")
    assert body([1], short, expected=[1, 2, 3])[2:] == ["    1", "-   2", "-   3", "  ]"]
    long = Mismatch("body", "$", "[1]", "[1,2]", "Expected a List with 1 elements but received 2 elements")
    assert body([1, 2], long, expected=[1])[1:] == ["! [", "    1,", "+   2", "  ]"]
    assert body([], short, expected=[1])[1:] == ["! []", "-   1"]


def test_another_type() -> None:
    wrong = Mismatch("body", "$.a", '{"b":1}', "", "Type mismatch: Expected null to be like {}")
    assert body({"a": None}, wrong, expected={"a": {"b": 1}})[2:] == [
        '-   "a": {',
        '-     "b": 1',
        "-   }",
        '+   "a": null',
        "  }",
    ]


def test_an_element_beyond_the_example_is_like_the_first() -> None:
    """A rule for each element: the pact has one example, the response as many as there are."""
    wrong = Mismatch("body", "$.list[1].v", "1", '"z"', "Expected 'z' to be an integer", Rule((Matcher("integer"),)))
    came = {"list": [{"v": 1}, {"v": "z"}]}
    assert body(came, wrong, expected={"list": [{"v": 7}]})[6:9] == [
        "# $.list[1].v: Expected 'z' to be an integer (rule: integer)",
        '-       "v": 7',
        '+       "v": "z"',
    ]


def test_text() -> None:
    wrong = Mismatch("body", "$", "one\ntwo", "one\n2", "Expected body to match")
    assert body(b"one\n2", wrong, expected="one\ntwo") == [
        "# $: Expected body to match",
        "! body $",
        "  one",
        "- two",
        "+ 2",
    ]


def test_nothing_came() -> None:
    wrong = Mismatch("body", "/", '{"a":1}', None, "Expected body Present(7 bytes) but was empty")
    assert body(b"", wrong, expected={"a": 1})[1:] == ["! body /", "- {", '-   "a": 1', "- }"]


def test_another_content_type_means_that_the_body_was_not_compared() -> None:
    wrong = Mismatch(
        "body's content type", "", "application/json", "text/html", "Expected a body of 'application/json'"
    )
    assert body(b"<p>", wrong, expected={"a": 1}) == [
        "# Expected a body of 'application/json'",
        "! body's content type",
        "  <p>",
    ]


def test_status_and_headers() -> None:
    found = diff(
        {},
        Mismatch("status", "", 201, 200, "expected 201 but was 200"),
        Mismatch("header", "X-Rate", "1", "", "Expected a header 'X-Rate' but was missing"),
        Mismatch(
            "header",
            "content-type",
            "text/plain",
            "application/json",
            "Expected text/plain",
            Rule((Matcher("regex", "text"),)),
        ),
        Mismatch("header", "X-Unknown", "", "", "it is not in the pact"),
        headers={"X-Rate": "1", "Content-Type": "text/plain"},
    )
    assert found.status == (DiffLine("-", "201 Created"), DiffLine("+", "200 OK"))
    assert found.headers == (
        DiffLine("-", "X-Rate: 1", "the header X-Rate is missing"),
        DiffLine("-", "Content-Type: text/plain", "Expected text/plain (rule: regex text)"),
        DiffLine("+", "Content-Type: application/json"),
        DiffLine("!", "X-Unknown", "it is not in the pact"),
    )


def test_a_status_by_rule() -> None:
    found = diff(
        {}, Mismatch("status", "", 201, 200, "Expected a server error", Rule((Matcher("statusCode", "serverError"),)))
    )
    assert found.status[0].note == "Expected a server error (rule: statusCode serverError)"


def test_no_response_no_difference() -> None:
    assert response_diff(InteractionResult(Interaction("a"), Outcome.STATE_ERROR)) == Diff()


def test_what_is_nested_too_deeply_is_text() -> None:
    wrong = Mismatch("body", "$[0]", "1", "2", "deep down")
    for depth in (200, 900, 100_000):
        lines = diff(b"[" * depth + b"]" * depth, wrong, expected=[1]).body
        assert any("deep down" in line.note for line in lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
PLACE = st.sampled_from(["$", "$.a", "$.a.b", "$[0]", "$[1].a", "$['x y']", "$.a, its keys", "", "/"])


@given(JSON, JSON, st.lists(PLACE, max_size=4, unique=True))
def test_every_mismatch_is_told_and_what_came_is_whole(came: Any, expected: Any, places: list[str]) -> None:
    mismatches = [
        Mismatch("body", f"{place}".strip(), "e", "c", f"differs {number}.") for number, place in enumerate(places)
    ]
    lines = diff(came, *mismatches, expected=expected).body
    notes = " ".join(line.note for line in lines)
    assert all(mismatch.message in notes for mismatch in mismatches)
    kept = [line for line in lines if line.sign != "-" and line.text not in {m.where for m in mismatches}]
    text = "\n".join(line.text for line in kept)
    assert json.loads(text) == came


def test_texts_that_are_long_and_much_alike() -> None:
    """Some ways to compare lines take minutes over these; the test's own limit is the suite's patience."""
    came = "\n".join(f"<item id='{number}'>value {number}</item>" for number in range(5000))
    expected = "\n".join(f"<item id='{number}'>value {number + 1}</item>" for number in range(5000))
    lines = diff(came.encode(), Mismatch("body", "$", "a", "b", "differs"), expected=expected).body
    assert sum(line.sign == "+" for line in lines) == 5000


def test_of_too_many_elements_only_those_beyond_the_limit_are_told() -> None:
    wrong = Mismatch(
        "body", "$", "[1]", "[1,2,3,4,5]", "Expected … to have maximum size of 3", Rule((Matcher("type", maximum=3),))
    )
    signs = [line.sign for line in diff([1, 2, 3, 4, 5], wrong, expected=[1]).body]
    assert signs == ["!", " ", " ", " ", "+", "+", " "]


@pytest.mark.parametrize("matcher", [Matcher("arrayContains"), Matcher("type", minimum=3)])
def test_where_a_rule_does_not_count_no_element_is_told(matcher: Matcher) -> None:
    wrong = Mismatch("body", "$", "[7]", "[1,2]", "Variant at index 1 was not found", Rule((matcher,)))
    assert [line.sign for line in diff([1, 2], wrong, expected=[7]).body] == ["!", " ", " ", " "]


def test_what_has_no_example_is_expected_to_be_nothing_in_particular() -> None:
    wrong = Mismatch("body", "$.b", "", '"x"', "Expected 'x' to be an integer", Rule((Matcher("integer"),)))
    assert body({"b": "x"}, wrong, expected={"a": 1}) == [
        "  {",
        "# $.b: Expected 'x' to be an integer (rule: integer)",
        '+   "b": "x"',
        "  }",
    ]


def test_a_body_where_none_was_expected() -> None:
    wrong = Mismatch("body", "/", None, '{"a":1}', "Expected an empty body")
    assert body({"a": 1}, wrong) == ["# /: Expected an empty body", "+ {", '+   "a": 1', "+ }"]


def test_a_key_with_a_backslash() -> None:
    wrong = Mismatch("body", r"$['a\\b']", "1", "2", "differs")
    assert body({r"a\b": 2}, wrong, expected={r"a\b": 1})[1:4] == [
        "# $['a\\\\b']: differs",
        '-   "a\\\\b": 1',
        '+   "a\\\\b": 2',
    ]
