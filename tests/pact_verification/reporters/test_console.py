"""The whole report, to the letter: what a person reads."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.color_triplet import ColorTriplet
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI, SVG_EXPORT_THEME
from rich.text import Text

from pact_verification.pacts.matching_rules import Matcher, Rule
from pact_verification.pacts.pact import Expected, Interaction, Pact, ProviderState
from pact_verification.reporters.console import MOOD_STYLES, STYLES, render
from pact_verification.reporters.failure import SIGNS, failure_text
from pact_verification.results.coverage import Coverage, Operation, Use
from pact_verification.results.crash import Crash, Frame
from pact_verification.results.diff import CAME, EXPECTED, RESPONSE, SAME, WRONG
from pact_verification.results.exchange import Endpoint, Exchange, RecordedRequest, RecordedResponse, SetUpState
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import Cause, InteractionResult, Outcome, PactResult, Report
from pact_verification.results.response_diff import response_diff
from pact_verification.text import Place, encodable

pytestmark = pytest.mark.no_database

GET = RecordedRequest("GET", "/items?a=1", {"Authorization": "(hidden)", "Accept": "*/*"})
JSON = {"Content-Type": "application/json"}
PACT = Pact("shop", "testapp", (), Path("shop.json"), "shop.json")
ITEMS = ProviderState("items", {"count": 2})
VIEW = Endpoint("items", "shop.views.items", Place("shop/views.py", 20))
REPORT = Report(
    "testapp",
    (
        PactResult(
            PACT,
            (
                InteractionResult(
                    Interaction("a list", (ITEMS,)),
                    Outcome.VERIFIED,
                    Exchange(GET, RecordedResponse(200, "OK"), warnings=("The lid does not close.",), seconds=0.0123),
                ),
                InteractionResult(
                    Interaction("an item", (ITEMS,), expected=Expected(200, JSON, {"a": [2]})),
                    Outcome.MISMATCH,
                    Exchange(
                        GET,
                        RecordedResponse(200, "OK", JSON, b'{"a": [1], "b": "c"}'),
                        states=(SetUpState(ITEMS, "make_items() (shop/pact_states.py:3)", {"id": 7}),),
                        endpoint=VIEW,
                        queries=2,
                        request_seconds=0.0345,
                        seconds=1,
                    ),
                    (Mismatch("body", "$.a[0]", "2", "1", "Expected 1 to be 2", Rule((Matcher("integer"),))),),
                    rerun="python manage.py verify_pacts shop.json --interaction abc",
                ),
                InteractionResult(
                    Interaction("a crash", pending=True),
                    Outcome.MISMATCH,
                    Exchange(
                        GET,
                        RecordedResponse(500, "Internal Server Error", {}, b"oops"),
                        endpoint=VIEW,
                        crash=Crash(
                            "LookupError: no price",
                            (
                                Frame("django/base.py", 9, "get_response", "response = view()", own=False),
                                Frame("shop/views.py", 7, "crash", "raise LookupError", own=True),
                            ),
                        ),
                    ),
                    (Mismatch("status", "", 200, 500, "expected 200 but was 500"),),
                ),
                InteractionResult(
                    Interaction("a state"), Outcome.STATE_ERROR, Exchange(state_error="x"), error="The state raised."
                ),
                InteractionResult(Interaction("the last"), Outcome.SKIPPED, error="Not run."),
            ),
        ),
    ),
    notes=("other.json is not a pact.",),
    seconds=1.5,
)


def test_verbosity_1() -> None:
    assert render(with_diffs(REPORT)) == (
        "\n"
        "shop  (shop.json)  ✓ 1 verified\n"
        "  ✓ a list  [items (count=2)]\n"
        "      warning: The lid does not close.\n"
        "  ✗ an item  [items (count=2)]\n"
        "      state    items (count=2): make_items() (shop/pact_states.py:3), gave id=7\n"
        "      request  GET /items?a=1\n"
        "               Authorization: (hidden)\n"
        "               Accept: */*\n"
        "      view     shop.views.items (shop/views.py:20), for the URL pattern 'items'\n"
        "      took     34 ms, 2 SQL queries\n"
        "      - expected, + came\n"
        "          200 OK\n"
        "          Content-Type: application/json\n"
        "          {\n"
        '            "a": [\n'
        "        # $.a[0]: Expected 1 to be 2 (rule: integer)\n"
        "        -     2\n"
        "        +     1\n"
        "            ],\n"
        '            "b": "c"\n'
        "          }\n"
        "      again    python manage.py verify_pacts shop.json --interaction abc\n"
        "  ✗ a crash  pending: does not fail the run\n"
        "      request  GET /items?a=1\n"
        "               Authorization: (hidden)\n"
        "               Accept: */*\n"
        "      view     shop.views.items (shop/views.py:20), for the URL pattern 'items'\n"
        "      took     0.0 ms, 0 SQL queries\n"
        "      the exception\n"
        "        shop/views.py:7 in crash\n"
        "          raise LookupError\n"
        "        LookupError: no price\n"
        "        (1 frame of libraries left out: --verbosity 2)\n"
        "      - expected, + came\n"
        "        - 200 OK\n"
        "        + 500 Internal Server Error\n"
        "  E a state\n"
        "      The state raised.\n"
        "  s the last\n"
        "\n"
        "other.json is not a pact.\n"
        "\n"
        "testapp: 5 interactions of 1 consumer: 1 verified, 1 failed, 1 failed (pending), 1 state error, 1 skipped, "
        "in 1.5 s. The contracts are broken.\n"
    )


def test_verbosity_0() -> None:
    assert len(render(REPORT, verbosity=0).strip().splitlines()) == 1


def test_verbosity_2_shows_everything() -> None:
    text = render(with_diffs(REPORT), verbosity=2)
    assert "               Accept: */*\n" in text
    assert "✓ a list  [items (count=2)]  12 ms\n      GET /items?a=1 → 200 OK" in text
    assert "      response 200 OK\n               Content-Type: application/json\n      - expected" in text
    own, library = "        shop/views.py:7 in crash\n", "        django/base.py:9 in get_response\n"
    assert text.index(own) < text.index(library)
    assert "          oops\n" in text  # the body, though a traceback says more


def test_a_stream_that_can_not_show_it_gets_ascii() -> None:
    text = render(REPORT, verbosity=2, encoding="ascii")
    assert text.isascii()
    assert "  v a list" in text
    foreign = InteractionResult(Interaction("品 Größe"), Outcome.VERIFIED, REPORT.interactions[0].exchange)
    report = Report("testapp", (PactResult(PACT, (foreign,)),))
    assert "v \\u54c1 Größe" in render(report, verbosity=2, encoding="latin-1")
    assert "✓ 品 Größe" in render(report, verbosity=2)


def test_verbosity_1_lists_failures_and_counts_what_is_green() -> None:
    green = InteractionResult(Interaction("green"), Outcome.VERIFIED)
    red = InteractionResult(Interaction("red"), Outcome.NOT_VERIFIED, error="No result.")
    other = replace(PACT, consumer="web", source="web.json")
    report = Report("testapp", (PactResult(PACT, (green, red, green)), PactResult(other, (green,))))
    assert render(report) == (
        "\n"
        "shop  (shop.json)  ✓ 2 verified\n"
        "  ? red\n"
        "      No result.\n"
        "\n"
        "web  (web.json)  ✓ 1 verified\n"
        "\n"
        "testapp: 4 interactions of 2 consumers: 3 verified, 1 not verified, in 0.0 s. The contracts could not be "
        "proved.\n"
    )
    assert render(report, verbosity=2).count("✓ green") == 3


def test_a_cause_is_explained_once_and_named_at_the_others() -> None:
    failures = tuple(
        InteractionResult(Interaction(name), Outcome.NOT_VERIFIED, error="No result.", rerun="again") for name in "ab"
    )
    cause = Cause("No result.", (), None, ((0, 0), (0, 1)), ("shop",), "all again")
    report = Report("testapp", (PactResult(PACT, failures),), causes=(cause,))
    assert render(report).startswith(
        "\n"
        "shop  (shop.json)\n"
        "  ? a  cause 1\n"
        "      No result.\n"
        "      again    again\n"
        "  ? b  cause 1\n"
        "\n"
        "2 failures, 1 cause\n"
        "   1. No result.\n"
        "      2 interactions of shop\n"
        "      again  all again\n"
        "\n"
        "testapp: "
    )
    assert render(report, verbosity=2).count("      No result.\n") == 2
    assert len(render(report, verbosity=0).strip().splitlines()) == 1


def with_diffs(report: Report) -> Report:
    """As a run makes it."""
    pacts = [
        replace(pact, interactions=tuple(replace(each, diff=response_diff(each)) for each in pact.interactions))
        for pact in report.pacts
    ]
    return replace(report, pacts=tuple(pacts))


def failing(body: bytes, *mismatches: Mismatch, expected: Expected | None = None) -> Report:
    exchange = Exchange(GET, RecordedResponse(200, "OK", {}, body))
    interaction = Interaction("a", expected=expected or Expected())
    result = InteractionResult(interaction, Outcome.MISMATCH, exchange, mismatches)
    return with_diffs(Report("testapp", (PactResult(PACT, (result,)),)))


def test_a_huge_value_is_cut() -> None:
    report = failing(b'{"a": "%s"}' % (b"y" * 10_000), Mismatch("body", "$.a", "x", "y", "z" * 10_000))
    assert len(render(report)) < 3000
    assert "more characters (--verbosity 2)" in render(report)
    assert len(render(report, verbosity=2)) > 20_000


def test_what_is_far_from_a_difference_is_left_out() -> None:
    body = json.dumps([*range(100)]).encode()
    report = failing(
        body, Mismatch("body", "$[50]", "0", "50", "Expected 50 to be 0"), expected=Expected(body=[0] * 100)
    )
    text = render(report)
    assert "          … 48 lines left out\n" in text
    assert "        -   0,\n        +   50,\n" in text
    assert "  10," not in text
    assert "  10," in render(report, verbosity=2)


def test_colours_are_readable_on_dark_and_light_ground() -> None:
    """Palettes of terminals, each on the ground that it is made for."""
    grounds = [(MONOKAI, 4.5), (SVG_EXPORT_THEME, 3), (DEFAULT_TERMINAL_THEME, 4.5)]
    for style in map(Style.parse, {*STYLES.values(), *MOOD_STYLES.values()}):
        assert not style.dim
        for theme, least in grounds:
            colour = style.color.get_truecolor(theme) if style.color else theme.foreground_color
            assert contrast(colour, theme.background_color) >= least, (style, theme)


def test_states_have_the_terminals_own_colour() -> None:
    text = Text.from_ansi(render(REPORT, colour=True))
    line = next(line for line in text.split() if "an item" in line.plain)
    console = Console()
    red, state = (line.get_style_at_offset(console, line.plain.index(part)) for part in ("✗", "items"))
    assert (red.color and red.color.name, state.color and state.color.name) == ("color(1)", "default")


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    """Return the contrast of two colours, as WCAG 2.2 defines it."""
    brighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: ColorTriplet) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_sign_has_one_meaning() -> None:
    of_diffs = {SAME, EXPECTED, CAME, WRONG, RESPONSE, "#"}
    assert not of_diffs & {sign for each in SIGNS.values() for sign in (each, encodable(each, "ascii"))}


def test_only_pending_failures() -> None:
    result = InteractionResult(
        Interaction("a", pending=True), Outcome.MISMATCH, Exchange(GET, RecordedResponse(200, "OK"))
    )
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
    report = failing(b"\n".join(b"line" for _ in range(50)))
    assert "          … 30 lines left out\n" in render(report)
    assert render(report, verbosity=2).count("          line\n") == 50
    (pact,) = report.pacts
    (result,) = pact.interactions
    sent = replace(result, exchange=replace(result.exchange, request=RecordedRequest("POST", "/", {}, b"a\n" * 50)))
    text = render(Report("testapp", (replace(pact, interactions=(sent,)),)))
    assert "               … and more, of 50 lines in all (--verbosity 2)\n" in text


def test_the_line_to_copy_is_never_cut() -> None:
    long = replace(REPORT.interactions[1], rerun="python manage.py verify_pacts " + "x" * 2000)
    assert "x" * 2000 in failure_text(REPORT.pacts[0], long)


def test_coverage() -> None:
    use = Use("shop", (200, 404), failing=True)
    operations = (
        Operation("GET", VIEW, (use, Use("other", (200,)))),
        Operation("any", Endpoint("", "shop.views.index")),
    )
    report = Report("testapp", (), coverage=Coverage(operations, 7, (("GET /nowhere", Use("shop", (404,))),)))
    assert render(report).startswith(
        "\n"
        "Of 2 operations, consumers depend on 1:\n"
        "  method  URL pattern                consumers, with the statuses they have seen\n"
        "  GET     items                      shop 200, 404 (failing)\n"
        "                                     other 200\n"
        "  any     (empty)                    no consumer\n"
        "  GET     /nowhere (no URL pattern)  shop 404\n"
        "  7 operations of libraries that no consumer uses left out.\n"
    )


def test_one_failure_as_text_for_other_reports() -> None:
    (pact,) = REPORT.pacts
    text = failure_text(pact, pact.interactions[1])
    assert text.startswith("shop  (shop.json)\n  ✗ an item  [items (count=2)]\n")
    assert "\x1b" not in text
