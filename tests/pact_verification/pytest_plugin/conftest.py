"""A project that uses the plugin, and its runs."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
import pytest
from junitparser import JUnitXml

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, environment, on_postgresql

GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})


EMPTY = interaction("an empty list", response={"body": []})


RED = interaction("red", "/nothing", states=["an item cup exists"])


TOKEN = "t0ken-that-nobody-may-see"


PLUGIN = ("-p", "pact_verification.pytest_plugin")


@dataclass(frozen=True)
class Ran:
    exit_code: int
    out: str
    junit: Path

    def outcomes(self) -> dict[str, str]:
        """Outcome by test."""
        return {
            case.name: type(case.result[0]).__name__ if case.result else "Passed"
            for suite in JUnitXml.fromfile(str(self.junit))
            for case in suite
        }


Pytest = Callable[..., Ran]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, Any]:
    if on_postgresql():
        server = environ.Env.db_url_config(os.environ["DATABASE_URL"])
        name = f"plugin_{secrets.token_hex(4)}"
        return {"default": {**server, "NAME": name}, "audit": {**server, "NAME": f"{name}_audit"}}
    return {
        alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / f"{alias}.sqlite3")}
        for alias in ("default", "audit")
    }


@pytest.fixture
def run_pytest(project: Path, databases: dict[str, Any]) -> Pytest:
    def run_pytest(
        *arguments: str, plugin: bool = True, settings: dict[str, Any] | None = None, **variables: str
    ) -> Ran:
        junit = project / "report.xml"
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", *(PLUGIN if plugin else ()), f"--junitxml={junit}", *arguments],
            cwd=project,
            env=environment(settings={"DATABASES": databases, **(settings or {})}, PYTHONPATH=str(ROOT), **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(finished.returncode, finished.stdout + finished.stderr, junit)

    return run_pytest


@pytest.fixture
def pacts(project: Path) -> Path:
    write_pact(project / "pacts" / "a.json", GREEN, RED, EMPTY, GREEN, consumer="shop")
    return write_pact(project / "pacts" / "b.json", {**EMPTY, "description": "b"}, consumer="cashier").parent


ALL = {
    "a list, given an item cup exists": "Passed",
    "red, given an item cup exists": "Failure",
    "an empty list": "Passed",
    "a list, given an item cup exists #2": "Passed",
    "b": "Passed",
}
