"""The terminal's mode, which a process that is ended while it reads a line leaves changed."""

import sys
from contextlib import suppress
from typing import Any

TerminalMode = list[Any]


def terminal_mode() -> TerminalMode | None:
    """Return the mode of the terminal on standard input; None without one."""
    if sys.platform != "win32":
        import termios  # here, since Windows has no such module

        with suppress(termios.error, OSError):
            return termios.tcgetattr(0)
    return None


def restore_terminal(mode: TerminalMode | None) -> None:
    """Put a mode of the terminal back. Does nothing without one."""
    if sys.platform != "win32" and mode is not None:
        import termios  # here, since Windows has no such module

        with suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSADRAIN, mode)
