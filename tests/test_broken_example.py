"""What a developer reads of a fault in the example: the last screen, and the command that it gives."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.broken_example import BREAKS, clean_environment, copy_example, last_screen, verify

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

LINES = 45
"""Of a screen."""

CAUSES = {
    "renamed-field": ("`name` is missing; `title` came and no contract knows it", "GET /products/{pk}, GET /products"),
    "wrong-status": ("206 Partial Content came instead of 200", "GET /products  products/views.py"),
    "view-raises": ("AttributeError: 'Paginator' object has no attribute 'pages'", "products/pagination.py"),
    "removed-url": ("404 Not Found came instead of 200: no URL pattern matches.", "GET /product/…"),
    "state-raises": ("raised AttributeError: 'Manager' object has no attribute 'remove'", "products/pact_states.py"),
    "number-as-text": ("`$.price`: '12.50' (text) is no number", "GET /products  products/views.py"),
}
"""What the last screen says of each fault, and where it leads."""


@pytest.mark.parametrize("name", BREAKS)
def test_the_last_screen_names_cause_consumers_and_command(name: str, tmp_path: Path) -> None:
    copy_example(tmp_path, BREAKS[name])
    ran = verify(tmp_path, "--json", "report.json")
    assert ran.returncode == 1, ran.stderr
    screen = last_screen(ran.stdout)
    assert screen, ran.stdout
    assert len(screen.splitlines()) <= LINES
    for text in CAUSES[name]:
        assert text in screen
    report = json.loads((tmp_path / "report.json").read_text())
    commands = re.findall(r"^ +again  (.*)$", screen, re.MULTILINE)
    assert commands == [cause["rerun"] for cause in report["causes"]]
    for cause, command in zip(report["causes"], commands, strict=True):
        assert all(consumer in screen for consumer in cause["consumers"][:4])
        assert sorted(cause["interactions"]) == failing_keys(tmp_path, command)


def failing_keys(folder: Path, command: str) -> list[str]:
    """Paste a command into a shell, and return the keys of the interactions that it ran. All of them have to fail."""
    ran = subprocess.run(
        ["/usr/bin/env", "bash", "-c", f"{command} --json again.json"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    again = json.loads((folder / "again.json").read_text())
    interactions = [each for pact in again["pacts"] for each in pact["interactions"]]
    assert all(each["failed"] for each in interactions)
    return sorted(each["key"] for each in interactions)
