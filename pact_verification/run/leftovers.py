"""What runs leave behind when all their processes are killed: noted before it is made, dropped by the next run."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, Any

from pact_verification.provider.databases import drop_left, names_of, undisturbed_at_the_end
from pact_verification.system.cache import open_cache
from pact_verification.system.interruption import held_back

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no lock that ends with its process and leaves the file readable
    fcntl = None


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder of a run's own, in the system's for temporary files; it is gone with the block.

    A TemporaryDirectory would also be removed by the exit handlers of a process that was forked within the block.
    """
    with undisturbed_at_the_end() as cleanup:
        with held_back():
            folder = Path(mkdtemp(prefix="verify_pacts"))
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextmanager
def noted(tokens: Sequence[str], folder: Path) -> Iterator[None]:
    """Keep a note of a run's databases and folder, for as long as the block takes.

    The file is locked by this process alone: the lock ends with it, however it ends.

    Args:
        tokens: part of the databases' names.
        folder: the run's own.
    """
    try:
        file = (open_cache() / f"run-{tokens[0]}.json").open("x", encoding="utf-8")
    except OSError:  # a run without a cache directory leaves no note
        yield
        return
    with file:
        _lock(file)
        os.set_inheritable(file.fileno(), False)
        json.dump({"tokens": list(tokens), "folder": str(folder)}, file)
        file.flush()
        try:
            yield
        finally:
            Path(file.name).unlink(missing_ok=True)


def clear_left() -> tuple[str, ...]:
    """Drop what earlier runs have left. Returns notes for the report."""
    if fcntl is None:
        return ()
    notes: list[str] = []
    for path in sorted(open_cache(make=False).glob("run-*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError), path.open("r+", encoding="utf-8") as file:
            if _lock(file, wait=False):
                notes += _clear(path, json.load(file))
    return tuple(notes)


def _clear(path: Path, left: dict[str, Any]) -> Iterator[str]:
    dropped, problems = [], []
    for token in map(str, left["tokens"]):
        gone, kept = drop_left(names_of(token))
        dropped += gone
        problems += kept
    shutil.rmtree(left["folder"], ignore_errors=True)
    if not problems:
        path.unlink(missing_ok=True)
    if dropped:
        yield f"An earlier run was killed. The test databases that it left were dropped: {', '.join(dropped)}."
    yield from (f"An earlier run was killed. {problem}" for problem in problems)


def _lock(file: IO[str], *, wait: bool = True) -> bool:
    """Lock a file, until it is closed. Returns False where another process holds the lock."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
