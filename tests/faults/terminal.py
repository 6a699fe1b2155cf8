"""Run verify_pacts in a terminal, as a developer does who looks at a failure."""

import errno
import fcntl
import os
import re
import secrets
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.faults.harness import GONE_SECONDS, HANG_SECONDS, Fault, Interaction, Place, Running
from tests.pact_verification.pact_files import write_pact

VERIFY = ("-m", "django", "verify_pacts")

IN_A_TERMINAL = Fault("in a terminal")

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\n"


@dataclass
class Terminal:
    """A command in a terminal.

    Attributes:
        running: the command and its processes.
        ours: the test's end of the terminal.
        screen: all that the terminal has shown, without control sequences.
    """

    running: Running
    ours: int
    screen: str = ""
    _read_to: int = field(default=0, repr=False)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal shows a pattern, after what was waited for before."""
        until = time.monotonic() + HANG_SECONDS
        while True:
            if found := re.compile(pattern).search(self.screen, self._read_to):
                self._read_to = found.end()
                return found
            if not self._read(until):
                raise AssertionError(f"{pattern!r} did not come. The terminal shows:\n{self.screen}")

    def stays_as_it_is(self, seconds: float) -> None:
        """Check that nothing more is shown for some seconds, such as longer than a time limit."""
        before = self.screen
        until = time.monotonic() + seconds
        while self._read(until):
            pass
        assert self.screen == before

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def ended(self) -> int:
        """Wait for the end of the command. Returns its exit code, after a check that it leaves nothing behind."""
        until = time.monotonic() + HANG_SECONDS
        while self._read(until):
            pass
        code = self.running.process.wait(HANG_SECONDS)
        assert self.running.others_after(GONE_SECONDS) == [], self.screen
        return code

    def has_echo(self) -> bool:
        """Tell whether the terminal shows what is typed, line by line."""
        flags: int = termios.tcgetattr(self.ours)[3]
        return flags & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON

    def _read(self, until: float) -> bool:
        """Read what the terminal shows. Returns False at the end of the command, and when the time is over."""
        ready, _, _ = select.select([self.ours], [], [], max(0, until - time.monotonic()))
        data = b""
        if ready:
            try:
                data = os.read(self.ours, 65536)
            except OSError as error:  # Linux raises it after the other side is closed
                if error.errno != errno.EIO:
                    raise
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode(errors="replace"))
        self.screen += text.replace("\r", "")
        return bool(data)


@contextmanager
def terminal(
    place: Place,
    *interactions: Interaction,
    options: Sequence[str] = (),
    command: Sequence[str] = VERIFY,
    like: Fault = IN_A_TERMINAL,
) -> Iterator[Terminal]:
    """Start a command in a terminal of its own. It may leave nothing behind. All its processes are ended.

    Args:
        interactions: of a pact that is written. Without any, the folder of pacts has one.
        command: of Python, before the folder of pacts and the options.
        like: its settings, environment and places in the project count.
    """
    if interactions:
        write_pact(place.pacts / "shop.json", *interactions, provider="faults")
    before = place.entries()
    mark = f"fault-{secrets.token_hex(8)}"
    events = os.open(place.events, os.O_RDWR | os.O_NONBLOCK)
    release = os.open(place.release, os.O_RDWR)
    ours, theirs = os.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, *command, str(place.pacts), *options],
        cwd=place.cwd,
        env={**place.environment(mark, like), "TERM": "xterm", "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509  # this process has no other threads meanwhile
    )
    os.close(theirs)
    running = Running(process, place, mark, events, release)
    try:
        yield Terminal(running, ours)
        assert place.entries() - before == set()
    finally:
        running.kill()
        process.wait()
        for each in (events, release, ours):
            with suppress(OSError):
                os.close(each)
