"""The line that verifies one interaction again, printed by a real run and typed into a shell."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, Verify, environment

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

GREEN = interaction("an empty list", response={"body": []})
RED = interaction("it is red", "/nothing")
MANAGE = """\
#!/usr/bin/env python3
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.testapp.settings")
    execute_from_command_line(sys.argv)
"""
AS_THE_SYSTEM_HAS_IT = "/usr/bin:/bin"
RUNS_ONE = "testapp: 1 interaction of 1 consumer: 1 failed"


@dataclass(frozen=True)
class Project:
    """A project with a virtual environment, and a shell in one of its folders."""

    folder: Path
    path: str = AS_THE_SYSTEM_HAS_IT
    within: str = "."

    def shell(self, line: str, **variables: str) -> str:
        """Return the output of a line that is typed into the shell."""
        own = {**environment(PYTHONPATH=str(ROOT), PATH=self.path), **variables}
        if "DJANGO_SETTINGS_MODULE" not in variables:
            del own["DJANGO_SETTINGS_MODULE"]
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.folder / self.within,
            env=own,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def again(self, line: str, **variables: str) -> str:
        """Return the line that a run prints for its only failure."""
        printed = self.shell(line, **variables)
        lines = [each.partition("again    ")[2] for each in printed.splitlines() if "      again    " in each]
        assert len(lines) == 1, printed
        return lines[0]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "it's mine"
    write_pact(folder / "pacts" / "shop.json", GREEN, RED, GREEN)
    write_pact(folder / "pacts" / "window.json", GREEN, consumer="window")
    (folder / "deep").mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    manage = folder / "manage.py"
    manage.write_text(MANAGE)
    manage.chmod(0o755)
    return Project(folder)


def activated(project: Project, within: str = ".") -> Project:
    return Project(project.folder, f"{project.folder}/.venv/bin:{AS_THE_SYSTEM_HAS_IT}", within)


DJANGO = {"DJANGO_SETTINGS_MODULE": "tests.testapp.settings"}


@pytest.mark.parametrize(
    ("active", "within", "line", "printed"),
    [
        (False, ".", ".venv/bin/python manage.py verify_pacts", ".venv/bin/python manage.py verify_pacts {key}"),
        (True, ".", "python manage.py verify_pacts", "python manage.py verify_pacts {key}"),
        (True, ".", ".venv/bin/python ./manage.py verify_pacts", "python manage.py verify_pacts {key}"),
        (True, ".", "./manage.py verify_pacts", "python manage.py verify_pacts {key}"),
        (True, ".", "python manage.py verify_pacts pacts/", "python manage.py verify_pacts {key}"),
        (
            True,
            ".",
            "python manage.py verify_pacts pacts/shop.json --isolation flush",
            "python manage.py verify_pacts --isolation flush pacts/shop.json {key}",
        ),
        (
            True,
            "deep",
            "python ../manage.py verify_pacts ../pacts",
            "python ../manage.py verify_pacts ../pacts/shop.json {key}",
        ),
        (
            False,
            "deep",
            "../.venv/bin/python ../manage.py verify_pacts ../pacts",
            "'{quoted}/deep/../.venv/bin/python' ../manage.py verify_pacts ../pacts/shop.json {key}",
        ),
        (
            True,
            ".",
            "python -m django verify_pacts --settings tests.testapp.settings",
            "python -m django verify_pacts --settings tests.testapp.settings {key}",
        ),
        (
            True,
            ".",
            "django-admin verify_pacts --settings tests.testapp.settings",
            "django-admin verify_pacts --settings tests.testapp.settings {key}",
        ),
        (
            False,
            ".",
            ".venv/bin/django-admin verify_pacts --settings tests.testapp.settings",
            ".venv/bin/django-admin verify_pacts --settings tests.testapp.settings {key}",
        ),
    ],
)
def test_it_is_typed_as_it_stands(project: Project, within: str, line: str, printed: str, *, active: bool) -> None:
    here = activated(project, within) if active else Project(project.folder, within=within)
    again = here.again(line)
    quoted = str(project.folder).replace("'", "'\"'\"'")
    assert again == printed.format(key=again[again.index("--interaction") :], quoted=quoted)
    ran = here.shell(again)
    assert RUNS_ONE in ran, ran
    assert "✗ it is red" in ran
    assert "an empty list" not in ran


@pytest.mark.parametrize("program", ["python -m django", "django-admin"])
def test_settings_that_the_environment_names_are_still_there(project: Project, program: str) -> None:
    here = activated(project)
    again = here.again(f"{program} verify_pacts", **DJANGO)
    assert again.startswith(f"{program} verify_pacts --interaction ")
    assert RUNS_ONE in here.shell(again, **DJANGO)


def test_a_file_with_an_odd_name(project: Project) -> None:
    (project.folder / "pacts" / "shop.json").rename(project.folder / "a $hop's window.json")
    here = activated(project)
    again = here.again("""python manage.py verify_pacts "./a \\$hop's window.json" """)
    assert RUNS_ONE in here.shell(again)


def test_two_pacts_of_one_consumer_share_keys_so_the_file_is_named(project: Project) -> None:
    write_pact(project.folder / "pacts" / "other.json", RED, GREEN)
    here = activated(project)
    printed = here.shell("python manage.py verify_pacts --verbosity 2")
    lines = [line.partition("again    ")[2] for line in printed.splitlines() if "      again    " in line]
    assert len(lines) == 2
    for line, name in zip(lines, ("other", "shop"), strict=True):
        assert f" pacts/{name}.json --interaction " in line
        assert RUNS_ONE in here.shell(line)


def test_a_cause_has_no_line_that_would_run_more(verify: Verify, tmp_path: Path) -> None:
    """Each of the two keys is in both pacts of the consumer, and fails in one of them."""
    for name, red in (("a", "one"), ("b", "two")):
        statuses = {each: 201 if each == red else 200 for each in ("one", "two")}
        write_pact(
            tmp_path / "pacts" / f"{name}.json",
            *(interaction(each, response={"body": [], "status": status}) for each, status in statuses.items()),
        )
    run = verify(tmp_path / "pacts", "--json", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (run.exit_code, report["counts"]["mismatch"]) == (1, 2)
    (cause,) = report["causes"]
    assert cause["rerun"] == ""
    assert all(each["rerun"] for pact in report["pacts"] for each in pact["interactions"])


def test_with_a_broker_configured_the_default_is_another(project: Project) -> None:
    here = activated(project)
    broker = {"PACT_BROKER_BASE_URL": "http://127.0.0.1:9"}
    again = here.again("python manage.py verify_pacts pacts", **broker)
    assert " pacts/shop.json --interaction " in again
    assert RUNS_ONE in here.shell(again, **broker)


def test_reports_for_ci_have_the_same_line(project: Project) -> None:
    here = activated(project)
    again = here.again("python manage.py verify_pacts --json j --junit x --github", GITHUB_STEP_SUMMARY="summary")
    (failed,) = [
        each
        for pact in json.loads((project.folder / "j").read_text())["pacts"]
        for each in pact["interactions"]
        if each["outcome"] != "verified"
    ]
    assert failed["rerun"] == again
    assert again in (project.folder / "x").read_text()
    assert again in (project.folder / "summary").read_text()


def make(folder: Path, *arguments: str) -> str:
    own = ("MAKE", "MFLAGS", "PACT_", "DJANGO_", "DATABASE_URL")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    done = subprocess.run(
        ["make", *arguments],  # noqa: S607  # the developer's own make
        cwd=folder,
        env={**inherited, "PATH": AS_THE_SYSTEM_HAS_IT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [[], ["PACT_PROVIDER_NAME=pactflow-example-provider-python"]])
def test_under_make_verify_it_works_in_the_shell(arguments: Sequence[str], tmp_path: Path) -> None:
    make(ROOT, "verify", f"PACTS=--json {tmp_path / 'json'}", *arguments)
    first, *_ = (each for pact in json.loads((tmp_path / "json").read_text())["pacts"] for each in pact["interactions"])
    assert first["rerun"].startswith(".venv/bin/python manage.py verify_pacts --interaction ")
    own = environment(PATH=AS_THE_SYSTEM_HAS_IT)
    del own["DJANGO_SETTINGS_MODULE"]
    done = subprocess.run(
        ["/bin/sh", "-c", first["rerun"]], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    assert "1 interaction of 1 consumer: 1 verified" in done.stdout, done.stderr
