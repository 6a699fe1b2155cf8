"""Secrets are found in every kind of body, header and text."""

import json
import time

import pytest

from pact_verification.pacts.pact import ProviderState
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse, SetUpState
from pact_verification.results.masking import mask, without_secrets
from pact_verification.results.mismatch import Mismatch
from tests.pact_verification.results.secret_results import one

pytestmark = pytest.mark.no_database


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
        Exchange(RecordedRequest("POST", "/", headers, body), RecordedResponse(200, "OK")),
        Exchange(RecordedRequest("POST", "/"), RecordedResponse(200, "OK", headers, body)),
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
    exchange = Exchange(RecordedRequest("POST", "/", {}, b"password: hunter2 horse"), RecordedResponse(200, "OK"))
    quoting = one(exchange, error="hunter2 horse is wrong; hunter2 too")
    assert mask(quoting).interactions[0].error == "(hidden) is wrong; (hidden) too"
    bearer = Exchange(RecordedRequest("POST", "/", {}, b"Authorization: Bearer hunter2"), RecordedResponse(200, "OK"))
    assert mask(one(bearer, error="Bearer of hunter2")).interactions[0].error == "Bearer of (hidden)"


@pytest.mark.parametrize(
    "query",
    ["password=hunter2a&password=hunter2b", "password=hunter2+%2f+x", "password=hu&password=hunter2", "password=7"],
)
def test_secrets_of_a_query(query: str) -> None:
    (result,) = mask(
        one(Exchange(RecordedRequest("GET", f"//[x?{query}&page=1"), RecordedResponse(200, "OK")))
    ).interactions
    assert result.exchange.request
    hidden = "&".join(["password=(hidden)"] * query.count("="))
    assert result.exchange.request.headline == f"GET //[x?{hidden}&page=1"


def test_a_named_value_in_a_text_alone() -> None:
    """An exception may quote what is in no structure."""
    frames = (Frame("v.py", 1, "f", "password = 1", own=True),)
    crash = Crash("ValueError: bad: {'password': 'hunter2', 'pin': 3}", frames)
    (result,) = mask(one(Exchange(crash=crash))).interactions
    assert result.exchange.crash == Crash("ValueError: bad: {'password': '(hidden)', 'pin': 3}", frames)


def test_values_that_a_state_gave_and_words_after_the_scheme() -> None:
    given = SetUpState(ProviderState("s"), "h()", {"password": "hunter2pass"})
    assert "hunter2" not in repr(mask(one(Exchange(states=(given,), state_error="it was hunter2pass"))))
    request = RecordedRequest("GET", "/", {"Authorization": "Token hunter2pass"})
    assert "hunter2" not in repr(mask(one(Exchange(request, state_error="bad token hunter2pass."))))


MB = 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([{"password": f"hunter2-{number}", "id": number} for number in range(20_000)]).encode(),
        b"password=hunter2&" * (MB // 17),
        b"lorem ipsum dolor " * (MB // 18) + b"password=hunter2",
        b'<password x="' * (MB // 13) + b"'",
        b"<password>hunter2" * (MB // 17),
        b'password="' * (MB // 10),
        b"password=" + b"\\" * MB,
        b'"password": ' + b"[" * MB,
        b"password=hunter2" + b"; " * (MB // 2),
        b"\xff password=hunter2 \x80" * (MB // 21),
        b'{"a":' * (MB // 10) + b'{"password":"hunter2-deep"}' + b"}" * (MB // 10),
        b'{"a":' * 900 + b'{"password":"hunter2-deep"}' + b"}" * 900,
    ],
    ids=lambda body: f"{body[:20]!r}",
)
def test_a_large_and_odd_body(body: bytes) -> None:
    began = time.monotonic()
    assert "hunter2" not in repr(
        mask(one(Exchange(RecordedRequest("POST", "/", {}, body), RecordedResponse(200, "OK", {}, body))))
    )
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Set-Cookie", "X-Token", "X-Other"])
@pytest.mark.parametrize("value", ["hunter2", "password=hunter2; path=/, ", "Bearer hunter2 "])
def test_a_header_of_two_million_characters(name: str, value: str) -> None:
    if name == "X-Other":
        value = f"password={value}"
    headers = {name: value * (2 * MB // len(value))}
    wrong = Mismatch("header", f"{name}", headers[name], "x", f"Expected '{headers[name]}' to be equal to 'x'")
    began = time.monotonic()
    masked = mask(
        one(Exchange(RecordedRequest("GET", "/", headers), RecordedResponse(200, "OK", headers)), mismatches=(wrong,))
    )
    assert "hunter2" not in repr(masked)
    assert time.monotonic() - began < 60
