"""Selecting what a run verifies: the provider's pacts, filtered, and the run's share of them."""

from dataclasses import replace

from pact_verification.pacts.sources import Progress, Selection, no_progress
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Report
from pact_verification.run.options import Options

ELSEWHERE = (
    "It is a message, and --provider-url verifies a server that already runs. A message comes from a function in this "
    "process, so verify it without --provider-url."
)
"""Why messages are not verified on another server."""


def find_pacts(options: Options, progress: Progress = no_progress) -> Selection:
    """Find the provider's pacts and filter their interactions.

    Raises:
        CannotVerify: the provider has no name, or see Source.
    """
    found = options.source.select(options.provider_name, options.consumers, options.filter, progress)
    if not options.verification.provider_url:
        return found
    return replace(found, pacts=tuple(pact.with_unverifiable_messages(ELSEWHERE) for pact in found.pacts))


def take_share(options: Options, found: Selection) -> Selection:
    """Keep the pacts of the run's shard."""
    return options.shard.take(found) if options.shard else found


def green_report(options: Options) -> tuple[Selection, Report]:
    """Select what a run would verify.

    Returns the selection, and the report of a run in which all of it is verified.

    Raises:
        CannotVerify: see `find_pacts`.
    """
    found = find_pacts(options)
    selection = take_share(options, found)
    results = tuple(
        PactResult(pact, tuple(InteractionResult(each, Outcome.VERIFIED) for each in pact.interactions))
        for pact in selection.pacts
    )
    report = Report(
        options.provider_name,
        results,
        notes=(*selection.notes, *selection.left_out, *options.notes),
        nothing_for=selection.nothing_for,
        nothing_because=options.nothing_because,
        nothing_is_fine=options.reason_nothing_is_fine(found, selection),
    )
    return selection, report
