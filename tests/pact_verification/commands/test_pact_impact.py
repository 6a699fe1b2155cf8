import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import CREATE, EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import Run, Verify, run, run_code

pytestmark = pytest.mark.measured

ITEM = interaction(
    "an item",
    states=["an item cup exists"],
    response={"body": ["cup"], "matchingRules": {"body": {"$[*]": {"matchers": [{"match": "type"}]}}}},
)
VERSION = interaction("the version", "/version", response={"headers": {"X-Version": "v-header"}, "body": {}})
RED = interaction("red", "/nothing", response={"body": {}})


@pytest.fixture
def impact() -> Verify:
    return partial(run, "pact_impact")


def table_of(ran: Run, file: Path) -> dict[str, dict[str, list[str]]]:
    """Return which consumers need each member, by operation with status."""
    assert ran.exit_code == 0, ran.err
    report: dict[str, Any] = json.loads(file.read_text())
    return {
        f"{operation['name']}, {operation['status']}": {
            f"{each['part']} {each['path']}".strip(): [need["consumer"] for need in each["needs"]]
            for each in operation["members"]
            if each["part"] in {"body", "status"} or each["needs"]
        }
        for operation in report["operations"]
    }


class TestTable:
    def test_who_needs_what(self, impact: Verify, tmp_path: Path) -> None:
        shop = write_pact(tmp_path / "shop.json", ITEM, CREATE)
        till = write_pact(tmp_path / "till.json", VERSION, GREEN, consumer="till")
        file = tmp_path / "impact.json"
        assert table_of(impact(shop, till, "--json", file), file) == {
            "GET /items, 200": {
                "status": ["shop", "till"],
                "header Content-Type": ["shop", "till"],
                "body $": ["shop", "till"],
                "body $[*]": ["shop", "till"],
            },
            "GET /version, 200": {
                "status": ["till"],
                "header Content-Type": ["till"],
                "header X-Version": ["till"],
                "body $": ["till"],
                "body $.version": [],
            },
            "POST /items, 201": {
                "status": ["shop"],
                "header Content-Type": ["shop"],
                "body $": ["shop"],
                "body $.id": [],
                "body $.name": ["shop"],
            },
        }

    def test_on_the_console(self, impact: Verify, pact: Path) -> None:
        ran = impact(write_pact(pact, CREATE))
        assert ran.exit_code == 0
        assert "$.name" in ran.out
        assert "no consumer needs" in ran.out
        assert "Only members of responses and messages that were verified count." in ran.out
        assert ran.err == ""

    def test_of_one_operation(self, impact: Verify, pact: Path, tmp_path: Path) -> None:
        write_pact(pact, CREATE, GREEN)
        file = tmp_path / "impact.json"
        assert list(table_of(impact(pact, "--operation", "post /items", "--json", file), file)) == ["POST /items, 201"]

    def test_with_workers(self, impact: Verify, tmp_path: Path) -> None:
        shop = write_pact(tmp_path / "shop.json", CREATE)
        till = write_pact(tmp_path / "till.json", VERSION, consumer="till")
        file = tmp_path / "impact.json"
        ran = impact(shop, till, "--parallel", "2", "--json", file)
        assert list(table_of(ran, file)) == ["GET /version, 200", "POST /items, 201"]

    def test_by_call_command(self, pact: Path) -> None:
        write_pact(pact, CREATE)
        ran = run_code(
            "import django; django.setup();"
            f"from django.core.management import call_command; call_command('pact_impact', {str(pact)!r})"
        )
        assert (ran.exit_code, ran.err) == (0, "")
        assert "$.name" in ran.out

    def test_without_output(self, impact: Verify, pact: Path) -> None:
        assert impact(write_pact(pact, CREATE), "--verbosity", "0") == Run(0, "", "")

    def test_no_value_of_a_response_is_shown(self, impact: Verify, pact: Path, tmp_path: Path) -> None:
        token = "tok-6b1d2f0493b74c11"
        body = interaction("a secret", "/stores", response={"body": {}})
        write_pact(pact, interaction("create", method="POST", status=201, **_creating(token)), body)
        page, file = tmp_path / "page.html", tmp_path / "impact.json"
        ran = impact(pact, "--html", page, "--json", file, "--verbosity", "2")
        assert ran.exit_code == 0
        for text in (ran.out, ran.err, page.read_text(), file.read_text()):
            assert token not in text


def _creating(name: str) -> dict[str, Any]:
    return {
        "request": {
            "method": "POST",
            "path": "/items",
            "headers": {"Content-Type": "application/json"},
            "body": {"name": name},
        },
        "response": {"status": 201, "body": {"name": name}},
    }


@pytest.mark.no_database
class TestPlan:
    def test_that_breaks_a_contract(self, impact: Verify, tmp_path: Path) -> None:
        shop = write_pact(tmp_path / "shop.json", CREATE)
        till = write_pact(tmp_path / "till.json", VERSION, consumer="till")
        ran = impact(shop, till, "--without", "$.name")
        assert ran.exit_code == 1
        assert "shop breaks" in ran.out
        assert "create" in ran.out
        assert "till breaks" not in ran.out

    @pytest.mark.parametrize("plan", [("--without", "id"), ("--rename", "$.id=pk"), ("--without", "header X-Version")])
    def test_that_breaks_none(self, impact: Verify, pact: Path, plan: tuple[str, str]) -> None:
        version = {**VERSION, "response": {"status": 200, "body": {"version": "v-body"}}}
        ran = impact(write_pact(pact, CREATE, version), *plan)
        assert (ran.exit_code, ran.err) == (0, "")
        assert "No contract breaks." in ran.out

    def test_renaming(self, impact: Verify, pact: Path) -> None:
        assert impact(write_pact(pact, CREATE), "--rename", "name=title").exit_code == 1

    def test_of_one_operation(self, impact: Verify, pact: Path) -> None:
        write_pact(pact, CREATE, interaction("one", "/version", response={"body": {"version": "v-body"}}))
        assert impact(pact, "--without", "name", "--operation", "POST /items").exit_code == 1
        elsewhere = impact(pact, "--without", "name", "--operation", "GET /version")
        assert elsewhere.exit_code == 2
        assert "No verified response of GET /version has 'name'" in elsewhere.err

    def test_pending_interactions_do_not_count(self, impact: Verify, pact: Path) -> None:
        response = {"body": {"content": {"version": "v-body"}, "contentType": "application/json", "encoded": False}}
        pending = interaction("pending", "/version", response=response, type="Synchronous/HTTP", pending=True)
        ran = impact(write_pact(pact, pending, version="4.0"), "--without", "version")
        assert ran.exit_code == 0
        assert "pending" in ran.out


@pytest.mark.no_database
class TestExitCodes:
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (
                ("--without", "nam"),
                "No verified response has 'nam', so nothing can be said of it. Did you mean $.name?",
            ),
            (("--rename", "name"), "--rename 'name' is not OLD=NEW."),
            (("--operation", "GET /item"), "No verified interaction is of the operation 'GET /item'."),
            (("--without", "name", "--serializers"), "--serializers is about the table of all members"),
        ],
    )
    def test_what_can_not_be_asked(self, impact: Verify, pact: Path, arguments: tuple[str, ...], reason: str) -> None:
        ran = impact(write_pact(pact, CREATE), *arguments)
        assert ran.exit_code == 2
        assert reason in ran.err

    def test_an_interaction_that_fails_is_not_known(self, impact: Verify, pact: Path) -> None:
        write_pact(pact, CREATE, RED)
        assert impact(pact).exit_code == 1
        planned = impact(pact, "--without", "id")
        assert planned.exit_code == 1
        assert "red" in planned.out

    def test_nothing_to_verify(self, impact: Verify, tmp_path: Path) -> None:
        assert impact(tmp_path).exit_code == 3
        assert impact(tmp_path, "--allow-no-pacts").exit_code == 0

    def test_an_empty_selection_with_a_plan(self, impact: Verify, tmp_path: Path) -> None:
        """Nothing was asked of any contract, so it must not look as if none broke."""
        assert impact(tmp_path, "--without", "name").exit_code == 3

    def test_all_interactions_fail(self, impact: Verify, pact: Path) -> None:
        assert impact(write_pact(pact, RED), "--without", "name").exit_code == 1

    def test_only_pending_interactions_that_fail(self, impact: Verify, pact: Path) -> None:
        pending = interaction("red", "/nothing", type="Synchronous/HTTP", pending=True)
        ran = impact(write_pact(pact, pending, version="4.0"), "--without", "name")
        assert ran.exit_code == 2
        assert "No interaction was verified, so nothing can be said of the planned change." in ran.err

    def test_help(self, impact: Verify) -> None:
        ran = impact("--help")
        assert ran.exit_code == 0
        for option in ("--without PATH", "--rename OLD=NEW", "--operation OPERATION", "--serializers", "--html FILE"):
            assert option in ran.out


@pytest.mark.no_database
def test_reports(impact: Verify, pact: Path, tmp_path: Path) -> None:
    page, summary = tmp_path / "page.html", tmp_path / "summary.md"
    ran = impact(write_pact(pact, CREATE), "--without", "name", "--html", page, GITHUB_STEP_SUMMARY=str(summary))
    assert ran.exit_code == 1
    assert "::error" in ran.out
    assert "<html" in page.read_text()
    assert "without name" in summary.read_text()


def test_nothing_is_published_or_left(impact: Verify, pact: Path, tmp_path: Path) -> None:
    write_pact(pact, EMPTY)
    before = sorted(tmp_path.rglob("*"))
    assert impact(pact).exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.no_database
def test_serializers_of_the_example(impact: Verify, tmp_path: Path) -> None:
    file = tmp_path / "impact.json"
    catalogue = "pacts/pactflow-example-search-pactflow-example-provider-python.json"
    shop = "pacts/pactflow-example-consumer-python-pactflow-example-provider-python.json"
    ran = impact(shop, catalogue, "--serializers", "--json", file, project="tests.settings")
    assert ran.exit_code == 0, ran.err
    report = json.loads(file.read_text())
    [serializer] = report["serializers"]
    assert serializer["name"] == "products.serializers.ProductSerializer"
    assert serializer["needed"] == ["id", "type", "name"]
    assert serializer["unneeded"] == ["version", "price"]
    assert serializer["unseen"] == []
    assert "products/serializers.py" in ran.out
    member = next(
        each for operation in report["operations"] for each in operation["members"] if each["path"] == "$.name"
    )
    assert member["fields"] == ["products.serializers.ProductSerializer.name"]
