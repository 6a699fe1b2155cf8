"""A filter chooses interactions; several conditions must all hold."""

import re

import pytest

from pact_verification.errors import CannotVerify
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.pact import Interaction, ProviderState

pytestmark = pytest.mark.no_database

LIST = Interaction(
    "a list of Cups", (ProviderState("cups exist"), ProviderState("user 1 is known")), key="k1", id="id1"
)
EMPTY = Interaction("an empty list", key="k2")
REFUSED = Interaction("a refusal", (ProviderState("user 2 is unknown"),), key="k3", id="id3")


@pytest.mark.parametrize(
    ("chosen", "found", "text"),
    [
        (Filter.of(), [LIST, EMPTY, REFUSED], ""),
        (Filter.of("list"), [LIST, EMPTY], "--description 'list'"),
        (Filter.of("cups"), [], "--description 'cups'"),
        (Filter.of("^a .*l$"), [REFUSED], "--description '^a .*l$'"),
        (Filter.of(state=r"user \d is known"), [LIST], r"--state 'user \\d is known'"),
        (Filter.of(no_state=True), [EMPTY], "--no-state"),
        (Filter.of("list", "cups"), [LIST], "--description 'list' --state 'cups'"),
        (Filter.of(keys=["k3", "k2"]), [EMPTY, REFUSED], "--interaction k2 --interaction k3"),
        (Filter.of("list", keys=["k3"]), [], "--description 'list' --interaction k3"),
        (Filter.of(last_failed=frozenset({"k1"})), [LIST], "--last-failed"),
        (Filter.of(last_failed=frozenset()), [], "--last-failed"),
    ],
)
def test_what_a_filter_chooses(chosen: Filter, found: list[Interaction], text: str) -> None:
    assert chosen.select([LIST, EMPTY, REFUSED]) == tuple(found)
    assert str(chosen) == text
    assert bool(chosen) == bool(text)


def test_only_keys_name_interactions() -> None:
    assert Filter.of(keys=["k1"]).by_key
    assert Filter.of(last_failed=frozenset()).by_key
    assert not Filter.of("list", "cups", no_state=True).by_key


@pytest.mark.parametrize(("option", "arguments"), [("--description", ("a (b",)), ("--state", (None, "a (b"))])
def test_a_regular_expression_that_is_none(option: str, arguments: tuple[str | None, ...]) -> None:
    with pytest.raises(CannotVerify) as error:
        Filter.of(*arguments)
    assert str(error.value).startswith(f"{option} 'a (b' is not a regular expression: ")
    assert str(error.value).endswith(f"To find the text itself, use {re.escape('a (b')!r}.")


@pytest.mark.parametrize(
    ("variables", "given", "found", "text"),
    [
        ({}, Filter.of(), [LIST, EMPTY, REFUSED], ""),
        ({"PACT_DESCRIPTION": "list"}, Filter.of(), [LIST, EMPTY], "PACT_DESCRIPTION='list'"),
        ({"PACT_DESCRIPTION": ""}, Filter.of(), [LIST, EMPTY, REFUSED], ""),
        ({"PACT_PROVIDER_STATE": "cups"}, Filter.of(), [LIST], "PACT_PROVIDER_STATE='cups'"),
        ({"PACT_PROVIDER_STATE": ""}, Filter.of(), [EMPTY], "PACT_PROVIDER_STATE=''"),
        ({"PACT_BROKER_INTERACTION_ID": "id3"}, Filter.of(), [REFUSED], "PACT_BROKER_INTERACTION_ID='id3'"),
        ({"PACT_BROKER_INTERACTION_ID": ""}, Filter.of(), [LIST, EMPTY, REFUSED], ""),
        (
            {"PACT_DESCRIPTION": "list", "PACT_PROVIDER_STATE": "cups"},
            Filter.of(),
            [LIST],
            "PACT_DESCRIPTION='list' PACT_PROVIDER_STATE='cups'",
        ),
        ({"PACT_DESCRIPTION": "list"}, Filter.of("refusal"), [REFUSED], "--description 'refusal'"),
        ({"PACT_PROVIDER_STATE": "cups"}, Filter.of(no_state=True), [EMPTY], "--no-state"),
        ({"PACT_PROVIDER_STATE": ""}, Filter.of(state="cups"), [LIST], "--state 'cups'"),
        ({"PACT_BROKER_INTERACTION_ID": "id3"}, Filter.of(keys=["k1"]), [LIST], "--interaction k1"),
        (
            {"PACT_DESCRIPTION": "list"},
            Filter.of(state="cups"),
            [LIST],
            "PACT_DESCRIPTION='list' --state 'cups'",
        ),
    ],
)
def test_variables_of_other_pact_tools(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], given: Filter, found: list[Interaction], text: str
) -> None:
    for name in ("PACT_DESCRIPTION", "PACT_PROVIDER_STATE", "PACT_BROKER_INTERACTION_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chosen = given.with_variables()
    assert chosen.select([LIST, EMPTY, REFUSED]) == tuple(found)
    assert str(chosen) == text
    assert bool(chosen) == bool(text)
    assert bool(chosen.warning) == ("PACT_" in text)


def test_a_variable_that_is_no_regular_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_DESCRIPTION", "a (b")
    with pytest.raises(CannotVerify, match=r"PACT_DESCRIPTION 'a \(b' is not a regular expression"):
        Filter().with_variables()
