"""A format is a module and an entry in the registry: the command's option and the file come from there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, environment, without_progress

pytestmark = pytest.mark.no_database

RENDERER = """
def render(report):
    return "".join(f"{each.outcome.value}: {each.interaction.description}\\n" for each in report.interactions)
"""

COMMAND = """
import sys
from django.core.management import execute_from_command_line
from pact_verification import reporters

reporters.FORMATS += (
    reporters.Format("plain", "a line for each interaction", "plain_format"),
    reporters.Format("exact", "the same for programs", "plain_format", for_programs=True),
)
execute_from_command_line(["manage.py", "verify_pacts", *sys.argv[1:]])
"""


def verify(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    (folder / "plain_format.py").write_text(RENDERER)
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=environment(PYTHONPATH=f"{ROOT}:{folder}"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_format_that_is_registered_has_an_option_and_a_file(tmp_path: Path) -> None:
    pact = write_pact(
        tmp_path / "pact.json", interaction("a \u202elist", response={"body": []}), interaction("red", "/nothing")
    )
    ran = verify(tmp_path, pact, "--plain", tmp_path / "plain", "--exact", tmp_path / "exact")
    assert (ran.returncode, without_progress(ran.stderr)) == (1, "")
    assert (tmp_path / "plain").read_text() == "verified: a \\u202elist\nfailed: red\n"
    assert (tmp_path / "exact").read_text() == "verified: a \u202elist\nfailed: red\n"


def test_the_option_is_in_the_help_and_the_file_is_checked_before_the_run(tmp_path: Path) -> None:
    assert "--plain FILE" in verify(tmp_path, "--help").stdout
    pact = write_pact(tmp_path / "pact.json", interaction("a", response={"body": []}))
    ran = verify(tmp_path, pact, "--plain", tmp_path)
    assert ran.returncode == 2
    assert f"--plain '{tmp_path}' can't be written: it is a directory" in ran.stderr


def test_the_registry_loads_no_format_and_none_of_their_libraries() -> None:
    """Production imports the commands, and has no use for reports."""
    code = (
        "import sys; before = set(sys.modules); import pact_verification.reporters.files as files; "
        "new = set(sys.modules) - before; "
        "print([name for name in new if name.startswith(('rich', 'xml', 'requests', 'django.template')) "
        "or name in {'pact_verification.reporters.' + each.name for each in files.reporters.FORMATS}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
