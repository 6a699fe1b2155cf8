"""What is different on Windows, as far as it can be seen elsewhere. mypy checks the calls that Windows lacks."""

import ntpath
import os
import sys
from pathlib import Path

import pytest

from pact_verification.broker.pact_cli import pact_binary
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.reporters.github import _in_repository
from pact_verification.run.rerun import RerunCommand
from pact_verification.text import relative

pytestmark = pytest.mark.no_database


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make paths Windows' own. This process has no drive, so each drive is another one."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "sep", "\\")
    monkeypatch.setattr(os.path, "relpath", ntpath.relpath)


@pytest.mark.usefixtures("windows")
def test_a_file_on_another_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    assert relative(r"D:\project\shop\views.py") == r"D:\project\shop\views.py"
    assert _in_repository(r"D:\project\shop\views.py") is None
    monkeypatch.setenv("GITHUB_WORKSPACE", "D:\\project")
    assert _in_repository(r"D:\project\shop\views.py") == "shop/views.py"


@pytest.mark.usefixtures("windows")
def test_the_line_that_runs_an_interaction_again_is_quoted_for_its_shell() -> None:
    command = RerunCommand(("C:\\Program Files\\python.exe", "manage.py", "verify_pacts"))
    pact = Pact("app", "shop", (), None, "pacts\\my app.json")
    line = command.line([(pact, Interaction("a"))], frozenset())
    assert line.startswith('"C:\\Program Files\\python.exe" manage.py verify_pacts "pacts\\my app.json" --interaction ')


def test_the_binary_beside_python_comes_before_that_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("environment", "elsewhere"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pact").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "environment/python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert pact_binary() == str(tmp_path / "environment/pact")
    (tmp_path / "environment/pact").unlink()
    assert pact_binary() == str(tmp_path / "elsewhere/pact")
