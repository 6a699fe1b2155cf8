"""The benchmarks' arithmetic, and that a peer's figure can't come from a run that verified nothing."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import psycopg
import pytest

from benchmarks import __main__ as bench
from benchmarks import machine, migrations, sides, verifying
from benchmarks.generated_apps import write_apps
from benchmarks.measure import AtLeast, AtMost, Row, ratios, take_turns
from benchmarks.memory import peaks
from benchmarks.pact_files import Pacts, write_pact, write_pacts
from benchmarks.recorder import RECORD
from tests.pact_verification.running import on_postgresql

pytestmark = pytest.mark.unmeasured

UNMEASURED = Row.left_out("pools", "no PostgreSQL answers", AtLeast(10))


def row(*over: float, target: AtMost | AtLeast | None = None) -> Row:
    return Row("an apple: ours / theirs", ("1.00 ms", "2.00 ms"), over, target)


@pytest.mark.no_database
def test_sides_take_turns_in_an_order_that_rotates() -> None:
    turns: list[str] = []

    def side(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    measured = take_turns({name: partial(side, name) for name in "abc"}, 3, lambda _: None)
    assert "".join(turns) == "abc" + "abc" + "bca" + "cab"
    assert measured == {"a": [4, 9, 11], "b": [5, 7, 12], "c": [6, 8, 10]}
    take_turns({"d": partial(side, "d")}, 1, lambda _: None, warm_up=False)
    assert turns.count("d") == 1


@pytest.mark.no_database
def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    assert ratios([2, 9, 4], [1, 3, 8]) == [2, 3, 0.5]
    assert row(2, 3, 0.5).ratio == 2
    with pytest.raises(ValueError, match="zip"):
        ratios([1, 2], [1])


@pytest.mark.no_database
def test_the_cost_of_an_interaction_is_a_difference(tmp_path: Path) -> None:
    class Side(sides.Sibling):
        def verify(self, pacts: Pacts) -> float:
            return 3 + 0.25 * pacts.interactions

    with verifying.files() as pacts:
        assert pacts.an_interaction(Side())() == 0.25


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("rows", "exit_code", "words"),
    [
        ([row(1.9, 2.1, 2, target=AtMost(2))], 0, ["│ 2.00 ", "1.90 to 2.10", "≤ 2", "│ met", "1 of 1 targets met."]),
        ([row(2.1, target=AtMost(2)), row(3, target=AtLeast(3))], 1, ["≥ 3", "│ NOT MET", "1 of 2 targets met."]),
        ([row(2.9, target=AtLeast(3))], 1, ["NOT MET", "0 of 1 targets met."]),
        ([row(-1, 1, 1, target=AtMost(2))], 1, ["TOO NOISY", "0 of 1 targets met."]),
        ([row(99)], 0, ["99.00", "0 of 0 targets met."]),
        (
            [row(1, target=AtMost(1)), UNMEASURED],
            0,
            ["NOT RUN: no PostgreSQL answers", "1 of 1 targets met, 1 NOT RUN."],
        ),
    ],
)
def test_targets_give_the_exit_code_and_words(
    rows: list[Row], exit_code: int, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    assert bench.show(rows, [0.004, 0.005], page) == exit_code
    out = capsys.readouterr().out
    assert all(word in out for word in words)
    assert "from 4.00 ms to 5.00 ms an interaction; the largest is 1.25 times the smallest" in out
    written = page.read_text(encoding="utf-8")
    assert all(word.replace("│", "|") in written for word in words)
    assert machine.description() in written


@pytest.mark.no_database
def test_the_floor_is_measured_around_every_group(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(verifying, "floor_again", lambda times, tell: [next(costs)])
    rows: list[Row] = [row(1)]
    told: list[str] = []

    def broken(rounds: int, tell: object) -> list[Row]:
        raise sides.NotVerifiedError("a side that lies")

    found = bench.measure({"first": lambda rounds, tell: rows, "second": broken}, 1, told.append)
    assert found == (rows, [1.0, 2.0, 3.0], ["second"])
    assert "a side that lies" in told[-1]


@pytest.mark.no_database
def test_a_side_that_fails_is_an_error_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "measure", lambda *_: ([row(1)], [1], ["scale"]))
    page = tmp_path / "page.md"
    assert bench.main(["--write", str(page)]) == 2
    assert "FAILED, as told above: scale." in capsys.readouterr().out
    assert not page.exists()


@pytest.mark.no_database
def test_without_postgresql_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", "postgres://127.0.0.1:9/x")
    assert machine.postgresql() is None


@pytest.mark.no_database
def test_memory_is_that_of_the_command_and_of_what_it_starts() -> None:
    parent = (
        "import subprocess, sys; held = bytearray(b'x') * 60_000_000; subprocess.run([sys.executable, *sys.argv[1:]])"
    )
    child = "held = bytearray(b'x') * 70_000_000; print('held', flush=True); input()"
    command = [sys.executable, "-c", parent, "-c", child]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with peaks(process.pid) as found:
            pass  # it looks once more when the block has run
        process.communicate("\n")
    assert len(found) == 2
    assert found[process.pid] > 60e6
    assert 130e6 < sum(found.values()) < 300e6


def variables() -> dict[str, str]:
    """Of a peer that has a database: the one that the suite runs on."""
    if not on_postgresql():
        return {}
    server = machine.postgresql()
    assert server
    return {"DATABASE_URL": server.url}


def command(name: str) -> sides.Command:
    return {"floor": sides.floor, "live server": sides.live_server, "ours": sides.ours}[name](
        **({} if name == "floor" else variables())
    )


@pytest.mark.parametrize("name", ["floor", "live server", "ours"])
def test_every_side_verifies_what_it_is_given(name: str, tmp_path: Path) -> None:
    pact = write_pact(tmp_path / "pact.json", 2)
    assert command(name).verify(pact) > 0
    with pytest.raises(sides.NotVerifiedError, match="did not verify the 3 interactions that it was given"):
        command(name).verify(Pacts(pact.path, 3))


@pytest.mark.parametrize("name", ["floor", "live server", "ours"])
def test_no_side_succeeds_over_a_broken_contract(name: str, tmp_path: Path) -> None:
    pact = write_pact(tmp_path / "pact.json", 2)
    document = json.loads(pact.path.read_text())
    document["interactions"][1]["response"]["body"]["name"] = "another"
    pact.path.write_text(json.dumps(document))
    with pytest.raises(sides.NotVerifiedError) as raised:
        command(name).verify(pact)
    assert "exit code 1" in str(raised.value)
    assert "1 verified" in str(raised.value)


def test_many_pacts_are_verified_as_one_run(tmp_path: Path) -> None:
    pacts = write_pacts(tmp_path / "pacts", pacts=4, interactions=2, consumers=2)
    assert pacts.interactions == 8
    assert sides.ours(**variables()).verify(pacts) > 0


LOAD = """
import django; django.setup()
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
print(sum(app.startswith("app_") for app, _ in MigrationLoader(None).disk_migrations))
call_command("makemigrations", "--check", "--dry-run")
"""


@pytest.mark.no_database
def test_the_generated_apps_have_300_migrations_that_lead_to_their_models(tmp_path: Path) -> None:
    variables = {
        "PYTHONPATH": f"{sides.ROOT}{os.pathsep}{tmp_path}",
        "DJANGO_SETTINGS_MODULE": "benchmarks.project.settings",
        "BENCH_APPS": ",".join(write_apps(tmp_path)),
    }
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD], env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert (loaded.stdout, loaded.stderr, loaded.returncode) == ("300\nNo changes detected\n", "", 0)


def test_an_empty_test_is_run_and_a_run_without_one_refused(tmp_path: Path) -> None:
    assert sides.DjangoTest(variables=variables()).run(tmp_path) > 0
    with pytest.raises(sides.NotVerifiedError, match=r"did not run one test(?s:.*)Ran 0 tests"):
        sides.DjangoTest(variables=variables(), test="benchmarks.project.urls").run(tmp_path)


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("expected", "applied", "is_proven"),
    [
        (300, [300], True),
        (300, [300, 300, 300, 300], True),
        (300, [300, 0, 0], True),
        (300, [], False),
        (300, [0], False),
        (300, [150, 150], False),
        (0, [], True),
        (0, [0], True),
        (0, [300], False),
    ],
)
def test_a_run_proves_how_many_migrations_it_applied(
    expected: int, applied: list[int], is_proven: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(side: object, folder: Path) -> float:
        (folder / RECORD).write_text("".join(f"{count}\n" for count in applied))
        return 1.5

    monkeypatch.setattr(sides.DjangoTest, "run", run)
    with migrations.project() as project:
        (project.folder / RECORD).write_text("7\n")  # of an earlier run
        side = project.test(migrations=expected)
        if is_proven:
            assert side() == 1.5
        else:
            with pytest.raises(sides.NotVerifiedError, match=f"not {expected}"):
                side()


def test_migrations_are_recorded_and_a_verification_without_them_refused() -> None:
    with migrations.project(variables().get("DATABASE_URL")) as project:
        without = project.having(BENCH_APPS=migrations.RECORDER)
        assert without.verification(migrations=0)() > 0
        with pytest.raises(sides.NotVerifiedError, match=r"applied \[0\] migrations"):
            without.verification()()
        (project.folder / "app_09" / "migrations" / "0030.py").unlink()
        with pytest.raises(sides.NotVerifiedError, match=r"applied \[299\] migrations"):
            project.verification()()


@pytest.mark.no_database
def test_processor_time_is_that_of_the_whole_process_tree() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"

    def side() -> float:
        subprocess.run([sys.executable, "-c", parent, busy], check=True)
        return 0.0

    assert 0.3 <= migrations.processor_seconds(side) < 3


@pytest.mark.no_database
def test_migrations_have_rows_for_postgresql_also_where_none_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "postgresql", lambda: None)
    monkeypatch.setattr(migrations, "take_turns", lambda taken, *_, **__: {name: [1.0] for name in taken})
    monkeypatch.setattr(migrations.Project, "verification", lambda *_, **__: lambda: 1.0)
    monkeypatch.setattr(migrations.Project, "test", lambda *_, **__: lambda: 1.0)
    found = migrations.rows(1, lambda _: None)
    assert [(row.what, row.target, row.verdict) for row in found] == [
        (f"300 migrations, {what.format(database)}", target, verdict if target or verdict != "met" else "")
        for database, verdict in (("SQLite", "met"), ("PostgreSQL", "NOT RUN: no PostgreSQL answers"))
        for what, target in (
            ("second run with --keepdb, on {}: ours / manage.py test --keepdb", AtMost(1.3)),
            ("first run, on {}: ours / manage.py test", AtMost(1.1)),
            ("first run with --keepdb, on {}: ours / manage.py test", None),
            ("processor time for making databases, on {}: --parallel 4 / --parallel 1", AtMost(1.3)),
        )
    ]


def test_databases_of_a_benchmark_are_dropped_and_no_others() -> None:
    server, other = machine.postgresql(), machine.postgresql()
    if not on_postgresql() or not server or not other:
        pytest.skip("It is about PostgreSQL")
    own, others = server.url.rpartition("/")[2], other.url.rpartition("/")[2]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for name in (f"test_{own}", f"{own}_pact_kept", f"{others}_pact_kept"):
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        machine.drop_databases(server)
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE strpos(datname, %s) + strpos(datname, %s) > 0", [own, others]
        ).fetchall()
        machine.drop_databases(other)
    assert left == [(f"{others}_pact_kept",)]
