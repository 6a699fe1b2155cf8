"""The loop of --watch: a run in a process of its own after each change of the project or the pacts."""

import glob
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

from django.utils.autoreload import get_child_arguments

from pact_verification.errors import Terminated
from pact_verification.provider.databases.copying import why_not_copyable
from pact_verification.run.watched_files import Look, WatchedFiles, changes
from pact_verification.system.interruption import noted_signals
from pact_verification.text import counted, relative

POLL_SECONDS = 0.1

IDLE_FACTOR = 9
"""How many times the processor's time for a look at the files the pause after it lasts, in a large project."""

SETTLE_SECONDS = 0.03
"""How long the files have to stay as they are. An editor may write one in several steps."""

SETTLE_LOOKS = 20

SIGNALLED_SECONDS = 1
"""How long a run may take to end by itself after a signal. A terminal sends Ctrl-C to the run too."""


def run_again() -> list[str]:
    """Return the command line of one run, made from that of this process."""
    program = [str(each) for each in get_child_arguments()]
    command, *options = sys.argv[1:]
    own = ["--failed-first", "--no-publish", *(() if why_not_copyable() else ["--keepdb"])]
    return [*program[: 1 - len(sys.argv)], command, *own, *(each for each in options if each != "--watch")]


def watch(arguments: Sequence[str], files: WatchedFiles, show: Callable[[str], None]) -> int:
    """Start a run, and another one after each change, until a signal comes.

    Args:
        arguments: the command line of one run.
        show: prints a line.

    Returns:
        The exit code of the run that the signal has interrupted.

    Raises:
        Terminated: the signal came while there was no run.
    """
    with noted_signals() as signals:
        seen = files.look()
        while True:
            code = _run(arguments, signals)
            if signals and code in {128 + signals[0], 128 + signal.SIGTERM}:
                return 128 + signals[0]
            if not signals:
                show(f"\nWaiting for a change of {counted(len(seen), 'file')}. Ctrl-C ends this.")
            later = _changed(files, seen, signals)
            if signals:
                raise Terminated(signals[0])
            changed, seen = changes(seen, later), later
            _forget_bytecode(changed)
            # What --create-db has made again stays for the next run.
            arguments = [each for each in arguments if each != "--create-db"]
            show(f"{_named(changed)}. Verifying again.")


def _run(arguments: Sequence[str], signals: Sequence[int]) -> int:
    """Run a command to its end, and return its exit code."""
    with subprocess.Popen(arguments) as run:  # noqa: S603  # the command line of this process
        while not signals:
            with suppress(subprocess.TimeoutExpired):
                return run.wait(POLL_SECONDS)
        with suppress(subprocess.TimeoutExpired):
            return run.wait(SIGNALLED_SECONDS)
        run.terminate()
        return run.wait()


def _changed(files: WatchedFiles, seen: Look, signals: Sequence[int]) -> Look:
    """Wait for a change or a signal, and return the files as they are then."""
    now = seen
    while not signals:
        before = time.process_time()
        now = files.look()
        if now != seen and (now := _settled(files, now)) != seen:
            break
        until = time.monotonic() + max(POLL_SECONDS, IDLE_FACTOR * (time.process_time() - before))
        while not signals and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))
    return now


def _settled(files: WatchedFiles, now: Look) -> Look:
    """Return the files once they stay as they are."""
    for _ in range(SETTLE_LOOKS):
        time.sleep(SETTLE_SECONDS)
        before, now = now, files.look()
        if now == before:
            break
    return now


def _forget_bytecode(changed: Iterable[str]) -> None:
    """Remove the bytecode of changed files.

    Python compares times in seconds. It would take a file for unchanged that was changed twice in one second.
    """
    for path in map(Path, changed):
        if path.suffix == ".py":
            folder = Path(cache_from_source(path)).parent
            for bytecode in folder.glob(f"{glob.escape(path.stem)}.*.pyc"):
                with suppress(OSError):  # a folder that can't be written has none of this second
                    bytecode.unlink()


def _named(changed: Sequence[str]) -> str:
    """Return which files changed, in a sentence."""
    others = f" and {counted(len(changed) - 1, 'other file')}" if len(changed) > 1 else ""
    return f"{relative(changed[0])}{others} changed"
