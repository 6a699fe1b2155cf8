"""Look for what the tests of this process have left behind: processes, databases on a server, and files."""

import os
import select
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]

ENDING_SECONDS = 5
"""A process that has been ended may need this long."""

TOOLS_OWN = (
    *(".git", ".venv", ".pact_cache", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
    ".coverage",
)
"""How the names begin of what git, make, Python and the tools write into the repository."""


def files_in_repository() -> set[str]:
    found = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(TOOLS_OWN)]
        names = [name for name in (*files, *folders) if not name.startswith(TOOLS_OWN)]
        found |= {str((Path(folder) / name).relative_to(ROOT)) for name in names}
    return found


def temporary_files(folder: Path) -> list[str]:
    """Return what is in a folder for temporary files, but for what pytest and running.environment() keep there."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(("pytest-of-", "pact_cache")))


def processes(folder: Path) -> list[str]:
    """Return the command lines of other processes with the folder in their environment, such as in TMPDIR.

    The kernel's parents don't lead to all that a test has started: a process whose parent ends gets another.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while (found := _processes(os.fsencode(folder))) and (rest := deadline - time.monotonic()) > 0:
        with suppress(ProcessLookupError):
            ended = os.pidfd_open(next(iter(found)))
            select.select([ended], [], [], rest)
            os.close(ended)
    return list(found.values())


def _processes(mark: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    if not Path("/proc/self/environ").exists():  # only Linux shows the environment of a process
        return found
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):  # it has just ended, or belongs to another user
            if mark in (entry / "environ").read_bytes():
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(entry.name)] = command[:200]
    return found


def databases(tokens: Collection[str]) -> list[str]:
    """Return the databases on the server whose names hold one of the tokens."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as server:
        names = [name for (name,) in server.execute("SELECT datname FROM pg_database").fetchall()]
    return [name for name in names if any(token in name for token in tokens)]
