"""What failed the last time, kept from run to run for --last-failed."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pact_verification.conf import conf
from pact_verification.results.report import Outcome, PactResult
from pact_verification.system.cache import open_cache


def last_failed(provider: str) -> frozenset[str] | None:
    """The keys of the interactions that failed when they ran last; None when there was no run."""
    known = _read(provider)
    return None if known is None else frozenset(known)


def remember(results: Iterable[PactResult], provider: str, *, whole: bool) -> tuple[str, ...]:
    """Keep what failed, pending or not, for the next time. What did not run now is known as it was.

    Args:
        whole: the pacts ran whole: what did not run of them doesn't exist any more.

    Returns:
        Notes: why it could not be kept. A run's verdict doesn't depend on it.
    """
    known = dict(_read(provider) or {})
    results = list(results)
    ran = [(each, _place(result)) for result in results for each in result.interactions]
    tried = {each.interaction.key for each, _ in ran if each.outcome is not Outcome.SKIPPED}
    skipped = {each.interaction.key for each, _ in ran} - tried
    gone = {key for key, place in known.items() if whole and place in {_place(result) for result in results}} - skipped
    failed = {key: place for key, place in known.items() if key not in tried | gone}
    failed |= {
        each.interaction.key: place for each, place in ran if each.outcome not in {Outcome.VERIFIED, Outcome.SKIPPED}
    }
    try:
        _write(provider, failed)
    except OSError as error:
        if failed:
            return (f"What failed could not be kept for --last-failed: {error}. PACT_CACHE_DIR names another folder.",)
    return ()


def _place(result: PactResult) -> str:
    """Where an interaction belongs: a file, or a consumer's pacts at a broker, whose versions come and go."""
    return f"broker: {result.pact.consumer}" if result.pact.at_broker else result.pact.source


def _file(provider: str) -> Path:
    return Path(conf.PACT_CACHE_DIR) / f"last-failed-{sha256(provider.encode()).hexdigest()[:10]}.json"


def _read(provider: str) -> dict[str, str] | None:
    with suppress(OSError, ValueError):
        content = json.loads(_file(provider).read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return {key: str(place) for key, place in content.items()}
    return None


def _write(provider: str, failed: dict[str, str]) -> None:
    """At once or not at all: another run may be reading."""
    open_cache()
    file = _file(provider)
    new = file.with_suffix(f".{os.getpid()}")
    try:
        new.write_text(json.dumps(failed, indent=1), encoding="utf-8")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
