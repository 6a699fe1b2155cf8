"""Secrets are out of a result before anybody can show it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_verification.masking import SECRET_NAMES, mask, without_secrets
from pact_verification.pacts import Expected, Interaction, Pact, ProviderState, Request
from pact_verification.results import (
    Crash,
    Exchange,
    Frame,
    InteractionResult,
    Message,
    Mismatch,
    Outcome,
    PactResult,
    SetUpState,
)

pytestmark = pytest.mark.no_database

SECRET = 's3cr3t-Größe/"x"'


def result_with(secret: Any = SECRET) -> PactResult:
    """A secret in every place that a result has for one."""
    state = ProviderState("a user", {"Password": secret, "nested": {"password": [secret]}})
    body = json.dumps(
        {"password": secret, "list": [{"password": {"deep": secret}}], "echo": f"it is {secret}"}
    ).encode()
    interaction = Interaction(
        f"a request with {secret}", (state,), expected=Expected(200, {"X-Token": f"{secret}"}, {"password": secret})
    )
    exchange = Exchange(
        Message(
            f"GET /items?password={secret}&page=1",
            {"Authorization": f"Bearer {secret}", "Cookie": f"a=1; sessionid={secret}", "X-Token": f"{secret}"},
            body,
        ),
        Message("200 OK", {"Set-Cookie": f"sessionid={secret}; Path=/; HttpOnly"}, body),
        states=(SetUpState(state, "handler()", {"password": secret}),),
        state_error=f"the handler said {secret}",
        crash=Crash(f"LookupError: {secret}", (Frame("views.py", 1, "view", f"login({secret!r})", own=True),)),
        over_limit=f"{secret} took long",
        warnings=(f"{secret} is old",),
    )
    mismatches = (
        Mismatch("header Authorization", f"Bearer {secret}", "Bearer x", f"but was {secret}"),
        Mismatch("header X-Token", secret, "y", f"but was {secret}"),
        Mismatch("body $.password", json.dumps(secret), '"other password"', "Expected 'other password' to be equal"),
        Mismatch("body $.list[0]['password'].deep", json.dumps(secret), '"z"', "differs"),
        Mismatch("body $.echo", json.dumps(f"it is {secret}"), '""', f"Expected '' to be 'it is {secret}'"),
    )
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, mismatches, f"error about {secret}")
    pact = Pact("shop", "testapp", (interaction,), Path("shop.json"), "shop.json")
    return PactResult(pact, (result,), f"the core printed {secret}")


@pytest.fixture(autouse=True)
def names(settings: Any) -> None:
    settings.PACT_SECRET_NAMES = ["Password", "x-token"]


def test_no_secret_is_left_anywhere() -> None:
    masked = mask(result_with())
    text = repr(masked)
    assert "s3cr3t" not in text
    assert "other password" not in text  # of a secret member, whatever the core found there
    (result,) = masked.interactions
    assert result.exchange.request
    assert result.exchange.request.headers == {
        "Authorization": "(hidden)",
        "Cookie": "(hidden)",
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
    without = replace(untouched, interaction=Interaction("a"), exchange=Exchange(Message("GET /"), Message("200 OK")))
    without = replace(without, mismatches=(), error="")
    assert mask(PactResult(before.pact, (without,))).interactions == (without,)


@pytest.mark.parametrize("secret", ["ab", "1", 7, True, "a"])
def test_a_short_one_is_hidden_where_it_stands_and_makes_no_holes_elsewhere(secret: Any) -> None:
    """It would be found in every other text."""
    (result,) = mask(result_with(secret)).interactions
    assert result.exchange.request
    assert result.exchange.request.headers["Authorization"] == "(hidden)"
    assert json.loads(result.exchange.request.body)["password"] == "(hidden)"
    assert result.mismatches[2].expected == result.mismatches[2].message == "(hidden)"
    assert result.exchange.crash
    assert result.exchange.crash.frames[0].file == "views.py"


def test_names_are_the_settings_and_those_that_always_are(settings: Any) -> None:
    settings.PACT_SECRET_NAMES = []
    (result,) = mask(result_with("longer than short")).interactions
    assert result.exchange.request
    assert result.exchange.request.headers["Authorization"] == "(hidden)"
    assert "x-api-key" in SECRET_NAMES
    # What came with the Authorization header is hidden wherever else it stands.
    assert "longer than short" not in repr(result)


def test_a_body_that_is_no_json() -> None:
    exchange = Exchange(Message("GET /", {"Cookie": "sid=abcdefgh"}), Message("200 OK", {}, b"\xff abcdefgh \x00"))
    result = PactResult(result_with().pact, (InteractionResult(Interaction("a"), Outcome.VERIFIED, exchange),))
    (masked,) = mask(result).interactions
    assert masked.exchange.response
    assert masked.exchange.response.body == b"\xff (hidden) \x00"


def test_what_is_nested_too_deeply_to_be_searched_is_not_shown() -> None:
    deep = b'{"a":' * 500 + b'{"password":"s3cr3t-and-long"}' + b"}" * 500
    exchange = Exchange(Message("GET /"), Message("200 OK", {}, deep))
    result = PactResult(result_with().pact, (InteractionResult(Interaction("a"), Outcome.VERIFIED, exchange),))
    assert "s3cr3t" not in repr(mask(result))


@pytest.mark.parametrize("depth", [1, 500])
def test_both_sides_of_a_request_that_differs(depth: int) -> None:
    """The error quotes them, and what is nested too deeply to be searched has none."""
    body = {"password": "s3cr3t-body"}
    query, headers = {"password": ["s3cr3t-query"]}, {"Cookie": "a=s3cr3t-cookie"}
    wanted = Request("GET", "/?password=s3cr3t-path", query, headers, body)
    arrived = Message("GET /?password=s3cr3t-came", {"Cookie": "a=s3cr3t-sent"}, b'{"password": "s3cr3t-bytes"}')
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    result = InteractionResult(
        Interaction("a", request=wanted),
        Outcome.NOT_VERIFIED,
        Exchange(Message("GET /"), Message("200 OK", {}, deep), arrived=arrived),
        error=f"The request that arrived is not the pact's: {wanted}, {arrived}",
    )
    (masked,) = mask(PactResult(result_with().pact, (result,))).interactions
    assert masked.error.startswith("The request that arrived is not the pact's")
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


def one(exchange: Exchange, **more: Any) -> PactResult:
    result = InteractionResult(Interaction("a"), Outcome.MISMATCH, exchange, **more)
    return PactResult(result_with().pact, (result,), more.get("error", ""))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"user=joe&password=hunter2pass&x=1"),
        ({}, b"user=joe&password=hunter2+pass%21"),
        ({}, b"<login><password>hunter2pass</password></login>"),
        ({}, b'<login password="hunter2pass"/>'),
        ({}, b'{"password": "hunter2pass", "cut": "in the mid'),
        ({}, b'{"payload": "{\\"password\\": \\"hunter2pass\\"}"}'),
        ({"Authorization": "Basic am9lOmh1bnRlcjJwYXNz"}, b"wrong login joe:hunter2pass"),
        ({"Set-Cookie": "a=hunter2pass; Path=/, b=hunter2other; HttpOnly"}, b"hunter2pass hunter2other"),
        ({"Authorization": "Bearer hunter2pass"}, b"<b>hunter2pass</b>"),
        ({"X-Token": "hunter2<&'x"}, b"no such token: hunter2&lt;&amp;&#x27;x"),
        ({"X-Token": "hunter2"}, b"a\\nhunter2"),
        ({"X-Token": "hunter2pass"}, b'{"index": {"hunter2pass": 1}}'),
        ({"X-Token": "hunter2\ud800"}, b'{"a": "hunter2\\ud800"}'),
        ({}, b"password: correct hunter2"),
        ({}, b"the form had password=correct hunter2 battery&page=1"),
        ({}, b"password: correct, hunter2 battery"),
        ({}, b"password: it's hunter2"),
        ({}, b"it failed: {'password': 'correct hunter2', 'pin': 3}"),
        ({}, b'<password type="x">hunter2pass</password>'),
        ({}, b"<password type=\"a/b\" other='>'>correct hunter2</password>"),
        ({}, b"<wsse:Password Type='http://x/y'><![CDATA[hunter2 <pass>]]></wsse:Password>"),
        ({}, b"<password><value>correct</value> <value>hunter2</value></password>"),
        ({}, b'<login><password type="x">correct hunter2'),
        ({}, b'{"password": "correct \\"hunter2\\" battery", "cut": "in the mid'),
        ({}, b'{"password": "correct hunter2'),
        ({}, b'{"password": ["a", {"b": "correct hunter2"}], "cut": "in the mid'),
        ({}, b'{"list": [{"password": {"deep": ["correct hunter2'),
        ({}, b'{"payload": "{\\"password\\": \\"correct hunter2\\", \\"x\\": 1}", "cut": "in the mid'),
        ({}, b'{"payload": "{\\"password\\": \\"correct \\\\\\"hunter2\\\\\\"\\"}", "cut": "in the mid'),
        ({}, b"Cookie: a=1; b=hunter2"),
        ({}, b'Authorization: Digest username="joe", response="hunter2"'),
    ],
)
def test_secrets_of_every_kind_of_body_and_header(headers: dict[str, str], body: bytes) -> None:
    for exchange in (
        Exchange(Message("POST /", headers, body), Message("200 OK")),
        Exchange(Message("POST /"), Message("200 OK", headers, body)),
    ):
        assert "hunter2" not in repr(mask(one(exchange)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password: correct horse\nuser: joe", "password: (hidden)\nuser: joe"),
        ("password=correct horse user=joe", "password=(hidden) user=joe"),
        ("password=correct horse, user=joe", "password=(hidden), user=joe"),
        ("login(password='correct horse', user='joe')", "login(password='(hidden)', user='joe')"),
        ("GET /?password=correct+horse&page=1 HTTP/1.1", "GET /?password=(hidden)&page=1 HTTP/1.1"),
        ('<password a="1">horse</password><user>joe</user>', '<password a="1">(hidden)</password><user>joe</user>'),
        ("<password/><user>joe</user>", "<password/><user>joe</user>"),
        ("<password></password><user>joe</user>", "<password></password><user>joe</user>"),
        ('{"password": "a \\"b\\"", "user": "joe", "cut', '{"password": "(hidden)", "user": "joe", "cut'),
        ('{"password": ["a", {"b": "c"}], "user": "joe", "cut', '{"password": (hidden), "user": "joe", "cut'),
        ("login(password=['correct horse'], user='joe')", "login(password=(hidden), user='joe')"),
        ("unexpected password: {\nuser: joe", "unexpected password: (hidden)\nuser: joe"),
        ("reset/<str:password>/edit", "reset/<str:password>/edit"),
        ("reset/(?P<password>[^/]+)/edit", "reset/(?P<password>[^/]+)/edit"),
        ("Cookie: a=1; b=2\nAccept: */*", "Cookie: (hidden)\nAccept: */*"),
    ],
)
def test_all_of_a_value_is_hidden_and_no_more(text: str, shown: str) -> None:
    assert without_secrets(text, {}) == shown
    assert without_secrets(shown, {}) == shown


def test_a_phrase_is_hidden_wherever_it_is_quoted() -> None:
    """Words that are secret in one place are found in the others, in whole and by the first of them."""
    exchange = Exchange(Message("POST /", {}, b"password: hunter2 horse"), Message("200 OK"))
    quoting = one(exchange, error="hunter2 horse is wrong; hunter2 too")
    assert mask(quoting).interactions[0].error == "(hidden) is wrong; (hidden) too"
    bearer = Exchange(Message("POST /", {}, b"Authorization: Bearer hunter2"), Message("200 OK"))
    assert mask(one(bearer, error="Bearer of hunter2")).interactions[0].error == "Bearer of (hidden)"


@pytest.mark.parametrize(
    "query",
    ["password=hunter2a&password=hunter2b", "password=hunter2+%2f+x", "password=hu&password=hunter2", "password=7"],
)
def test_secrets_of_a_query(query: str) -> None:
    (result,) = mask(one(Exchange(Message(f"GET //[x?{query}&page=1"), Message("200 OK")))).interactions
    assert result.exchange.request
    hidden = "&".join(["password=(hidden)"] * query.count("="))
    assert result.exchange.request.headline == f"GET //[x?{hidden}&page=1"


def test_a_named_value_in_a_text_alone() -> None:
    """An exception may quote what is in no structure."""
    frames = (Frame("v.py", 1, "f", "password = 1", own=True),)
    crash = Crash("ValueError: bad: {'password': 'hunter2', 'pin': 3}", frames)
    (result,) = mask(one(Exchange(crash=crash))).interactions
    assert result.exchange.crash == Crash("ValueError: bad: {'password': '(hidden)', 'pin': 3}", frames)


def test_the_brokers_credentials_are_in_no_report_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_BROKER_TOKEN", "broker-token-hunter2")
    assert "hunter2" not in repr(mask(one(Exchange(state_error="env: broker-token-hunter2"))))


def test_what_masking_must_not_touch(settings: Any) -> None:
    """The report would break: a status that is no number, a mismatch that has no place."""
    body = b'{"password": "200 OK", "x": {"password": "status"}}'
    exchange = Exchange(Message("GET /"), Message("200 OK", {}, body))
    (result,) = mask(one(exchange, mismatches=(Mismatch("status", 201, 200, "expected 201 but was 200"),))).interactions
    assert result.exchange.response
    assert result.exchange.response.status == 200
    assert result.mismatches[0].where == "status"


def test_values_that_a_state_gave_and_words_after_the_scheme() -> None:
    given = SetUpState(ProviderState("s"), "h()", {"password": "hunter2pass"})
    assert "hunter2" not in repr(mask(one(Exchange(states=(given,), state_error="it was hunter2pass"))))
    request = Message("GET /", {"Authorization": "Token hunter2pass"})
    assert "hunter2" not in repr(mask(one(Exchange(request, state_error="bad token hunter2pass."))))


def test_by_default_the_usual_names_are_secret(settings: Any) -> None:
    del settings.PACT_SECRET_NAMES
    exchange = Exchange(Message("GET /", {}, b'{"access_token": "hunter2pass", "name": "x"}'))
    (result,) = mask(one(exchange)).interactions
    assert result.exchange.request
    assert json.loads(result.exchange.request.body) == {"access_token": "(hidden)", "name": "x"}
