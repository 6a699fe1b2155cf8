"""What has another shape than a pact should have is refused, with its place and its value."""

from typing import Any

import pytest

from pact_verification.errors import UnreadablePact
from tests.pact_verification.pact_files import document
from tests.pact_verification.pacts.parsing import PLAIN, pact_of, parse, without

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (without("response"), "has no response."),
        (without("response", reponse={"status": 200}), "has no response. Is 'reponse' a misspelling of it?"),
        (without("request"), "has no request."),
        (PLAIN | {"response": []}, "response is a list, and should be an object."),
        (PLAIN | {"response": "200"}, "response is the text '200', and should be an object."),
        (PLAIN | {"response": None}, "response is null, and should be an object."),
        (PLAIN | {"response": {"headers": ["A: b"]}}, "response.headers is a list, and should be an object."),
        (PLAIN | {"response": {"headers": "A: b"}}, "response.headers is the text 'A: b', and should be an object."),
        (
            PLAIN | {"response": {"headers": {"A": None}}},
            "response.headers.A is null, and should be a text or a list of texts.",
        ),
        (
            PLAIN | {"response": {"headers": {"A": [{}]}}},
            "response.headers.A is an object, and should be a text or a list of texts.",
        ),
        (
            PLAIN | {"response": {"status": "200"}},
            "response.status is the text '200', and should be a whole number from 100 to 999.",
        ),
        (
            PLAIN | {"response": {"status": 200.0}},
            "response.status is the number 200.0, and should be a whole number from 100 to 999.",
        ),
        (
            PLAIN | {"response": {"status": 70000}},
            "response.status is the number 70000, and should be a whole number from 100 to 999.",
        ),
        (
            PLAIN | {"response": {"status": True}},
            "response.status is true, and should be a whole number from 100 to 999.",
        ),
        (PLAIN | {"response": {"matchingRules": "x"}}, "response.matchingRules is the text 'x', and should be an obj"),
        (PLAIN | {"request": {"generators": [1]}}, "request.generators is a list, and should be an object."),
        (PLAIN | {"providerStates": 3}, "providerStates is the number 3, and should be a list of objects."),
        (PLAIN | {"providerStates": [["a"]]}, "providerStates 1 is a list, and should be an object."),
        (PLAIN | {"providerStates": [{"name": "a"}, {"params": {}}]}, "providerStates 2 has no name."),
        (PLAIN | {"providerStates": [{"name": 5}]}, "providerStates 1: name is the number 5, and should be a text."),
        (
            PLAIN | {"providerStates": [{"name": "a", "params": [1]}]},
            "providerStates 1: params is a list, and should be an object.",
        ),
        (PLAIN | {"pending": "true"}, "pending is the text 'true', and should be true or false."),
        (PLAIN | {"type": "Foo"}, "type is the text 'Foo', and should be one of 'Synchronous/HTTP', 'Asynchronous/Mes"),
    ],
)
def test_an_interaction_of_another_shape(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadablePact) as error:
        parse(pact_of(PLAIN, bad))
    text = str(error.value)
    assert text.startswith("pacts/x.json: interaction 2 ('d')"), text
    assert said in text
    assert "Error" not in text


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (document(PLAIN) | {"interactions": None}, "pacts/x.json: interactions is null, and should be a list."),
        (document(PLAIN) | {"interactions": {"a": 1}}, "pacts/x.json: interactions is an object, and should be a list"),
        (document("x"), "pacts/x.json: interaction 1 is the text 'x', and should be an object."),  # type: ignore[arg-type]  # that is what is tested
        (document({"description": "alone"}), "pacts/x.json: interaction 1 ('alone') has no request."),
        (document(PLAIN) | {"messages": [3]}, "pacts/x.json: message 1 is the number 3, and should be an object."),
        (document(PLAIN) | {"consumer": "c"}, "pacts/x.json: consumer is the text 'c', and should be an object."),
        (
            document(PLAIN) | {"provider": {"name": 1}},
            "pacts/x.json: provider.name is the number 1, and should be a text.",
        ),
        (document(PLAIN, version="4.0"), "pacts/x.json: interaction 1 ('d'): type is null, and should be one of"),
    ],
)
def test_a_document_of_another_shape(whole: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadablePact) as error:
        parse(whole)
    assert str(error.value).startswith(said)


def test_what_php_writes_for_an_empty_object() -> None:
    empty: dict[str, Any] = {"matchingRules": [], "generators": [], "headers": []}
    parse(pact_of(PLAIN | {"request": {"query": [], **empty}, "response": {"status": 200, **empty}}))


@pytest.mark.parametrize("name", ["Body", "BODY", "bodi", "Headers", "header", "statusCode", "Status"])
def test_a_misspelt_member_of_a_response(name: str) -> None:
    """The core drops it, and would compare less than the consumer expects."""
    with pytest.raises(UnreadablePact, match=f"has '{name}', which pacts don't have. Is it a misspelling of"):
        parse(pact_of(PLAIN | {"response": {name: 1}}))


@pytest.mark.parametrize("name", ["metaData", "Metadata", "metdata", "MatchingRules"])
def test_a_misspelt_member_of_a_message(name: str) -> None:
    contents = {"contents": {"content": {"a": 1}, "contentType": "application/json"}}
    message = {"type": "Asynchronous/Messages", "description": "it", **contents}
    parse(pact_of({**message, "comments": {}}, version="4.0"))
    for misspelt in (
        {**message, name: {"topic": "x"}},
        {**message, "type": "Synchronous/Messages", "request": contents, "response": [{**contents, name: {}}]},
    ):
        with pytest.raises(UnreadablePact, match=f"has '{name}', which pacts don't have"):
            parse(pact_of(misspelt, version="4.0"))


def test_members_that_are_unknown_are_left_alone() -> None:
    parse(pact_of(PLAIN | {"x": [None], "response": {"status": 200, "y": 1}}, z={}))
