"""What all reports have to show of a failure, each in its own way."""

import html
import json
import os
import subprocess
from pathlib import Path

import pytest

from pact_verification.pacts.reading import read_pact
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.reporters.conftest import CONSUMER, Reports, every_report, line_of, plain
from tests.pact_verification.running import ROOT, Verify, command, environment, without_progress

pytestmark = pytest.mark.no_database

EMPTY = interaction("an empty list", response={"body": []})
RED = interaction("red", "/nothing")


@pytest.mark.parametrize("name", ["console", "github", "junit", "json", "html"])
class TestAFailure:
    @pytest.fixture
    def text(self, reports: Reports, name: str) -> str:
        text = every_report(reports)[name]
        return plain(text if name in {"console", "github"} else html.unescape(text))

    def test_whose_it_is_and_where_it_comes_from(self, text: str, reports: Reports, name: str) -> None:
        consumer = CONSUMER
        shown = {"json": json.dumps(consumer)[1:-1], "github": consumer}
        assert shown.get(name, consumer) in text
        assert str(reports.html.parent / "pacts" / "a.json") in text

    def test_states_with_params_and_values(self, text: str) -> None:
        assert "<script>document.title='taken'</script> exists" in text
        assert line_of("tests/testapp/pact_states.py", '@provider_state("an item {name} exists"') in text
        assert "id=" in text or '"id": ' in text

    def test_the_request_as_it_was_sent(self, text: str) -> None:
        assert "GET /items/99" not in text  # the pact's path, before the generator
        assert "GET /items/1?" in text or "GET /items/2?" in text
        assert "page=1" in text

    def test_what_differs_with_its_path_and_rule(self, text: str) -> None:
        for shown in ("201 Created", "200 OK", "X-Rate: 12", "$.name: ", "(rule: type)", "(rule: regex "):
            assert shown in text
        assert "missing: password, price" in text or "missing the following keys: password, price" in text

    def test_what_answered(self, text: str, name: str) -> None:
        assert "tests.testapp.views.item" in text
        assert line_of("tests/testapp/views.py", "def item(request") in text
        assert "items/{pk}" in text or "items/<int:pk>" in text

    def test_the_traceback_of_a_500(self, text: str, name: str) -> None:
        place = line_of("tests/testapp/views.py", 'raise LookupError("the price service has no answer")')
        file, _, line = place.partition(":")
        assert place in text if name != "json" else f'"file": "{file}", "line": {line}' in text
        assert "LookupError: the price service has no answer" in text
        if name in {"html", "json"}:
            assert text.index(file, text.index("a crash")) < text.index("django/core/handlers", text.index("a crash"))

    def test_the_cause_of_a_state_error(self, text: str) -> None:
        shown = "The state 'the item raises' raised RuntimeError: no such warehouse"
        assert shown in text
        assert line_of("tests/testapp/pact_states.py", 'raise RuntimeError("no such warehouse")') in text

    def test_queries_and_time(self, text: str) -> None:
        assert "1 SQL query" in text or '"queries": 1' in text
        assert " ms" in text or '"request_seconds": 0.0' in text

    def test_how_to_run_it_again(self, text: str, reports: Reports) -> None:
        assert f"python -m django verify_pacts {reports.html.parent}/pacts/a.json --interaction " in text

    def test_that_it_is_pending(self, text: str) -> None:
        assert "pending" in text

    def test_no_secret(self, text: str) -> None:
        assert "hunter2" not in text
        for secret in ("Bearer old", "Bearer new"):
            assert secret not in text

    def test_coverage(self, text: str, name: str) -> None:
        if name == "junit":  # it has no place for it
            return
        assert "commit-by-hand" in text or "commit\\-by\\-hand" in text
        assert "no consumer" in text or '"uses": []' in text


def test_the_line_to_copy_runs_only_this_interaction(reports: Reports) -> None:
    """As a person does it: in a shell, word for word. The interaction shares description and states with another."""
    document = json.loads(reports.json.read_text())
    first, *_, again = document["pacts"][0]["interactions"]
    assert first["description"] == again["description"]
    for each in (first, again):
        done = subprocess.run(  # noqa: S602  # it is for a shell
            each["rerun"], shell=True, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        assert "testapp: 1 interaction of 1 consumer: 1 verified" in done.stdout
        assert done.returncode == 0


class TestWriting:
    """A report that can't be written is found out before the run, and one that fails never changes the verdict."""

    @pytest.mark.parametrize(
        ("path", "problem"),
        [
            ("no/such/folder", "No such file or directory"),
            (".", "it is a directory"),
            ("pact.json/report", "Not a directory"),
            ("pact.json", "it is a pact"),
        ],
    )
    @pytest.mark.parametrize("option", ["--junit", "--json", "--html"])
    def test_a_path_that_can_not_be_written(
        self, verify: Verify, tmp_path: Path, option: str, path: str, problem: str
    ) -> None:
        announced = tmp_path / "announced"
        pact = write_pact(tmp_path / "pact.json", interaction("a", states=["it takes 0 seconds"]))
        run = verify(pact, option, tmp_path / path, TESTAPP_ANNOUNCE=str(announced))
        assert run.exit_code == 2
        assert f"{option} '{tmp_path / path}' can't be written: {problem}" in run.err
        assert not announced.exists()

    def test_a_step_summary_that_can_not_be_written(self, verify: Verify, tmp_path: Path) -> None:
        """An error for who asked for it; a container that has the variable and not the file goes without."""
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        nowhere = str(tmp_path / "no" / "such")
        run = verify(pact, "--github", GITHUB_STEP_SUMMARY=nowhere)
        assert (run.exit_code, run.out) == (2, "")
        assert f"GITHUB_STEP_SUMMARY '{nowhere}' can't be written" in run.err
        run = verify(pact, GITHUB_STEP_SUMMARY=nowhere)
        assert run.exit_code == 0
        assert "--no-github does without." in run.err
        assert verify(pact, "--no-github", GITHUB_STEP_SUMMARY=nowhere).err == ""

    def test_a_pact_is_not_replaced(self, verify: Verify, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        before = pact.read_bytes()
        run = verify(pact, "--json", pact)
        assert run.exit_code == 2
        assert "it is a pact, which the report would replace" in run.err
        assert pact.read_bytes() == before

    @pytest.mark.parametrize(
        "content", ['{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": [{}]}']
    )
    @pytest.mark.parametrize("name", ["pact.json", "PACT.JSON", "shop.pact"])
    @pytest.mark.parametrize("option", ["--json", "--html"])
    def test_not_even_one_that_is_broken(
        self, verify: Verify, tmp_path: Path, option: str, name: str, content: str
    ) -> None:
        pact = tmp_path / name
        pact.write_text(content)
        assert verify(write_pact(tmp_path / "green.json", EMPTY), option, pact).exit_code == 2
        assert pact.read_text() == content

    def test_what_others_wrote_to_the_same_output_stays(self, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        log = tmp_path / "log"
        log.write_text("keep me\n")
        with log.open("a") as out:
            run = subprocess.run(
                command(pact, "--json", "/dev/stdout"), cwd=ROOT, env=environment(), stdout=out, check=False
            )
        assert run.returncode == 0
        assert log.read_text().startswith("keep me\n")
        assert '"report": "pact-verification"' in log.read_text()
        assert "The contracts hold." in log.read_text()

    def test_a_pipe(self, tmp_path: Path) -> None:
        """Its reader gets the report, and no end before that; without a reader it does not wait."""
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        run = subprocess.run(
            command(pact, "--json", pipe), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0
        assert f"The report {pipe} (json) could not be written" in run.stderr
        with subprocess.Popen(["/usr/bin/env", "cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
            run = subprocess.run(
                command(pact, "--json", pipe), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
            )
            assert without_progress(run.stderr) == ""
            assert reader.stdout
            assert json.loads(reader.stdout.read())["exit_code"] == 0

    def test_a_link(self, verify: Verify, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        (tmp_path / "link").symlink_to(tmp_path / "target")
        assert verify(pact, "--json", tmp_path / "link").exit_code == 0
        assert (tmp_path / "link").is_symlink()
        assert json.loads((tmp_path / "target").read_text())["exit_code"] == 0
        run = verify(pact, "--json", tmp_path / "link", "--html", tmp_path / "target")
        assert "name one file" in run.err

    def test_nothing_can_be_written_at_all(self, tmp_path: Path) -> None:
        """One full disk for everything: the verdict is all that is left, and stays."""
        for which, exit_code in ((EMPTY, 0), (RED, 1)):
            pact = write_pact(tmp_path / "pact.json", which)
            with Path("/dev/full").open("w") as full:
                run = subprocess.run(
                    command(pact, "--json", "/dev/full"),
                    cwd=ROOT,
                    env=environment(),
                    stdout=full,
                    stderr=full,
                    check=False,
                )
            assert run.returncode == exit_code

    def test_two_reports_in_one_file(self, verify: Verify, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        run = verify(pact, "--junit", tmp_path / "x", "--html", tmp_path / "x")
        assert run.exit_code == 2
        assert "--junit and --html name one file" in run.err
        assert not (tmp_path / "x").exists()
        assert verify(pact, "--junit", "/dev/null", "--html", "/dev/null").exit_code == 0

    def test_an_older_report_is_not_taken_for_that_of_a_run_that_could_not_start(
        self, verify: Verify, tmp_path: Path
    ) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        report = tmp_path / "report.xml"
        assert verify(pact, "--junit", report).exit_code == 0
        assert 'failures="0"' in report.read_text()
        write_pact(pact, interaction("a", states=["nobody knows this state"]))
        assert verify(pact, "--junit", report).exit_code == 2
        assert report.read_text() == ""
        report.unlink()
        assert verify(pact, "--junit", report).exit_code == 2
        assert not report.exists()

    @pytest.mark.parametrize(("which", "exit_code"), [(EMPTY, 0), (RED, 1)])
    def test_a_reporter_that_fails_says_so_and_changes_no_verdict(
        self, verify: Verify, tmp_path: Path, which: dict[str, object], exit_code: int
    ) -> None:
        pact = write_pact(tmp_path / "pact.json", which)
        run = verify(pact, "--html", "/dev/full", "--junit", tmp_path / "junit")
        assert run.exit_code == exit_code
        assert (
            run.err == "The report /dev/full (html) could not be written: OSError: [Errno 28] No space left on device\n"
        )
        assert (tmp_path / "junit").exists()  # the others are written

    def test_a_report_may_go_to_a_pipe(self, verify: Verify, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        run = verify(pact, "--json", "/dev/stdout", "--verbosity", "0")
        assert run.exit_code == 0
        assert '"report": "pact-verification"' in run.out

    def test_text_that_no_encoding_has(self, verify: Verify, tmp_path: Path) -> None:
        pact = write_pact(
            tmp_path / "pact.json", interaction("lone \ud800 surrogate \x00", response={"body": ["\ud800"]})
        )
        run = verify(pact, *(f"--{name}={tmp_path / name}" for name in ("junit", "json", "html")))
        assert run.exit_code in {1, 2}
        assert "could not be written" not in run.err


class TestInteraction:
    def test_a_key_of_no_interaction_is_named(self, verify: Verify, tmp_path: Path) -> None:
        """Beside the key of an interaction it would go unnoticed."""
        pact = write_pact(tmp_path / "pact.json", EMPTY, RED)
        verify(pact, "--json", tmp_path / "json")
        key = json.loads((tmp_path / "json").read_text())["pacts"][0]["interactions"][0]["key"]
        assert verify(pact, "--interaction", key).exit_code == 0
        run = verify(pact, "--interaction", key, "--interaction", "0123456789")
        assert run.exit_code == 3
        assert "nothing was verified for --interaction 0123456789" in run.out
        assert verify(pact, "--interaction", "0123456789").exit_code == 3

    def test_a_key_is_made_of_what_names_an_interaction(self, tmp_path: Path) -> None:
        """And of nothing else: others' scripts and the cache hold keys."""
        named = interaction("a list", states=[("an item exists", {"b": 1, "a": 2})], response={"body": [1]})
        pact = read_pact(write_pact(tmp_path / "pact.json", named, named))
        assert pact
        assert [each.key for each in pact.interactions] == ["04b49522c4", "9027fe472b"]
        other = interaction("a list", "/x", states=[("an item exists", {"a": 2, "b": 1})])
        again = read_pact(write_pact(tmp_path / "other.json", other))
        assert again
        assert again.interactions[0].key == "04b49522c4"

    def test_the_line_to_copy_for_an_odd_path(self, verify: Verify, tmp_path: Path) -> None:
        folder = tmp_path / "it's a\xa0new\nfolder"
        pact = write_pact(folder / "pact.json", RED)
        line = next(line.split("again    ")[1] for line in verify(pact).out.splitlines() if "      again    " in line)
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "1 interaction of 1 consumer: 1 failed" in done.stdout, done.stderr


class TestExitFirst:
    @pytest.fixture
    def pacts(self, tmp_path: Path) -> Path:
        write_pact(tmp_path / "pacts" / "a.json", EMPTY, RED, EMPTY, consumer="a")
        return write_pact(tmp_path / "pacts" / "b.json", EMPTY, consumer="b").parent

    def test_it_stops_after_the_first_failure_and_says_what_it_skipped(
        self, verify: Verify, pacts: Path, tmp_path: Path
    ) -> None:
        run = verify(pacts, "--exit-first", "--json", tmp_path / "json")
        assert run.exit_code == 1
        assert "4 interactions of 2 consumers: 1 verified, 1 failed, 2 skipped" in run.out
        document = json.loads((tmp_path / "json").read_text())
        results = [each for pact in document["pacts"] for each in pact["interactions"]]
        assert [each["outcome"] for each in results] == ["verified", "mismatch", "skipped", "skipped"]
        assert results[3]["error"] == "Not run: 'red' failed, and --exit-first stops there."
        assert [each["request"] is None for each in results] == [False, False, True, True]

    def test_a_pending_failure_does_not_stop_it(self, verify: Verify, tmp_path: Path) -> None:
        pending = interaction("to come", "/nothing", type="Synchronous/HTTP", pending=True)
        pact = write_pact(tmp_path / "pact.json", pending, {**EMPTY, "type": "Synchronous/HTTP"}, version="4.0")
        run = verify(pact, "--exit-first")
        assert run.exit_code == 0
        assert "1 verified, 1 failed (pending)" in run.out

    def test_secrets_are_hidden_here_too(self, verify: Verify, tmp_path: Path) -> None:
        secret = interaction("red", "/nothing", request={"headers": {"Authorization": "Bearer hunter2"}})
        run = verify(write_pact(tmp_path / "pact.json", secret), "--exit-first", "--verbosity", "3")
        assert run.exit_code == 1
        assert "hunter2" not in run.out

    def test_secrets_of_what_is_skipped_are_hidden(self, verify: Verify, tmp_path: Path) -> None:
        secret = {"description": "a login with hunter2", "response": {"status": 200, "body": {"token": "hunter2"}}}
        run = verify(
            write_pact(tmp_path / "pact.json", RED, {**EMPTY, **secret}), "--exit-first", "--json", "/dev/stdout"
        )
        assert "1 failed, 1 skipped" in run.out
        assert "a login with (hidden)" in run.out
        assert "hunter2" not in run.out

    def test_after_a_failure_without_a_description(self, verify: Verify, tmp_path: Path) -> None:
        run = verify(write_pact(tmp_path / "pact.json", {**RED, "description": ""}, EMPTY), "--exit-first")
        assert "1 failed, 1 skipped" in run.out

    def test_one_of_two_that_are_alike(self, verify: Verify, tmp_path: Path) -> None:
        """The second of them keeps its key, also when it is alone."""
        cache = {"PACT_CACHE_DIR": str(tmp_path / "cache")}
        pact = write_pact(tmp_path / "pact.json", {**EMPTY, "description": "red"}, RED, EMPTY)
        assert "2 verified, 1 failed" in verify(pact, settings=cache).out
        run = verify(pact, "--last-failed", "--exit-first", settings=cache)
        assert (run.exit_code, run.err) == (1, "")
        assert "1 interaction of 1 consumer: 1 failed" in run.out

    def test_all_green(self, verify: Verify, tmp_path: Path) -> None:
        run = verify(write_pact(tmp_path / "pact.json", EMPTY, EMPTY), "--exit-first")
        assert run.exit_code == 0
        assert "2 interactions of 1 consumer: 2 verified" in run.out


class TestLastFailed:
    @pytest.fixture
    def cache(self, tmp_path: Path) -> dict[str, str]:
        return {"PACT_CACHE_DIR": str(tmp_path / "cache")}

    def test_it_runs_what_failed_until_nothing_does(
        self, verify: Verify, tmp_path: Path, cache: dict[str, str]
    ) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY, RED, interaction("b", states=["the item raises"]))
        assert "1 verified, 1 failed, 1 state error" in verify(pact, settings=cache).out
        again = verify(pact, "--last-failed", settings=cache)
        assert again.exit_code == 1
        assert "2 interactions of 1 consumer: 1 failed, 1 state error" in again.out
        # One of the two is mended; the other, which a filter leaves out, is still known as failed.
        write_pact(pact, EMPTY, {**RED, "request": EMPTY["request"]}, interaction("b", states=["the item raises"]))
        assert "1 verified" in verify(pact, "--last-failed", "--description", "red", settings=cache).out
        left = verify(pact, "--last-failed", settings=cache)
        assert "1 interaction of 1 consumer: 1 state error" in left.out
        write_pact(pact, EMPTY, RED | {"request": EMPTY["request"]})
        assert verify(pact, settings=cache).exit_code == 0
        nothing = verify(pact, "--last-failed", settings=cache)
        assert nothing.exit_code == 3
        assert "nothing failed the last time" in nothing.out.lower()

    def test_what_was_skipped_or_not_selected_is_still_known(
        self, verify: Verify, tmp_path: Path, cache: dict[str, str]
    ) -> None:
        red = write_pact(tmp_path / "red.json", RED, interaction("b", states=["the item raises"]))
        green = write_pact(tmp_path / "green.json", EMPTY, consumer="other")
        assert verify(red, settings=cache).exit_code == 1
        assert verify(red, "--exit-first", settings=cache).exit_code == 1
        assert verify(green, settings=cache).exit_code == 0
        assert verify(tmp_path, "--consumer", "other", settings=cache).exit_code == 0
        write_pact(tmp_path / "another.json", EMPTY, provider="another")
        assert verify(tmp_path / "another.json", "--provider-name", "another", settings=cache).exit_code == 0
        assert (
            "2 interactions of 1 consumer: 1 failed, 1 state error" in verify(red, "--last-failed", settings=cache).out
        )

    def test_what_never_came_back_has_failed(self, verify: Verify, tmp_path: Path, cache: dict[str, str]) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY, interaction("stuck", states=["it takes 30 seconds"]))
        assert "not verified" in verify(pact, "--request-timeout", "0.1", settings=cache).out
        run = verify(pact, "--last-failed", "--request-timeout", "0.1", settings=cache)
        assert "1 interaction of 1 consumer: 1 not verified" in run.out  # what was verified before it counts

    def test_without_a_run_before(self, verify: Verify, tmp_path: Path, cache: dict[str, str]) -> None:
        pact = write_pact(tmp_path / "pact.json", EMPTY)
        run = verify(pact, "--last-failed", settings=cache)
        assert run.exit_code == 3
        assert "no run is known" in run.out

    def test_what_failed_is_not_among_the_selected_pacts(
        self, verify: Verify, tmp_path: Path, cache: dict[str, str]
    ) -> None:
        red = write_pact(tmp_path / "red.json", RED)
        green = write_pact(tmp_path / "green.json", EMPTY, consumer="other")
        assert verify(red, settings=cache).exit_code == 1
        run = verify(green, "--last-failed", settings=cache)
        assert run.exit_code == 3
        assert "1 interaction failed the last time, and none of the selected pacts holds it" in run.out

    def test_a_broken_cache_is_no_cache(self, verify: Verify, tmp_path: Path, cache: dict[str, str]) -> None:
        pact = write_pact(tmp_path / "pact.json", RED)
        (tmp_path / "cache").mkdir()
        assert verify(pact, settings=cache).exit_code == 1
        (kept,) = (tmp_path / "cache").glob("last-failed*.json")
        for content in ("{", "[]", '{"key": 3}'):
            kept.write_text(content)
            assert verify(pact, "--last-failed", settings=cache).exit_code == 3
        assert verify(pact, settings=cache).exit_code == 1
        assert verify(pact, "--last-failed", settings=cache).exit_code == 1

    def test_a_cache_that_can_not_be_written_changes_no_verdict(self, verify: Verify, tmp_path: Path) -> None:
        cache = {"PACT_CACHE_DIR": "/proc/no-such-folder"}
        run = verify(write_pact(tmp_path / "pact.json", RED), settings=cache)
        assert run.exit_code == 1
        assert "could not be kept for --last-failed" in run.out
        assert "could not be kept" not in verify(write_pact(tmp_path / "pact.json", EMPTY), settings=cache).out
