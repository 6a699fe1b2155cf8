"""Guards the standard streams: all that a process prints passes one filter."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Clean = Callable[[str], str]
"""Takes from a text what must not be printed."""


def guard_streams(clean: Clean) -> None:
    """Make everything that this process prints pass a filter, even the project's log.

    It replaces the method and not the stream, since the project's log handlers already hold the stream.
    """
    for descriptor in (0, 1, 2):  # else the next file gets the number of a closed stream
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not hasattr(stream, "write_commands"):
            _guard(stream, clean)


def _guard(stream: Any, clean: Clean) -> None:
    write = stream.write

    def guarded(text: str) -> int:
        try:
            write(clean(text))
        except OSError:
            if stream is not sys.stderr:
                raise
            discard(2)  # only the exit code is left to tell of errors
        return len(text)

    with suppress(AttributeError):  # a stream of another kind is not CI's log
        stream.write_commands = write
        stream.write = guarded


def write_commands(stream: Any, text: str) -> None:
    """Write commands for GitHub's runner."""
    getattr(stream, "write_commands", stream.write)(text)


def discard(descriptor: int) -> None:
    """Redirect a stream to the null device, so that flushing it raises no error."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
