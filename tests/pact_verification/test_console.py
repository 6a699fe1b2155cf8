"""The whole report, to the letter: what a person reads."""

from pathlib import Path

from pact_verification.pacts import Interaction, Pact, ProviderState
from pact_verification.reporters.console import render
from pact_verification.results import (
    Crash,
    Exchange,
    Frame,
    InteractionResult,
    Message,
    Mismatch,
    Outcome,
    PactResult,
    Report,
)

GET = Message("GET /items?a=1", {"Authorization": "Bearer x", "Accept": "*/*"})
PACT = Pact("shop", "testapp", (), Path("shop.json"), "shop.json")
REPORT = Report(
    "testapp",
    (
        PactResult(
            PACT,
            (
                InteractionResult(
                    Interaction("a list", (ProviderState("items", {"count": 2}),)),
                    Outcome.VERIFIED,
                    Exchange(GET, Message("200 OK"), warnings=("The lid does not close.",), seconds=0.0123),
                ),
                InteractionResult(
                    Interaction("an item"),
                    Outcome.MISMATCH,
                    Exchange(GET, Message("200 OK", {"Content-Type": "application/json"}, b'{"a": [1]}'), seconds=1),
                    (Mismatch("body $.a[0]", "2", "1", "Expected 1 to be 2"),),
                ),
                InteractionResult(
                    Interaction("a crash", pending=True),
                    Outcome.MISMATCH,
                    Exchange(
                        GET,
                        Message("500 Internal Server Error", {}, b"oops"),
                        crash=Crash(
                            "LookupError: no price",
                            (
                                Frame("django/base.py", 9, "get_response", "response = view()", own=False),
                                Frame("shop/views.py", 7, "crash", "raise LookupError", own=True),
                            ),
                        ),
                    ),
                    (Mismatch("status", 200, 500, "expected 200 but was 500"),),
                ),
                InteractionResult(
                    Interaction("a state"), Outcome.STATE_ERROR, Exchange(state_error="x"), error="The state raised."
                ),
            ),
        ),
    ),
    notes=("other.json is not a pact.",),
    seconds=1.5,
)


def test_verbosity_1() -> None:
    assert render(REPORT) == (
        "\n"
        "shop  (shop.json)\n"
        "  ✓ a list  [items (count=2)]\n"
        "      warning: The lid does not close.\n"
        "  ✗ an item\n"
        "      body $.a[0]\n"
        "        expected  2\n"
        "        came      1\n"
        "        Expected 1 to be 2\n"
        "      the request\n"
        "        GET /items?a=1\n"
        "      the response\n"
        "        200 OK\n"
        "        {\n"
        '          "a": [\n'
        "            1\n"
        "          ]\n"
        "        }\n"
        "  ✗ a crash  pending: does not fail the run\n"
        "      status\n"
        "        expected  200\n"
        "        came      500\n"
        "      the request\n"
        "        GET /items?a=1\n"
        "      the response\n"
        "        500 Internal Server Error\n"
        "      the exception\n"
        "        shop/views.py:7 in crash\n"
        "          raise LookupError\n"
        "        LookupError: no price\n"
        "        (1 line of libraries left out: --verbosity 2)\n"
        "  ! a state\n"
        "      The state raised.\n"
        "\n"
        "other.json is not a pact.\n"
        "\n"
        "testapp: 4 interactions of 1 consumer: 1 verified, 1 failed, 1 failed (pending), 1 state error, in 1.5 s. "
        "The contracts are broken.\n"
    )


def test_verbosity_0() -> None:
    assert len(render(REPORT, verbosity=0).strip().splitlines()) == 1


def test_verbosity_2_shows_headers_but_no_secrets() -> None:
    text = render(REPORT, verbosity=2)
    assert "Accept: */*" in text
    assert "Authorization: (hidden)" in text
    assert "✓ a list  [items (count=2)]  12 ms\n      GET /items?a=1 → 200 OK" in text
    assert "django/base.py:9 in get_response" in text


def test_a_stream_that_can_not_show_it_gets_ascii() -> None:
    text = render(REPORT, verbosity=2, encoding="ascii")
    assert text.isascii()
    assert "  + a list" in text
    foreign = InteractionResult(Interaction("品 Größe"), Outcome.VERIFIED, REPORT.interactions[0].exchange)
    report = Report("testapp", (PactResult(PACT, (foreign,)),))
    assert "+ \\u54c1 Größe" in render(report, encoding="latin-1")
    assert "✓ 品 Größe" in render(report)


def test_a_huge_value_is_cut_and_a_secret_one_hidden() -> None:
    mismatches = (
        Mismatch("body $.a", "x" * 10_000, "y" * 10_000, "z" * 10_000),
        Mismatch("header Set-Cookie", "sessionid=1", "sessionid=topsecret", "but was topsecret"),
    )
    result = InteractionResult(Interaction("a"), Outcome.MISMATCH, Exchange(GET, Message("200 OK")), mismatches)
    text = render(Report("testapp", (PactResult(PACT, (result,)),)))
    assert len(text) < 3000
    assert "9500 more characters" in text
    assert "topsecret" not in text


def test_only_pending_failures() -> None:
    result = InteractionResult(Interaction("a", pending=True), Outcome.MISMATCH, Exchange(GET, Message("200 OK")))
    text = render(Report("testapp", (PactResult(PACT, (result,)),)))
    assert "1 failed (pending), in 0.0 s. What failed is pending: no contract is broken." in text


def test_state_errors_break_no_contract() -> None:
    result = InteractionResult(Interaction("a"), Outcome.STATE_ERROR, error="x")
    text = render(Report("testapp", (PactResult(PACT, (result, result)),)))
    assert "2 state errors, in 0.0 s. The contracts could not be proved." in text


def test_nothing() -> None:
    assert render(Report("testapp", ())).strip() == (
        "testapp: nothing was verified: no pact was selected. "
        "Are the paths, the provider's name and the filters right? --allow-no-pacts accepts that."
    )


def test_a_long_body_is_cut_and_says_so() -> None:
    long = Message("200 OK", {}, b"\n".join(b"line" for _ in range(50)))
    result = InteractionResult(Interaction("a"), Outcome.MISMATCH, Exchange(GET, long))
    report = Report("testapp", (PactResult(PACT, (result,)),))
    assert "… 30 more lines (--verbosity 2)" in render(report)
    assert "more lines" not in render(report, verbosity=2)
