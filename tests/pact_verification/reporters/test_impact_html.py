"""The page of an impact in a real browser, without scripts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pact_verification.reporters import IMPACT_FORMATS
from pact_verification.results.impact import Impact
from tests.pact_verification.reporters.impact_values import (
    FAILED,
    HARMLESS,
    IMPACT,
    ODD,
    PLANNED,
    WITH_GAPS,
    WITH_SERIALIZERS,
    hostile,
    hostile_plan,
    large,
)
from tests.pact_verification.reporters.test_html import DESK, PHONE, contrast, luminance

pytestmark = pytest.mark.no_database

(HTML,) = (each for each in IMPACT_FORMATS if each.name == "html")
WHOLE = replace(IMPACT, report=FAILED, left_out=WITH_GAPS.left_out, serializers=WITH_SERIALIZERS.serializers)

Opened = Callable[[Impact], Page]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens an impact's page at a desk."""
    file = tmp_path / "impact.html"
    requests: list[str] = []
    with browser.new_context(viewport=DESK, java_script_enabled=False) as context:
        context.set_default_timeout(5000)

        def open_page(impact: Impact) -> Page:
            file.write_text(HTML.render(impact))
            page = context.new_page()
            page.on("request", lambda request: requests.append(request.url))
            page.goto(file.as_uri())
            return page

        yield open_page
    assert set(requests) == {file.as_uri()}  # one file, and nothing else


def shown(page: Page) -> dict[str, list[str]]:
    """The members that can be seen, by operation."""
    return {
        section.locator("h2").inner_text().split("\n")[0]: [
            row.locator("th code").inner_text() for row in section.locator("tbody tr").all() if row.is_visible()
        ]
        for section in page.locator(".operation").all()
        if section.is_visible()
    }


def choose(page: Page, name: str, label: str) -> None:
    choice = page.locator(f"label.choice:has(input[name={name}])").filter(has_text=re.compile(rf"^{re.escape(label)}"))
    choice.get_by_role("radio").check(force=True)


def needs_of(page: Page, member: str) -> list[str]:
    """What can be seen of how consumers need a member."""
    row = page.locator("tr", has=page.get_by_role("rowheader", name=re.compile(rf"^{re.escape(member)}( |$)")))
    return row.first.locator("td summary").inner_text().split("\n")


ITEM, LIST, ADDED = "GET /items/{id}, 200", "GET /items, 200", "message of item_was_added()"
NESTED = "$.a_rather_long_name.of_a_member[*].that_is_nested"
EVERY = {
    ITEM: ["status", "header Content-Type", "$.id", "$.name", "$.notes", NESTED, "header X-Trace"],
    LIST: ["status", "$", "$[*].name"],
    ADDED: ["metadata topic", "$.id"],
}


def test_it_can_be_read(opened: Opened) -> None:
    page = opened(WHOLE)
    assert page.title() == "What consumers need of testapp"
    assert page.locator(".verdict").inner_text() == (
        "testapp: of 12 members of 3 operations, consumers need 7. No consumer needs 5, of which 1 is a header. "
        "The Pact core judged 27 changes in 0.2 s. 2 interactions were not verified, and their needs are unknown. "
        "Not everything could be tried of 1 verified interaction."
    )
    assert page.locator("main > .note").first.inner_text().split("\n\n") == [
        "2 interactions were not verified and could not be tried. What they need is missing below.",
        (
            "shop: a crash [an item exists] (aaaaaaaaa9): status 500 instead of 200\n"
            "shop: a state (aaaaaaaab1): The state raised. No warehouse."
        ),
        "verify_pacts shows such failures in full.",
    ]
    assert shown(page) == EVERY
    assert needs_of(page, "$.id") == ["type integer shop", "exact value admin"]
    assert page.locator("h2").all_inner_texts()[3:] == [
        "Serializers",
        "How many of the changes each consumer's contract notices",
        "What could not be tried of verified interactions",
    ]
    strength = page.locator(".strengths tbody tr").last
    assert strength.locator("th").inner_text() == "news"
    assert strength.locator("td").inner_text().split() == [
        *("0", "of", "5", "·", "0", "%", "accepts", "anything:", "an", "item", "was", "added", "(ddddddddd1)")
    ]
    assert re.split("\n+", page.locator(".card").first.inner_text()) == [
        "testapp.serializers.ItemSerializer testapp/serializers.py:12",
        "no consumer needs",
        "notes",
        "consumers need",
        "id, name",
        "no verified response had",
        "password",
    ]
    assert "shop: a list (aaaaaaaaa3): The response is different each time." in page.locator("main").inner_text()
    assert page.locator("main > p").last.inner_text() == (
        "Only members of responses and messages that were verified count."
    )


def test_members_that_no_consumer_needs_stand_out(opened: Opened) -> None:
    page = opened(IMPACT)
    rows = page.locator(".operation").first.locator("tbody tr")
    assert rows.nth(4).inner_text().split() == ["$.notes", "testapp.serializers.ItemSerializer.notes", "no", "consumer"]
    needed, unneeded, header = (
        rows.nth(number).evaluate("e => getComputedStyle(e).backgroundColor") for number in (3, 4, 6)
    )
    assert unneeded != needed
    assert header == needed  # each response has many that no consumer needs


def test_a_member_opens_to_the_changes_and_the_interactions(opened: Opened) -> None:
    page = opened(IMPACT)
    details = page.locator("tr", has_text="$.name").first.locator("details")
    assert not details.locator("ul").first.is_visible()
    details.locator("summary").click()
    assert details.locator(".need").all_inner_texts() == [
        (
            "shop notices: removed, null, another type\n"
            "an item [an item exists (id=7)] (aaaaaaaaa1)\nan item without a price (aaaaaaaaa2)"
        ),
        "admin notices: removed, null, another type\none item (bbbbbbbbb1)",
    ]


def test_the_filters_count(opened: Opened) -> None:
    page = opened(IMPACT)
    assert page.locator("form .choice").all_inner_texts() == [
        *("all (12)", "needed (7)", "no consumer needs (5)"),
        *("any", "shop (6)", "admin (3)", "later (2)", "news (0)"),
        *("any", ITEM, LIST, ADDED),
    ]


@pytest.mark.parametrize(
    ("only", "consumer", "operation", "expected"),
    [
        ("all", "any", LIST, {LIST: EVERY[LIST]}),
        ("all", "shop", "any", {ITEM: EVERY[ITEM], LIST: EVERY[LIST]}),
        (
            "needed",
            "any",
            "any",
            {ITEM: ["status", "header Content-Type", "$.id", "$.name", NESTED], LIST: ["status", "$"]},
        ),
        ("needed", "admin", "any", {ITEM: ["status", "$.id", "$.name"]}),
        ("needed", "news", "any", {}),
        ("needed", "any", ADDED, {}),
        ("no consumer", "any", "any", {ITEM: ["$.notes", "header X-Trace"], LIST: ["$[*].name"], ADDED: EVERY[ADDED]}),
        ("no consumer", "shop", LIST, {LIST: ["$[*].name"]}),
        ("no consumer", "admin", "any", {ITEM: ["$.notes", "header X-Trace"]}),
        ("no consumer", "admin", LIST, {}),
        ("all", "admin", LIST, {}),
        ("all", "news", ADDED, {ADDED: EVERY[ADDED]}),
    ],
)
def test_filters(opened: Opened, only: str, consumer: str, operation: str, expected: dict[str, list[str]]) -> None:
    page = opened(IMPACT)
    choose(page, "only", only)
    choose(page, "consumer", consumer)
    choose(page, "operation", operation)
    assert shown(page) == expected
    assert page.locator(".nothing").is_visible() is (not expected)


def test_only_the_chosen_consumers_needs_are_shown(opened: Opened) -> None:
    page = opened(IMPACT)
    choose(page, "consumer", "shop")
    assert needs_of(page, "status") == ["exact value shop"]
    assert needs_of(page, "$.id") == ["type integer shop"]
    assert needs_of(page, NESTED) == ["only other consumers"]
    page.locator("tr", has_text="$.name").first.locator("summary").click()
    assert [each.is_visible() for each in page.locator("tr", has_text="$.name").first.locator(".need").all()] == [
        True,
        False,
    ]


def test_it_can_be_used_by_keyboard(opened: Opened) -> None:
    """Tab reaches the filters, arrows choose; Tab reaches a member, Enter opens it; and one sees where one is."""
    page = opened(IMPACT)
    page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "only-unneeded"
    assert shown(page)[LIST] == ["$[*].name"]
    outline = page.locator("#only-unneeded + span").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("ArrowLeft")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.locator("td details").first.get_attribute("open") is not None


def test_what_a_planned_change_breaks(opened: Opened) -> None:
    page = opened(PLANNED)
    assert page.title() == "What a planned change to testapp breaks"
    assert page.locator(".verdict.bad").inner_text().endswith("Contracts break.")
    assert page.locator("h2").all_inner_texts() == [
        *("The planned change", "shop", "later", "Consumers that get it and do not need it")
    ]
    assert page.locator("section").first.locator("li").all_inner_texts() == [
        *("without $.name", "$.id renamed to $.key")
    ]
    assert page.locator(".item").first.inner_text().split("\n") == [
        "breaks an item [an item exists (id=7)]",
        "operation",
        "GET /items/{id}, 200",
        "change",
        "without $.name",
        "$.id renamed to $.key",
        "",
        "key",
        "aaaaaaaaa1",
    ]
    assert page.locator(".item .badge").all_inner_texts() == ["breaks", "breaks", "pending"]
    assert page.locator("section").last.locator("li").all_inner_texts() == ["admin", "news"]
    choose(page, "consumer", "later")
    assert [each.is_visible() for each in page.locator(".item").all()] == [False, False, True]


def test_a_planned_change_that_breaks_no_contract(opened: Opened) -> None:
    page = opened(HARMLESS)
    assert page.locator(".verdict.good").inner_text().endswith("No contract breaks.")
    assert page.locator("section").first.inner_text().split("\n")[-1] == "Only in GET /items/{id}."
    assert page.locator("form").count() == 0


@pytest.mark.parametrize("impact", [hostile(), hostile_plan()])
def test_every_value_is_text(opened: Opened, impact: Impact) -> None:
    page = opened(impact)
    assert page.locator("script").count() == 0
    text = re.sub("<wbr>", "", HTML.render(impact))
    assert "<script" not in text
    assert all(line.isprintable() for line in text.splitlines())
    assert ODD.split("\n")[0] in page.locator("main").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("impact", [WHOLE, PLANNED])
def test_it_follows_the_readers_colour_scheme_and_keeps_its_contrast(
    browser: Browser, tmp_path: Path, scheme: str, impact: Impact
) -> None:
    (file := tmp_path / "impact.html").write_text(HTML.render(impact))
    with browser.new_context(viewport=DESK, color_scheme=scheme) as context:  # type: ignore[arg-type]  # a literal
        page = context.new_page()
        page.goto(file.as_uri())
        ground = luminance(page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
        assert (ground > 0.5) is (scheme == "light")
        for element in page.locator("p, li, th, td, dt, dd, summary, small, .badge, .who, .field, .choice span").all():
            assert contrast(element) >= 4.5, element.inner_text()  # WCAG 2.2, 1.4.3, level AA


@pytest.mark.parametrize("impact", [WHOLE, PLANNED, hostile(), hostile_plan(), large(10, 60)])
def test_it_fits_a_phone(browser: Browser, tmp_path: Path, impact: Impact) -> None:
    (file := tmp_path / "impact.html").write_text(HTML.render(impact))
    with browser.new_context(viewport=PHONE, is_mobile=True) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        beyond = page.evaluate(
            """[...document.querySelectorAll('td, th, td *, th *')].filter(each => each.scrollWidth
            && getComputedStyle(each).display !== 'inline' && each.scrollWidth > each.clientWidth + 1
            && !each.matches('.bar')).length"""
        )
        assert beyond == 0
        for choice in page.locator(".choice").all():
            box = choice.bounding_box()
            assert box
            assert box["height"] >= 24  # WCAG 2.2, 2.5.8: what a finger has to hit


def test_the_filters_are_not_printed(opened: Opened) -> None:
    page = opened(IMPACT)
    page.emulate_media(media="print")
    assert not page.locator("fieldset").first.is_visible()
    assert shown(page) == EVERY


def test_many_operations_leave_room_for_the_table(opened: Opened) -> None:
    item, *_ = IMPACT.operations
    page = opened(replace(IMPACT, operations=tuple(replace(item, name=f"GET /items/{n}") for n in range(60))))
    box = page.locator("fieldset").last.bounding_box()
    assert box
    assert box["height"] < 200
    choose(page, "operation", "GET /items/59, 200")
    assert list(shown(page)) == ["GET /items/59, 200"]


def test_a_serializer_run_without_serializers(opened: Opened) -> None:
    page = opened(replace(WITH_SERIALIZERS, serializers=()))
    assert page.get_by_text("No serializer wrote a member of these responses.").is_visible()


def test_numbers_are_not_written_as_the_projects_locale_has_them(settings: object) -> None:
    settings.USE_THOUSAND_SEPARATOR = True  # type: ignore[attr-defined]  # pytest-django's
    assert "all (1234)" in HTML.render(large(1, 1234))
