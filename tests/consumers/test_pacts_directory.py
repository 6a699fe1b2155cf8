"""pacts/ holds what the consumers' tests make: nothing written by hand, nothing out of date."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def contents(directory: Path) -> dict[str, Any]:
    """The pacts by file name, without the versions of the library that wrote them."""
    pacts = {path.name: json.loads(path.read_text()) for path in directory.glob("*.json")}
    for pact in pacts.values():
        del pact["metadata"]["pactRust"]
    return pacts


@pytest.mark.no_database  # consumers have no database
def test_pacts_are_what_the_consumers_tests_make(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    if pytestconfig.getoption("--write-pacts"):
        pytest.skip("--write-pacts makes them, and is not done yet")
    command = f"-m pytest --numprocesses=0 tests/consumers --write-pacts={tmp_path}"
    subprocess.run([sys.executable, *command.split()], cwd=pytestconfig.rootpath, check=True, capture_output=True)
    made = contents(tmp_path)
    assert made == contents(pytestconfig.rootpath / "pacts")
    assert len(made) == 5
