"""What can be known of provider states before anything starts: who needs them, and which handlers set them up."""

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
        needed_by: interactions, each with consumer and source.
        params: the params that it comes with, each once.
        pending: it is needed by pending interactions alone.
        match: the handler that answers it; None when there is none, or several do.
        ambiguous: which handlers claim it, in words.
        misfits: why the handler would not accept some of the params.
    """

    name: str
    needed_by: list[str] = field(default_factory=list)
    params: list[Mapping[str, Any]] = field(default_factory=list)
    pending: bool = True
    match: Match | None = None
    ambiguous: str = ""
    misfits: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        return self.match is None and not self.ambiguous


def find_needs(pacts: Iterable[Pact], registry: Registry) -> list[Need]:
    """Every state that pacts need, in their order, with the handler that answers it."""
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
    """The names that handlers claim and no pact needs; of a handler that is used under another name, none."""
    used = {need.match.handler for need in needs if need.match}
    return [pattern for pattern in registry.patterns.values() if pattern.handler not in used]


def require_handlers(pacts: Iterable[Pact], registry: Registry) -> tuple[str, ...]:
    """Match every state of every pact to a handler.

    A pending interaction's failure doesn't fail the run, so neither does its state: the interaction will tell. A
    consumer's new state would otherwise stop the provider's builds.

    Returns:
        What is missing for pending interactions alone, in words.

    Raises:
        CannotVerify: naming all other states that have no handler, who needs them, what looks like them, and stubs.
    """
    needs = find_needs(pacts, registry)
    explained = [need.ambiguous for need in needs if need.ambiguous]
    missing = [need for need in needs if need.missing and not need.pending]
    if missing:
        explained.append(explain(missing, registry))
    if explained:
        raise CannotVerify("\n\n".join(explained))
    pending = [need for need in needs if need.missing]
    return (f"For pending interactions: {explain(pending, registry)}",) if pending else ()


def explain(missing: Sequence[Need], registry: Registry) -> str:
    """States without a handler: who needs them, what looks like them, and stubs to paste."""
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
    """Where stubs belong, and the stubs."""
    files = [relative(pattern.handler.location.file) for pattern in registry.patterns.values()]
    file = max(files, key=files.count) if files else "the pact_states.py of one of your apps"
    yield f"\nAdd to {file}, and fill in:\n"
    if not files:
        yield f"{IMPORT}\n\n"
    yield stubs(missing)


def stubs(missing: Iterable[Need]) -> str:
    """Python to paste, for states without a handler."""
    taken = {"provider_state"}
    return "\n\n".join(stub(need.name, need.params, taken) for need in missing).rstrip()
