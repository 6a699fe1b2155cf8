"""A command on a terminal, as a person has it: both streams on one screen, and Ctrl-C."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.pact_verification.running import TIMEOUT

SECONDS = TIMEOUT
"""How long a text may take to appear."""

ON_TERMINAL = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass
class Screen:
    """What a command prints, on a terminal or into a pipe.

    Attributes:
        descriptor: the other side.
        unread: what was printed after the last text that `until` found.
    """

    process: "subprocess.Popen[bytes]"
    descriptor: int
    unread: bytes = b""

    @property
    def rest(self) -> str:
        """What was printed after the last text that `until` found, without control sequences."""
        return CONTROL.sub("", self.unread.decode(errors="replace"))

    def until(self, text: str) -> str:
        """Wait for a text, and return what was printed up to its end."""
        deadline = time.monotonic() + SECONDS
        while text not in (rest := self.rest):
            assert select.select([self.descriptor], [], [], deadline - time.monotonic())[0], rest
            is_open = self._read()
            assert is_open, rest
        before, _, after = rest.partition(text)
        self.unread = after.encode()
        return before + text

    def press(self, key: bytes) -> None:
        os.write(self.descriptor, key)

    def end(self) -> tuple[int, str]:
        """Wait for the command's end, and return its exit code and what it still printed."""
        while self._read():
            pass
        return self.process.wait(SECONDS), self.rest

    def _read(self) -> bool:
        """Read more. Returns whether the other side is open."""
        try:
            read = os.read(self.descriptor, 65536)
        except OSError:  # Linux raises it after the other side of a terminal is closed
            return False
        self.unread += read
        return bool(read)


@contextmanager
def on_terminal(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[Screen]:
    """Start a command on a terminal of its own. It has ended after the block."""
    ours, theirs = os.openpty()
    line = [sys.executable, "-c", ON_TERMINAL, *arguments]
    with subprocess.Popen(line, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        with _ended(Screen(process, ours)) as screen:
            yield screen


@contextmanager
def in_pipe(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[Screen]:
    """Start a command without a terminal. It has ended after the block."""
    ours, theirs = os.pipe()
    with subprocess.Popen(
        arguments,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        with _ended(Screen(process, ours)) as screen:
            yield screen


@contextmanager
def _ended(screen: Screen) -> Iterator[Screen]:
    try:
        yield screen
    finally:
        if screen.process.poll() is None:
            screen.process.terminate()
        os.close(screen.descriptor)
