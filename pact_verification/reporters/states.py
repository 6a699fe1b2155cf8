"""The provider states and messages that pacts need, with handlers and producers, for a person at a console."""

from collections.abc import Iterable, Iterator, Sequence

from pact_verification.reporters.failure import SIGNS
from pact_verification.results.report import Outcome
from pact_verification.states.claims import Claims
from pact_verification.states.preflight import Need, to_paste, unused_handlers
from pact_verification.states.registry import Registry
from pact_verification.text import counted, printable


def render(needs: Sequence[Need], registry: Registry, notes: Iterable[str]) -> str:
    """Return states and messages with their consumers, the unused functions, and stubs for missing ones."""
    missing = [need for need in needs if need.missing]
    lines = [printable(line) for line in _lines(needs, registry, notes)]  # names come from pacts
    lines += to_paste(missing, registry) if missing else ()
    return "".join(f"{line}\n" for line in lines)


def _lines(needs: Sequence[Need], registry: Registry, notes: Iterable[str]) -> Iterator[str]:
    for need in needs:
        yield ""
        yield from _need(need)
    sorts = [
        (registry.states, "provider state", [need for need in needs if not need.is_message]),
        (registry.producers, "message", [need for need in needs if need.is_message]),
    ]
    for claims, _, _ in sorts:
        if unused := unused_handlers(needs, claims):
            yield ""
            yield f"{claims.handler}s that no selected pact needs:"
            yield from (f'    "{pattern.text}"  {_handler(pattern.handler)}' for pattern in unused)
    for note in notes:
        yield ""
        yield note
    yield ""
    for claims, noun, found in sorts:
        if found or claims.patterns or noun == "provider state":
            yield _summary(claims, noun, found, counted(len(unused_handlers(needs, claims)), claims.handler))


def _summary(claims: Claims, noun: str, needs: Sequence[Need], unused: str) -> str:
    problems = [
        (sum(need.missing for need in needs), "without one"),
        (sum(bool(need.ambiguous) for need in needs), "claimed by several"),
        (sum(bool(need.misfits) for need in needs), "with params that the handler would not accept"),
    ]
    return f"{counted(len(needs), noun)}: " + ", ".join(
        [
            f"{sum(_has_fitting_handler(need) for need in needs)} with a {claims.handler}",
            *(f"{number} {problem}" for number, problem in problems if number),
            f"{unused} unused",
        ]
    )


def _need(need: Need) -> Iterator[str]:
    fits = _has_fitting_handler(need)
    message = "" if not need.is_message else "synchronous message: " if need.has_request else "message: "
    pending = "  pending: does not fail a run" if need.pending and not fits else ""
    sign = SIGNS[Outcome.VERIFIED if fits else Outcome.MISMATCH if need.missing else Outcome.STATE_ERROR]
    yield f"{sign} {message}{need.name}{pending}"
    if need.match:
        yield f"    {need.claims.handler:<9}  {_handler(need.match.handler)}"
    elif need.missing:
        yield f"    {need.claims.handler:<9}  none"
    if need.ambiguous:
        yield f"    {need.ambiguous}"
    yield from (f"    {misfit}" for misfit in need.misfits)
    yield from (f"    needed by  {who}" for who in need.needed_by)
    if need.missing:
        for pattern in need.claims.nearest(need.name):
            yield f'    did you mean "{pattern.text}"? ({pattern.handler.location})'


def _has_fitting_handler(need: Need) -> bool:
    return bool(need.match) and not need.misfits


def _handler(handler: object) -> str:
    return f"{handler} ({getattr(handler, 'location', '')})"
