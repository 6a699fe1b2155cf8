"""An interaction is read as the core reads it, whatever form the consumer has written."""

from typing import Any

import pytest

from tests.pact_verification.pacts.parsing import PLAIN, pact_of, parse, without

pytestmark = pytest.mark.no_database


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


def test_messages_of_every_version() -> None:
    asynchronous = {"type": "Asynchronous/Messages", "description": "a", "contents": {"content": 1}}
    synchronous = {"type": "Synchronous/Messages", "description": "s", "request": {}, "response": [{}]}
    found = parse(pact_of(asynchronous, synchronous, version="4.0")).interactions
    assert [each.kind for each in found] == ["Asynchronous/Messages", "Synchronous/Messages"]
    (message,) = parse(pact_of(messages=[{"description": "m", "contents": "x"}])).interactions
    assert (message.kind, message.description) == ("Message", "m")
