"""The witness: it runs the project in another process, so that nothing the project does can end the run.

The command's process is the witness. It runs no code of the project after Django's setup. It sends calls to the
provider's process, and a board in shared memory shows what that process is doing. It can end that process by a signal
that no code can ignore. So the exit code never depends on the project's process.
"""

import logging
import math
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from mmap import mmap
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.provider.board import SIZE, Board
from pact_verification.provider.caches.own import forget_keys
from pact_verification.provider.databases.aliases import names_of
from pact_verification.provider.databases.dropping import drop_left
from pact_verification.provider.databases.left_alone import leaving_alone
from pact_verification.provider.databases.telling import Tell, say_nothing
from pact_verification.provider.serving import Address, DatabasesMade, VerificationOptions, new_state_path
from pact_verification.provider.snapshots import restore_left
from pact_verification.results.coverage import Coverage
from pact_verification.results.crash import is_own
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, PactResult
from pact_verification.run.provider_process import IN_ORDER, ProviderMessage, board_memory, run_provider
from pact_verification.system import clock
from pact_verification.system.interruption import held_back, undisturbed_at_the_end
from pact_verification.system.main_module import imported_if_guarded
from pact_verification.system.terminal import restore_terminal, terminal_mode

logger = logging.getLogger(__name__)

PACT_CALL_SECONDS = 5
"""How long the process may take to begin or to end a pact, besides the wait for the last interaction."""

INTERRUPTED_SECONDS = 5
"""How long the process may take to clean up and drop its databases after an interruption."""

DROP_SECONDS = 60
"""How long the process may take to drop its databases after the last interaction."""

EXIT_SECONDS = 2
"""How long the project's exit handlers may take after the cleanup."""

POLL_SECONDS = 0.2

ABORT_SECONDS = 1
"""How long the process may take to write its stack and end after SIGABRT."""

SHOWN_FRAMES = 3

DOING = {
    "load": "checked the project and imported its provider states",
    "reach": "read the databases of the server",
    "require_handlers": "looked for state handlers",
    "open": "made the test databases",
    "expect": "was given the next pact",
    "settle": "recorded an interaction",
    "keep_open": "kept a failed interaction open",
    "finish": "ended the last interaction",
    "close": "dropped the test databases",
    "cover": "listed the project's URLs",
}
"""What each call does, for messages."""


class Ended(CannotVerify):
    """The provider's process has ended."""


class Witness:
    """The project in a process of its own. It is a Provider, and a Served while `serving` is open.

    Args:
        folder: the folder of the run, for the board, the stack of a crash, and the project's files.
        token: the names of the test databases contain it.
    """

    outlives_a_hang = True
    databases = DatabasesMade()

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        self.token = token
        self.made_databases = False
        self.uses_server = False
        self.left_alone: Mapping[str, str] = {}
        self.on_hold: Callable[[bool], None] = lambda held: None
        self._terminal = terminal_mode()
        self._was_held = False
        method = "fork" if _can_fork() else "spawn"
        if method == "spawn":
            # multiprocessing would start it later, and unblock the signals that `held_back` blocks.
            resource_tracker.ensure_running()
        context: Any = get_context(method)
        # A forked process inherits memory without a file, which the project can't overwrite. A spawned one can't.
        memory = mmap(-1, SIZE) if method == "fork" else None
        self.board = Board(memory or board_memory(folder))
        self._connection: Connection[Any, ProviderMessage]
        self._connection, self._other_end = context.Pipe()
        # The process is no daemon, since a daemon may have no children, and the project may start some.
        self._process = context.Process(
            target=run_provider, args=(self._other_end, self._connection, memory, folder, token), name="pact-provider"
        )
        self._reader = threading.Thread(target=self._read, name="pact-provider-reader", daemon=True)
        self._answers: queue.SimpleQueue[ProviderMessage] = queue.SimpleQueue()
        self._exchanges: dict[int, Exchange] = {}
        self._state_path = ""
        self._port, self._secret = 0, ""
        self._stack = ""
        self._end_reason: str | None = None
        self._hung = False
        self._failure: str | None = None
        self._doing: str | None = None

    def start(self) -> None:
        """Start the process. It begins at once to check the project and to import its provider states."""
        for stream in (sys.stdout, sys.stderr):
            # A forked process would print the rest of the buffer again. The stream may be closed.
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        with imported_if_guarded():
            self._process.start()
        self._other_end.close()
        self._reader.start()

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return int(self._process.pid or 0)

    def load(self) -> tuple[str, ...]:
        """See Provider."""
        notes: tuple[str, ...] = self._call("load")
        return notes

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
    def serving(self, options: VerificationOptions, tell: Tell = say_nothing) -> Iterator["Witness"]:
        """See Provider."""
        self.made_databases = True
        self.left_alone = options.left_alone
        self._port, self._secret, self.databases = self._call("open", options, tell=tell)
        yield self
        try:
            if self.check_alive() is None:
                self._call("close", seconds=DROP_SECONDS)
                self.made_databases = False
        except CannotVerify as error:  # all results are there, and `end` drops the databases
            logger.warning("%s", error)

    def cover(self, results: Sequence[PactResult]) -> Coverage:
        """See Provider."""
        coverage: Coverage = self._call("cover", tuple(results))
        return coverage

    @property
    def address(self) -> Address:
        """See Served."""
        return Address(self._port, self._state_path, self._secret)

    def expect(self, interactions: Sequence[Interaction]) -> None:
        """See Served."""
        self._exchanges.clear()
        self._state_path = new_state_path()
        self._call("expect", tuple(interactions), self._state_path, seconds=PACT_CALL_SECONDS)

    def finish(self, wait: float) -> bool:
        """See Served."""
        try:
            in_time: bool = self._call("finish", wait, seconds=wait + PACT_CALL_SECONDS)
        except Ended:
            return not self._hung
        return in_time

    def settle(self) -> None:
        """See Served."""
        with suppress(Ended):
            self._call("settle", seconds=PACT_CALL_SECONDS)

    def keep_open(self, how: str, result: InteractionResult) -> None:
        """See Served."""
        with suppress(Ended):
            self._call("keep_open", how, result)

    def exchanges(self) -> list[Exchange]:
        """See Served."""
        return [self._exchanges.get(number, Exchange()) for number in range(max(self._exchanges, default=-1) + 1)]

    def check_alive(self) -> str | None:
        """Return why the process has ended; None while it is alive."""
        if self._end_reason is None and not (self._process.is_alive() and self._reader.is_alive()):
            self._process.join(ABORT_SECONDS)
            self._reader.join(ABORT_SECONDS)  # a child process of the project's may keep the pipe open
            ended = f"The process that ran the project ended ({_exit_description(self._process.exitcode)})"
            self._end_reason = ended if self._failure is None else self._failure
            self._stack = self._stack or _stack(self.folder)
        return self._end_reason

    @property
    def stack(self) -> str:
        """Return the end of the stack of a process that has ended; empty if it is not known."""
        return self._stack

    def give_up(self) -> str:
        """End the process, in which a call hangs. Returns the end of its stack."""
        self._end_at_once()
        return self._stack

    def end(self) -> None:
        """End the process, and drop the databases that it has left. Logs a problem as a warning."""
        if self._process.is_alive() and self._end_reason is None:
            with suppress(OSError, ValueError):
                self._connection.send(None)
            seconds = EXIT_SECONDS
            if self.made_databases:  # the run was interrupted, so the process has its databases to drop
                seconds = INTERRUPTED_SECONDS
                with suppress(OSError):
                    self._process.terminate()
            self._process.join(seconds)
            if self._process.is_alive():
                self._process.kill()
        self._process.join()
        self._reader.join(ABORT_SECONDS)
        if self._was_held:  # a debugger that was ended while it read a line has left the terminal without an echo
            restore_terminal(self._terminal)
        clean = self._process.exitcode == IN_ORDER
        if not clean:
            forget_keys(self.token)
        if self.made_databases and not clean and not self.uses_server:
            with leaving_alone(self.left_alone):
                _, problems = drop_left(names_of(self.token))
            for problem in problems:
                logger.warning("%s", problem)
        if self.uses_server:
            for problem in restore_left():
                logger.warning("%s", problem)

    def _hold(self, held: bool) -> None:
        """Take the progress line out of the way, or let it come back."""
        self._was_held = True
        with suppress(Exception):  # a mistake of the line's must not end this thread
            self.on_hold(held)
        if held:
            self.board.note_seen()

    def _end_at_once(self) -> None:
        """End the process by SIGABRT, which makes it write its stack. SIGKILL follows if it is still alive."""
        if self._end_reason is not None:
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
        self._end_reason = "The process that ran the project was ended"

    def _call(self, name: str, *arguments: Any, seconds: float | None = None, tell: Tell = say_nothing) -> Any:
        """Call a method of the provider's process, and return its value.

        Args:
            tell: hears again and again what the process is doing.

        Raises:
            CannotVerify: the process refuses the call, or it has ended.
        """
        with suppress(OSError):  # the process has ended, and `_wait_for_answer` finds out
            self._connection.send((name, arguments))
        deadline = math.inf if seconds is None else clock.seconds() + seconds
        kind, value = self._wait_for_answer(name, deadline, tell)
        if kind == "done":
            return value
        if kind == "refused":
            raise CannotVerify(value)
        raise Ended(f"{self.check_alive()} while it {DOING[name]}.{_on_new_line(self._stack)}")

    def _wait_for_answer(self, name: str, deadline: float, tell: Tell) -> ProviderMessage:
        """Return the answer to a call, or an "ended" message. Raises Ended after the deadline."""
        looked = clock.seconds()
        while True:
            with suppress(queue.Empty):
                return self._answers.get(timeout=POLL_SECONDS)
            now = clock.seconds()
            if self.board.held:
                deadline += now - looked
            looked = now
            if self._doing:
                tell(self._doing)
            if self.check_alive() is not None and self._answers.empty():
                return "ended", None
            if now > deadline:
                self._end_at_once()
                self._hung = True
                raise Ended(f"The process that ran the project hung while it {DOING[name]}.{_on_new_line(self._stack)}")

    def _read(self) -> None:
        """Read messages until the process has ended. A full pipe would block the process."""
        try:
            while True:
                kind, value = self._connection.recv()
                if kind == "exchange":
                    number, exchange = value
                    self._exchanges[number] = exchange
                elif kind == "held":
                    self._hold(value)
                elif kind == "failed":
                    self._failure = value
                elif kind == "doing":
                    self._doing = value
                else:
                    self._answers.put((kind, value))
        except Exception:  # noqa: BLE001  # the process has ended, or the project has written into the pipe by mistake
            self._answers.put(("ended", None))


@contextmanager
def witnessed_provider(folder: Path, token: str) -> Iterator[Witness]:
    """Run the project in a process of its own during the block, and drop what the process leaves.

    Args:
        folder: the folder of the run.
        token: from `new_token()`. The names of the test databases contain it.
    """
    with undisturbed_at_the_end() as cleanup:
        provider = Witness(folder, token)
        with held_back():
            provider.start()
            cleanup.callback(provider.end)
        yield provider


def _can_fork() -> bool:
    """Return whether a fork is safe.

    A forked process lacks the project's other threads. On macOS, system libraries crash in it.
    """
    return sys.platform not in {"darwin", "win32"} and threading.active_count() == 1


def _exit_description(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-exitcode).name}"
    return f"exit code {exitcode}"


def _on_new_line(text: str) -> str:
    return f"\n{text}" if text else ""


def _stack(folder: Path) -> str:
    """Return the innermost frames of the thread that ran the project, as faulthandler wrote them."""
    try:
        written = (folder / "crash").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    threads = [_frames(each) for each in re.split(r"\n\n", written)]
    # The server's thread waits for the event loop of an ASGI application, if there is one and it hangs.
    loop = (each for each in threads if any(" in _turn" in line for line in each) and any(map(_is_own, each)))
    server = (each for each in threads if any("live_server.py" in line for line in each))
    frames = next(chain(loop, server), threads[0] if len(threads) == 1 else [])
    kept = frames[:1] + [line for line in frames[1:] if _is_own(line)]
    return "\n".join(reversed(kept[:SHOWN_FRAMES]))


def _frames(thread: str) -> list[str]:
    """Return the frames of a thread as faulthandler wrote them, the innermost first."""
    return [line for line in thread.splitlines() if line.startswith("  File")]


def _is_own(frame: str) -> bool:
    return is_own(frame.split('"')[1])
