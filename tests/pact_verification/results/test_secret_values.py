"""Which values are secret, and what of a header stays readable."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pact_verification.pacts.matching_rules import Matcher, MatchingRules, Rule
from pact_verification.pacts.pact import Expected, Interaction, ProviderState, Request
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.exchange import Endpoint, Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.masking import mask
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from pact_verification.results.secret_values import SECRET_NAMES, looks_like_secret
from pact_verification.text import Place
from tests.pact_verification.results.secret_results import one, result_with

pytestmark = pytest.mark.no_database


def test_names_are_the_settings_and_those_that_always_are(settings: Any) -> None:
    settings.PACT_SECRET_NAMES = []
    (result,) = mask(result_with("longer than short")).interactions
    assert result.exchange.request
    assert result.exchange.request.headers["Authorization"] == "Bearer (hidden)"
    assert "x-api-key" in SECRET_NAMES
    # What came with the Authorization header is hidden wherever else it stands.
    assert "longer than short" not in repr(result)


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
    text = f"the {value} was {value}"
    interaction = Interaction(
        text,
        (ProviderState(text, {"pin": value, value: text}),),
        request=Request(
            "GET", f"/{value}/x", {"pin": [value], value: ["1"]}, {"Authorization": value, "Cookie": value}
        ),
        expected=Expected(
            200,
            {"pin": value, "X": text},
            {"pin": value, value: text},
            MatchingRules(named := Rule((Matcher(text),)), {"pin": named}),
        ),
    )
    exchange = Exchange(
        RecordedRequest(
            "GET", f"/{value}/x?{value}=1&pin={value}", {"X-Api-Key": value, "Authorization": f"bearer {value}"}
        ),
        RecordedResponse(200, "OK", {"X": value, "Set-Cookie": f"name={value}; Path=/x"}, value.encode()),
        endpoint=Endpoint(f"{value}/x", f"{value}.views.get", Place(f"{value}/views.py", 3)),
        crash=Crash(text, (Frame(f"{value}.py", 1, value, f"raise {value}", own=True),)),
        state_error=text,
        warnings=(text,),
    )
    mismatches = (
        Mismatch("body", f"$['{value}']", value, text, f"Expected {text!r}", Rule((Matcher("regex", value),))),
        Mismatch("body", "$.pin", f'"{value}"', '"x"', f"Expected 'x' (String) to be equal to '{value}' (String)"),
    )
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, mismatches, text)
    (masked,) = mask(PactResult(result_with().pact, (result,))).interactions
    wanted, expected = interaction.request, interaction.expected
    assert masked == replace(
        result,
        interaction=replace(
            interaction,
            states=(ProviderState(text, {"pin": "(hidden)", value: text}),),
            request=replace(
                wanted,
                query={"pin": "(hidden)", value: ["1"]},
                headers={"Authorization": "(hidden)", "Cookie": "(hidden)"},
            ),
            expected=replace(expected, headers={"pin": "(hidden)", "X": text}, body={"pin": "(hidden)", value: text}),
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
    text = f"LoginError: {secret} is wrong"
    interaction = Interaction(f"a login with {secret}", (ProviderState(f"{secret} is known"),))
    exchange = Exchange(
        RecordedRequest("GET", f"/reset/{secret}", {"Authorization": f"Bearer {secret}"}),
        RecordedResponse(200, "OK", {"X": text}, text.encode()),
        endpoint=Endpoint(f"reset/{secret}", "views.reset"),
        crash=Crash(text, (Frame("v.py", 1, "f", f"login({secret!r})", own=True),)),
        state_error=text,
    )
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, error=text)
    masked = mask(PactResult(result_with().pact, (result,), text))
    assert secret not in repr(masked)
    (hidden,) = masked.interactions
    assert hidden.interaction.description == "a login with (hidden)"
    assert hidden.interaction.states[0].name == "(hidden) is known"
    assert hidden.exchange.request
    assert hidden.exchange.request.headline == "GET /reset/(hidden)"
    assert hidden.exchange.endpoint == Endpoint("reset/(hidden)", "views.reset")
    assert hidden.error == masked.core_output == "LoginError: (hidden) is wrong"


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
