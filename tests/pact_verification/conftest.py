import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import environ
import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = tempfile.mkdtemp(prefix="pact_cache")


@dataclass(frozen=True)
class Run:
    """A finished command: what a person, or a CI job, gets of it."""

    exit_code: int
    out: str
    err: str


Verify = Callable[..., Run]


def on_postgresql() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


@pytest.fixture(params=["postgresql"] if on_postgresql() else ["sqlite in memory", "sqlite on disk"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """DATABASES of the test app, of one kind after the other. None of the project's own exists: it is never needed."""
    if request.param == "postgresql":
        server = environ.Env.db_url_config(os.environ["DATABASE_URL"])
        name = f"no_such_{secrets.token_hex(4)}"
        return {"default": {**server, "NAME": name}, "audit": {**server, "NAME": f"{name}_audit"}}
    databases: dict[str, dict[str, Any]] = {}
    for alias in ("default", "audit"):
        name = str(tmp_path / "no-such-directory" / alias)
        databases[alias] = {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
        if request.param == "sqlite on disk":
            databases[alias]["TEST"] = {"NAME": str(tmp_path / alias)}
    return databases


def environment(
    *, project: str = "tests.testapp.settings", settings: Mapping[str, Any] | None = None, **variables: str
) -> dict[str, str]:
    own = ("PACT_", "DJANGO_", "GIT_", "GITHUB_")  # what the command reads, and a CI job sets
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": project,
        "TESTAPP_SETTINGS": json.dumps({"PACT_CACHE_DIR": CACHE, **(settings or {})}),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "100",
        **variables,
    }


def command(*arguments: str | Path, name: str = "verify_pacts") -> list[str]:
    return [sys.executable, "-m", "django", name, *map(str, arguments)]


def run(name: str, *arguments: str | Path, cwd: Path = ROOT, **options: Any) -> Run:
    """Run a command as a process: by default the test app's."""
    finished = subprocess.run(
        command(*arguments, name=name),
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), **environment(**options)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # On a slow machine there are lines that tell how far it is.
    err = re.sub(r"^\d+ of \d+ done, .*\n", "", finished.stderr, flags=re.MULTILINE)
    return Run(finished.returncode, finished.stdout, err)


@pytest.fixture
def verify() -> Verify:
    return partial(run, "verify_pacts")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["/usr/bin/env", "git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit, checked out and clean."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "file").write_text("as committed")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "--quiet", "--message", "m")
    return folder
