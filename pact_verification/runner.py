"""The use case: verify(options) -> Report."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from pact_verification.databases import new_token
from pact_verification.engine import Engine
from pact_verification.errors import CannotVerify
from pact_verification.last_failed import remember
from pact_verification.leftovers import clear_left, noted
from pact_verification.masking import without_credentials
from pact_verification.options import Options
from pact_verification.pacts import Pact, in_parts
from pact_verification.results import PactResult, Progress, Report, whole
from pact_verification.serving import Provider
from pact_verification.session import Session, running_session
from pact_verification.sources import Selection

PART = 100
"""Interactions in a job. The core copies the pact for each of them: in one of 1 000, each takes twice as long (F22)."""

SMALL_PART = 10
"""A job has a cost of its own, about that of two interactions."""


def verify(
    options: Options,
    engine: Engine,
    provider: Provider,
    directory: Path,
    *,
    progress: Progress = lambda *_: None,
    announce: Callable[[Selection, str], None] = lambda *_: None,
) -> Report:
    """Verify the selected pacts against the project, and report.

    Args:
        engine: of no use where several processes share the work: each has one of its own.
        provider: the project, in this process or in another.
        directory: of the run's own, for the pacts that the core reads.
        progress: hears how far the run is.
        announce: hears what was selected, and of the server if one that already runs is verified, before anything runs.

    Raises:
        CannotVerify: it can't run: options, an unreadable pact, states without a handler, no database, no broker.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    options.require_provider_name()
    how = options.how
    server = provider.reach(how) if how.provider_url else ""
    found = options.source.select(options.provider_name, options.consumers, options.chosen)
    selection = options.shard.take(found) if options.shard else found
    announce(selection, server)
    try:
        notes = provider.require_handlers(selection.pacts)
    except CannotVerify as error:
        if options.publisher:
            raise CannotVerify(f"{error}\n\nNothing was published, so the consumers' can-i-deploy waits.") from error
        raise
    results: Sequence[PactResult] = [PactResult(pact, ()) for pact in selection.pacts]
    if selection.interactions:
        size = 1 if options.exit_first else _part(selection.interactions, options.parallel)
        parts = [list(in_parts(pact, size, directory)) for pact in selection.pacts]
        session = partial(running_session, engine, how, provider, progress, selection.interactions)
        every = [each for of_pact in parts for each in of_pact]
        workers = min(options.parallel, len(every))
        tokens = [provider.token] if options.parallel == 1 else [new_token() for _ in range(workers)]
        notes += clear_left()
        with noted(tokens, directory):
            ran = iter(_run(options, every, session, progress, tokens=tokens, directory=directory))
        results = [whole(pact, list(islice(ran, len(mine)))) for pact, mine in zip(selection.pacts, parts, strict=True)]
        keys = Counter(each.interaction.key for result in results for each in result.interactions)
        results = [_with_command(result, options, keys) for result in results]
        notes += remember(results, options.provider_name, whole=not options.chosen)
    coverage = None
    if options.coverage:
        try:
            coverage = provider.cover(results)
        except CannotVerify as error:  # no verdict depends on it
            notes += (f"Which URLs consumers depend on can't be told: {error}",)
    provable = [result for result in results if result.interactions]
    publication = None
    if options.publisher and provable:
        progress(selection.interactions, selection.interactions, "publishing the results")
        publication = options.publisher.publish(provable)
        empty = [result.pact.name for result in results if not result.interactions]
        notes += tuple(f"{name} holds no interactions, so no result is published for it." for name in empty)
    report = Report(
        options.provider_name,
        tuple(results),
        (*filter(None, [server]), *selection.left_out, *options.notes, *notes),
        selection.nothing_for,
        time.monotonic() - started,
        nothing_is_fine=_why_nothing_is_fine(options, found, selection),
        publication=publication,
        unpublished=options.unpublished,
        started=now,
        coverage=coverage,
        nothing_because=options.nothing_because,
    )
    return without_credentials(report)


def _why_nothing_is_fine(options: Options, found: Selection, selection: Selection) -> str:
    if options.allow_no_pacts:
        return "--allow-no-pacts says that this is fine"
    all_elsewhere = found.pacts and not selection.pacts and not found.nothing_for
    return "all selected pacts are in other shares" if all_elsewhere else ""


def _run(
    options: Options,
    parts: Sequence[Pact],
    session: Callable[[], AbstractContextManager[Session]],
    progress: Progress,
    *,
    tokens: Sequence[str],
    directory: Path,
) -> list[PactResult]:
    if options.parallel > 1:
        from pact_verification.workers import running_workers  # here, since few runs need it

        total = sum(len(part.interactions) for part in parts)
        with running_workers(tokens, options.how, directory, progress, total) as workers:
            return workers.verify(parts)
    with session() as alone:
        return [alone.verify(part) for part in parts]


def _part(total: int, parallel: int) -> int:
    """With several workers, small enough for each to have some, and for none to be the last by far."""
    if parallel == 1:
        return PART
    return max(SMALL_PART, min(PART, total // (4 * parallel)))


def _with_command(result: PactResult, options: Options, keys: Mapping[str, int]) -> PactResult:
    """Tell each interaction's result how to run it alone.

    Args:
        keys: how many interactions of the run have each key.
    """
    interactions = [
        replace(each, rerun=options.rerun(result.pact, each.interaction, unique=keys[each.interaction.key] == 1))
        for each in result.interactions
    ]
    return replace(result, interactions=tuple(interactions))
