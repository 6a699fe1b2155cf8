"""Holding a run while a person looks: no time limit counts, and the progress line is out of the way."""

import bdb
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from pact_verification.provider.board import Board
from pact_verification.system import clock

Announce = Callable[[bool], None]
"""Takes whether the run is held from now on. Returns when the progress line is out of the way."""


class Hold:
    """Marks on the board that the run is held: by a debugger of the project's code, or by --pdb and --hold.

    A debugger also stops this process's clock, so the time of a state or a request leaves out the person's.

    Args:
        board: the witness reads the mark there.
        announce: hears when the mark changes.
    """

    def __init__(self, board: Board, announce: Announce) -> None:
        self.board = board
        self.announce = announce
        self._is_open = False
        self._is_debugged = False
        self._debugger: bdb.Bdb | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the run until the block ends."""
        self._is_open = True
        self._mark()
        try:
            yield
        finally:
            self._is_open = False
            self._mark()

    @contextmanager
    def at_breakpoints(self) -> Iterator[None]:
        """Hold the run at each breakpoint() and pdb.set_trace() until the debugger goes on.

        It asks for a terminal each time: without one the debugger would wait for an input that never comes.
        """
        with ExitStack() as cleanup:
            for name in ("set_trace", "set_continue", "set_quit"):
                method = _method(getattr(self, f"_{name}"), getattr(bdb.Bdb, name))
                cleanup.enter_context(patch.object(bdb.Bdb, name, method))
            cleanup.enter_context(_hearing_breakpoints(self._begin))
            yield

    def end_phase(self) -> None:
        """Go on, since the state or the request of the breakpoint is over. The debugger's own breakpoints stay."""
        if not self._is_debugged:
            return
        if self._debugger:
            self._debugger.set_continue()
        else:
            self._end()

    def _begin(self) -> None:
        if not self._is_debugged and _has_terminal():
            self._is_debugged = True
            self._mark()
            clock.stop()

    def _end(self) -> None:
        if self._is_debugged:
            self._is_debugged = False
            self._debugger = None
            clock.go_on()
            self._mark()

    def _mark(self) -> None:
        held = self._is_open or self._is_debugged
        if held != self.board.held:
            self.board.held = held
            self.announce(held)

    def _set_trace(self, original: Callable[..., None], debugger: Any, frame: Any = None) -> None:
        self._begin()
        self._debugger = debugger if self._is_debugged else None
        # pytest's debugger keeps its own Ctrl-D.
        if self._is_debugged and hasattr(debugger, "do_continue") and sys.breakpointhook is sys.__breakpointhook__:

            def go_on(argument: str) -> Any:
                debugger.message("")
                return debugger.do_continue(argument)

            debugger.do_EOF = go_on
        original(debugger, frame or sys._getframe(2))  # the caller's, behind the method

    def _set_continue(self, original: Callable[..., None], debugger: bdb.Bdb) -> None:
        original(debugger)
        if not debugger.breaks:
            self._end()

    def _set_quit(self, original: Callable[..., None], debugger: bdb.Bdb) -> None:
        original(debugger)
        self._end()


def _method(function: Callable[..., None], original: Callable[..., None]) -> Callable[..., None]:
    return lambda debugger, *arguments, **named: function(original, debugger, *arguments, **named)


def _has_terminal() -> bool:
    """Return whether standard input is a terminal. pytest replaces it, except while its own debugger waits."""
    try:
        return os.isatty(0)
    except OSError:
        return False


_heard: Callable[[], None] | None = None
_hears = False


@contextmanager
def _hearing_breakpoints(begin: Callable[[], None]) -> Iterator[None]:
    """Call a function at each breakpoint() in the block, whatever PYTHONBREAKPOINT names.

    A hook of ours would be a frame between the project's and the debugger, which would stop there.
    """
    global _heard, _hears  # noqa: PLW0603  # an audit hook can't be removed, so a process gets one
    if not _hears:
        _hears = True
        sys.addaudithook(_hook)
    before, _heard = _heard, begin
    try:
        yield
    finally:
        _heard = before


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "builtins.breakpoint" and _heard and os.environ.get("PYTHONBREAKPOINT") != "0":
        _heard()
