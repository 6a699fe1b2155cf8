"""The provider states that pacts need, with their handlers, for a person at a console."""

from collections.abc import Iterable, Iterator, Sequence

from pact_verification.states.preflight import Need, to_paste, unused_handlers
from pact_verification.states.registry import Registry
from pact_verification.text import counted, printable


def render(needs: Sequence[Need], registry: Registry, notes: Iterable[str]) -> str:
    """Return the states with the consumers that need them, the unused handlers, and stubs for missing handlers."""
    missing = [need for need in needs if need.missing]
    lines = [printable(line) for line in _lines(needs, registry, notes)]  # names come from pacts
    lines += to_paste(missing, registry) if missing else ()
    return "".join(f"{line}\n" for line in lines)


def _lines(needs: Sequence[Need], registry: Registry, notes: Iterable[str]) -> Iterator[str]:
    for need in needs:
        yield ""
        yield from _need(need, registry)
    unused = unused_handlers(needs, registry)
    if unused:
        yield ""
        yield "handlers that no selected pact needs:"
        yield from (f'    "{pattern.text}"  {_handler(pattern.handler)}' for pattern in unused)
    for note in notes:
        yield ""
        yield note
    yield ""
    yield f"{counted(len(needs), 'provider state')}: " + ", ".join(
        [
            f"{sum(_has_fitting_handler(need) for need in needs)} with a handler",
            *(f"{number} {problem}" for number, problem in _problems(needs) if number),
            f"{counted(len(unused), 'handler')} unused",
        ]
    )


def _need(need: Need, registry: Registry) -> Iterator[str]:
    fits = _has_fitting_handler(need)
    pending = "  pending: does not fail a run" if need.pending and not fits else ""
    yield f"{'✓' if fits else '✗' if need.missing else '!'} {need.name}{pending}"
    if need.match:
        yield f"    handler    {_handler(need.match.handler)}"
    elif need.missing:
        yield "    handler    none"
    if need.ambiguous:
        yield f"    {need.ambiguous}"
    yield from (f"    {misfit}" for misfit in need.misfits)
    yield from (f"    needed by  {who}" for who in need.needed_by)
    if need.missing:
        for pattern in registry.nearest(need.name):
            yield f'    did you mean "{pattern.text}"? ({pattern.handler.location})'


def _has_fitting_handler(need: Need) -> bool:
    return bool(need.match) and not need.misfits


def _problems(needs: Sequence[Need]) -> Iterator[tuple[int, str]]:
    yield sum(need.missing for need in needs), "without one"
    yield sum(bool(need.ambiguous) for need in needs), "claimed by several"
    yield sum(bool(need.misfits) for need in needs), "with params that the handler would not accept"


def _handler(handler: object) -> str:
    return f"{handler} ({getattr(handler, 'location', '')})"
