"""File locks that die with their process."""

from typing import IO, Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no lock that ends with its process and lets others read the file
    fcntl = None

has_locks = fcntl is not None
"""Whether this system has such locks."""


def lock_file(file: IO[str], *, wait: bool = True) -> bool:
    """Lock a file until it is closed. Returns False if another process holds the lock."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
