"""Run a command as a process, and see what a person, or a CI job, gets of it."""

import atexit
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from pact_verification.broker.build import SERVICES
from tests.pact_verification.forking import Forker

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 180
"""The seconds after which a command hangs. A slow machine took a minute for what takes two seconds elsewhere."""


@dataclass(frozen=True)
class Run:
    """A finished command: what a person, or a CI job, gets of it."""

    exit_code: int
    out: str
    err: str


Verify = Callable[..., Run]


def on_postgresql() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


Databases = dict[str, dict[str, Any]]


def inherited() -> dict[str, str]:
    """Return this process's environment without the variables that a command reads, and that a CI job sets."""
    own = ("PACT_", "DJANGO_", "GIT_", "GITHUB_", "REQUESTS_CA_", "CURL_CA_", "SSL_CERT_")
    markers = {service.marker.partition("=")[0] for service in SERVICES}
    return {key: value for key, value in os.environ.items() if not key.startswith(own) and key not in markers}


def environment(
    *, project: str = "tests.testapp.settings", settings: Mapping[str, Any] | None = None, **variables: str
) -> dict[str, str]:
    return {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": project,
        "TESTAPP_SETTINGS": json.dumps({**_DEFAULTS, "PACT_CACHE_DIR": _cache_directory(), **(settings or {})}),
        "PYTHONWARNINGS": "error",
        # Of the plugins that are installed here, pytest's own run in a test needs these two. The others take seconds.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "pytest_django.plugin,xdist.plugin",
        "COLUMNS": "100",
        **variables,
    }


_DEFAULTS = {"PACT_REQUEST_TIMEOUT": 60}
"""A machine that stands still for some seconds makes no test fail."""


@cache
def _cache_directory() -> str:
    """Return the folder where runs of the test app keep what the next may want to know."""
    folder = tempfile.mkdtemp(prefix="pact_cache")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def command(*arguments: str | Path, name: str = "verify_pacts") -> list[str]:
    return [sys.executable, "-m", "django", name, *map(str, arguments)]


def run(name: str, *arguments: str | Path, cwd: Path = ROOT, **options: Any) -> Run:
    """Run a command as a process: by default the test app's."""
    variables = {"PYTHONPATH": str(ROOT), **environment(**options)}
    # Linux alone has what the forker waits with.
    if hasattr(os, "pidfd_open") and (forker := _forker(measured=_is_measured())).can_start(variables):
        finished = forker.run([name, *map(str, arguments)], variables, cwd, TIMEOUT)
    else:
        finished = subprocess.run(
            command(*arguments, name=name),
            cwd=cwd,
            env=variables,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    return _run_of(finished)


def run_code(code: str, **options: Any) -> Run:
    """Run Python code in a process of its own, with the test app's settings."""
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**options),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return _run_of(finished)


def _run_of(finished: "subprocess.CompletedProcess[str]") -> Run:
    return Run(finished.returncode, finished.stdout, without_progress(finished.stderr))


def without_progress(err: str) -> str:
    """Return standard error without the lines that a slow machine shows."""
    return re.sub(r"^\d+ of \d+ done, .*\n", "", err, flags=re.MULTILINE)


def _is_measured() -> bool:
    """Return whether processes start with coverage now."""
    return "COVERAGE_PROCESS_CONFIG" in os.environ


_FORKERS: dict[bool, Forker] = {}


def _forker(*, measured: bool) -> Forker:
    if measured not in _FORKERS:
        _FORKERS[measured] = Forker({"PYTHONPATH": str(ROOT), **environment()})
    return _FORKERS[measured]


def wait_for_file(path: Path, process: "subprocess.Popen[Any]") -> None:
    """Wait until a command has made a file. Fails if it ends before."""
    while not path.exists():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
        assert process.returncode is None, (process.stderr or process.stdout or io.BytesIO()).read()


def end_forkers() -> None:
    """End the processes that commands are forked from."""
    while _FORKERS:
        _FORKERS.popitem()[1].close()


def has(run: Run, *texts: str) -> None:
    """Check what a person reads, whatever the white space."""
    read = " ".join((run.out + run.err).split())
    for text in texts:
        assert " ".join(text.split()) in read, run.out + run.err


def databases_made(databases: Databases, tmp_path: Path) -> set[str]:
    """The test databases of this project that can be seen from outside: on a server, or as files."""
    if not on_postgresql():
        return {path.name for path in tmp_path.iterdir() if path.is_file()}
    name = databases["default"]["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"]).fetchall()
    return {name for (name,) in rows}


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["/usr/bin/env", "git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
