"""The files in the cache directory that keep what databases held before a run."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.system.cache import open_cache

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no lock that ends with its process and leaves the file readable
    fcntl = None

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def place_of(connection: BaseDatabaseWrapper) -> str:
    """Return a text that is the same for all connections to one database."""
    config = connection.settings_dict
    name = os.path.realpath(config["NAME"]) if connection.vendor == "sqlite" else config["NAME"]
    return json.dumps([connection.vendor, *(str(each) for each in (config["HOST"], config["PORT"], name))])


def path_for(connection: BaseDatabaseWrapper, *, make: bool) -> Path:
    """Return the path of a database's file.

    One file for each database keeps two runs from using one database.

    Args:
        make: make the cache directory if it is missing.
    """
    digest = hashlib.sha256(place_of(connection).encode()).hexdigest()[:16]
    return open_cache(make=make) / f"snapshot-{digest}.json"


@contextmanager
def locked_file(connection: BaseDatabaseWrapper) -> Iterator[IO[str]]:
    """Open and lock the file of a database until the block ends.

    A file that is empty then is removed.

    Raises:
        CannotVerify: another run has locked it, or it can't be written.
    """
    name = connection.settings_dict["NAME"]
    try:
        file = _open(path := path_for(connection, make=True))
    except BlockingIOError as error:
        raise CannotVerify(f"Another run with --provider-url uses the database {name}. Wait for its end.") from error
    except OSError as error:
        raise CannotVerify(
            f"--provider-url keeps what the database {name} holds in the cache directory, which can't be written: "
            f"{error}. PACT_CACHE_DIR names another."
        ) from error
    with file:
        try:
            yield file
        finally:
            file.flush()
            if not os.fstat(file.fileno()).st_size:
                if sys.platform == "win32":  # where no file can be removed while it is open
                    file.close()
                path.unlink(missing_ok=True)


def _open(path: Path) -> IO[str]:
    """Open and lock a file that only this user may read.

    Raises BlockingIOError if another process has locked it.
    """
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o600), "r+", encoding="utf-8")
        try:
            if fcntl is None:
                return file
            # A process that the project has forked would share a lock of flock(), and keep it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        except PermissionError as error:  # POSIX allows it in place of BlockingIOError
            file.close()
            raise BlockingIOError from error
        except BaseException:
            file.close()
            raise
        file.close()  # the run that had locked it has removed it in the meantime


def empty(file: IO[str]) -> None:
    """Remove all that a file holds."""
    file.seek(0)
    file.truncate()
