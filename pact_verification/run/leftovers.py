"""Records of runs: each run writes one before it makes anything, and drops what killed runs have left."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from pact_verification.provider.caches.own import forget_keys
from pact_verification.provider.databases.aliases import names_of, with_databases
from pact_verification.provider.databases.dropping import drop_left
from pact_verification.system.cache import open_cache
from pact_verification.system.interruption import held_back, undisturbed_at_the_end
from pact_verification.system.locks import has_locks, lock_file


@contextmanager
def run_folder() -> Iterator[Path]:
    """Make a temporary folder for a run, and remove it after the block.

    A TemporaryDirectory is no choice. A process that is forked in the block would remove it in its exit handlers.
    """
    with undisturbed_at_the_end() as cleanup:
        with held_back():
            folder = Path(mkdtemp(prefix="verify_pacts"))
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextmanager
def recorded_run(tokens: Sequence[str], folder: Path) -> Iterator[None]:
    """Keep a record of a run's databases and folder during the block.

    This process locks the record's file. The system ends the lock with the process, however the process ends.

    Args:
        tokens: the names of the run's databases contain them.
        folder: the folder of the run.
    """
    if not has_locks:  # on Windows; without them no run can tell a record of a killed run
        yield
        return
    try:
        file = (open_cache() / f"run-{tokens[0]}.json").open("x", encoding="utf-8")
    except OSError:  # a run without a cache directory keeps no record
        yield
        return
    with file:
        lock_file(file)
        os.set_inheritable(file.fileno(), False)
        json.dump({"tokens": list(tokens), "folder": str(folder), "aliases": with_databases()}, file)
        file.flush()
        try:
            yield
        finally:
            Path(file.name).unlink(missing_ok=True)


def drop_leftovers() -> tuple[str, ...]:
    """Drop the databases and folders of killed runs. Returns notes for the report."""
    if not has_locks:
        return ()
    notes: list[str] = []
    for path in sorted(open_cache(make=False).glob("run-*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError), path.open("r+", encoding="utf-8") as file:
            if lock_file(file, wait=False):
                notes += _drop_recorded(path, json.load(file))
    return tuple(notes)


def _drop_recorded(path: Path, record: dict[str, Any]) -> Iterator[str]:
    """Drop what a record names, and yield notes for the report."""
    dropped, problems = [], []
    aliases = record.get("aliases", with_databases())
    for token in map(str, record["tokens"]):
        forget_keys(token)
        names, failures = drop_left({alias: name for alias, name in names_of(token).items() if alias in aliases})
        dropped += names
        problems += failures
    shutil.rmtree(record["folder"], ignore_errors=True)
    # A database of an alias that this run leaves alone is for a later run to drop.
    if not problems and set(aliases) <= {*with_databases()}:
        path.unlink(missing_ok=True)
    if dropped:
        yield f"An earlier run was killed. The test databases that it left were dropped: {', '.join(dropped)}."
    yield from (f"An earlier run was killed. {problem}" for problem in problems)
