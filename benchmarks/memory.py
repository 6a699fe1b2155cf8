"""What a process and all that it starts hold in memory, at most. Linux tells."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POLL_SECONDS = 0.1
"""Often enough: the kernel keeps a process's highest value, so only its last moments can be missed."""


@contextmanager
def peaks(pid: int) -> Iterator[dict[int, int]]:
    """Watch a process tree while the block runs. Yields the highest resident size of each process in bytes, by its id.

    The highest sizes need not have been reached at once, and shared pages count for each process: their sum is more
    than the tree ever took, never less.
    """
    found: dict[int, int] = {}
    over = threading.Event()

    def watch() -> None:
        last = False
        while not last:
            last = over.wait(POLL_SECONDS)
            for each in _tree(pid):
                with suppress(OSError):  # it has ended
                    if size := _highest(each):
                        found[each] = size  # not the larger: before a child's exec the size is its parent's

    watcher = threading.Thread(target=watch, name="memory", daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _tree(int(child))


def _highest(pid: int) -> int:
    """In bytes; 0 of a process that has ended and is still listed."""
    found = re.search(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
