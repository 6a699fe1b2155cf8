"""What consumers need, and what a planned change breaks, to the letter: what a person reads on the console."""

import re
from dataclasses import replace

import pytest

from pact_verification.reporters.impact_console import WIDTH, render
from pact_verification.results.impact import Impact, MemberNeeds, OperationNeeds
from pact_verification.results.printable import printable_values
from pact_verification.results.report import Report
from tests.pact_verification.reporters.impact_values import (
    ADDED,
    FAILED,
    HARMLESS,
    IMPACT,
    LIST,
    NOT_FOUND,
    ONLY_PENDING,
    PLANNED,
    WITH_GAPS,
    WITH_SERIALIZERS,
    body,
    hostile,
    hostile_plan,
    large,
)

pytestmark = pytest.mark.no_database


def test_who_needs_what() -> None:
    assert render(IMPACT) == (
        "\n"
        "GET /items/{id}, 200 (shop, admin, later)\n"
        "  status               exact value: all 3 consumers\n"
        "  header Content-Type  format regex application/json.*: shop\n"
        "  $.id                 type integer: shop\n"
        "                       exact value: admin\n"
        "  $.name               type text: shop, admin\n"
        "  $.a_rather_long_name.of_a_member[*].that_is_nested\n"
        "                       present: later\n"
        "  no consumer needs: $.notes\n"
        "  no consumer needs the headers: X-Trace\n"
        "\n"
        "GET /items, 200 (shop)\n"
        "  status  exact value: shop\n"
        "  $       type list of at least one item: shop\n"
        "  no consumer needs: $[*].name\n"
        "\n"
        "message of item_was_added() (news)\n"
        "  no consumer needs: metadata topic, $.id\n"
        "\n"
        "How many of the changes each consumer's contract notices\n"
        "  shop   12 of 18  66 %\n"
        "  admin    4 of 4  100 %\n"
        "  later    0 of 0  no change was tried\n"
        "  news     0 of 5  0 %\n"
        "      accepts anything: an item was added (ddddddddd1)\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
        "\n"
        "testapp: of 12 members of 3 operations, consumers need 7. No consumer needs 5, of which 1 is a header. "
        "The Pact core judged 27 changes in 0.2 s.\n"
    )


def test_verbosity_0() -> None:
    assert render(IMPACT, verbosity=0) == ""


def test_verbosity_2_names_the_changes_the_interactions_and_the_fields() -> None:
    item, *_ = IMPACT.operations
    impact = replace(IMPACT, operations=(replace(item, members=item.members[4:6]),), strengths=())
    assert render(impact, verbosity=2) == (
        "\n"
        "GET /items/{id}, 200 (shop, admin, later)\n"
        "  $.name  type text: shop, admin\n"
        "      written by testapp.serializers.ItemSerializer.name\n"
        "      shop notices: removed, null, another type\n"
        "        in an item [an item exists (id=7)] (aaaaaaaaa1)\n"
        "        in an item without a price (aaaaaaaaa2)\n"
        "      admin notices: removed, null, another type\n"
        "        in one item (bbbbbbbbb1)\n"
        "  no consumer needs: $.notes\n"
        "      $.notes: written by testapp.serializers.ItemSerializer.notes\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
        "\n"
        "testapp: of 2 members of 1 operation, consumers need 1. No consumer needs 1. "
        "The Pact core judged 27 changes in 0.2 s.\n"
    )


def test_what_could_not_be_tried_comes_first() -> None:
    impact = replace(WITH_GAPS, strengths=(), report=replace(FAILED, notes=("other.json is not a pact.",)))
    assert render(printable_values(impact)) == (
        "\n"
        "2 interactions were not verified and could not be tried. What they need is missing below.\n"
        "  ✗ shop: a crash [an item exists] (aaaaaaaaa9): status 500 instead of 200\n"
        "  E shop: a state (aaaaaaaab1): The state raised. No warehouse.\n"
        "verify_pacts shows such failures in full.\n"
        "\n"
        "message of item_was_added() (news)\n"
        "  no consumer needs: metadata topic, $.id\n"
        "\n"
        "What could not be tried of verified interactions:\n"
        "  shop: a list (aaaaaaaaa3): The response is different each time.\n"
        "\n"
        "other.json is not a pact.\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
        "\n"
        "testapp: of 2 members of 1 operation, consumers need 0. No consumer needs 2. "
        "The Pact core judged 27 changes in 0.2 s. 2 interactions were not verified, and their needs are unknown. "
        "Not everything could be tried of 1 verified interaction.\n"
    )


def test_many_that_could_not_be_tried() -> None:
    pact = FAILED.pacts[0]
    failed = replace(pact, interactions=(pact.interactions[-1],) * 12)
    lines = render(replace(IMPACT, report=replace(FAILED, pacts=(failed,)))).splitlines()
    assert lines[1].startswith("12 interactions were not verified")
    assert lines[12] == "  … and 2 more"


def test_serializers() -> None:
    assert render(WITH_SERIALIZERS).startswith(
        "\n"
        "GET /items, 200 (shop)\n"
        "  status  exact value: shop\n"
        "  $       type list of at least one item: shop\n"
        "  no consumer needs: $[*].name\n"
        "\n"
        "Serializers\n"
        "  testapp.serializers.ItemSerializer  (testapp/serializers.py:12)\n"
        "    consumers need: id, name\n"
        "    no consumer needs: notes\n"
        "    no verified response had: password\n"
        "  library.Serializer\n"
        "    no verified response had: all\n"
        "\n"
        "Only members"
    )
    assert "\nSerializers\n  No serializer wrote a member of these responses.\n" in render(
        replace(WITH_SERIALIZERS, serializers=())
    )


def test_what_a_planned_change_breaks() -> None:
    assert render(PLANNED) == (
        "\n"
        "The planned change: without $.name; $.id renamed to $.key\n"
        "\n"
        "shop breaks\n"
        "  ✗ an item [an item exists (id=7)]\n"
        "      operation  GET /items/{id}, 200\n"
        "      change     without $.name; $.id renamed to $.key\n"
        "      key        aaaaaaaaa1\n"
        "  ✗ an item without a price\n"
        "      operation  GET /items/{id}, 200\n"
        "      change     without $.name\n"
        "      key        aaaaaaaaa2\n"
        "\n"
        "later breaks\n"
        "  pending: a new item\n"
        "      pending    does not fail the run\n"
        "      operation  GET /items/{id}, 200\n"
        "      change     $.id renamed to $.key\n"
        "      key        ccccccccc1\n"
        "\n"
        "Consumers that get it and do not need it: admin, news\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
        "\n"
        "testapp: the planned change affects 6 interactions of 4 consumers, and breaks 3 interactions of "
        "2 consumers. Contracts break.\n"
    )


def test_a_planned_change_that_breaks_no_contract() -> None:
    assert render(HARMLESS) == (
        "\n"
        "The planned change: without $.notes (only in GET /items/{id})\n"
        "\n"
        "Consumers that get it and do not need it: shop, admin\n"
        "\n"
        "Only members of responses and messages that were verified count.\n"
        "\n"
        "testapp: the planned change affects 2 interactions of 2 consumers. No contract breaks.\n"
    )


def test_a_consumer_that_could_not_be_tried_may_need_it() -> None:
    left_out = ((WITH_GAPS.left_out[0][0], "why"),)
    assert "do not need it: admin\n" in render(replace(HARMLESS, left_out=left_out))
    assert "do not need it: admin\n" in render(replace(HARMLESS, report=FAILED))


@pytest.mark.parametrize(
    ("impact", "end"),
    [
        (
            ONLY_PENDING,
            (
                "the planned change affects 6 interactions of 4 consumers, and breaks 1 interaction of 1 consumer. "
                "What breaks is pending: no contract breaks."
            ),
        ),
        (NOT_FOUND, "no verified response or message has what the planned change names. Is the path right?"),
        (
            replace(HARMLESS, report=FAILED),
            (
                "the planned change affects 2 interactions of 2 consumers. No contract that was tried breaks. "
                "2 interactions were not verified, and their needs are unknown."
            ),
        ),
        (
            replace(HARMLESS, left_out=WITH_GAPS.left_out),
            (
                "the planned change affects 2 interactions of 2 consumers. 1 interaction could not be tried. "
                "No contract that was tried breaks."
            ),
        ),
        (replace(IMPACT, operations=()), "no member of a response or message was tried."),
        (
            Impact(Report("testapp", (), nothing_is_fine="--allow-no-pacts accepts that")),
            "nothing was verified, and --allow-no-pacts accepts that.",
        ),
        (
            Impact(Report("testapp", (), nothing_because="no pact is new")),
            "nothing was verified: no pact is new",
        ),
    ],
)
def test_the_last_line(impact: Impact, end: str) -> None:
    assert render(impact).splitlines()[-1] == f"testapp: {end}"


@pytest.mark.parametrize(
    ("impact", "code"),
    [
        (IMPACT, "1;32"),
        (WITH_GAPS, "1;31"),
        (PLANNED, "1;31"),
        (HARMLESS, "1;32"),
        (ONLY_PENDING, "1;35"),
        (NOT_FOUND, "1;35"),
    ],
)
def test_colours(impact: Impact, code: str) -> None:
    text = render(impact, colour=True)
    assert text.splitlines()[-1].startswith(f"\x1b[{code}m")
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == render(impact)


def test_members_that_no_consumer_needs_stand_out() -> None:
    assert "\x1b[35m  no consumer needs: metadata topic, $.id\x1b[0m" in render(
        replace(IMPACT, operations=(ADDED,)), colour=True
    )


def test_an_encoding_without_the_signs() -> None:
    assert "\n  x an item [an item exists (id=7)]\n" in render(PLANNED, encoding="ascii")


def test_many_consumers_and_members_fit_the_width() -> None:
    text = render(large(10, 60))
    assert max(map(len, text.splitlines()[:-1])) <= WIDTH
    assert (
        "  $.results[*].member_number_1   type text: consumer-number-0, consumer-number-3,\n"
        "                                   consumer-number-6, consumer-number-9\n"
        "                                 exact value: consumer-number-1, consumer-number-4,\n"
    ) in text
    assert "  $.results[*].member_number_3   type text: all 10 consumers\n" in text
    unneeded = re.sub(r"\s+", " ", text[text.index("no consumer needs:") : text.index("\n\nOnly")])
    names = ", ".join(f"$.results[*].member_number_{n}" for n in range(0, 60, 5))
    assert unneeded == f"no consumer needs: {names}"


def test_a_long_member_is_not_cut() -> None:
    path = f"$.{'a' * 300}"
    members = (*LIST.members, MemberNeeds(body(path), LIST.members[1].needs), MemberNeeds(body(f"{path}.b")))
    text = render(Impact(IMPACT.report, (OperationNeeds("GET /items", 200, LIST.interactions, members),)))
    assert f"\n  {path}\n          type list of at least one item: shop\n" in text
    assert f"\n      {path}.b\n" in text


@pytest.mark.parametrize("impact", [hostile(), hostile_plan()])
def test_no_text_of_others_ends_a_line_or_controls_the_terminal(impact: Impact) -> None:
    text = render(printable_values(impact), verbosity=2)
    assert all(line.isprintable() for line in text.splitlines())
    assert not re.search(r"^\s*::", text, re.MULTILINE)


def test_a_printable_impact_stays_the_same() -> None:
    for impact in (IMPACT, WITH_SERIALIZERS, PLANNED):
        assert printable_values(impact) is impact
