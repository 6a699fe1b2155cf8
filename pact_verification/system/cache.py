"""The folder in which a run keeps data for the next run."""

from pathlib import Path

from pact_verification.conf import conf


def open_cache(*, make: bool = True) -> Path:
    """Return the cache directory. Raises OSError.

    Args:
        make: whether to create a missing directory, with a .gitignore. One that exists stays as it is.
    """
    folder = Path(conf.PACT_CACHE_DIR)
    if make and not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")
    return folder
