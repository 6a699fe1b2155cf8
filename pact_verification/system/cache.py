"""The folder where a run keeps what the next one may want to know."""

from pathlib import Path

from pact_verification.conf import conf


def open_cache(*, make: bool = True) -> Path:
    """The cache directory, made where it is missing. Raises OSError.

    A directory of ours hides itself from git. One that exists already is the project's, and stays as it is.
    """
    folder = Path(conf.PACT_CACHE_DIR)
    if make and not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")
    return folder
