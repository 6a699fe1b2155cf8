"""A program that ends with the process that started it, and with all that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pact_verification.system.guarded import run_guarded
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

WRAPPER = "sleep 600 & wait"
"""A wrapper around the program that does the work, as some packages install `pact`."""


def test_output_and_exit_code() -> None:
    ran = run_guarded(["/bin/sh", "-c", "echo out; echo ü >&2; exit 7"], os.environ, 60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, "out\n", "ü\n")


def test_a_program_that_a_signal_ended() -> None:
    assert run_guarded(["/bin/sh", "-c", "kill -TERM $$"], os.environ, 60).returncode == 143


def test_it_has_no_terminal_to_ask_at() -> None:
    assert run_guarded(["/bin/sh", "-c", "read line || echo none"], os.environ, 60).stdout == "none\n"


def test_too_long() -> None:
    """The call returns only when the pipes are closed, so nothing that holds them is left."""
    with pytest.raises(subprocess.TimeoutExpired):
        run_guarded(["/bin/sh", "-c", WRAPPER], os.environ, 0.5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_the_starter(tmp_path: Path, number: signal.Signals) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = ["/bin/sh", "-c", f"exec 9>{pipe}; {WRAPPER}"]
    code = "import os; from pact_verification.system.guarded import run_guarded as run"
    with (
        subprocess.Popen(
            [sys.executable, "-c", f"{code}; run({program}, os.environ, 600)"], cwd=ROOT, stderr=subprocess.DEVNULL
        ) as starter,
        pipe.open("rb") as reader,
    ):  # opens when the program has opened it
        starter.send_signal(number)
        assert reader.read() == b""  # returns when no process holds the other end
