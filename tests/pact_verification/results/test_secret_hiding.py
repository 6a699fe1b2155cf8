"""How much of a value and of the text around it is hidden."""

from dataclasses import dataclass
from typing import Any

import pytest

from pact_verification.pacts.matching_rules import Matcher, Rule
from pact_verification.pacts.pact import Interaction, ProviderState
from pact_verification.results.exchange import Exchange, RecordedRequest, RecordedResponse
from pact_verification.results.masking import mask, named_without_secrets
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from pact_verification.results.secret_hiding import Mask
from pact_verification.results.secret_search import secrets_in
from tests.pact_verification.results.secret_results import one, result_with

pytestmark = pytest.mark.no_database


def test_a_body_that_is_no_json() -> None:
    exchange = Exchange(
        RecordedRequest("GET", "/", {"Cookie": "sid=abcdefg8"}), RecordedResponse(200, "OK", {}, b"\xff abcdefg8 \x00")
    )
    result = PactResult(result_with().pact, (InteractionResult(Interaction("a"), Outcome.VERIFIED, exchange),))
    (masked,) = mask(result).interactions
    assert masked.exchange.response
    assert masked.exchange.response.body == b"\xff (hidden) \x00"


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
    text = "Expected 'name' (String) to be equal to 'other' (String)"
    mismatch = Mismatch("body", "$.password", '"other"', '"name"', text)
    result = InteractionResult(Interaction("a token"), Outcome.MISMATCH, mismatches=(mismatch,))
    printed = f'a token\n"X-Token" with value "test" (OK)\n$.password -> {text}\n"Vary" with value "test" (OK)'
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("text", ['{"token": "Zq107xK8mLw2Pq7"}', "token=Zq107xK8mLw2Pq7"])
def test_a_body_in_another_encoding(encoding: str, text: str) -> None:
    body = text.encode(encoding)
    assert "Zq107xK8mLw2Pq7" in str(secrets_in([body], frozenset({"token"})))
    masked = Mask(frozenset(), frozenset({"token"})).hide(RecordedResponse(200, body=body)).body
    assert b"Zq107" not in masked
    assert b"(hidden)" in masked
    other = "no secret: 1".encode(encoding)
    assert Mask(frozenset(), frozenset({"token"})).hide(RecordedResponse(200, body=other)).body == other


def test_the_parts_of_a_form() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="token"\r\nContent-Type: text/plain\r\n\r\nZq107xK8\r\n'
        b'--b\r\nContent-Disposition: form-data; name="page"\r\n\r\n2\r\n--b--\r\n'
    )
    names = frozenset({"token"})
    assert Mask(frozenset(), names).hide(RecordedResponse(200, body=body)).body == body.replace(
        b"Zq107xK8", b"(hidden)"
    )
    assert secrets_in([body], names) == frozenset({"Zq107xK8"})
    for nested in (b"user[token]=Zq107xK8&page=2", b"user%5Btoken%5D=Zq107xK8&page=2"):
        hidden = Mask(frozenset(), names).hide(RecordedResponse(200, body=nested)).body
        assert hidden == nested.replace(b"Zq107xK8", b"(hidden)")
