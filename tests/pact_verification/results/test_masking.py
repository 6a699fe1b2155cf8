"""A result that is masked holds no secret."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_verification.pacts.pact import Interaction, PactMessage, ProviderState, Request
from pact_verification.pacts.schema import SYNCHRONOUS
from pact_verification.results.exchange import Exchange, RecordedMessage, RecordedRequest, RecordedResponse, SetUpState
from pact_verification.results.masking import mask, secret_members, without_secrets
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from tests.pact_verification.results.secret_results import one, result_with

pytestmark = pytest.mark.no_database


def test_no_secret_is_left_anywhere() -> None:
    masked = mask(result_with())
    text = repr(masked)
    assert "s3cr3t" not in text
    assert "other password" not in text  # of a secret member, whatever the core found there
    (result,) = masked.interactions
    assert result.exchange.request
    assert result.exchange.request.headers == {
        "Authorization": "Bearer (hidden)",
        "Cookie": "a=(hidden); sessionid=(hidden)",
        "X-Token": "(hidden)",
    }
    assert json.loads(result.exchange.request.body) == {
        "password": "(hidden)",
        "list": [{"password": "(hidden)"}],
        "echo": "it is (hidden)",
    }
    assert result.exchange.request.headline == "GET /items?password=(hidden)&page=1"
    assert result.interaction.states[0].params == {"Password": "(hidden)", "nested": {"password": "(hidden)"}}


def test_all_else_is_as_it_was() -> None:
    before = result_with()
    (result,) = mask(before).interactions
    (untouched,) = before.interactions
    assert result.outcome is untouched.outcome
    assert result.exchange.response
    assert result.exchange.response.headline == "200 OK"
    assert result.mismatches[-1].where == "body $.echo"
    without = replace(
        untouched,
        interaction=Interaction("a"),
        exchange=Exchange(RecordedRequest("GET", "/"), RecordedResponse(200, "OK")),
    )
    without = replace(without, mismatches=(), error=None)
    assert mask(PactResult(before.pact, (without,))).interactions == (without,)


@pytest.mark.parametrize("secret", ["ab", "1", 7, True, "a"])
def test_a_short_one_is_hidden_where_it_stands_and_makes_no_holes_elsewhere(secret: Any) -> None:
    """It would be found in every other text."""
    (result,) = mask(result_with(secret)).interactions
    assert result.exchange.request
    assert result.exchange.request.headers["Authorization"] == "Bearer (hidden)"
    assert json.loads(result.exchange.request.body)["password"] == "(hidden)"
    assert result.mismatches[2].expected == "(hidden)"
    assert result.mismatches[2].message == "Expected '(hidden)' but received '(hidden)'"
    assert result.exchange.crash
    assert result.exchange.crash.frames[0].file == "views.py"


def test_what_is_nested_too_deeply_to_be_searched_is_not_shown() -> None:
    deep = b'{"a":' * 500 + b'{"password":"s3cr3t-and-long"}' + b"}" * 500
    exchange = Exchange(RecordedRequest("GET", "/"), RecordedResponse(200, "OK", {}, deep))
    result = PactResult(result_with().pact, (InteractionResult(Interaction("a"), Outcome.VERIFIED, exchange),))
    assert "s3cr3t" not in repr(mask(result))


@pytest.mark.parametrize("depth", [1, 500])
def test_both_sides_of_a_request_that_differs(depth: int) -> None:
    """The error quotes them, and what is nested too deeply to be searched has none."""
    body = {"password": "s3cr3t-body"}
    query, headers = {"password": ["s3cr3t-query"]}, {"Cookie": "a=s3cr3t-cookie"}
    wanted = Request("GET", "/?password=s3cr3t-path", query, headers, body)
    arrived = RecordedRequest(
        "GET", "/?password=s3cr3t-came", {"Cookie": "a=s3cr3t-sent"}, b'{"password": "s3cr3t-bytes"}'
    )
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    result = InteractionResult(
        Interaction("a", request=wanted),
        Outcome.NOT_VERIFIED,
        Exchange(RecordedRequest("GET", "/"), RecordedResponse(200, "OK", {}, deep), arrived=arrived),
        error=f"The request that arrived is not the pact's: {wanted}, {arrived}",
    )
    (masked,) = mask(PactResult(result_with().pact, (result,))).interactions
    assert str(masked.error).startswith("The request that arrived is not the pact's")
    assert "s3cr3t" not in f"{masked} {masked.interaction.request}"


def test_a_text_about_params() -> None:
    assert without_secrets("password='hunter2' name='x'", {"password": "hunter2", "name": "x"}) == (
        "password='(hidden)' name='x'"
    )


@given(st.text(min_size=4).filter(lambda text: text.strip() == text))
def test_whatever_the_secret_is(secret: str) -> None:
    (result,) = mask(result_with(secret)).interactions
    assert result.exchange.request
    assert secret not in result.exchange.request.headers["Authorization"].replace("(hidden)", "")
    assert json.loads(result.exchange.request.body)["password"] == "(hidden)"


def test_the_brokers_credentials_are_in_no_report_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_BROKER_TOKEN", "broker-token-hunter2")
    assert "hunter2" not in repr(mask(one(Exchange(state_error="env: broker-token-hunter2"))))


def test_what_can_not_be_searched_is_not_shown() -> None:
    class Odd:
        def __str__(self) -> str:
            raise LookupError("hunter2")

    states = (SetUpState(ProviderState("s"), "h()", {"password": Odd()}),)
    result = one(Exchange(states=states, state_error="it was hunter2"), error="it was hunter2")
    masked = mask(result)
    (hidden,) = masked.interactions
    assert hidden.outcome is Outcome.MISMATCH
    assert hidden.error == "No more can be shown: searching it for secrets raised LookupError."
    assert "hunter2" not in repr(masked)


TOKEN = "tok-6b1d2f0493b74c11aa"
SESSIONS = json.dumps({"sessions": [{TOKEN: {"user": 1}, "page": 2}]}).encode()


def test_a_members_name_that_is_secret() -> None:
    """An object may have tokens as keys, and `pact_impact` lists the members of an answer."""
    sent = RecordedRequest("GET", "/", {"Authorization": f"Bearer {TOKEN}"})
    result = InteractionResult(Interaction("a"), Outcome.VERIFIED, Exchange(sent))
    assert secret_members(result, SESSIONS) == ((TOKEN, "(hidden)"),)
    assert secret_members(replace(result, exchange=Exchange()), SESSIONS) == ()
    assert secret_members(result, b"no JSON") == ()


def test_all_names_are_hidden_where_secrets_can_not_be_searched_for() -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise LookupError

    state = SetUpState(ProviderState("a"), "a()", values={"password": Unspeakable()})
    result = InteractionResult(Interaction("a"), Outcome.VERIFIED, Exchange(states=(state,)))
    assert secret_members(result, b'{"a": {"b": 1}}') == (("b", "(hidden)"), ("a", "(hidden)"))


def test_the_responses_of_a_message_share_their_secrets() -> None:
    """Each has a result of its own until they are joined."""

    def response(number: int, body: bytes) -> InteractionResult:
        messages = (PactMessage(), PactMessage())
        wanted = Interaction("a", kind=SYNCHRONOUS, messages=messages, response=number)
        return InteractionResult(wanted, Outcome.MISMATCH, Exchange(message=RecordedMessage(body, "application/json")))

    told, used = json.dumps({"password": TOKEN}).encode(), json.dumps({"msg": f"use {TOKEN}"}).encode()
    for bodies in ((told, used), (used, told)):
        results = tuple(response(number, body) for number, body in enumerate(bodies))
        assert TOKEN not in repr(mask(PactResult(result_with().pact, results)))
