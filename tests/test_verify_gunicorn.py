"""make verify_gunicorn, interrupted: by real signals, and with nothing left behind."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.faults.test_early_interruption import WATCH
from tests.pact_verification.running import ROOT, inherited, without_progress

pytestmark = pytest.mark.unmeasured

SCRIPT = [sys.executable, "-m", "tests.verify_gunicorn"]
PHASES = ("migrate", "gunicorn.py", "--provider-url", "verifier_process")
"""A part of the command line of the process that begins in each."""


@contextmanager
def running(command: Sequence[str], watch: str, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A command with a process group of its own, and the descriptor where its processes say what they begin."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    os.mkfifo(tmp_path / "events")
    events = os.open(tmp_path / "events", os.O_RDWR)
    own = ("MAKE", "MFLAGS", "DJANGO_", "PACT_")
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(own)},
            "FAULTS_INTERRUPTED": watch,
            "FAULTS_EVENTS": str(tmp_path / "events"),
            "PYTHONPATH": str(tmp_path),
            "TMPDIR": str(temporary),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, events
    finally:
        process.kill()
        process.wait()
        os.close(events)


def left(tmp_path: Path) -> list[str]:
    """The processes and files that are left."""
    found = [str(path) for path in (tmp_path / "tmp").iterdir()]
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and str(tmp_path).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has just ended, or is another's
            continue
    return found


def exists(url: str) -> bool:
    if not url.startswith("postgres"):
        return Path(url.removeprefix("sqlite:///")).exists()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        name = urlsplit(url).path[1:]
        return bool(connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_ends_it_in_order(phase: str, number: signal.Signals, tmp_path: Path) -> None:
    with running(SCRIPT, f"{phase} begun - SIGINT", tmp_path) as (process, events):
        assert select.select([events], [], [], 30)[0]
        url = os.read(events, 1000).decode().split("\n")[0].partition(" ")[2]
        assert "scratch" in url
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, out + err
    assert "The contracts hold" not in out
    assert "Traceback" not in err
    assert [line for line in without_progress(err).splitlines() if "pacts" not in line] == ["Interrupted."], err
    assert not exists(url)
    assert left(tmp_path) == []


@pytest.mark.no_database
@pytest.mark.parametrize("module", ["subprocess", "tests.service", "psycopg.__init__"])
def test_a_signal_while_it_starts(module: str, tmp_path: Path) -> None:
    with running(SCRIPT, f"tests.verify_gunicorn import {module} SIGINT", tmp_path) as (process, _):
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
    assert left(tmp_path) == []


@pytest.mark.no_database
def test_ctrl_c_under_make(tmp_path: Path) -> None:
    with running(["make", "verify_gunicorn"], "verifier_process begun - SIGINT", tmp_path) as (process, events):
        assert select.select([events], [], [], 30)[0]
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in err
    assert err.count("Interrupted.") == 1
    assert left(tmp_path) == []


def test_it_verifies_every_request_and_no_message() -> None:
    ran = subprocess.run(SCRIPT, cwd=ROOT, env=inherited(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "18 interactions of 4 consumers: 18 verified" in ran.stdout
