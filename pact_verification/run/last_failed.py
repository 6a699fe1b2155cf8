"""The interactions that failed when they last ran, kept between runs for --last-failed."""

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
    """Return the keys of the interactions that failed when they last ran; None before the first run."""
    known = _read(provider)
    return None if known is None else frozenset(known)


def remember_failed(results: Iterable[PactResult], provider: str, *, complete_pacts: bool) -> tuple[str, ...]:
    """Record the interactions that failed, pending or not.

    Interactions that did not run now keep their earlier state.

    Args:
        complete_pacts: no filter left out interactions. A recorded interaction that is not in its pact's results does
            not exist any more.

    Returns:
        Notes for the report on why the failures could not be recorded. They do not change the exit code.
    """
    known = dict(_read(provider) or {})
    results = list(results)
    ran = [(each, _origin(result)) for result in results for each in result.interactions]
    tried = {each.interaction.key for each, _ in ran if each.outcome is not Outcome.SKIPPED}
    skipped = {each.interaction.key for each, _ in ran} - tried
    origins = {_origin(result) for result in results}
    gone = {key for key, origin in known.items() if complete_pacts and origin in origins} - skipped
    failed = {key: origin for key, origin in known.items() if key not in tried | gone}
    failed |= {
        each.interaction.key: origin for each, origin in ran if each.outcome not in {Outcome.VERIFIED, Outcome.SKIPPED}
    }
    try:
        _write(provider, failed)
    except OSError as error:
        if failed:
            return (f"What failed could not be kept for --last-failed: {error}. PACT_CACHE_DIR names another folder.",)
    return ()


def _origin(result: PactResult) -> str:
    """Return the pact's file, or its consumer if the pact is a broker's. The versions of a broker's pact change."""
    return f"broker: {result.pact.consumer}" if result.pact.at_broker else result.pact.source


def _file(provider: str) -> Path:
    return Path(conf.PACT_CACHE_DIR) / f"last-failed-{sha256(provider.encode()).hexdigest()[:10]}.json"


def _read(provider: str) -> dict[str, str] | None:
    with suppress(OSError, ValueError):
        content = json.loads(_file(provider).read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return {key: str(origin) for key, origin in content.items()}
    return None


def _write(provider: str, failed: dict[str, str]) -> None:
    """Replace the file in one step, since another run may be reading it."""
    open_cache()
    file = _file(provider)
    new = file.with_suffix(f".{os.getpid()}")
    try:
        new.write_text(json.dumps(failed, indent=1), encoding="utf-8")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
