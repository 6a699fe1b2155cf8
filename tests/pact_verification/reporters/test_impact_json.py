"""The impact as JSON, checked against its schema by a validator that is not ours."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pact_verification.reporters import impact_json as reporter
from pact_verification.results.impact import How, Impact, Kind
from pact_verification.results.report import Outcome
from tests.pact_verification.reporters.impact_values import (
    HARMLESS,
    IMPACT,
    NOT_FOUND,
    ODD,
    PLANNED,
    WITH_GAPS,
    WITH_SERIALIZERS,
    hostile,
    hostile_plan,
    large,
)
from tests.pact_verification.reporters.test_json import closed

pytestmark = pytest.mark.no_database

SCHEMA = json.loads(Path(reporter.__file__).with_name("impact.schema.json").read_text())
STRICT = closed(SCHEMA)
EACH = [IMPACT, WITH_GAPS, WITH_SERIALIZERS, PLANNED, HARMLESS, NOT_FOUND, large(3, 10), hostile(), hostile_plan()]


def read(impact: Impact) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reporter.render(impact))
    return document


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("impact", EACH)
def test_it_says_what_the_schema_says_and_nothing_else(impact: Impact) -> None:
    assert [error.message for error in Draft202012Validator(STRICT).iter_errors(read(impact))] == []


def test_the_schema_knows_every_kind_how_and_outcome() -> None:
    needs = SCHEMA["$defs"]["need"]["properties"]
    assert needs["how"]["enum"] == [each.name.lower() for each in How]
    assert needs["noticed"]["items"]["enum"] == [each.name.lower() for each in Kind]
    untried = SCHEMA["properties"]["verification"]["properties"]["not_verified"]["items"]["properties"]
    assert untried["outcome"]["enum"] == [each.name.lower() for each in Outcome if each is not Outcome.VERIFIED]


def test_what_consumers_need() -> None:
    document = read(IMPACT)
    assert (document["report"], document["version"], document["provider"]) == ("pact-impact", 1, "testapp")
    assert (document["exit_code"], document["changes"], document["seconds"]) == (0, 27, 0.25)
    assert document["verdict"] == (
        "testapp: of 12 members of 3 operations, consumers need 7. No consumer needs 5, of which 1 is a header. "
        "The Pact core judged 27 changes in 0.2 s."
    )
    item, _, added = document["operations"]
    assert (item["name"], item["status"]) == ("GET /items/{id}", 200)
    assert (added["name"], added["status"]) == ("message of item_was_added()", None)
    assert item["interactions"][-1] == {
        "consumer": "later",
        "title": "a new item",
        "key": "ccccccccc1",
        "pending": True,
    }
    assert item["members"][2] == {"part": "header", "path": "X-Trace", "needs": [], "fields": []}
    assert item["members"][4] == {
        "part": "body",
        "path": "$.name",
        "needs": [
            {
                "consumer": "shop",
                "how": "type",
                "detail": "text",
                "noticed": ["removed", "null", "type"],
                "interactions": ["aaaaaaaaa1", "aaaaaaaaa2"],
            },
            {
                "consumer": "admin",
                "how": "type",
                "detail": "text",
                "noticed": ["removed", "null", "type"],
                "interactions": ["bbbbbbbbb1"],
            },
        ],
        "fields": ["testapp.serializers.ItemSerializer.name"],
    }
    assert document["strengths"][-1] == {
        "consumer": "news",
        "noticed": 0,
        "changes": 5,
        "accepting": [{"consumer": "news", "title": "an item was added", "key": "ddddddddd1", "pending": False}],
    }
    assert (document["serializers"], document["plan"]) == (None, None)


def test_what_could_not_be_tried() -> None:
    document = read(WITH_GAPS)
    assert document["exit_code"] == 1
    assert document["verification"] == {
        "exit_code": 1,
        "seconds": 2.5,
        "interactions": 8,
        "not_verified": [
            {
                "interaction": {
                    "consumer": "shop",
                    "title": "a crash [an item exists]",
                    "key": "aaaaaaaaa9",
                    "pending": False,
                },
                "outcome": "mismatch",
                "reason": "status 500 instead of 200",
            },
            {
                "interaction": {"consumer": "shop", "title": "a state", "key": "aaaaaaaab1", "pending": False},
                "outcome": "state_error",
                "reason": "The state raised. No warehouse.",
            },
        ],
        "notes": [],
    }
    assert document["left_out"] == [
        {
            "interaction": {"consumer": "shop", "title": "a list", "key": "aaaaaaaaa3", "pending": False},
            "reason": "The response is different\neach time.",
        }
    ]


def test_serializers() -> None:
    assert read(WITH_SERIALIZERS)["serializers"] == [
        {
            "name": "testapp.serializers.ItemSerializer",
            "place": "testapp/serializers.py:12",
            "needed": ["id", "name"],
            "unneeded": ["notes"],
            "unseen": ["password"],
        },
        {"name": "library.Serializer", "place": None, "needed": [], "unneeded": [], "unseen": ["all"]},
    ]
    assert read(replace(WITH_SERIALIZERS, serializers=()))["serializers"] == []


def test_a_plan() -> None:
    document = read(PLANNED)
    assert document["exit_code"] == 1
    plan = document["plan"]
    assert (plan["changes"], plan["operation"]) == (["without $.name", "$.id renamed to $.key"], None)
    assert [each["key"] for each in plan["affected"]] == [each.key for each in PLANNED.plan.affected]  # type: ignore[union-attr]  # it has a plan
    assert plan["breaks"][2] == {
        "interaction": {"consumer": "later", "title": "a new item", "key": "ccccccccc1", "pending": True},
        "operation": "GET /items/{id}, 200",
        "changes": ["$.id renamed to $.key"],
    }
    assert read(HARMLESS)["plan"]["operation"] == "GET /items/{id}"


def test_texts_are_exact_and_the_file_has_no_control_characters() -> None:
    text = reporter.render(hostile())
    assert all(line.isprintable() for line in text.splitlines())
    assert json.loads(text)["operations"][0]["members"][0]["path"] == ODD
    lone = reporter.render(replace(IMPACT, left_out=((IMPACT.operations[0].interactions[0], "\ud800"),)))
    assert json.loads(lone)["left_out"][0]["reason"] == "\ud800"
