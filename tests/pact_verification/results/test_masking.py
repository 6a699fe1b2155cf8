"""Secrets are out of a result before anybody can show it."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_verification.pacts.matching_rules import Matcher, MatchingRules, Rule
from pact_verification.pacts.pact import Expected, Interaction, Pact, ProviderState, Request
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.exchange import Endpoint, Exchange, RecordedRequest, RecordedResponse, SetUpState
from pact_verification.results.masking import mask, named_without_secrets, without_secrets
from pact_verification.results.report import InteractionResult, Mismatch, Outcome, PactResult
from pact_verification.results.secret_values import SECRET_NAMES, looks_like_secret
from pact_verification.text import Place

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
        RecordedRequest(
            "GET",
            f"/items?password={secret}&page=1",
            {"Authorization": f"Bearer {secret}", "Cookie": f"a=1; sessionid={secret}", "X-Token": f"{secret}"},
            body,
        ),
        RecordedResponse(200, "OK", {"Set-Cookie": f"sessionid={secret}; Path=/; HttpOnly"}, body),
        states=(SetUpState(state, "handler()", {"password": secret}),),
        state_error=f"the handler said {secret}",
        crash=Crash(f"LookupError: {secret}", (Frame("views.py", 1, "view", f"login({secret!r})", own=True),)),
        over_limit=f"{secret} took long",
        warnings=(f"{secret} is old",),
    )
    mismatches = (
        Mismatch("header", "Authorization", f"Bearer {secret}", "Bearer x", f"but was {secret}"),
        Mismatch("header", "X-Token", secret, "y", f"but was {secret}"),
        Mismatch("body", "$.password", json.dumps(secret), '"other password"', "Expected 'other password' to be equal"),
        Mismatch("body", "$.list[0]['password'].deep", json.dumps(secret), '"z"', "differs"),
        Mismatch("body", "$.echo", json.dumps(f"it is {secret}"), '""', f"Expected '' to be 'it is {secret}'"),
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


def test_names_are_the_settings_and_those_that_always_are(settings: Any) -> None:
    settings.PACT_SECRET_NAMES = []
    (result,) = mask(result_with("longer than short")).interactions
    assert result.exchange.request
    assert result.exchange.request.headers["Authorization"] == "Bearer (hidden)"
    assert "x-api-key" in SECRET_NAMES
    # What came with the Authorization header is hidden wherever else it stands.
    assert "longer than short" not in repr(result)


def test_a_body_that_is_no_json() -> None:
    exchange = Exchange(
        RecordedRequest("GET", "/", {"Cookie": "sid=abcdefg8"}), RecordedResponse(200, "OK", {}, b"\xff abcdefg8 \x00")
    )
    result = PactResult(result_with().pact, (InteractionResult(Interaction("a"), Outcome.VERIFIED, exchange),))
    (masked,) = mask(result).interactions
    assert masked.exchange.response
    assert masked.exchange.response.body == b"\xff (hidden) \x00"


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


def test_the_brokers_credentials_are_in_no_report_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_BROKER_TOKEN", "broker-token-hunter2")
    assert "hunter2" not in repr(mask(one(Exchange(state_error="env: broker-token-hunter2"))))


def test_what_masking_must_not_touch(settings: Any) -> None:
    """The report would break: a status that is no number, a mismatch that has no place."""
    body = b'{"password": "200 OK", "x": {"password": "status"}}'
    exchange = Exchange(RecordedRequest("GET", "/"), RecordedResponse(200, "OK", {}, body))
    (result,) = mask(
        one(exchange, mismatches=(Mismatch("status", "", 201, 200, "expected 201 but was 200"),))
    ).interactions
    assert result.exchange.response
    assert result.exchange.response.status == 200
    assert result.mismatches[0].where == "status"


def test_values_that_a_state_gave_and_words_after_the_scheme() -> None:
    given = SetUpState(ProviderState("s"), "h()", {"password": "hunter2pass"})
    assert "hunter2" not in repr(mask(one(Exchange(states=(given,), state_error="it was hunter2pass"))))
    request = RecordedRequest("GET", "/", {"Authorization": "Token hunter2pass"})
    assert "hunter2" not in repr(mask(one(Exchange(request, state_error="bad token hunter2pass."))))


def test_by_default_the_usual_names_are_secret(settings: Any) -> None:
    del settings.PACT_SECRET_NAMES
    exchange = Exchange(RecordedRequest("GET", "/", {}, b'{"access_token": "hunter2pass", "name": "x"}'))
    (result,) = mask(one(exchange)).interactions
    assert result.exchange.request
    assert json.loads(result.exchange.request.body) == {"access_token": "(hidden)", "name": "x"}


COMMON = ["token", "test", "Bearer", "secret", "PASSWORD", "admin", "user", "true", "null", "None", "123", "12345"]
PLAIN = [*COMMON, "valid-token", "test user", "accessToken", "an_expired.token", "en-US", "a", "----", "abab", "Größe"]


@pytest.mark.parametrize("value", PLAIN)
def test_a_common_value_is_hidden_beside_its_name_and_in_no_other_text(settings: Any, value: str) -> None:
    settings.PACT_SECRET_NAMES = ["pin"]
    assert not looks_like_secret(value)
    told = f"the {value} was {value}"
    interaction = Interaction(
        told,
        (ProviderState(told, {"pin": value, value: told}),),
        request=Request(
            "GET", f"/{value}/x", {"pin": [value], value: ["1"]}, {"Authorization": value, "Cookie": value}
        ),
        expected=Expected(
            200,
            {"pin": value, "X": told},
            {"pin": value, value: told},
            MatchingRules(named := Rule((Matcher(told),)), {"pin": named}),
        ),
    )
    exchange = Exchange(
        RecordedRequest(
            "GET", f"/{value}/x?{value}=1&pin={value}", {"X-Api-Key": value, "Authorization": f"bearer {value}"}
        ),
        RecordedResponse(200, "OK", {"X": value, "Set-Cookie": f"name={value}; Path=/x"}, value.encode()),
        endpoint=Endpoint(f"{value}/x", f"{value}.views.get", Place(f"{value}/views.py", 3)),
        crash=Crash(told, (Frame(f"{value}.py", 1, value, f"raise {value}", own=True),)),
        state_error=told,
        warnings=(told,),
    )
    mismatches = (
        Mismatch("body", f"$['{value}']", value, told, f"Expected {told!r}", Rule((Matcher("regex", value),))),
        Mismatch("body", "$.pin", f'"{value}"', '"x"', f"Expected 'x' (String) to be equal to '{value}' (String)"),
    )
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, mismatches, told)
    (masked,) = mask(PactResult(result_with().pact, (result,))).interactions
    wanted, expected = interaction.request, interaction.expected
    assert masked == replace(
        result,
        interaction=replace(
            interaction,
            states=(ProviderState(told, {"pin": "(hidden)", value: told}),),
            request=replace(
                wanted,
                query={"pin": "(hidden)", value: ["1"]},
                headers={"Authorization": "(hidden)", "Cookie": "(hidden)"},
            ),
            expected=replace(expected, headers={"pin": "(hidden)", "X": told}, body={"pin": "(hidden)", value: told}),
        ),
        exchange=replace(
            exchange,
            request=RecordedRequest(
                "GET",
                f"/{value}/x?{value}=1&pin=(hidden)",
                {"X-Api-Key": "(hidden)", "Authorization": "bearer (hidden)"},
            ),
            response=RecordedResponse(200, "OK", {"X": value, "Set-Cookie": "name=(hidden); Path=/x"}, value.encode()),
        ),
        mismatches=(
            mismatches[0],
            Mismatch(
                "body",
                "$.pin",
                "(hidden)",
                "(hidden)",
                "Expected '(hidden)' but received '(hidden)'",
            ),
        ),
    )
    assert masked.interaction.request == replace(  # they are not part of what is compared above
        wanted, query={"pin": "(hidden)", value: ["1"]}, headers={"Authorization": "(hidden)", "Cookie": "(hidden)"}
    )
    assert masked.interaction.expected.rules == expected.rules


@pytest.mark.parametrize(
    "secret",
    [
        *(
            "hunter2",
            "correct horse",
            "s3cret-value",
            "Tr0ub4dor&3",
            "test123",
            "password!",
            "c0de",
            "482913",
            "fooBarBaz",
        ),
        *(
            "abcdefghijklmnopqrstuvwxyz",
            "2f1c7a52-5f0e-4e8e-9a8b-0d4f6f4f8a11",
            "me@example.com",
            "пароль 1",
            "x" * 300 + "yz",
        ),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_every_text(secret: str) -> None:
    assert looks_like_secret(secret)
    told = f"LoginError: {secret} is wrong"
    interaction = Interaction(f"a login with {secret}", (ProviderState(f"{secret} is known"),))
    exchange = Exchange(
        RecordedRequest("GET", f"/reset/{secret}", {"Authorization": f"Bearer {secret}"}),
        RecordedResponse(200, "OK", {"X": told}, told.encode()),
        endpoint=Endpoint(f"reset/{secret}", "views.reset"),
        crash=Crash(told, (Frame("v.py", 1, "f", f"login({secret!r})", own=True),)),
        state_error=told,
    )
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, error=told)
    masked = mask(PactResult(result_with().pact, (result,), told))
    assert secret not in repr(masked)
    (hidden,) = masked.interactions
    assert hidden.interaction.description == "a login with (hidden)"
    assert hidden.interaction.states[0].name == "(hidden) is known"
    assert hidden.exchange.request
    assert hidden.exchange.request.headline == "GET /reset/(hidden)"
    assert hidden.exchange.endpoint == Endpoint("reset/(hidden)", "views.reset")
    assert hidden.error == masked.core_output == "LoginError: (hidden) is wrong"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "a token: sent again, password: forgotten by the user",
            "a token: sent again, password: forgotten by the user",
        ),
        ("a login with password=hunter2", "a login with password=(hidden)"),
        ("a login with password='correct horse' and more", "a login with password='(hidden)' and more"),
        ("the token: hunter2 of somebody", "the token: (hidden) of somebody"),
    ],
)
def test_what_a_name_tells_beside_a_secret_name(settings: Any, name: str, shown: str) -> None:
    """A colon is prose there. All other texts hide every value beside a secret name."""
    settings.PACT_SECRET_NAMES = ["password", "token"]
    named = named_without_secrets(Interaction(name, (ProviderState(name),)))
    assert (named.description, named.states[0].name) == (shown, shown)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc", "Bearer (hidden)"),
        ("Authorization", "bearer  abc def", "bearer  (hidden)"),
        ("Proxy-Authorization", "Basic am9l", "Basic (hidden)"),
        ("Authorization", 'Digest username="joe", response="x"', "Digest (hidden)"),
        ("Authorization", "Token token=x", "Token (hidden)"),
        ("Authorization", "abc", "(hidden)"),
        ("Authorization", "abc def", "(hidden)"),
        ("Authorization", "Bearer", "(hidden)"),
        ("Authorization", "", ""),
        ("Cookie", "sessionid=abc; theme=dark", "sessionid=(hidden); theme=(hidden)"),
        ("Cookie", "path=abc; expires=1,2; x", "path=(hidden); expires=(hidden); (hidden)"),
        ("Cookie", "a=b=c; d=; e", "a=(hidden); d=; (hidden)"),
        ("Cookie", "dG9rZW4xMg==; c2VjcmV0MQ=", "(hidden); (hidden)"),
        (
            "Set-Cookie",
            "id=abc; expires=Thu, 26 Nov 2026 06:53:19 GMT; HttpOnly; Max-Age=7200; Path=/; SameSite=Lax; Secure",
            "id=(hidden); expires=Thu, 26 Nov 2026 06:53:19 GMT; HttpOnly; Max-Age=7200; Path=/; SameSite=Lax; Secure",
        ),
        ("Set-Cookie", "a=1; Path=/, b=2; HttpOnly, c=3", "a=(hidden); Path=/, b=(hidden); HttpOnly, c=(hidden)"),
        ("Set-Cookie", "a=1, b=2", "a=(hidden), b=(hidden)"),
        ("Set-Cookie", "a=1,2; Max-Age=abc; Path=/x y", "a=(hidden); Max-Age=(hidden); Path=(hidden)"),
        ("Set-Cookie", "a=; Expires=Thu, 01-Jan-1970 00:00:00 GMT", "a=; Expires=Thu, 01-Jan-1970 00:00:00 GMT"),
        ("Set-Cookie", "path=abc; path=/abc", "path=(hidden); path=/abc"),
        ("Set-Cookie", 'a="b; c"', "a=(hidden); (hidden)"),
        ("Set-Cookie", "abc", "(hidden)"),
    ],
)
def test_what_of_a_header_stays_readable(name: str, value: str, shown: str) -> None:
    """Of what the pact wants, what was sent and what came."""
    interaction = Interaction("a", request=Request(headers={name: value}), expected=Expected(headers={name: value}))
    exchange = Exchange(RecordedRequest("GET", "/", {name: value}), RecordedResponse(200, "OK", {name: value}))
    result = InteractionResult(interaction, Outcome.VERIFIED, exchange)
    (masked,) = mask(PactResult(result_with().pact, (result,))).interactions
    assert masked.exchange.request
    assert masked.exchange.response
    headers = (
        masked.interaction.request,
        masked.interaction.expected,
        masked.exchange.request,
        masked.exchange.response,
    )
    assert [each.headers for each in headers] == [{name: shown}] * 4


@pytest.mark.parametrize(
    ("part", "path", "expected", "actual", "message"),
    [
        (
            "header",
            "Authorization",
            "Bearer token",
            "Token user",
            "Expected 'Bearer (hidden)' but received 'Token (hidden)'",
        ),
        ("header", "Set-Cookie", "a=abc; Path=/", "", "Expected 'a=(hidden); Path=/' but received nothing"),
        ("header", "Set-Cookie", "a=b", "c=d; Secure", "Expected 'a=(hidden)' but received 'c=(hidden); Secure'"),
        ("header", "Cookie", "a=b", None, "Expected 'a=(hidden)' but received nothing"),
        *(
            ("body", path, "'name'", "'other'", "Expected '(hidden)' but received '(hidden)'")
            for path in (
                "$.password",
                "$.list[0]['password'].deep",
                "$.login['@password']",
                "$.login.wsse:Password['#text']",
            )
        ),
    ],
)
def test_a_sentence_about_secret_values_does_not_quote_them(
    part: str, path: str, expected: str, actual: str | None, message: str
) -> None:
    """The core's own may quote a part of them, in another spelling."""
    rule = Rule((Matcher("regex", "x=.*"),))
    mismatch = Mismatch(part, path, expected, actual, f"The core says {expected} and {actual}, and nam.", rule)
    (result,) = mask(one(Exchange(), mismatches=(mismatch,))).interactions
    (hidden,) = result.mismatches
    assert (hidden.message, hidden.rule) == (message, rule)
    for value in ("name", "other", "token", "user", "abc"):
        assert value not in repr(hidden)


def test_what_the_core_printed_of_a_common_value() -> None:
    """It names the place before a sentence, and headers in words."""
    told = "Expected 'name' (String) to be equal to 'other' (String)"
    mismatch = Mismatch("body", "$.password", '"other"', '"name"', told)
    result = InteractionResult(Interaction("a token"), Outcome.MISMATCH, mismatches=(mismatch,))
    printed = f'a token\n"X-Token" with value "test" (OK)\n$.password -> {told}\n"Vary" with value "test" (OK)'
    assert mask(PactResult(result_with().pact, (result,), printed)).core_output == (
        'a token\n"X-Token" with value "(hidden)" (OK)\n'
        "$.password -> Expected '(hidden)' but received '(hidden)'\n"
        '"Vary" with value "test" (OK)'
    )


def test_a_new_field_is_free_text_unless_it_names_something() -> None:
    @dataclass(frozen=True)
    class Later(Exchange):
        records: tuple[str, ...] = ()
        test_name: str = ""
        comments: tuple[str, ...] = ()

    name = "password: forgotten, hunter2"
    request = RecordedRequest("GET", "/", {"X-Token": "hunter2"})
    later = Later(request, records=("password: forgotten", "hunter2"), test_name=name, comments=(name,))
    (result,) = mask(one(later)).interactions
    assert isinstance(result.exchange, Later)
    assert result.exchange.records == ("password: (hidden)", "(hidden)")
    assert result.exchange.test_name == result.exchange.comments[0] == "password: forgotten, (hidden)"


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
