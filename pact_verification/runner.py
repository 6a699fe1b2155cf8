"""The use case: verify(options) -> Report."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pact_verification.conf import ISOLATIONS
from pact_verification.coverage import cover
from pact_verification.databases import require_run_database, run_databases
from pact_verification.engine import running_engine
from pact_verification.errors import CannotVerify
from pact_verification.isolation import isolation_of
from pact_verification.last_failed import remember
from pact_verification.live_server import LiveServer
from pact_verification.options import Options
from pact_verification.preflight import require_handlers
from pact_verification.results import Crash, PactResult, Progress, Report
from pact_verification.session import Session
from pact_verification.sources import Selection
from pact_verification.states import Registry, autodiscover
from pact_verification.stores import own_stores


def verify(
    options: Options, progress: Progress = lambda *_: None, announce: Callable[[Selection], None] = lambda _: None
) -> Report:
    """Verify the selected pacts against the project, and report.

    Args:
        progress: hears how far the run is.
        announce: hears what was selected, before anything runs.

    Raises:
        CannotVerify: it can't run: options, an unreadable pact, states without a handler, no database, no broker.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    options.require_provider_name()
    if options.isolation not in ISOLATIONS:
        raise CannotVerify(f"There is no isolation {options.isolation!r}; there are {' and '.join(ISOLATIONS)}.")
    with TemporaryDirectory(prefix="verify_pacts") as temporary:
        directory = Path(temporary)
        (downloads := directory / "pacts").mkdir()
        selection = options.source.select(options.provider_name, options.consumers, options.chosen, downloads)
        announce(selection)
        with own_stores():  # before any of the project's modules takes hold of a cache
            registry = autodiscover()
        try:
            notes = require_handlers(selection.pacts, registry)
        except CannotVerify as error:
            if options.publisher:
                raise CannotVerify(
                    f"{error}\n\nNothing was published, so the consumers' can-i-deploy waits."
                ) from error
            raise
        results: Sequence[PactResult] = [PactResult(pact, ()) for pact in selection.pacts]
        if selection.interactions:
            results = _run(options, selection, registry, directory, progress)
            results = [_with_command(result, options) for result in results]
            notes += remember(results, options.provider_name, whole=not options.chosen)
    coverage = None
    if options.coverage:
        try:
            coverage = cover(results)
        except Exception as error:  # noqa: BLE001  # a URLconf unlike any other; no verdict depends on it
            notes += (f"Which URLs consumers depend on can't be told: {Crash.of(error).exception}",)
    provable = [result for result in results if result.interactions]
    publication = None
    if options.publisher and provable:
        progress(selection.interactions, selection.interactions, "publishing the results")
        publication = options.publisher.publish(provable)
        empty = [result.pact.name for result in results if not result.interactions]
        notes += tuple(f"{name} holds no interactions, so no result is published for it." for name in empty)
    return Report(
        options.provider_name,
        tuple(results),
        (*selection.left_out, *options.notes, *notes),
        selection.nothing_for,
        time.monotonic() - started,
        nothing_is_fine=options.allow_no_pacts,
        publication=publication,
        unpublished=options.unpublished,
        started=now,
        coverage=coverage,
        nothing_because=options.nothing_because,
    )


def _run(
    options: Options, selection: Selection, registry: Registry, directory: Path, progress: Progress
) -> list[PactResult]:
    flush = options.isolation == "flush"
    with ExitStack() as cleanup:
        engine = cleanup.enter_context(running_engine())
        cleanup.enter_context(own_stores())
        migrated = cleanup.enter_context(run_databases(verbosity=options.verbosity - 1, serialize=flush))
        isolation = isolation_of(options.isolation, migrated, require_run_database)
        server = LiveServer(registry, isolation, options.request_timeout)
        cleanup.enter_context(server.running())
        cleanup.enter_context(server.listening())
        session = Session(
            options.provider_name,
            engine,
            server,
            options.request_timeout,
            directory,
            progress,
            selection.interactions,
            options.exit_first,
        )
        return [session.verify(pact) for pact in selection.pacts]


def _with_command(result: PactResult, options: Options) -> PactResult:
    """Tell each interaction's result how to run it alone."""
    interactions = [replace(each, rerun=options.rerun(result.pact, each.interaction)) for each in result.interactions]
    return replace(result, interactions=tuple(interactions))
