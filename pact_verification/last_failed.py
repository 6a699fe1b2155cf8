"""What failed the last time, kept from run to run for --last-failed."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from pact_verification.conf import conf
from pact_verification.results import Outcome, PactResult

FILE = "last-failed.json"


def last_failed(provider: str) -> frozenset[str] | None:
    """The keys of the interactions that failed when they ran last; None when there was no run."""
    keys = _read().get(provider)
    return None if keys is None else frozenset(keys)


def remember(results: Iterable[PactResult], provider: str, *, whole: bool) -> tuple[str, ...]:
    """Keep what failed, pending or not, for the next time.

    Args:
        whole: nothing was filtered: what did not run doesn't exist any more.

    Returns:
        Notes: why it could not be kept. A run's verdict doesn't depend on it.
    """
    ran = {each.interaction.key: each.outcome for result in results for each in result.interactions}
    failed = {key for key, outcome in ran.items() if outcome not in {Outcome.VERIFIED, Outcome.SKIPPED}}
    skipped = {key for key, outcome in ran.items() if outcome is Outcome.SKIPPED}
    before = _read()
    known = set(before.get(provider) or ())
    failed |= known & skipped if whole else known - (ran.keys() - skipped)
    try:
        _write(json.dumps({**before, provider: sorted(failed)}))
    except OSError as error:
        if failed:
            return (f"What failed could not be kept for --last-failed: {error}. PACT_CACHE_DIR names another folder.",)
    return ()


def _write(content: str) -> None:
    """At once or not at all: another run may be reading."""
    directory = Path(conf.cache_directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ".gitignore").write_text("*\n")
    with NamedTemporaryFile("w", dir=directory, delete=False, encoding="utf-8") as file:
        file.write(content)
    Path(file.name).replace(directory / FILE)


def _read() -> dict[str, list[str]]:
    with suppress(OSError, ValueError):
        content = json.loads((Path(conf.cache_directory) / FILE).read_text())
        if isinstance(content, dict):
            return {
                provider: [str(key) for key in keys] for provider, keys in content.items() if isinstance(keys, list)
            }
    return {}
