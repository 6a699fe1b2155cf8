"""The use case: verify(options) -> Report."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pact_verification.core.engine import Engine
from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Pact, in_parts
from pact_verification.pacts.sources import Selection
from pact_verification.provider.databases import new_token
from pact_verification.provider.serving import Provider
from pact_verification.results.masking import mask, without_credentials
from pact_verification.results.report import PactResult, Progress, Report, merge_results, results_of_unverifiable
from pact_verification.run.last_failed import remember
from pact_verification.run.leftovers import clear_left, noted
from pact_verification.run.options import Options
from pact_verification.run.session import Session, running_session
from pact_verification.system import clock

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
    started, now = clock.seconds(), datetime.now(UTC)
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
    ran: Mapping[int, Sequence[PactResult]] = {}
    if selection.interactions:
        notes += clear_left()
        ran = _tried(options, selection, engine, provider, progress=progress, directory=directory)
    results = [
        merge_results(pact, ran.get(number, ()), mask(results_of_unverifiable(pact)))
        for number, pact in enumerate(selection.pacts)
    ]
    keys = Counter(each.interaction.key for result in results for each in result.interactions)
    results = [_with_command(result, options, keys) for result in results]
    if selection.interactions:
        notes += remember(results, options.provider_name, whole=not options.chosen)
    coverage = None
    if options.coverage:
        try:
            coverage = provider.cover(results)
        except CannotVerify as error:  # no verdict depends on it
            notes += (f"Which URLs consumers depend on can't be told: {error}",)
    provable = [result for result in results if _is_provable(result)]
    publication = None
    if options.publisher and provable:
        progress(selection.interactions, selection.interactions, "publishing the results")
        publication = options.publisher.publish(provable)
        notes += tuple(
            f"{result.pact.name} {'can not be read' if result.interactions else 'holds no interactions'}, so no result "
            "is published for it."
            for result in results
            if not _is_provable(result)
        )
    report = Report(
        options.provider_name,
        tuple(results),
        (*filter(None, [server]), *selection.left_out, *options.notes, *notes),
        selection.nothing_for,
        clock.seconds() - started,
        nothing_is_fine=_why_nothing_is_fine(options, found, selection),
        publication=publication,
        unpublished=options.unpublished,
        started=now,
        coverage=coverage,
        nothing_because=options.nothing_because,
    )
    return without_credentials(report)


def _tried(
    options: Options, selection: Selection, engine: Engine, provider: Provider, *, progress: Progress, directory: Path
) -> Mapping[int, Sequence[PactResult]]:
    """The results of the pacts' parts, by the pact's place in the selection."""
    size = 1 if options.exit_first else _part(selection.interactions, options.parallel)
    # Pending pacts come last: one that ends the run must not keep the others from their verdict.
    order = sorted(range(len(selection.pacts)), key=lambda number: _is_pending(selection.pacts[number]))
    parts = [(number, part) for number in order for part in in_parts(selection.pacts[number], size, directory)]
    session = partial(running_session, engine, options.how, provider, progress, selection.interactions)
    workers = min(options.parallel, len(parts))
    tokens = [provider.token] if options.parallel == 1 else [new_token() for _ in range(workers)]
    with noted(tokens, directory):
        every = [part for _, part in parts]
        results = _run(options, every, session, progress, tokens=tokens, directory=directory)
    ran: dict[int, list[PactResult]] = {}
    for (number, _), result in zip(parts, results, strict=True):
        ran.setdefault(number, []).append(result)
    return ran


def _why_nothing_is_fine(options: Options, found: Selection, selection: Selection) -> str | None:
    if options.allow_no_pacts:
        return "--allow-no-pacts says that this is fine"
    all_elsewhere = found.pacts and not selection.pacts and not found.nothing_for
    return "all selected pacts are in other shares" if all_elsewhere else None


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
        from pact_verification.run.workers import running_workers  # here, since few runs need it

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


def _is_provable(result: PactResult) -> bool:
    """Whether a pact has a result to publish: one may be so unreadable that it doesn't even tell where that belongs."""
    has_link = bool(result.pact.at_broker and result.pact.at_broker.results_url)
    return bool(result.interactions) and (has_link or not result.pact.is_unreadable)


def _is_pending(pact: Pact) -> bool:
    return bool(pact.at_broker and pact.at_broker.pending)


def _with_command(result: PactResult, options: Options, keys: Mapping[str, int]) -> PactResult:
    """Tell the result of each interaction that can be verified how to run it alone.

    Args:
        keys: how many interactions of the run have each key.
    """
    interactions = [
        each
        if each.interaction.unverifiable is not None
        else replace(each, rerun=options.rerun(result.pact, each.interaction, unique=keys[each.interaction.key] == 1))
        for each in result.interactions
    ]
    return replace(result, interactions=tuple(interactions))
