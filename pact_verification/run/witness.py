"""The provider under test in a process of its own, so that nothing the project does can end the run.

The command's process is the witness: it runs no code of the project after Django's setup. It asks the provider's
process by messages, reads what that is doing off a board in shared memory, and ends it by a signal that no code can
ignore. It gives the verdict, whatever becomes of the other.
"""

import logging
import math
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from mmap import mmap
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.provider.board import SIZE, Board
from pact_verification.provider.databases import drop_left, names_of, undisturbed_at_the_end
from pact_verification.provider.serving import Address, VerificationOptions, new_state_path
from pact_verification.provider.snapshots import restore_left
from pact_verification.results.coverage import Coverage
from pact_verification.results.crash import is_own
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import PactResult
from pact_verification.run.provider_process import IN_ORDER, Message, board_memory, run_provider
from pact_verification.system import clock
from pact_verification.system.interruption import held_back

logger = logging.getLogger(__name__)

STOP_SECONDS = 5
"""How long the process may take to end in order, once a run is interrupted or over."""

DROP_SECONDS = 60
"""How long it may take to drop its databases after the last interaction."""

EXIT_SECONDS = 2
"""How long its own exit handlers and threads may keep it, once all is done."""

POLL_SECONDS = 0.2

ABORT_SECONDS = 1
"""How long it may take to write the stack of a call that does not come back."""

SHOWN_FRAMES = 3

DOING = {
    "load": "checked the project and imported its provider states",
    "reach": "read the databases of the server",
    "require_handlers": "looked for state handlers",
    "open": "made the test databases",
    "expect": "was given the next pact",
    "finish": "ended the last interaction",
    "close": "dropped the test databases",
    "cover": "listed the project's URLs",
}
"""What each call to the process does, in words."""


class Ended(CannotVerify):
    """The provider's process has ended."""


class Witness:
    """The project in a process of its own.

    Args:
        folder: the run's own, for the board, the stack of a crash, and the project's files.
        token: part of the test databases' names.
    """

    outlives_a_hang = True

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        self.token = token
        self._method = "fork" if _can_fork() else "spawn"
        if self._method == "spawn":
            resource_tracker.ensure_running()  # here, since it lets signals through that are held back
        self.made_databases = False
        self.uses_server = False
        self._answers: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._exchanges: dict[int, Exchange] = {}
        self._state_path = ""
        self._served: tuple[int, str] = (0, "")
        self._stack = ""
        self._why_ended: str | None = None
        self._hung = False
        self._failure: str | None = None

    def start(self) -> None:
        """Start the process. It begins at once to check the project and to import its provider states."""
        # A process that is spawned inherits no memory. One that is forked needs no file, which the project may hit.
        memory = mmap(-1, SIZE) if self._method == "fork" else None
        self.board = Board(memory or board_memory(self.folder))
        ours, theirs = get_context().Pipe()
        self._connection: Connection[Any, Message] = ours
        context: Any = get_context(self._method)
        # Not a daemon: such a process may have no children, and the project may want some.
        told = (theirs, ours, memory, self.folder, self.token)
        self._process = context.Process(target=run_provider, args=told, name="pact-provider")
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # a stream that is closed; the fork would copy its rest
                stream.flush()
        self._process.start()
        theirs.close()
        self._reader = threading.Thread(target=self._read, name="pact-provider-reader", daemon=True)
        self._reader.start()

    @property
    def process_id(self) -> int:
        """The system's number of the process."""
        return int(self._process.pid or 0)

    def load(self) -> None:
        """See Provider."""
        self._call("load")

    def reach(self, options: VerificationOptions) -> str:
        """See Provider."""
        self.uses_server = True
        text: str = self._call("reach", options)
        return text

    def require_handlers(self, pacts: Sequence[Pact]) -> tuple[str, ...]:
        """See Provider."""
        notes: tuple[str, ...] = self._call("require_handlers", tuple(replace(pact, content=b"") for pact in pacts))
        return notes

    @contextmanager
    def serving(self, options: VerificationOptions) -> Iterator["Witness"]:
        """See Provider."""
        self.made_databases = True
        self._served = self._call("open", options)
        yield self
        try:
            if self.check_alive() is None:
                self._call("close", seconds=DROP_SECONDS)
                self.made_databases = False
        except CannotVerify as error:  # the verdict is there: `end` drops what is left
            logger.warning("%s", error)

    def cover(self, results: Sequence[PactResult]) -> Coverage:
        """See Provider."""
        coverage: Coverage = self._call("cover", tuple(results))
        return coverage

    @property
    def address(self) -> Address:
        """Where the verifier reaches the live server."""
        return Address(self._served[0], self._state_path, self._served[1])

    def expect(self, interactions: Sequence[Interaction]) -> None:
        """See Served."""
        self._exchanges.clear()
        self._state_path = new_state_path()
        self._call("expect", tuple(interactions), self._state_path, seconds=STOP_SECONDS)

    def finish(self, wait: float) -> bool:
        """See Served."""
        try:
            came_back: bool = self._call("finish", wait, seconds=wait + STOP_SECONDS)
        except Ended:
            return not self._hung
        return came_back

    def exchanges(self) -> list[Exchange]:
        """See Served."""
        return [self._exchanges.get(number, Exchange()) for number in range(max(self._exchanges, default=-1) + 1)]

    def check_alive(self) -> str | None:
        """Why the process has ended; None while it lives."""
        if self._why_ended is None and not (self._process.is_alive() and self._reader.is_alive()):
            self._process.join(ABORT_SECONDS)
            self._reader.join(ABORT_SECONDS)  # a process that the project has forked may hold the pipe open
            ended = f"The process that ran the project ended ({_code(self._process.exitcode)})"
            self._why_ended = ended if self._failure is None else self._failure
            self._stack = self._stack or _stack(self.folder)
        return self._why_ended

    @property
    def stack(self) -> str:
        """Where a process was that has crashed, or was ended; empty where nothing could tell."""
        return self._stack

    def give_up(self) -> str:
        """End the process, which is in a call that does not come back. Returns the end of its stack."""
        self._end_at_once()
        return self._stack

    def end(self) -> None:
        """End the process, in order where it can, and drop what it has left.

        What it can't drop, it logs.
        """
        if self._process.is_alive() and self._why_ended is None:
            with suppress(OSError, ValueError):
                self._connection.send(None)
            patience = EXIT_SECONDS
            if self.made_databases:  # the run was left in the middle: it tears down and drops its databases
                patience = STOP_SECONDS
                with suppress(OSError):
                    self._process.terminate()
            self._process.join(patience)
            if self._process.is_alive():
                self._process.kill()
        self._process.join()
        self._reader.join(ABORT_SECONDS)
        clean = self._process.exitcode == IN_ORDER
        if self.made_databases and not clean and not self.uses_server:
            _, problems = drop_left(names_of(self.token))
            for problem in problems:
                logger.warning("%s", problem)
        if self.uses_server:
            for problem in restore_left():
                logger.warning("%s", problem)

    def _end_at_once(self) -> None:
        """End the process by SIGABRT, for which it writes its stack, and by SIGKILL where that is not enough."""
        if self._why_ended is not None:
            return
        if hasattr(os, "kill") and self._process.pid and os.name == "posix":
            with suppress(OSError):
                os.kill(self._process.pid, signal.SIGABRT)
            self._process.join(ABORT_SECONDS)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._reader.join(ABORT_SECONDS)
        self._stack = _stack(self.folder)
        self._why_ended = "The process that ran the project was ended"

    def _call(self, name: str, *arguments: Any, seconds: float | None = None) -> Any:
        """Have the process do something, and wait for it.

        Raises:
            CannotVerify: it can't, or the process has ended.
        """
        with suppress(OSError):  # it has ended: the answer tells how
            self._connection.send((name, arguments))
        kind, value = self._answer(name, math.inf if seconds is None else clock.seconds() + seconds)
        if kind == "done":
            return value
        if kind == "refused":
            raise CannotVerify(value)
        raise Ended(f"{self.check_alive()} while it {DOING[name]}.{_indented(self._stack)}")

    def _answer(self, name: str, deadline: float) -> Message:
        while True:
            with suppress(queue.Empty):
                return self._answers.get(timeout=POLL_SECONDS)
            if self.check_alive() is not None and self._answers.empty():
                return "ended", None
            if clock.seconds() > deadline:
                self._end_at_once()
                self._hung = True
                raise Ended(f"The process that ran the project hung while it {DOING[name]}.{_indented(self._stack)}")

    def _read(self) -> None:
        """Take what the process says until it has ended: its pipe must never be full."""
        try:
            while True:
                kind, value = self._connection.recv()
                if kind == "seen":
                    number, exchange = value
                    self._exchanges[number] = exchange
                elif kind == "failed":
                    self._failure = value
                else:
                    self._answers.put((kind, value))
        except Exception:  # noqa: BLE001  # its end, or what the project has written into the pipe by mistake
            self._answers.put(("ended", None))


@contextmanager
def witnessed_provider(folder: Path, token: str) -> Iterator[Witness]:
    """A provider's process, which has ended with the block, and has left nothing.

    Args:
        folder: of the run's own.
        token: part of the test databases' names, from `new_token()`.
    """
    with undisturbed_at_the_end() as cleanup:
        provider = Witness(folder, token)
        with held_back():
            provider.start()
            cleanup.callback(provider.end)
        yield provider


def _can_fork() -> bool:
    """Whether a fork is safe: a thread of the project's would be missing in it, and macOS has libraries that crash."""
    return sys.platform not in {"darwin", "win32"} and threading.active_count() == 1


def _code(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-exitcode).name}"
    return f"exit code {exitcode}"


def _indented(text: str) -> str:
    return f"\n{text}" if text else ""


def _stack(folder: Path) -> str:
    """The innermost frames of the thread that ran the project, from what faulthandler has written."""
    try:
        written = (folder / "crash").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    threads = re.split(r"\n\n", written)
    served = next((each for each in threads if "live_server.py" in each), threads[0] if len(threads) == 1 else "")
    frames = [line for line in served.splitlines() if line.startswith("  File")]  # the innermost is first
    kept = frames[:1] + [line for line in frames[1:] if is_own(line.split('"')[1])]
    return "\n".join(reversed(kept[:SHOWN_FRAMES]))
