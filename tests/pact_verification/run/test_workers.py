"""verify_pacts --parallel: reports and exit codes are the same as without it."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.broker_double import BrokerDouble
from tests.pact_verification.pact_files import document, interaction, write_pact
from tests.pact_verification.running import (
    ROOT,
    TIMEOUT,
    Databases,
    Run,
    Verify,
    command,
    databases_made,
    environment,
    has,
    wait_for_file,
    without_progress,
)

GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})
EMPTY = interaction("an empty list", response={"body": []})
RED = interaction("red", states=["an item cup exists"], response={"body": ["pot"]})
STATE_ERROR = interaction("no state", states=["the item raises"], response={"body": []})
CREATE = interaction(
    "create",
    method="POST",
    request={"headers": {"Content-Type": "application/json"}, "body": {"name": "cup"}},
    status=201,
    response={"body": {"name": "cup"}},
)


def write_pacts(folder: Path, count: int = 6) -> Path:
    """Write pacts of three consumers with all kinds of results. One pact is long enough for several assignments."""
    for number in range(count):
        some = [EMPTY, GREEN, CREATE, *([RED] if number == 2 else []), *([STATE_ERROR] if number == 4 else []), EMPTY]
        many = [
            interaction(f"number {each}", states=["an item cup exists"]) for each in range(12 if number == 1 else 0)
        ]
        write_pact(folder / f"{number}.json", *some, *many, consumer=f"consumer {number % 3}")
    return folder


def without_times(run: Run) -> str:
    """Return the report without times and ids. After a flush, ids go on from the earlier ones."""
    return re.sub(r"gave id=\d+|\d+(\.\d+)? (ms|s)\b( \(.* for the test databases\))?", "…", run.out)


def outcomes(file: Path) -> list[tuple[str, str, str, str]]:
    return [
        (pact["source"], each["description"], each["outcome"], each["error"])
        for pact in json.loads(file.read_text())["pacts"]
        for each in pact["interactions"]
    ]


class TestTheSame:
    @pytest.mark.each_kind_of_sqlite
    @pytest.mark.parametrize("more", [(), ("--exit-first",), ("--isolation", "flush")])
    def test_report_and_exit_code(
        self, verify: Verify, tmp_path: Path, databases: Databases, more: tuple[str, ...]
    ) -> None:
        pacts = write_pacts(tmp_path / "pacts")
        runs, reports = [], []
        for parallel in ("1", "2") if more else ("1", "2", "7"):  # seven workers are more than the pacts
            report = tmp_path / f"{parallel}.json"
            arguments = (pacts, "--parallel", parallel, "--json", report, "--coverage", *more)
            runs.append(verify(*arguments, settings={"DATABASES": databases}))
            reports.append(outcomes(report))
        alone, *together = runs
        assert (alone.exit_code, alone.err) == (1, "")
        assert len(reports[0]) == 38
        for run, ended in zip(together, reports[1:], strict=True):
            assert (run.exit_code, run.err) == (1, "")
            assert without_times(run) == without_times(alone)
            assert ended == reports[0]

    @pytest.mark.no_database
    def test_what_is_published(self, verify: Verify, tmp_path: Path) -> None:
        published = []
        for parallel in ("1", "auto"):
            with BrokerDouble(token="t0ken") as broker:
                for consumer, *interactions in (("a", GREEN, EMPTY), ("b", RED, GREEN), ("c", EMPTY)):
                    broker.publish(document(*interactions, consumer=consumer), version="c1", branch="main")
                    broker.publish_result(consumer, "c1", "testapp", "p0", branch="main", success=True)
                run = verify(
                    *("--publish", "--parallel", parallel),
                    PACT_BROKER_BASE_URL=broker.url,
                    PACT_BROKER_TOKEN="t0ken",
                    GIT_COMMIT="p1",
                    GIT_BRANCH="main",
                )
                assert run.exit_code == 1, run
                has(run, "Published 3 results for version p1 of branch main")
                results = [each for each in broker.results if each.provider_version == "p1"]
                published.append(sorted((each.consumer, each.success, each.body["testResults"]) for each in results))
        assert published[0] == published[1]
        assert [each[:2] for each in published[0]] == [("a", True), ("b", False), ("c", True)]

    @pytest.mark.no_database
    def test_what_was_stopped_over_an_interaction_that_hangs(self, verify: Verify, tmp_path: Path) -> None:
        pacts = tmp_path / "pacts"
        for number in range(6):
            hangs = [interaction("it hangs", "/slow", request={"query": {"seconds": ["60"]}})] * (number == 1)
            write_pact(pacts / f"{number}.json", EMPTY, *hangs, EMPTY, consumer=f"consumer {number}")
        reports = []
        for parallel in ("1", "2"):
            report = tmp_path / f"{parallel}.json"
            run = verify(pacts, "--parallel", parallel, "--request-timeout", "0.2", "--json", report)
            assert run.exit_code == 1, run
            reports.append(outcomes(report))
        assert [each[2] for each in reports[0]] == ["verified"] * 3 + ["not_verified"] * 10
        after = [[(outcome, error) for *_, outcome, error in report[4:]] for report in reports]
        assert after[0] == after[1]

    @pytest.mark.no_database
    def test_a_pact_of_many_interactions_is_one_pact(self, verify: Verify, tmp_path: Path) -> None:
        """One process and two both verify it in several parts. Descriptions and states repeat."""
        many = [RED if number in {99, 100, 203} else EMPTY if number % 2 else GREEN for number in range(250)]
        pact = write_pact(tmp_path / "shop.json", *many)
        for parallel in ("1", "2"):
            run = verify(pact, "--parallel", parallel, "--json", tmp_path / "json")
            assert run.exit_code == 1
            has(run, "250 interactions of 1 consumer: 247 verified, 3 failed")
            report = json.loads((tmp_path / "json").read_text())
            (shown,) = report["pacts"]
            red = [number for number, each in enumerate(shown["interactions"]) if each["outcome"] == "mismatch"]
            assert red == [99, 100, 203]
            assert [each["description"] for each in shown["interactions"]] == [each["description"] for each in many]
            keys = [each["key"] for each in shown["interactions"]]
            assert len(set(keys)) == 250


class TestWorkers:
    @pytest.mark.each_kind_of_sqlite
    def test_one_that_ends_is_reported_and_leaves_nothing(
        self, verify: Verify, tmp_path: Path, databases: Databases
    ) -> None:
        pacts = write_pacts(tmp_path / "pacts")
        write_pact(pacts / "z.json", interaction("dies", states=["the process ends"]))
        run = verify(pacts, "--parallel", "2", settings={"DATABASES": databases})
        assert run.exit_code == 1, run
        has(run, "The process that ran the project ended (exit code 3) during the state 'the process ends'")
        assert databases_made(databases, tmp_path) == set()

    @pytest.mark.no_database
    def test_one_that_can_not_begin_says_why(self, verify: Verify, tmp_path: Path) -> None:
        nowhere = {
            alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": "x", "TEST": {"NAME": "/no/such/folder/x"}}
            for alias in ("default", "audit")
        }
        pacts = write_pacts(tmp_path / "pacts")
        large = interaction("large", request={"body": "x" * 1_000_000}, response={"body": ["y" * 1_000_000]})
        write_pact(
            pacts / "0.json", large
        )  # more than a pipe holds, so the parent is still sending it when the worker ends
        run = verify(pacts, "--parallel", "2", settings={"DATABASES": nowhere})
        assert run.exit_code == 2
        has(run, "The test databases can't be made: OperationalError: unable to open database file")
        assert "Traceback" not in run.err

    @pytest.mark.each_kind_of_sqlite
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("whole_group", [True, False])
    def test_an_interruption_ends_them_all(
        self, tmp_path: Path, databases: Databases, number: signal.Signals, whole_group: bool
    ) -> None:
        (tmp_path / "announced").mkdir()
        announced = tmp_path / "announced" / "now"
        pacts = tmp_path / "pacts"
        stuck = interaction("stuck", states=["it takes 600 seconds"])
        for each in range(3):
            write_pact(pacts / f"{each}.json", stuck, consumer=f"{each}")
        with subprocess.Popen(
            command(pacts, "--parallel", "2", "--request-timeout", "300"),
            cwd=ROOT,
            env=environment(
                settings={"DATABASES": databases},
                PYTHONWARNINGS="error,ignore::ResourceWarning",
                TESTAPP_ANNOUNCE=str(announced),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            wait_for_file(announced, process)
            (os.killpg if whole_group else os.kill)(process.pid, number)
            _, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 128 + number, err
        assert databases_made(databases, tmp_path) == set()
        assert without_progress(err).strip() == "Interrupted."


@pytest.mark.no_database
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "", "1000000"])
def test_a_number_of_processes_that_makes_no_sense(verify: Verify, value: str) -> None:
    run = verify(f"--parallel={value}")
    assert run.exit_code == 2
    has(run, f"argument --parallel: {value!r} is neither auto nor a number from 1 to 256")


@pytest.mark.no_database
def test_the_slowest_are_named(verify: Verify, tmp_path: Path) -> None:
    slow = interaction("slow", "/slow", states=["nothing is there"], request={"query": {"seconds": ["0.5"]}})
    slow_state = interaction("slow state", states=["it takes 0.5 seconds"], response={"body": []})
    pact = write_pact(tmp_path / "shop.json", EMPTY, slow, GREEN, slow_state, STATE_ERROR)
    run = verify(pact, "--durations", "2")
    _, *lines, databases, end = run.out[run.out.index("The slowest of 5 interactions:") :].splitlines()[:5]
    assert end == ""
    assert re.fullmatch(r" +[\d.]+ ms  the test databases, of no interaction", databases)
    line = r" +(\d+) ms  shop: (.*) \(the request ([\d.]+) ms, (\d) SQL quer(?:y|ies)\)"
    read = [match.groups() for each in lines if (match := re.fullmatch(line, each))]
    assert int(read[0][0]) >= int(read[1][0])
    requests = {name: (float(request) >= 500, queries) for _, name, request, queries in read}
    assert requests == {
        "slow [nothing is there]": (True, "0"),
        "slow state [it takes 0.5 seconds]": (False, "1"),
    }
    assert "The slowest" not in verify(pact).out
    assert "(no request)" in verify(pact, "--durations", "9").out
