"""The JSON report, checked against its schema by a validator that is not ours."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pact_verification.reporters import json as reporter
from pact_verification.results.report import Publication, Report
from tests.pact_verification.reporters.conftest import CONSUMER, Reports, line_of
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

SCHEMA = json.loads(Path(reporter.__file__).with_name("report.schema.json").read_text())


@pytest.fixture
def document(reports: Reports) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reports.json.read_text())
    return document


def closed(schema: Any) -> Any:
    """The schema with every object closed: what it does not document is an error."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: closed(value) for key, value in schema.items()}
    if "properties" in copy and isinstance(copy["properties"], dict) and "type" not in copy["properties"]:
        copy["unevaluatedProperties"] = False
    return copy


STRICT = closed(SCHEMA)
# What others refer to stays open, and is closed where it is referred to.
for shared in ("message", "endpoint", "use"):
    STRICT["$defs"][shared].pop("unevaluatedProperties")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["version"]["const"] == reporter.VERSION


def test_a_report_fits_its_schema_and_holds_nothing_that_it_does_not_document(document: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMA).validate(document)
    Draft202012Validator(STRICT).validate(document)


def test_the_schema_notices(document: dict[str, Any]) -> None:
    for path in (("version",), ("pacts", 0, "consumer"), ("pacts", 0, "interactions", 0, "outcome")):
        broken = json.loads(json.dumps(document))
        parent = broken
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = 99
        assert not Draft202012Validator(SCHEMA).is_valid(broken), path


def test_other_reports_fit_too() -> None:
    publication = Publication("http://broker", "1", "main", ("a",), (("b", "refused"),))
    for report in (Report("testapp", ()), Report("testapp", (), publication=publication, unpublished="so")):
        Draft202012Validator(SCHEMA).validate(json.loads(reporter.render(report)))


def test_what_it_says(document: dict[str, Any]) -> None:
    assert (document["provider"], document["exit_code"]) == ("testapp", 1)
    assert document["counts"] == {
        "verified": 3,
        "mismatch": 3,
        "state_error": 1,
        "producer_error": 0,
        "not_verified": 0,
        "skipped": 0,
    }
    first, second = document["pacts"]
    assert (first["consumer"], first["consumer_version"], first["pending"]) == (CONSUMER, None, False)
    green, item, crash, state, again = first["interactions"]
    assert [each["failed"] for each in first["interactions"]] == [False, True, True, True, False]
    assert green["states"] == [
        {
            "name": "an item cup exists",
            "params": {},
            "handler": "item_exists() (tests/testapp/pact_states.py:29)",
            "values": {"id": green["states"][0]["values"]["id"]},
        }
    ]
    assert green["key"] != again["key"]
    assert item["response"]["status"] == 200
    assert item["request"]["headers"]["X-Trace"] == "by somebody@example.com"  # as the request filter left it
    assert item["request"]["headers"]["Authorization"] == "Bearer (hidden)"
    assert item["request"]["headers"]["Cookie"] == "sessionid=(hidden)"
    assert item["expected"]["body"]["password"] == "(hidden)"
    rules = {mismatch["path"]: mismatch["rule"] for mismatch in item["mismatches"]}
    assert rules == {"": "", "X-Rate": "regex \\d+", "$": "", "$.name": "type"}
    assert [line["sign"] for line in item["diff"]["status"]] == ["-", "+"]
    assert item["queries"] == 1  # the view's; the filter's is not counted
    own = [frame["own"] for frame in crash["crash"]["frames"]]
    assert own == sorted(own, reverse=True)
    assert set(own) == {True, False}
    assert (state["outcome"], state["request"], state["states"][0]["handler"]) == ("state_error", None, None)
    assert [(each["pending"], each["failed"]) for each in second["interactions"]] == [(True, False), (False, False)]
    used = {(each["method"], each["route"]): each["uses"] for each in document["coverage"]["operations"]}
    assert used["GET", "items"][0] == {"consumer": CONSUMER, "statuses": [200], "failing": True}  # by its state
    assert used["any", "durable"] == []
    assert document["coverage"]["nowhere"][0]["request"] == "GET /nothing"


def test_causes(document: dict[str, Any]) -> None:
    keys = {each["description"]: each["key"] for each in document["pacts"][0]["interactions"]}
    status, crash, state = document["causes"]
    assert status["title"] == "200 OK came instead of 201"
    assert status["rerun"].endswith(f"--interaction {status['interactions'][0]}")
    assert {**crash, "rerun": ""} == {
        "title": "LookupError: the price service has no answer",
        "subjects": ["GET /crash"],
        "place": line_of("tests/testapp/views.py", 'raise LookupError("the price'),
        "consumers": [CONSUMER],
        "interactions": [keys["a crash"]],
        "rerun": "",
    }
    assert state["subjects"] == []


def test_keys_stay_the_same_from_run_to_run(document: dict[str, Any]) -> None:
    keys = [each["key"] for pact in document["pacts"] for each in pact["interactions"]]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[0-9a-f]{10}", key) for key in keys)


def test_the_documentation_names_the_schema() -> None:
    page = (ROOT / "docs/reference/report.md").read_text()
    assert "pact_verification/reporters/report.schema.json" in page
