"""What a run would verify: a line for each interaction, and one for what it needs. Made for grep."""

from collections.abc import Iterable, Iterator, Mapping

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.sources import Selection
from pact_verification.reporters.conclusion import why_nothing_was_verified
from pact_verification.reporters.failure import PENDING_FAILS, PENDING_PASSES
from pact_verification.results.masking import named_without_secrets
from pact_verification.results.report import Report
from pact_verification.states.preflight import Need, find_needs
from pact_verification.states.registry import Registry
from pact_verification.text import counted, printable

NOTHING_SELECTED = 3

Needs = Mapping[tuple[bool, str], Need]
"""What the interactions need, by whether it is a message, and by its name."""


def render(selection: Selection, registry: Registry, report: Report, *, counts_pending: bool = False) -> str:
    """Return the selected interactions with their keys, states, handlers and producers.

    Args:
        report: of a run in which all of them are verified.
        counts_pending: whether pending interactions fail the run.
    """
    needs = {(need.is_message, need.name): need for need in find_needs(selection.pacts, registry)}
    lines = [
        line
        for pact in selection.pacts
        for each in pact.interactions
        for line in _interaction(pact, each, needs, counts_pending=counts_pending)
    ]
    lines += [
        f"{pact.consumer} ({pact.source}) has no interactions" for pact in selection.pacts if not pact.interactions
    ]
    lines += report.notes
    lines.append(_conclusion(selection, needs.values(), report))
    return "".join(f"{_one_line(line)}\n" for line in lines)


def _interaction(pact: Pact, interaction: Interaction, needs: Needs, *, counts_pending: bool) -> Iterator[str]:
    shown = named_without_secrets(interaction)
    states = "".join(f"  [{state}]" for state in shown.states)
    pending = f"  pending ({_why_pending(pact)}): {PENDING_FAILS if counts_pending else PENDING_PASSES}"
    yield (
        f"{interaction.key}  {pact.consumer}: {shown.description}{states}{pending * interaction.pending}"
        f"  ({pact.source})"
    )
    indent = " " * (len(interaction.key) + 2)
    if shown.unverifiable is not None:
        yield f"{indent}can't be verified: {shown.unverifiable}"
    elif parts := dict.fromkeys(_functions(interaction, shown, needs)):
        yield indent + "; ".join(parts)


def _why_pending(pact: Pact) -> str:
    if pact.at_broker and pact.at_broker.wip:
        return "work in progress"
    return "not verified so far" if pact.at_broker and pact.at_broker.pending else "the pact says so"


def _functions(interaction: Interaction, shown: Interaction, needs: Needs) -> Iterator[str]:
    """Yield the handler of each state, and the producer of a message.

    Args:
        shown: the interaction without secrets.
    """
    names = [(False, state.name, other.name) for state, other in zip(interaction.states, shown.states, strict=True)]
    names += [(True, interaction.description, shown.description)] if interaction.is_message else []
    for is_message, name, shown_name in names:
        if not (need := needs.get((is_message, name))):
            continue
        sort = need.claims.handler
        if need.match:
            handler = need.match.handler
            misfits = "".join(f", which does not fit: {misfit}" for misfit in need.misfits)
            yield f"{sort} {handler} ({handler.location}){misfits}"
        elif need.ambiguous is not None:
            yield f"{sort} ambiguous: {need.ambiguous}"
        else:
            yield f"NO {sort} for the {need.claims.noun} {shown_name!r}"


def _conclusion(selection: Selection, needs: Iterable[Need], report: Report) -> str:
    if report.exit_code == NOTHING_SELECTED:
        return f"{report.provider}: {why_nothing_was_verified(report)}"
    interactions = [each for pact in selection.pacts for each in pact.interactions]
    if not interactions:
        return f"{report.provider}: nothing to verify, and {report.nothing_is_fine}."
    consumers = {pact.consumer for pact in selection.pacts}
    needs = list(needs)
    counts = (
        (sum(each.pending for each in interactions), "pending"),
        (sum(each.unverifiable is not None for each in interactions), "can't be verified"),
    )
    missing = [need for need in needs if need.missing]
    parts = [
        f"{counted(len(interactions), 'interaction')} of {counted(len(consumers), 'consumer')}",
        *(f"{count} {what}" for count, what in counts if count),
    ]
    for noun in ("state", "message"):
        found = [need for need in missing if need.claims.noun == noun]
        if found:
            parts.append(f"{counted(len(found), noun)} without a {found[0].claims.handler}")
    stops = "" if not _stops(needs) else " A run would not start: pact_states says what to add."
    return f"{report.provider}: {', '.join(parts)}. Nothing was run.{stops}"


def _stops(needs: Iterable[Need]) -> bool:
    """Tell whether a run would end before its first interaction."""
    return any(need.ambiguous is not None or (need.missing and need.required) for need in needs)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split("\n")))
