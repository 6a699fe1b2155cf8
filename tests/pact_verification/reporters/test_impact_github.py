"""The impact for GitHub Actions: the step summary and the workflow commands, as GitHub reads them."""

import re
from dataclasses import replace

import pytest

from pact_verification.reporters import IMPACT_SUMMARY
from pact_verification.reporters.impact_github import render, render_annotations
from pact_verification.results.impact import Break, Impact, InteractionName, Member, MemberNeeds, OperationNeeds, Plan
from pact_verification.results.printable import printable_values
from pact_verification.results.report import Report
from tests.pact_verification.reporters.impact_values import (
    FAILED,
    HARMLESS,
    IMPACT,
    LIST,
    NOT_FOUND,
    ONLY_PENDING,
    PLANNED,
    REPORT,
    WITH_GAPS,
    WITH_SERIALIZERS,
    body,
    hostile,
    hostile_plan,
)
from tests.pact_verification.reporters.test_github import commands

pytestmark = pytest.mark.no_database

LIMIT = 1024 * 1024


def test_who_needs_what() -> None:
    assert render(replace(IMPACT, operations=(LIST,))) == (
        "## ✅ What consumers need: testapp\n"
        "\n"
        "testapp: of 3 members of 1 operation, consumers need 2. No consumer needs 1. "
        "The Pact core judged 27 changes in 0.2 s.\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
        "\n"
        "<details><summary>How many of the changes each consumer&#x27;s contract notices</summary>\n"
        "\n"
        "| consumer | changes noticed |  | accepts anything |\n"
        "| --- | --- | --- | --- |\n"
        "| shop | 12 of 18 | 66 % |  |\n"
        "| admin | 4 of 4 | 100 % |  |\n"
        "| later | 0 of 0 | no change was tried |  |\n"
        r"| news | 0 of 5 | 0 % | an item was added \(ddddddddd1\) |"
        "\n\n"
        "</details>\n"
        "\n"
        "<details><summary>GET /items, 200: 3 members, of which no consumer needs 1</summary>\n"
        "\n"
        "| member | which consumers need it, and how |\n"
        "| --- | --- |\n"
        "| status | exact value: shop |\n"
        r"| \$ | type list of at least one item: shop |"
        "\n"
        r"| \$\[\*\].name | **no consumer** |"
        "\n\n"
        "</details>\n"
    )


def test_ways_of_needing_a_member_have_a_line_each() -> None:
    assert r"| \$.id | type integer: shop<br>exact value: admin |" in render(IMPACT)
    assert "| status | exact value: all 3 consumers |" in render(IMPACT)


def test_gaps_come_first() -> None:
    text = render(printable_values(replace(WITH_GAPS, report=replace(FAILED, notes=("other.json is not a pact.",)))))
    assert (
        "\n2 interactions were not verified and could not be tried. What they need is missing below. "
        r"verify\_pacts shows such failures in full."
        "\n\n"
        r"- shop: a crash \[an item exists\] \(aaaaaaaaa9\): status 500 instead of 200"
        "\n"
        r"- shop: a state \(aaaaaaaab1\): The state raised. No warehouse."
        "\n\nOnly members"
    ) in text
    assert (
        "<details><summary>What could not be tried of verified interactions</summary>\n\n"
        r"- shop: a list \(aaaaaaaaa3\): The response is different each time."
        "\n"
    ) in text
    assert "\n> other.json is not a pact.\n" in text


def test_serializers() -> None:
    assert (
        "<details><summary>testapp.serializers.ItemSerializer (testapp/serializers.py:12)</summary>\n"
        "\n"
        "- no consumer needs: notes\n"
        "- consumers need: id, name\n"
        "- no verified response had: password\n"
    ) in render(WITH_SERIALIZERS)


def test_what_a_planned_change_breaks() -> None:
    assert render(PLANNED) == (
        "## ❌ What a planned change breaks: testapp\n"
        "\n"
        "testapp: the planned change affects 6 interactions of 4 consumers, and breaks 3 interactions of "
        "2 consumers. Contracts break.\n"
        "\n"
        r"The planned change: without \$.name; \$.id renamed to \$.key"
        "\n\n"
        "| consumer | interaction | operation | change | key |\n"
        "| --- | --- | --- | --- | --- |\n"
        r"| ❌ shop | an item \[an item exists \(id=7\)\] | GET /items/\{id\}, 200 "
        r"| without \$.name; \$.id renamed to \$.key | aaaaaaaaa1 |"
        "\n"
        r"| ❌ shop | an item without a price | GET /items/\{id\}, 200 | without \$.name | aaaaaaaaa2 |"
        "\n"
        r"| ⚠️ pending: later | a new item | GET /items/\{id\}, 200 | \$.id renamed to \$.key | ccccccccc1 |"
        "\n\n"
        "Consumers that get it and do not need it: admin, news\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
    )


def test_a_planned_change_that_breaks_no_contract() -> None:
    text = render(HARMLESS)
    assert text.startswith("## ✅ What a planned change breaks: testapp\n")
    assert "| consumer |" not in text


def test_annotations() -> None:
    assert commands(render_annotations(PLANNED)) == [
        (
            "error",
            {"title": "shop: an item [an item exists (id=7)]"},
            "GET /items/{id}, 200: without $.name; $.id renamed to $.key\nkey: aaaaaaaaa1",
        ),
        ("error", {"title": "shop: an item without a price"}, "GET /items/{id}, 200: without $.name\nkey: aaaaaaaaa2"),
        (
            "warning",
            {"title": "later, pending: a new item"},
            "GET /items/{id}, 200: $.id renamed to $.key\nkey: ccccccccc1",
        ),
    ]


@pytest.mark.parametrize("impact", [IMPACT, HARMLESS, NOT_FOUND])
def test_a_green_run_has_no_annotation(impact: Impact) -> None:
    assert render_annotations(impact) == ""


def test_a_pending_interaction_that_breaks_is_a_warning_alone() -> None:
    assert [kind for kind, *_ in commands(render_annotations(ONLY_PENDING))] == ["warning"]


@pytest.mark.parametrize("impact", [WITH_GAPS, replace(HARMLESS, report=FAILED), Impact(Report("testapp", ()))])
def test_a_red_run_without_a_break_is_an_error_too(impact: Impact) -> None:
    ((kind, properties, message),) = commands(render_annotations(impact))
    assert (kind, properties) == ("error", {"title": "Pact impact"})
    assert "not verified" in message or "nothing was verified" in message


def breaking(count: int, text: str) -> Impact:
    names = [InteractionName("shop", f"{text} {n}", f"{n:010}") for n in range(count)]
    plan = Plan(("without $.name",), None, tuple(names), tuple(Break(each, "GET /", (text,)) for each in names))
    return Impact(REPORT, plan=plan)


def test_more_annotations_than_github_shows_are_counted() -> None:
    found = commands(render_annotations(breaking(30, "x" * 100_000)))
    assert len(found) == 10
    assert all(len(message) < 2000 and len(properties["title"]) <= 200 for _, properties, message in found)
    assert found[-1][1:] == ({"title": "Pact impact"}, "21 more in the step summary")


@pytest.mark.parametrize("text", ["x", "品"])
def test_the_summary_stays_below_githubs_limit(text: str) -> None:
    planned = render(breaking(1000, text * 1000))
    assert len(planned.encode()) < LIMIT
    assert re.search(
        r"\n… and \d+ interactions more, which would not fit here: --html and --json have all\.\n", planned
    )
    members = tuple(MemberNeeds(body(f"$.{text * 1000}{n}")) for n in range(100))
    operations = tuple(OperationNeeds(f"GET /{n}", 200, LIST.interactions, members) for n in range(20))
    needs = render(replace(IMPACT, operations=operations))
    assert len(needs.encode()) < LIMIT
    assert re.search(r"\n… and \d+ sections more, which would not fit here: --html and --json have all\.\n", needs)
    assert "How many of the changes" in needs


@pytest.mark.parametrize("impact", [hostile(), hostile_plan()])
def test_the_summary_escapes(impact: Impact) -> None:
    text = IMPACT_SUMMARY.render(impact)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert set(re.findall(r"<[^>]*>", text)) <= {"<details>", "<summary>", "</summary>", "</details>", "<br>"}
    assert all(line.isprintable() for line in text.splitlines())
    for line in text.splitlines():
        if not line.startswith("<details><summary>"):  # there it is HTML, without Markdown
            assert not re.search(r"(?<!\\)[`_\[]", line)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    columns = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert columns == ({6} if impact.plan else {5, 3})


@pytest.mark.parametrize("impact", [hostile(), hostile_plan(), replace(hostile_plan(), report=REPORT)])
def test_what_others_wrote_is_no_command(impact: Impact) -> None:
    """Not even where its control characters were not spelled out."""
    for value in (impact, printable_values(impact)):
        ((kind, properties, message),) = commands(render_annotations(value))
        assert (kind, list(properties)) == ("error", ["title"])
        assert "script" in message


def test_headers_that_no_consumer_needs_share_a_row() -> None:
    members = (MemberNeeds(Member("header", "Vary")), *LIST.members, MemberNeeds(Member("header", "Allow")))
    text = render(replace(IMPACT, operations=(replace(LIST, members=members),)))
    assert text.endswith("| header Vary, header Allow | **no consumer** |\n\n</details>\n")
    assert "No consumer needs 3, of which 2 are headers." in text
