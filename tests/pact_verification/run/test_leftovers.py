"""The databases and folders of a run whose processes are killed, and the next run."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pact_verification.system.cache import open_cache
from tests.pact_verification.pact_files import EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import (
    ROOT,
    TIMEOUT,
    Databases,
    Verify,
    command,
    databases_made,
    environment,
    has,
    wait_for_file,
)

pytestmark = pytest.mark.unmeasured


def kill_a_run(folder: Path, databases: Databases, *options: str, whole_group: bool = True) -> None:
    """Start a run, and kill all its processes, or only the first one, in the middle of an interaction."""
    (folder / "watched").mkdir()
    (folder / "temporary").mkdir()
    announced = folder / "watched" / "now"
    pact = write_pact(folder / "pacts" / "shop.json", interaction("stuck", states=["it takes 600 seconds"]))
    with subprocess.Popen(
        command(pact, "--request-timeout", "300", *options),
        cwd=ROOT,
        env={
            **environment(
                settings={"DATABASES": databases, "PACT_CACHE_DIR": str(folder / "cache")},
                TESTAPP_ANNOUNCE=str(announced),
            ),
            "TMPDIR": str(folder / "temporary"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        wait_for_file(announced, process)
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        process.communicate(timeout=TIMEOUT)  # it returns when no process has the pipe open


@pytest.mark.each_kind_of_sqlite
@pytest.mark.parametrize("options", [(), ("--parallel", "2"), ("--isolation", "flush")])
def test_the_next_run_drops_them(
    verify: Verify, tmp_path: Path, databases: Databases, options: tuple[str, ...]
) -> None:
    kill_a_run(tmp_path, databases, *options)
    made = databases_made(databases, tmp_path)
    assert list((tmp_path / "temporary").iterdir())
    in_memory = "TEST" not in databases["default"] and "sqlite" in databases["default"]["ENGINE"]
    assert bool(made) is not in_memory
    pact = write_pact(tmp_path / "pacts" / "green.json", GREEN, EMPTY)
    settings = {"DATABASES": databases, "PACT_CACHE_DIR": str(tmp_path / "cache")}
    run = verify(pact, settings=settings)
    assert (run.exit_code, run.err) == (0, "")
    if made:
        has(
            run,
            "An earlier run was killed. The test databases that it left were dropped:",
            *(name for name in made if "-" not in name),
        )
    assert databases_made(databases, tmp_path) == set()
    assert list((tmp_path / "temporary").iterdir()) == []
    assert "An earlier run" not in verify(pact, settings=settings).out


@pytest.mark.each_kind_of_sqlite
def test_a_run_that_leaves_one_alone_leaves_it_for_a_later_run(
    verify: Verify, tmp_path: Path, databases: Databases
) -> None:
    kill_a_run(tmp_path, databases)
    made = databases_made(databases, tmp_path)
    pact = write_pact(tmp_path / "pacts" / "green.json", EMPTY)
    settings = {"DATABASES": databases, "PACT_CACHE_DIR": str(tmp_path / "cache")}
    assert verify("--databases=default", pact, settings=settings).exit_code == 0
    left = databases_made(databases, tmp_path)
    assert bool(left) is bool(made)
    assert all("audit" in name for name in left)
    assert verify(pact, settings=settings).exit_code == 0
    assert databases_made(databases, tmp_path) == set()


@pytest.mark.each_kind_of_sqlite
def test_a_run_whose_first_process_is_killed_ends_and_drops_its_own(tmp_path: Path, databases: Databases) -> None:
    kill_a_run(tmp_path, databases, whole_group=False)
    assert databases_made(databases, tmp_path) == set()


@pytest.mark.each_kind_of_sqlite
def test_two_runs_at_once_leave_each_others_databases_alone(
    verify: Verify, tmp_path: Path, databases: Databases
) -> None:
    """The second run looks for leftovers while the first one verifies an interaction."""
    announced = tmp_path / "announced"
    settings = {"DATABASES": databases, "PACT_CACHE_DIR": str(tmp_path / "cache")}
    long = interaction("slow", states=["it takes 4 seconds"])
    slow = write_pact(tmp_path / "pacts" / "slow.json", long, GREEN, EMPTY)
    with subprocess.Popen(
        command(slow),
        cwd=ROOT,
        env=environment(settings=settings, TESTAPP_ANNOUNCE=str(announced)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        wait_for_file(announced, process)
        run = verify(write_pact(tmp_path / "pacts" / "green.json", GREEN, EMPTY), settings=settings)
        assert (run.exit_code, run.err) == (0, "")
        assert "An earlier run" not in run.out
        out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, out


@pytest.mark.no_database
def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path, settings: object) -> None:
    (tmp_path / ".gitignore").write_text("the project's own\n")
    settings.PACT_CACHE_DIR = str(tmp_path)  # type: ignore[attr-defined]  # pytest-django's
    assert open_cache() == tmp_path
    assert (tmp_path / ".gitignore").read_text() == "the project's own\n"


@pytest.mark.no_database
def test_a_folder_of_ours_hides_itself_from_git(tmp_path: Path, settings: object) -> None:
    settings.PACT_CACHE_DIR = str(tmp_path / "new" / "folder")  # type: ignore[attr-defined]  # pytest-django's
    assert (open_cache() / ".gitignore").read_text() == "*\n"
