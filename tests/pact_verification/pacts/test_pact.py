"""What is read as a pact, and what is refused in a person's words."""

import json
from pathlib import Path
from typing import Any

import pytest

from pact_verification.errors import UnreadablePact
from pact_verification.pacts.pact import Pact, in_parts, parse_pact
from tests.pact_verification.pact_files import document, interaction

pytestmark = pytest.mark.no_database

PLAIN: dict[str, Any] = {"description": "d", "request": {"method": "GET", "path": "/"}, "response": {"status": 200}}


def parse(whole: Any, provider: str | None = None) -> Pact:
    content = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    pact = parse_pact(content, "pacts/x.json", provider=provider)
    assert pact
    return pact


def pact_of(*interactions: Any, version: str = "3.0.0", **more: Any) -> dict[str, Any]:
    return document(*interactions, version=version) | more


def without(name: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in PLAIN.items() if key != name} | more


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


@pytest.mark.parametrize(
    "twice",
    [
        b'{"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": [], "interactions": []}',
        json.dumps(document(PLAIN)).replace('"status"', '"status": 999, "status"').encode(),
        json.dumps(document(PLAIN)).replace('"status": 200', '"body": {"a": {"status": 1, "status": 2}}').encode(),
    ],
)
def test_a_member_that_stands_twice(twice: bytes) -> None:
    with pytest.raises(UnreadablePact, match=r"the member '(interactions|status)' stands twice"):
        parse(twice)


def test_a_byte_order_mark() -> None:
    with pytest.raises(UnreadablePact, match="it begins with a byte order mark"):
        parse(b"\xef\xbb\xbf" + json.dumps(document(PLAIN)).encode())


@pytest.mark.parametrize(
    ("states", "read"),
    [
        ({"providerState": "", "provider_state": "y"}, []),
        ({"providerState": None, "provider_state": "y"}, []),
        ({"providerStates": None, "providerState": "x"}, []),
        ({"providerStates": [], "providerState": "x"}, []),
        ({"providerStates": [{"name": "t"}], "providerState": "x"}, ["t"]),
        ({"provider_state": "y"}, ["y"]),
        ({"providerStates": [{"name": "t", "params": None}]}, ["t"]),
        ({"providerStates": [{"name": "t", "params": []}]}, ["t"]),
    ],
)
def test_of_several_spellings_of_states_the_one_that_the_core_takes(states: dict[str, Any], read: list[str]) -> None:
    (found,) = parse(pact_of(PLAIN | states)).interactions
    assert [state.name for state in found.states] == read


@pytest.mark.parametrize(
    ("description", "read"), [({}, "Interaction 1"), ({"description": None}, "null"), ({"description": 3}, "3")]
)
def test_a_description_that_is_no_text_reads_as_the_core_reads_it(description: dict[str, Any], read: str) -> None:
    _, found = parse(pact_of(PLAIN, without("description", **description))).interactions
    assert found.description == read


def test_what_php_writes_for_an_empty_object() -> None:
    empty: dict[str, Any] = {"matchingRules": [], "generators": [], "headers": []}
    parse(pact_of(PLAIN | {"request": {"query": [], **empty}, "response": {"status": 200, **empty}}))


def test_members_that_are_unknown_are_left_alone() -> None:
    parse(pact_of(PLAIN | {"x": [None], "response": {"status": 200, "y": 1}}, z={}))


def test_messages_of_every_version() -> None:
    asynchronous = {"type": "Asynchronous/Messages", "description": "a", "contents": {"content": 1}}
    synchronous = {"type": "Synchronous/Messages", "description": "s", "request": {}, "response": [{}]}
    found = parse(pact_of(asynchronous, synchronous, version="4.0")).interactions
    assert [each.kind for each in found] == ["Asynchronous/Messages", "Synchronous/Messages"]
    (message,) = parse(pact_of(messages=[{"description": "m", "contents": "x"}])).interactions
    assert (message.kind, message.description) == ("Message", "m")


def test_of_another_providers_pact_only_the_names_are_read() -> None:
    pact = parse(document("x", provider="another"), provider="testapp")  # type: ignore[arg-type]  # what is in it does not matter
    assert (pact.provider, pact.interactions) == ("another", ())


def test_the_core_is_given_the_bytes_that_were_read(tmp_path: Path) -> None:
    content = json.dumps(document(interaction("a"), interaction("b"))).encode() + b"\n \n"
    (part,) = in_parts(parse(content), 100, tmp_path)
    assert part.path
    assert part.path.read_bytes() == content


def test_an_empty_list_of_messages_is_left_out_of_what_the_core_gets(tmp_path: Path) -> None:
    (part,) = in_parts(parse(pact_of(interaction("a"), messages=[])), 100, tmp_path)
    assert part.path
    assert "messages" not in json.loads(part.path.read_bytes())
