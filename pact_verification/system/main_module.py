"""The script that started this process, which a spawned process imports again."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch


@contextmanager
def imported_if_guarded() -> Iterator[None]:
    """Let processes that start in the block import the script only if it is written for that.

    multiprocessing imports it under another name. A manage.py that does not ask for `__name__` would run the command
    again there, and the process would never start.
    """
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None and not _asks_for_its_name(getattr(main, "__file__", None)):
        with patch.object(main, "__file__", None, create=True):
            yield
    else:
        yield


def _asks_for_its_name(script: str | None) -> bool:
    if script is not None:
        with suppress(OSError):
            return b"__main__" in Path(script).read_bytes()
    return True
