"""verify_pacts --watch, on a terminal and without one."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker_double import BrokerDouble
from tests.pact_verification.pact_files import EMPTY, document, interaction, write_pact
from tests.pact_verification.provider.small_project import SETTINGS, Project, small_project
from tests.pact_verification.running import Verify, command, has, on_postgresql, run_code
from tests.pact_verification.terminal import SECONDS, Screen, in_pipe, on_terminal

pytestmark = pytest.mark.unmeasured

CTRL_C = b"\x03"
WAITING = "Ctrl-C ends this."
MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
URLS = """
from pathlib import Path

from django.http import JsonResponse
from django.template.loader import render_to_string
from django.urls import path


def answer(request, name):
    with Path("asked").open("a") as asked:
        print(name, file=asked)
    return JsonResponse({name: VALUES.get(name)})


def page(request):
    return JsonResponse({"page": render_to_string("page.txt")})


VALUES = %s
urlpatterns = [path("page", page), path("<name>", answer)]
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, "") as project:
        project.write("manage.py", MANAGE)
        answers(project, a=1, b=2, c=3)
        wants(project, a=1, b=2, c=3)
        yield project


def answers(project: Project, **values: int) -> Path:
    """Let the project answer with these values."""
    return project.write("shop/urls.py", URLS % values)


def wants(project: Project, consumer: str = "web", **values: int) -> Path:
    """Write a consumer's pact that expects these values."""
    each = [interaction(f"the {name}", f"/{name}", response={"body": {name: value}}) for name, value in values.items()]
    return write_pact(project.folder / "pacts" / f"{consumer}.json", *each, provider="shop", consumer=consumer)


def it_hangs(project: Project) -> None:
    """Write a pact with a provider state that hangs, once it has made the file `hangs`."""
    hang = interaction("it hangs", "/a", states=["it takes forever"])
    write_pact(project.folder / "pacts" / "web.json", hang, provider="shop", consumer="web")


def appears(path: Path, screen: Screen) -> None:
    """Wait for a file that the command makes."""
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, screen.rest
        assert screen.process.poll() is None, screen.rest


def asked(project: Project) -> list[str]:
    """Return the requests of the last run, in order."""
    log = project.folder / "asked"
    found = log.read_text().split()
    log.unlink()
    return found


@contextmanager
def watching(project: Project, *options: str, **variables: str) -> Iterator[Screen]:
    line = [sys.executable, "manage.py", "verify_pacts", "--watch", *options]
    with on_terminal(line, project.folder, {**project.environment, "TERM": "dumb", **variables}) as screen:
        yield screen


def has_stopped(screen: Screen) -> None:
    """Stop the command as a person does."""
    screen.press(CTRL_C)
    code, rest = screen.end()
    assert (code, "".join(rest.split()[-2:]).endswith("^CInterrupted.")) == (130, True), rest
    assert rest.count("Interrupted.") == 1


class TestOnATerminal:
    def test_code_is_verified_again_when_it_changes_and_what_failed_first(self, project: Project) -> None:
        answers(project, a=1, b=2, c=0)
        with watching(project) as screen:
            first = screen.until(WAITING)
            assert "3 interactions of 1 consumer: 2 verified, 1 failed" in first
            assert re.search(r"\nWaiting for a change of \d+ files\. Ctrl-C ends this\.$", first)
            assert asked(project) == ["a", "b", "c"]
            answers(project, a=1, b=2, c=3)
            second = screen.until(WAITING)
            assert "\nshop/urls.py changed. Verifying again.\n" in second
            assert "\n1 interaction that failed before: 1 verified. The others follow.\n" in second
            assert "  ✓ 3 verified\n" in second
            assert "3 interactions of 1 consumer: 3 verified" in second
            assert asked(project) == ["c", "a", "b"]
            (project.folder / "shop/models.py").touch()
            assert "failed before" not in screen.until(WAITING)
            assert asked(project) == ["a", "b", "c"]
            has_stopped(screen)

    @pytest.mark.no_database
    def test_pacts_that_change_come_and_go(self, project: Project) -> None:
        with watching(project) as screen:
            screen.until(WAITING)
            wants(project, a=7)
            changed = screen.until(WAITING)
            assert "\npacts/web.json changed. Verifying again.\n" in changed
            assert "1 interaction of 1 consumer: 1 failed" in changed
            new = wants(project, "app", b=2)
            assert "2 interactions of 2 consumers: 1 verified, 1 failed" in screen.until(WAITING)
            new.unlink()
            assert "1 interaction of 1 consumer: 1 failed" in screen.until(WAITING)
            has_stopped(screen)

    @pytest.mark.no_database
    def test_a_template(self, project: Project) -> None:
        templates = """
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["pages"], "APP_DIRS": True}]
"""
        project.write("project_settings.py", SETTINGS + templates)
        project.write("pages/page.txt", "wrong")
        page = interaction("a page", "/page", response={"body": {"page": "right"}})
        write_pact(project.folder / "pacts" / "web.json", page, provider="shop", consumer="web")
        with watching(project) as screen:
            assert "1 failed" in screen.until(WAITING)
            project.write("pages/page.txt", "right")
            again = screen.until(WAITING)
            assert "\npages/page.txt changed. Verifying again.\n" in again
            assert "1 verified" in again
            has_stopped(screen)

    @pytest.mark.no_database
    @pytest.mark.parametrize("file", ["shop/urls.py", "shop/models.py", "project_settings.py", "pacts/web.json"])
    def test_a_syntax_error_is_shown_and_may_be_mended(self, project: Project, file: str) -> None:
        good = (project.folder / file).read_text()
        with watching(project) as screen:
            assert "3 verified" in screen.until(WAITING)
            project.write(file, f"{good}\n}}")
            broken = screen.until(WAITING)
            assert "SyntaxError" in broken or "is not JSON" in broken
            project.write(file, good)
            assert "3 verified" in screen.until(WAITING)
            has_stopped(screen)

    def test_two_changes_of_one_size_in_one_second(self, project: Project) -> None:
        """Python's bytecode knows only the second of a change, and the size."""
        with watching(project, PYTHONDONTWRITEBYTECODE="") as screen:
            assert "3 verified" in screen.until(WAITING)
            status = (project.folder / "shop/urls.py").stat()
            second = status.st_mtime_ns // 10**9 * 10**9
            for number, values in enumerate(({"a": 0}, {"a": 1, "b": 2, "c": 3}, {"a": 2}), start=1):
                path = answers(project, **{"a": 1, "b": 2, "c": 3, **values})
                os.utime(path, ns=(second + number, second + number))
                failed = values.get("a") != 1
                assert ("1 failed" in screen.until(WAITING)) is failed, values
            has_stopped(screen)

    def test_ctrl_c_in_a_run_drops_its_databases(self, project: Project) -> None:
        if not on_postgresql():
            project.database["TEST"] = {"NAME": str(project.folder / "test.sqlite3")}
        it_hangs(project)
        with watching(project, "--request-timeout", "300") as screen:
            appears(project.folder / "hangs", screen)
            has_stopped(screen)
        assert all("kept" in name for name in project.databases())
        assert not list(project.folder.glob("test.sqlite3*"))


class TestWithoutATerminal:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_works_and_a_signal_to_it_alone_ends_its_run_too(self, project: Project, number: signal.Signals) -> None:
        with in_pipe(command("--watch", "--request-timeout", "300"), project.folder, project.environment) as screen:
            assert "3 verified" in screen.until(WAITING)
            it_hangs(project)
            screen.until("Verifying again.\n")
            appears(project.folder / "hangs", screen)
            screen.process.send_signal(number)
            code, rest = screen.end()
        assert (code, rest.count("Interrupted.")) == (128 + number, 1)
        assert all("kept" in name for name in project.databases())


@pytest.mark.no_database
class TestPublishing:
    def test_it_never_publishes(self, project: Project) -> None:
        with BrokerDouble() as broker:
            broker.create_pacticipant("shop", main_branch="main")
            pact = document(interaction("the a", "/a", response={"body": {"a": 1}}), provider="shop", consumer="web")
            broker.publish(pact, version="c1", branch="main")
            before = len(broker.requests)
            variables = {
                "PACT_BROKER_BASE_URL": broker.url,
                "PACT_BROKER_PUBLISH_VERIFICATION_RESULTS": "true",
                "GIT_COMMIT": "p1",
                "GIT_BRANCH": "main",
            }
            with watching(project, **variables) as screen:
                first = screen.until(WAITING)
                assert "1 verified" in first
                assert "Results will not be published. --no-publish or --watch leaves that out." in first
                answers(project, a=2)
                assert "1 failed" in screen.until(WAITING)
                has_stopped(screen)
            assert not broker.results
            posts = [each.path for each in broker.requests[before:] if each.method != "GET"]
            assert len(posts) == 2  # each run asks for the pacts
            assert all(path.endswith("/for-verification") for path in posts)

    def test_publish_is_refused(self, verify: Verify) -> None:
        refused = verify("--watch", "--publish", PACT_BROKER_BASE_URL="http://127.0.0.1:9")
        assert (refused.exit_code, refused.out) == (2, "")
        has(refused, "--watch and --publish exclude each other", "Leave one out.")


@pytest.mark.no_database
class TestRefusals:
    def test_a_server_that_already_runs(self, verify: Verify) -> None:
        refused = verify("--watch", "--provider-url", "http://127.0.0.1:9")
        assert (refused.exit_code, refused.out) == (2, "")
        has(refused, "--watch and --provider-url exclude each other")

    def test_another_program_that_calls_the_command(self) -> None:
        called = run_code(
            "import django; django.setup();"
            "from django.core.management import call_command; call_command('verify_pacts', watch=True)"
        )
        assert called.exit_code == 1
        has(called, "CommandError: --watch starts the command anew for each verification, so it needs a command line.")


@pytest.mark.no_database
class TestFailedFirst:
    RED = interaction("red", "/nothing")

    @pytest.mark.parametrize("parallel", ["1", "2"])
    def test_the_report_stays_the_same(self, verify: Verify, tmp_path: Path, parallel: str) -> None:
        cache = {"PACT_CACHE_DIR": str(tmp_path / "cache")}
        first = write_pact(tmp_path / "a.json", EMPTY, self.RED, EMPTY, consumer="a")
        second = write_pact(tmp_path / "b.json", EMPTY, self.RED, consumer="b")
        runs = [verify(first, second, "--failed-first", "--parallel", parallel, settings=cache) for _ in range(2)]
        time = r"\b[\d.]+ m?s\b( \(.* for the test databases\))?"
        shown = [re.sub(time, "…", re.sub(" +", " ", run.out)) for run in runs]
        assert shown[0] == shown[1]
        assert "5 interactions of 2 consumers: 3 verified, 2 failed" in shown[0]
        assert runs[0].err == ""
        told = "2 interactions that failed before: 2 failed. The others follow.\n"
        assert runs[1].err == (told if parallel == "1" else "")

    def test_with_exit_first(self, verify: Verify, tmp_path: Path) -> None:
        cache = {"PACT_CACHE_DIR": str(tmp_path / "cache")}
        pact = write_pact(tmp_path / "a.json", EMPTY, self.RED, EMPTY)
        assert "2 verified, 1 failed" in verify(pact, settings=cache).out
        again = verify(pact, "--failed-first", "--exit-first", settings=cache)
        assert "1 failed, 2 skipped" in again.out
