"""Checking before a run that every provider state in the pacts has a handler."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pact_verification.errors import CannotVerify, InvalidRegistration, StateError
from pact_verification.pacts.pact import UNKNOWN_STATE, Pact
from pact_verification.results.masking import without_secrets
from pact_verification.states.handlers import Match, Pattern
from pact_verification.states.registry import Registry, stub
from pact_verification.text import printable, relative

IMPORT = "from pact_verification import provider_state"


@dataclass
class Need:
    """A provider state that pacts need.

    Attributes:
        needed_by: the interactions that need the state, each with consumer and source.
        params: the different params that pacts give to the state.
        pending: whether only pending interactions need the state.
        match: the state's handler. None when there is none, or when several claim the name.
        ambiguous: an error that names the handlers, when several claim the name.
        misfits: errors for the params that the handler does not accept.
    """

    name: str
    needed_by: list[str] = field(default_factory=list)
    params: list[Mapping[str, Any]] = field(default_factory=list)
    pending: bool = True
    match: Match | None = None
    ambiguous: str | None = None
    misfits: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        return self.match is None and self.ambiguous is None


def find_needs(pacts: Iterable[Pact], registry: Registry) -> list[Need]:
    """Return each state that pacts need, in the pacts' order, with its handler."""
    needs: dict[str, Need] = {}
    for pact in pacts:
        for interaction in pact.interactions:
            for state in interaction.states:
                if not state.name or interaction.unverifiable is not None or state.name == UNKNOWN_STATE:
                    continue
                need = needs.setdefault(state.name, Need(state.name))
                need.pending = need.pending and interaction.pending
                if (who := f"{pact.consumer}: {interaction.description} ({pact.source})") not in need.needed_by:
                    need.needed_by.append(who)
                if state.params not in need.params:
                    need.params.append(state.params)
    for need in needs.values():
        try:
            need.match = registry.find(need.name)
        except InvalidRegistration as error:
            need.ambiguous = str(error)
        need.misfits = tuple(_misfits(need))
    return list(needs.values())


def _misfits(need: Need) -> Iterator[str]:
    if not (match := need.match):
        return
    for params in need.params:
        try:
            match.handler.check_arguments(match.arguments(need.name, params))
        except StateError as error:
            yield without_secrets(str(error), params)


def unused_handlers(needs: Iterable[Need], registry: Registry) -> list[Pattern]:
    """Return the names of handlers that no pact needs.

    A handler with one needed name counts as used.
    """
    used = {need.match.handler for need in needs if need.match}
    return [pattern for pattern in registry.patterns.values() if pattern.handler not in used]


def require_handlers(pacts: Iterable[Pact], registry: Registry) -> tuple[str, ...]:
    """Require a handler for each state of an interaction that is not pending.

    A pending interaction's failure doesn't fail the run, and a missing handler fails only that interaction. Otherwise
    a consumer's new state would stop the provider's builds.

    Returns:
        A text about the states that only pending interactions need and that have no handler, if there are any.

    Raises:
        CannotVerify: other states have no handler, or several. The text has stubs to paste.
    """
    needs = find_needs(pacts, registry)
    problems = [need.ambiguous for need in needs if need.ambiguous is not None]
    missing = [need for need in needs if need.missing and not need.pending]
    if missing:
        problems.append(explain(missing, registry))
    if problems:
        raise CannotVerify("\n\n".join(problems))
    pending = [need for need in needs if need.missing]
    return (f"For pending interactions: {explain(pending, registry)}",) if pending else ()


def explain(missing: Sequence[Need], registry: Registry) -> str:
    """Describe states without a handler, with similar names and stubs to paste."""
    return "\n".join([*_explain(missing, registry), *to_paste(missing, registry)])


def _explain(missing: Sequence[Need], registry: Registry) -> Iterator[str]:
    count = len(missing)
    yield f"{count} provider states have no handler:" if count > 1 else "1 provider state has no handler:"
    for need in missing:
        yield f"\n  {printable(need.name)}"
        yield from (f"      needed by {printable(who)}" for who in need.needed_by)
        for pattern in registry.nearest(need.name):
            yield f'      did you mean "{pattern.text}"? ({pattern.handler.location})'


def to_paste(missing: Sequence[Need], registry: Registry) -> Iterator[str]:
    """Yield where to paste stubs, and the stubs."""
    files = [relative(pattern.handler.location.file) for pattern in registry.patterns.values()]
    file = max(files, key=files.count) if files else "the pact_states.py of one of your apps"
    yield f"\nAdd to {file}, and fill in:\n"
    if not files:
        yield f"{IMPORT}\n\n"
    yield stubs(missing)


def stubs(missing: Iterable[Need]) -> str:
    """Return Python to paste for states without a handler."""
    taken = {"provider_state"}
    return "\n\n".join(stub(need.name, need.params, taken) for need in missing).rstrip()
