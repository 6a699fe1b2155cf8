"""The provider's process: it runs the project, and answers the calls of its witness."""

import atexit
import faulthandler
import os
import signal
import sys
import threading
import traceback
from contextlib import ExitStack, suppress
from mmap import mmap
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import django
from django.core.management.base import BaseCommand, SystemCheckError

from pact_verification.errors import CannotVerify, Terminated
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.provider.board import SIZE, Board
from pact_verification.provider.serving import VerificationOptions
from pact_verification.results.coverage import Coverage
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import PactResult
from pact_verification.system.interruption import SIGNALS, hear, raise_again_what_is_lost
from pact_verification.system.streams import guard_streams

IN_ORDER = 86
"""The exit code of a process that has closed everything. The project may end it with 0 at any moment."""

ENDING = [number for number in SIGNALS if number != signal.SIGINT]

Message = tuple[str, Any]
"""What the process says: "seen" with an interaction's number and exchange, "failed" with what has ended its server, or
how a call ended and its value."""


def board_memory(folder: Path) -> mmap:
    """Map a file of the run as memory that both processes share."""
    path = folder / "board"
    if not path.exists():
        path.write_bytes(bytes(SIZE))
    with path.open("r+b") as file:
        return mmap(file.fileno(), SIZE)


def run_provider(
    connection: "Connection[Message, Any]",
    other: "Connection[Any, Message]",
    memory: mmap | None,
    folder: Path,
    token: str,
) -> None:
    """Answer the witness's calls, one after the other, until it has no more. The target of the provider's process."""
    with suppress(OSError):
        other.close()  # an open end would keep this process from noticing that the witness has ended
    with suppress(OSError):
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # multiprocessing has closed it, and breakpoint() reads it
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: None)  # the whole group gets them; the witness acts on them
    hear()
    raise_again_what_is_lost()
    _without_core_files()
    guard_streams()
    with (folder / "crash").open("w") as crash:
        faulthandler.enable(crash)
        code = 1
        with suppress(Terminated, EOFError, OSError):  # the witness has ended, or the project has closed the pipe
            try:
                provider = WitnessedProvider(connection, Board(memory or board_memory(folder)), folder, token)
                for number in ENDING:
                    signal.signal(number, provider.terminate)
                provider.serve()
                code = IN_ORDER
            finally:
                for number in ENDING:
                    signal.signal(number, signal.SIG_IGN)  # the process is ending already
        atexit._run_exitfuncs()  # the project's own: multiprocessing would leave them out
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)  # a thread that the project has left must not keep the process


def _without_core_files() -> None:
    """Keep SIGABRT from leaving a core file."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # here, since Windows has no such module

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class WitnessedProvider:
    """The project, as its witness calls it: by the names of these methods.

    Args:
        board: where the live server writes what it is doing.
        folder: the run's own.
        token: part of the names of the test databases.
    """

    def __init__(self, connection: "Connection[Message, Any]", board: Board, folder: Path, token: str) -> None:
        django.setup()
        self.connection = connection
        self.board = board
        self.folder = folder
        self.token = token
        self.sending = threading.Lock()
        self.stores = ExitStack()
        self.opened = ExitStack()
        self.working = False

    def serve(self) -> None:
        """Answer calls until the witness has no more."""
        with self.stores, self.opened:
            loaded = self._try("load")  # at once, since the witness has modules to import meanwhile
            while asked := self.connection.recv():
                name, arguments = asked
                self._say(*(loaded if name == "load" else self._try(name, *arguments)))

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """End a call of the project on a signal.

        Between two calls the witness ends this process through the pipe. An exception that is raised while Python waits
        may be lost in one of its callbacks.
        """
        if self.working:
            signal.signal(number, signal.SIG_IGN)  # a second one would stop the cleanup
            raise Terminated(number)

    def load(self) -> None:
        from pact_verification.provider.here import provider_here  # here: the witness needs none of it

        self.provider = self.stores.enter_context(
            provider_here(
                BaseCommand().check,
                folder=self.folder,
                token=self.token,
                board=self.board,
                seen=self._seen,
                failed=self._failed,
            )
        )
        self.provider.load()

    def reach(self, options: VerificationOptions) -> str:
        return self.provider.reach(options)

    def require_handlers(self, pacts: tuple[Pact, ...]) -> tuple[str, ...]:
        return self.provider.require_handlers(pacts)

    def open(self, options: VerificationOptions) -> tuple[int, str]:
        self.server = self.opened.enter_context(self.provider.serving(options))
        return self.server.address.port, self.server.address.secret

    def expect(self, interactions: tuple[Interaction, ...], state_path: str) -> None:
        self.server.expect(interactions, state_path)

    def finish(self, wait: float) -> bool:
        return self.server.finish(wait)

    def close(self) -> None:
        self.opened.close()

    def cover(self, results: tuple[PactResult, ...]) -> Coverage:
        return self.provider.cover(results)

    def _try(self, name: str, *arguments: Any) -> Message:
        self.working = True
        try:
            return "done", getattr(self, name)(*arguments)
        except (CannotVerify, SystemCheckError) as error:
            return "refused", str(error)
        except (Terminated, EOFError):
            raise
        except BaseException as error:  # noqa: BLE001  # also SystemExit: whatever the project raises is told
            return "refused", f"{traceback.format_exc()}The run could not go on: {type(error).__name__}: {error}"
        finally:
            self.working = False

    def _seen(self, number: int, exchange: Exchange) -> None:
        with suppress(OSError):  # the other side has ended, which `serve` finds out
            self._say("seen", (number, exchange))

    def _failed(self, why: str) -> None:
        """End the process: without its server it is of no use, and the verifier would wait for an answer."""
        with suppress(OSError):
            self._say("failed", why)
        os._exit(1)

    def _say(self, kind: str, value: Any) -> None:
        with self.sending:
            self.connection.send((kind, value))
