"""The standard streams of a process: none shows credentials, and none has commands for GitHub's runner but ours."""

import os
import sys
from contextlib import suppress
from typing import Any

from pact_verification.credentials import harmless


def guard_streams() -> None:
    """Make all that this process prints pass `harmless`: reports, errors, and also the project's own log.

    The method is replaced and not the stream, since handlers of the project's log hold the stream already.
    """
    for descriptor in (0, 1, 2):  # else the next file that is opened gets the number of a stream that is closed
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not hasattr(stream, "write_commands"):
            _guard(stream)


def _guard(stream: Any) -> None:
    write = stream.write

    def guarded(text: str) -> int:
        try:
            write(harmless(text))
        except OSError:
            if stream is not sys.stderr:
                raise
            discard(2)  # where errors can't be written, the exit code is all that is left
        return len(text)

    with suppress(AttributeError):  # a stream of another kind, which is no log of CI's
        stream.write_commands = write
        stream.write = guarded


def write_commands(stream: Any, text: str) -> None:
    """Write commands that GitHub's runner has to obey."""
    getattr(stream, "write_commands", stream.write)(text)


def discard(descriptor: int) -> None:
    """Lead a stream to the null device, so that what is still to be flushed raises no error."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
