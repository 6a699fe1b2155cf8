"""All that can be known before anything starts: the pacts are there, and every state has a handler."""

from collections.abc import Iterable

from pact_verification.errors import CannotVerify, InvalidRegistration
from pact_verification.pacts import Pact, ProviderState
from pact_verification.states import Registry, stub
from pact_verification.text import printable


def require_handlers(pacts: Iterable[Pact], registry: Registry) -> tuple[str, ...]:
    """Match every state of every pact to a handler.

    A pending interaction's failure doesn't fail the run, so neither does its state: the interaction will tell. A
    consumer's new state would otherwise stop the provider's builds.

    Returns:
        What is missing for pending interactions alone, in words.

    Raises:
        CannotVerify: naming all other states that have no handler, who needs them, what looks like them, and stubs.
    """
    missing: dict[str, ProviderState] = {}
    needed_by: dict[str, list[str]] = {}
    pending: dict[str, ProviderState] = {}
    ambiguous: dict[str, str] = {}
    for pact in pacts:
        for interaction in pact.interactions:
            for state in interaction.states:
                try:
                    found = registry.find(state.name)
                except InvalidRegistration as error:
                    ambiguous[state.name] = str(error)
                    continue
                if state.name and found is None:
                    (pending if interaction.pending else missing).setdefault(state.name, state)
                    who = f"{pact.consumer}: {interaction.description} ({pact.source})"
                    needed_by.setdefault(state.name, []).append(who)
    explained = [*ambiguous.values()]
    if missing:
        explained.append("\n".join(_explain(missing, needed_by, registry)))
    if explained:
        raise CannotVerify("\n\n".join(explained))
    return ("For pending interactions: " + "\n".join(_explain(pending, needed_by, registry)),) if pending else ()


def _explain(missing: dict[str, ProviderState], needed_by: dict[str, list[str]], registry: Registry) -> Iterable[str]:
    count = len(missing)
    yield f"{count} provider states have no handler:" if count > 1 else "1 provider state has no handler:"
    for name in missing:
        yield f"\n  {printable(name)}"
        yield from (f"      needed by {printable(who)}" for who in dict.fromkeys(needed_by[name]))
        for pattern in registry.nearest(name):
            yield f'      did you mean "{pattern.text}"? ({pattern.handler.location})'
    files = [pattern.handler.location.rpartition(":")[0] for pattern in registry.patterns.values()]
    file = max(files, key=files.count) if files else "the pact_states.py of one of your apps"
    yield f"\nAdd to {file}, and fill in:\n"
    if not files:
        yield "from pact_verification import provider_state\n\n"
    yield "\n\n".join(stub(name, state.params) for name, state in missing.items()).rstrip()
