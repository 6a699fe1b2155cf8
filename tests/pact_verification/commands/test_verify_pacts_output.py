"""manage.py verify_pacts: its output, and the streams that it goes to."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import EMPTY, interaction, write_pact
from tests.pact_verification.running import ROOT, TIMEOUT, Verify, command, environment, without_progress

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]  # it is about what a run prints


class TestOutput:
    RED = interaction("red", "/nothing", states=["nothing is there"])

    def test_the_cores_own_output_shows_at_verbosity_3_only(self, verify: Verify, pact: Path) -> None:
        """The core writes its report to descriptor 1, and a failed state to descriptor 2."""
        write_pact(pact, self.RED, interaction("x", states=["the item raises"]))
        for verbosity in ("0", "1", "2"):
            run = verify(pact, "--verbosity", verbosity)
            assert run.exit_code == 1
            assert "Verifying a pact between" not in run.out + run.err
            assert "Provider setup state change" not in run.out + run.err
        assert "Verifying a pact between" in verify(pact, "--verbosity", "3").out

    def test_verbosity_0_is_the_verdict_alone(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, self.RED), "--verbosity", "0")
        assert len(run.out.strip().splitlines()) == 1

    def test_secrets_are_not_shown(self, verify: Verify, pact: Path) -> None:
        secret = interaction("red", "/nothing", request={"headers": {"Authorization": "Bearer hunter2"}})
        for verbosity in ("1", "2", "3"):
            run = verify(write_pact(pact, secret), "--verbosity", verbosity)
            assert "hunter2" not in run.out + run.err

    def test_control_characters_do_not_reach_the_terminal(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, interaction("evil \x1b[2J", "/nothing", response={"body": ["\x1b[31m"]})))
        assert "\x1b" not in run.out
        assert "evil \\x1b[2J" in run.out

    def test_elsewhere_than_on_a_terminal_it_is_plain(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, self.RED))
        assert "\x1b" not in run.out + run.err

    def test_colour_can_be_forced(self, verify: Verify, pact: Path) -> None:
        assert "\x1b[" in verify(write_pact(pact, self.RED), "--force-color", NO_COLOR="1").out

    def test_an_output_that_ends_early_changes_no_verdict(self, pact: Path) -> None:
        write_pact(pact, EMPTY)
        with subprocess.Popen(
            command(pact), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            process.stdout.close()
            assert process.wait(TIMEOUT) == 0

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
    @pytest.mark.parametrize(("which", "exit_code"), [(EMPTY, 0), (RED, 1)])
    def test_an_output_that_can_not_be_written_changes_no_verdict(
        self, pact: Path, which: dict[str, Any], exit_code: int
    ) -> None:
        write_pact(pact, which)
        with Path("/dev/full").open("w") as full:
            run = subprocess.run(
                command(pact), cwd=ROOT, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert run.returncode == exit_code
        assert (
            without_progress(run.stderr) == "The report can't be written: OSError: [Errno 28] No space left on device\n"
        )

    def test_an_ascii_console_gets_ascii(self, verify: Verify, pact: Path) -> None:
        german = interaction("Größe", response={"body": []})
        run = verify(write_pact(pact, EMPTY, german), "--verbosity", "2", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert run.exit_code == 0
        assert "  v an empty list" in run.out
        assert "  v Gr\\xf6\\xdfe" in run.out

    @pytest.mark.parametrize(
        ("arguments", "variables", "colour"),
        [((), {}, True), (("--no-color",), {}, False), ((), {"NO_COLOR": "1"}, False), ((), {"TERM": "dumb"}, False)],
    )
    def test_on_a_terminal(
        self,
        pact: Path,
        arguments: tuple[str, ...],
        variables: dict[str, str],
        colour: bool,
    ) -> None:
        write_pact(pact, interaction("slow", states=["it takes 0.5 seconds"], response={"body": []}), self.RED)
        screen = _on_a_terminal(command(pact, *arguments), {**environment(), "TERM": "xterm", **variables})
        assert "1 verified, 1 failed" in screen
        assert bool(re.search(r"\x1b\[(\d+;)?3[12]m", screen)) is colour
        if "dumb" not in variables.values():
            assert re.search(r"0/2.*\d:\d\d:\d\d.* slow", screen)  # the live line


def _on_a_terminal(arguments: list[str], env: dict[str, str]) -> str:
    """Return the output of a command on a terminal, with both streams together."""
    ours, theirs = os.openpty()
    with subprocess.Popen(arguments, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b"".join(_until_closed(ours))
        os.close(ours)
    assert process.returncode == 1, screen
    return screen.decode()


def _until_closed(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux raises it after the other side is closed
            return
        if not data:
            return
        yield data
