"""The provider's process: it runs the project and answers the calls of the witness."""

import atexit
import faulthandler
import os
import signal
import sys
import threading
from contextlib import ExitStack, suppress
from mmap import mmap
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import django
from django.core.management.base import BaseCommand, SystemCheckError

from pact_verification.errors import CannotVerify, Terminated
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.provider.board import SIZE, Board
from pact_verification.provider.serving import DatabasesMade, VerificationOptions
from pact_verification.results.coverage import Coverage
from pact_verification.results.crash import project_traceback
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, PactResult
from pact_verification.system.credentials import harmless
from pact_verification.system.interruption import SIGNALS, hear, raise_again_what_is_lost
from pact_verification.system.streams import guard_streams

if TYPE_CHECKING:
    from pact_verification.provider.here import ProviderHere
    from pact_verification.provider.live_server import LiveServer

IN_ORDER = 86
"""The exit code of a process that has closed everything. It is not 0, since the project may exit with 0 at any time."""

ENDING = [number for number in SIGNALS if number != signal.SIGINT]

ProviderMessage = tuple[str, Any]
"""A message of the process, with its kind first.

* "exchange": the number of an interaction and its exchange.
* "failed": why the live server has ended.
* "held": whether the run is held from now on.
* "doing": what the call that is being answered does, while it makes the test databases.
* "done": the value that a call returned.
* "refused": why a call could not be answered.
"""


def board_memory(folder: Path) -> mmap:
    """Return memory that both processes share: a mapped file in the folder."""
    path = folder / "board"
    if not path.exists():
        path.write_bytes(bytes(SIZE))
    with path.open("r+b") as file:
        return mmap(file.fileno(), SIZE)


def run_provider(
    connection: "Connection[ProviderMessage, Any]",
    other: "Connection[Any, ProviderMessage]",
    memory: mmap | None,
    folder: Path,
    token: str,
) -> None:
    """Answer the calls of the witness until it has no more. The provider's process starts here."""
    with suppress(OSError):
        other.close()  # an open copy here would keep the pipe open after the witness has ended
    with suppress(OSError):
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # breakpoint() reads it, and multiprocessing has closed it
    for number in SIGNALS:
        # The whole process group gets Ctrl-C, and the witness acts on it.
        signal.signal(number, lambda number, frame: None)
    hear()
    raise_again_what_is_lost()
    _without_core_files()
    guard_streams(harmless)
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
        atexit._run_exitfuncs()  # the project's exit handlers, which multiprocessing would skip
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)  # os._exit() waits for no thread that the project has started


def _without_core_files() -> None:
    """Keep SIGABRT from leaving a core file."""
    if sys.platform == "win32":
        return
    import resource  # here, since Windows has no such module

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class WitnessedProvider:
    """The project, as the witness calls it. A call names one of the public methods.

    Args:
        board: the live server writes on it which code runs.
        folder: the folder of the run.
        token: the names of the test databases contain it.

    Attributes:
        provider: the project in this process, from `load` on.
        server: the live server, from `open` on.
        working: whether a call is being answered.
    """

    provider: "ProviderHere"
    server: "LiveServer"

    def __init__(self, connection: "Connection[ProviderMessage, Any]", board: Board, folder: Path, token: str) -> None:
        django.setup()
        self.connection = connection
        self.board = board
        self.folder = folder
        self.token = token
        self.sending = threading.Lock()
        self.provider_block = ExitStack()
        self.server_block = ExitStack()
        self.process_block = ExitStack()
        self.working = False

    def serve(self) -> None:
        """Answer calls until the witness has no more."""
        with self.provider_block, self.server_block:
            loaded = self._answer("load")  # before the call for it, while the witness still imports modules
            while call := self.connection.recv():
                name, arguments = call
                self._send(*(loaded if name == "load" else self._answer(name, *arguments)))

    def terminate(self, number: int, frame: FrameType | None) -> None:
        """Raise Terminated in the call that is being answered.

        Between two calls the witness ends this process through the pipe. Python may drop an exception that is raised
        while it waits for the pipe.
        """
        if self.working:
            signal.signal(number, signal.SIG_IGN)  # a second signal would stop the cleanup
            raise Terminated(number)

    def load(self) -> tuple[str, ...]:
        """See Provider."""
        # Imported here, since the witness does not need them.
        from pact_verification.provider.here import provider_here
        from pact_verification.provider.outbound import refusing_connections

        self.provider = self.provider_block.enter_context(
            provider_here(
                BaseCommand().check,
                folder=self.folder,
                token=self.token,
                board=self.board,
                seen=self._send_exchange,
                failed=self._fail,
                held=self._announce_held,
            )
        )
        # Until the process ends: libraries send what is left in handlers of atexit.
        self.process_block.enter_context(refusing_connections())
        return self.provider.load()

    def reach(self, options: VerificationOptions) -> str:
        """See Provider."""
        return self.provider.reach(options)

    def require_handlers(self, pacts: tuple[Pact, ...]) -> tuple[str, ...]:
        """See Provider."""
        return self.provider.require_handlers(pacts)

    def open(self, options: VerificationOptions) -> tuple[int, str, DatabasesMade]:
        """Make the test databases and the live server. Returns its port and secret, and what the databases took."""
        self.server = self.server_block.enter_context(self.provider.serving(options, self._tell))
        return self.server.address.port, self.server.address.secret, self.server.databases

    def expect(self, interactions: tuple[Interaction, ...], state_path: str) -> None:
        """See Served. The witness chooses the path of the state endpoint."""
        self.server.expect(interactions, state_path)

    def settle(self) -> None:
        """See Served. The answer comes after the exchanges that were sent before."""

    def keep_open(self, how: str, result: InteractionResult) -> None:
        """See Served."""
        self.server.keep_open(how, result)

    def finish(self, wait: float) -> bool:
        """See Served."""
        return self.server.finish(wait)

    def close(self) -> None:
        """Stop the live server, and drop the test databases."""
        self.server_block.close()

    def cover(self, results: tuple[PactResult, ...]) -> Coverage:
        """See Provider."""
        return self.provider.cover(results)

    def _answer(self, name: str, *arguments: Any) -> ProviderMessage:
        self.working = True
        try:
            return "done", getattr(self, name)(*arguments)
        except (CannotVerify, SystemCheckError) as error:
            return "refused", str(error)
        except (Terminated, EOFError):
            raise
        except BaseException as error:  # noqa: BLE001  # the project may raise anything, also SystemExit
            return "refused", f"{project_traceback(error)}The run could not go on: {type(error).__name__}: {error}"
        finally:
            self.working = False

    def _tell(self, doing: str) -> None:
        with suppress(OSError):  # the witness has ended, and `serve` ends for the same reason
            self._send("doing", doing)

    def _send_exchange(self, number: int, exchange: Exchange) -> None:
        with suppress(OSError):  # the witness has ended, and `serve` ends for the same reason
            self._send("exchange", (number, exchange))

    def _announce_held(self, held: bool) -> None:
        with suppress(OSError):  # the witness has ended, and `serve` ends for the same reason
            self._send("held", held)
            if held:
                self.board.wait_until_seen()

    def _fail(self, reason: str) -> None:
        """End the process, since its live server has ended. The verifier would wait for a response."""
        with suppress(OSError):
            self._send("failed", reason)
        os._exit(1)

    def _send(self, kind: str, value: Any) -> None:
        with self.sending:
            self.connection.send((kind, value))
