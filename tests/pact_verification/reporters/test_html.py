"""The HTML report in a real browser, without scripts."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.reporters.html import render
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from tests.pact_verification.reporters.conftest import CONSUMER, HOSTILE, Reports, line_of

pytestmark = pytest.mark.no_database

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1200, "height": 900}


@pytest.fixture
def page(browser: Browser, reports: Reports) -> Iterator[Page]:
    with browser.new_context(viewport=DESK, java_script_enabled=False) as context:
        context.set_default_timeout(5000)
        page = context.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(reports.html.as_uri())
        yield page
        assert requests == [reports.html.as_uri()]  # one file, and nothing else


def shown(page: Page) -> list[str]:
    """The outcomes of the items that can be seen."""
    return [item.locator(".badge").first.inner_text() for item in page.locator(".item").all() if item.is_visible()]


def test_it_can_be_read(page: Page) -> None:
    assert page.title() == "Pacts of testapp"
    assert page.locator(".verdict").inner_text().endswith("The contracts are broken.")
    assert shown(page) == ["failed", "failed", "state error", "verified", "verified", "pending", "verified"]
    opened = [item.get_attribute("open") is not None for item in page.locator(".item").all()]
    assert opened == [True, True, True, False, False, False, False]  # what has to be mended can be read at once


def test_every_value_is_text(page: Page, reports: Reports) -> None:
    assert page.locator("script").count() == 0
    assert "<script" not in reports.html.read_text()
    assert HOSTILE in page.locator(".item").nth(0).inner_text()
    assert page.locator(".pact h2").first.inner_text().startswith(CONSUMER)
    assert page.locator("h2 b, main b").count() == 0


def test_the_difference_stands_out(page: Page) -> None:
    item = page.locator(".item").nth(0)
    assert item.locator("del").all_inner_texts()[:2] == ["- 201 Created", "- X-Rate: 12"]
    assert item.locator("ins").first.inner_text() == "+ 200 OK"
    colours = {item.locator(name).first.evaluate("e => getComputedStyle(e).color") for name in ("del", "ins")}
    assert len(colours) == 2


def test_the_line_to_copy_is_taken_with_one_click(page: Page) -> None:
    line = page.locator(".rerun").first
    line.click()
    assert page.evaluate("getSelection().toString()").strip() == line.inner_text().strip()


@pytest.mark.parametrize(
    ("only", "consumer", "expected"),
    [
        ("failed", "any", ["failed", "failed"]),
        ("pending", "any", ["pending"]),
        ("verified", "any", ["verified"] * 3),
        ("all", "later", ["pending", "verified"]),
        ("verified", "later", ["verified"]),
        ("failed", "later", []),
    ],
)
def test_filters(page: Page, only: str, consumer: str, expected: list[str]) -> None:
    page.get_by_role("radio", name=re.compile(f"^{only} ")).check(force=True)
    page.get_by_role("radio", name=re.compile(f"^{consumer}( |$)")).check(force=True)
    assert shown(page) == expected
    assert page.locator(".nothing").is_visible() is (not expected)
    assert page.locator("h2 small", has_text=".json").locator("visible=true").count() == (
        1 if consumer == "later" and expected else {"failed": 1, "pending": 1}.get(only, 2) if expected else 0
    )


def test_it_can_be_used_by_keyboard(page: Page) -> None:
    """Tab reaches the filters, arrows choose; Tab reaches an interaction, Enter opens it; and one sees where one is."""
    for _ in range(4):  # past a link for each of the three causes
        page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "only-state-error"
    assert shown(page) == ["state error"]
    outline = page.locator("#only-state-error + span").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    item = page.locator(".item.state-error")
    assert item.get_attribute("open") is not None
    page.keyboard.press("Enter")
    assert item.get_attribute("open") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_readers_colour_scheme_and_keeps_its_contrast(
    browser: Browser, reports: Reports, scheme: str
) -> None:
    with browser.new_context(viewport=DESK, color_scheme=scheme) as context:  # type: ignore[arg-type]  # a literal
        page = context.new_page()
        page.goto(reports.html.as_uri())
        ground = luminance(page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
        assert (ground > 0.5) is (scheme == "light")
        for selector in ("p.verdict", ".badge", "del", "ins", ".soft", ".why", "dt", "summary", ".note", "a"):
            for element in page.locator(selector).all():
                assert contrast(element) >= 4.5, selector  # WCAG 2.2, 1.4.3, level AA


def contrast(element: Locator) -> float:
    colours = element.evaluate(
        """e => {
            let ground = e;
            while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
            return [getComputedStyle(e).color, getComputedStyle(ground).backgroundColor];
        }"""
    )
    brighter, darker = sorted(map(luminance, colours), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_it_fits_a_phone(browser: Browser, reports: Reports) -> None:
    with browser.new_context(viewport=PHONE, is_mobile=True) as context:
        page = context.new_page()
        page.goto(reports.html.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        for choice in page.locator(".choice").all():
            box = choice.bounding_box()
            assert box
            assert box["height"] >= 24  # WCAG 2.2, 2.5.8: what a finger has to hit


def test_the_causes_come_first_and_lead_to_their_interactions(page: Page) -> None:
    causes = page.locator(".causes > ol > li")
    titles = causes.locator("strong").all_inner_texts()
    assert titles[:2] == ["200 OK came instead of 201", "LookupError: the price service has no answer"]
    crash = causes.nth(1)
    assert line_of("tests/testapp/views.py", 'raise LookupError("the price') in crash.inner_text()
    assert f"1 interaction of {CONSUMER}" in crash.inner_text()
    assert "--interaction" in crash.locator(".rerun").inner_text()
    crash.get_by_role("link").click()
    assert page.locator(":target summary").first.inner_text().startswith("failed a crash · cause 2")


def test_the_difference_comes_before_the_facts(page: Page) -> None:
    item = page.locator(".item").nth(0)
    headings = ("h3", "dl", ".rerun")
    tops = [box["y"] for each in headings if (box := item.locator(each).first.bounding_box())]
    assert tops == sorted(tops)
    crash = page.locator(".item").nth(1)
    assert crash.locator("h3").first.inner_text().casefold() == "the exception"
    assert crash.locator("details > summary").first.inner_text() == "frames of libraries"


def test_nothing_breaks_inside_a_word_on_a_phone(browser: Browser, reports: Reports) -> None:
    with browser.new_context(viewport=PHONE, is_mobile=True) as context:
        page = context.new_page()
        page.goto(reports.html.as_uri())
        broken = page.evaluate(
            r"""() => {
                document.querySelectorAll('details').forEach(each => each.open = true);
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
                while (walker.nextNode()) {
                    const node = walker.currentNode;
                    for (const match of node.data.matchAll(/\w{1,30}/g)) {
                        const range = document.createRange();
                        range.setStart(node, match.index);
                        range.setEnd(node, match.index + match[0].length);
                        if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1)
                            found.push(match[0]);
                    }
                }
                return found;
            }"""
        )
        assert broken == []


def test_what_was_skipped_and_what_holds_nothing() -> None:
    pact = Pact("shop", "testapp", (), Path("shop.json"), "shop.json")
    failed = InteractionResult(Interaction("a"), Outcome.MISMATCH)
    skipped = InteractionResult(Interaction("b"), Outcome.SKIPPED, error="Not run: 'a' failed.")
    text = render(Report("testapp", (PactResult(pact, (failed, skipped)), PactResult(pact, ()))))
    assert "Not run: &#x27;a&#x27; failed." in text
    assert "This pact holds no interactions: nothing was verified." in text
    assert "No pact was selected." in render(Report("testapp", ()))


def test_numbers_are_not_written_as_the_projects_locale_has_them(settings: object) -> None:
    settings.USE_THOUSAND_SEPARATOR = True  # type: ignore[attr-defined]  # pytest-django's
    pact = Pact("shop", "testapp", (), Path("shop.json"), "shop.json")
    results = tuple(InteractionResult(Interaction(f"{n}"), Outcome.VERIFIED) for n in range(1234))
    assert "all (1234)" in render(Report("testapp", (PactResult(pact, results),)))
