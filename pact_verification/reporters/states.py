"""Which provider states pacts need, and what sets them up, for a person at a console."""

from collections.abc import Iterable, Iterator, Sequence

from pact_verification.states.preflight import Need, to_paste, unused_handlers
from pact_verification.states.registry import Registry
from pact_verification.text import counted, printable


def render(needs: Sequence[Need], registry: Registry, notes: Iterable[str]) -> str:
    """The states with who needs each, the handlers that nobody needs, and stubs for what is missing."""
    return "".join(f"{line}\n" for line in _lines(needs, registry, notes))


def _lines(needs: Sequence[Need], registry: Registry, notes: Iterable[str]) -> Iterator[str]:
    for need in needs:
        yield from _need(need, registry)
    unused = unused_handlers(needs, registry)
    if unused:
        yield "\nhandlers that no selected pact needs:"
        yield from (f'    "{printable(pattern.text)}"  {_handler(pattern.handler)}' for pattern in unused)
    for note in notes:
        yield f"\n{printable(note)}"
    missing = [need for need in needs if need.missing]
    yield ""
    yield f"{counted(len(needs), 'provider state')}: " + ", ".join(
        [
            f"{sum(_fits(need) for need in needs)} with a handler",
            *(f"{number} {what}" for number, what in _troubles(needs) if number),
            f"{counted(len(unused), 'handler')} unused",
        ]
    )
    if missing:
        yield from to_paste(missing, registry)


def _need(need: Need, registry: Registry) -> Iterator[str]:
    yield ""
    pending = "  pending: does not fail a run" if need.pending and not _fits(need) else ""
    yield f"{'✓' if _fits(need) else '✗' if need.missing else '!'} {printable(need.name)}{pending}"
    if need.match:
        yield f"    handler    {_handler(need.match.handler)}"
    elif need.missing:
        yield "    handler    none"
    if need.ambiguous:
        yield f"    {printable(need.ambiguous)}"
    yield from (f"    {printable(misfit)}" for misfit in need.misfits)
    yield from (f"    needed by  {printable(who)}" for who in need.needed_by)
    if need.missing:
        for pattern in registry.nearest(need.name):
            yield f'    did you mean "{printable(pattern.text)}"? ({pattern.handler.location})'


def _fits(need: Need) -> bool:
    return bool(need.match) and not need.misfits


def _troubles(needs: Sequence[Need]) -> Iterator[tuple[int, str]]:
    yield sum(need.missing for need in needs), "without one"
    yield sum(bool(need.ambiguous) for need in needs), "claimed by several"
    yield sum(bool(need.misfits) for need in needs), "with params that the handler would not accept"


def _handler(handler: object) -> str:
    return f"{handler} ({getattr(handler, 'location', '')})"
