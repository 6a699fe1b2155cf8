"""verify_pacts --debug-sql: the SQL queries of what fails, in every report."""

import json
from pathlib import Path

import pytest

from pact_verification.reporters.failure import formatted, queries, queries_left_out
from pact_verification.results.exchange import Exchange, Query
from tests.pact_verification.pact_files import EMPTY, interaction, write_pact
from tests.pact_verification.running import Verify, has

RED = interaction("red", states=["an item cup exists"], response={"body": ["pot"]})
POST = interaction(
    "create",
    method="POST",
    request={"headers": {"Content-Type": "application/json"}, "body": {"name": "s3cret-cup", "password": "s3cret-cup"}},
    status=200,
)


def test_every_report_has_the_queries_of_what_fails(verify: Verify, pact: Path, tmp_path: Path) -> None:
    write_pact(pact, RED, EMPTY)
    files = {name: tmp_path / f"report.{name}" for name in ("json", "html", "junit")}
    reports = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    ran = verify(pact, "--debug-sql", *reports)
    assert (ran.exit_code, ran.err) == (1, "")
    has(ran, "1 SQL query", " ms, default", 'FROM "testapp_item" ORDER BY')
    red, empty = json.loads(files["json"].read_text())["pacts"][0]["interactions"]
    (query,) = red["sql"]
    assert query["sql"].startswith('SELECT "testapp_item"."name"')
    assert (query["database"], query["seconds"] >= 0) == ("default", True)
    assert (red["queries"], empty["queries"], empty["sql"]) == (1, 1, [])
    assert "the SQL queries" in files["html"].read_text()
    assert "FROM &quot;testapp_item&quot;" in files["html"].read_text()
    assert 'FROM "testapp_item"' in files["junit"].read_text()


@pytest.mark.no_database
def test_without_the_option_there_are_none(verify: Verify, pact: Path, tmp_path: Path) -> None:
    ran = verify(write_pact(pact, RED), "--json", tmp_path / "report.json")
    assert "testapp_item" not in ran.out + (tmp_path / "report.json").read_text()
    has(ran, "1 SQL query")


@pytest.mark.no_database
def test_secrets_in_queries_are_hidden(verify: Verify, pact: Path, tmp_path: Path) -> None:
    ran = verify(write_pact(pact, POST), "--debug-sql", "--json", tmp_path / "report.json")
    assert "s3cret-cup" not in ran.out + (tmp_path / "report.json").read_text()
    has(ran, "INSERT INTO", "'(hidden)'")


@pytest.mark.no_database
def test_workers_record_them_too(verify: Verify, pact: Path) -> None:
    write_pact(pact, *[{**RED, "description": f"red {number}"} for number in range(12)])
    assert verify(pact, "--debug-sql", "--parallel", "2", "--verbosity", "2").out.count('FROM "testapp_item"') == 12


def test_a_query_is_formatted() -> None:
    exchange = Exchange(queries=3, sql=(Query('select "a" from "b"', "default", 0.0123),))
    assert list(queries(exchange)) == [("12 ms, default", 'SELECT "a"\nFROM "b"')]
    assert queries_left_out(exchange) == "… and 2 more"
    assert queries_left_out(Exchange(queries=3)) == ""


def test_without_sqlparse_or_if_it_refuses_a_query_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> str:
        raise ValueError("too many tokens")

    monkeypatch.setattr("sqlparse.format", refuse)
    assert formatted("select 1") == "select 1"
    monkeypatch.setitem(__import__("sys").modules, "sqlparse", None)
    assert formatted("select 1") == "select 1"
