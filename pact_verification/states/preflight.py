"""Checking before a run that every provider state in the pacts has a handler, and every message a producer."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from pact_verification.errors import CannotVerify, InvalidRegistration, StateError
from pact_verification.pacts.pact import UNKNOWN_STATE, Interaction, Pact
from pact_verification.results.crash import is_own
from pact_verification.results.masking import without_secrets
from pact_verification.states.claims import Claims
from pact_verification.states.handlers import Match, Pattern
from pact_verification.states.registry import Registry, producer_stub, state_stub
from pact_verification.text import counted, printable, relative


@dataclass
class Need:
    """A provider state, or a message, that pacts need.

    Attributes:
        claims: the registered functions of its sort.
        needed_by: the interactions that need it, each with consumer and source.
        params: the different params that pacts give to the state.
        has_request: whether the message is synchronous.
        pending: whether only pending interactions need it.
        required: whether a run needs it before it starts.
        match: its handler or producer. None when there is none, or when several claim the name.
        ambiguous: an error that names the functions, when several claim the name.
        misfits: errors for the params that the handler does not accept.
    """

    name: str
    claims: Claims
    needed_by: list[str] = field(default_factory=list)
    params: list[Mapping[str, Any]] = field(default_factory=list)
    has_request: bool = False
    pending: bool = True
    required: bool = False
    match: Match | None = None
    ambiguous: str | None = None
    misfits: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        return self.match is None and self.ambiguous is None

    @property
    def is_message(self) -> bool:
        return self.claims.noun == "message"


def find_needs(pacts: Sequence[Pact], registry: Registry) -> list[Need]:
    """Return each state and then each message that pacts need, in the pacts' order, with handlers and producers.

    A run of a project without producers starts without them, if it has requests to verify.
    """
    starts_without = not registry.producers.patterns and any(
        each.unverifiable is None and not each.is_message for pact in pacts for each in pact.interactions
    )
    states: dict[str, Need] = {}
    messages: dict[str, Need] = {}
    for pact in pacts:
        for interaction in pact.interactions:
            if interaction.unverifiable is not None:
                continue
            required = not interaction.pending and not (starts_without and interaction.is_message)
            for state in interaction.states:
                if state.name and state.name != UNKNOWN_STATE:
                    need = states.setdefault(state.name, Need(state.name, registry.states))
                    _add(need, pact, interaction, required=required)
                    if state.params not in need.params:
                        need.params.append(state.params)
            if interaction.is_message:
                name = interaction.description
                need = messages.setdefault(name, Need(name, registry.producers))
                _add(need, pact, interaction, required=required)
                need.has_request = need.has_request or interaction.message_request is not None
    needs = [*states.values(), *messages.values()]
    for need in needs:
        try:
            need.match = need.claims.find(need.name)
        except InvalidRegistration as error:
            need.ambiguous = str(error)
        need.misfits = tuple(_misfits(need))
    return needs


def _add(need: Need, pact: Pact, interaction: Interaction, *, required: bool) -> None:
    need.required = need.required or required
    need.pending = need.pending and interaction.pending
    who = f"{pact.consumer}: {interaction.description} ({pact.source})"
    if who not in need.needed_by:
        need.needed_by.append(who)


def _misfits(need: Need) -> Iterator[str]:
    if not (match := need.match):
        return
    for params in need.params:
        try:
            match.handler.check_arguments(match.arguments(need.name, params))
        except StateError as error:
            yield without_secrets(str(error), params)


def unused_handlers(needs: Iterable[Need], claims: Claims) -> list[Pattern]:
    """Return the names of handlers or producers that no pact needs.

    A function with one needed name counts as used.
    """
    used = {need.match.handler for need in needs if need.match}
    return [pattern for pattern in claims.patterns.values() if pattern.handler not in used]


def require_handlers(pacts: Sequence[Pact], registry: Registry) -> tuple[str, ...]:
    """Require a handler for each state, and a producer for each message, of an interaction that is not pending.

    A pending interaction's failure doesn't fail the run, and a missing function fails only that interaction. Otherwise
    a consumer's new state would stop the provider's builds. In a project without producers a message fails alone too.

    Returns:
        Texts about what is missing and does not stop the run.

    Raises:
        CannotVerify: other states or messages have no function, or several. The text has stubs to paste.
    """
    needs = find_needs(pacts, registry)
    problems = [need.ambiguous for need in needs if need.ambiguous is not None]
    missing = [need for need in needs if need.missing]
    if required := [need for need in missing if need.required]:
        problems.append(explain(required, registry))
    if problems:
        raise CannotVerify("\n\n".join(problems))
    groups = (
        ("For pending interactions: ", [need for need in missing if need.pending]),
        ("", [need for need in missing if not need.pending]),
    )
    return tuple(f"{prefix}{explain(group, registry)}" for prefix, group in groups if group)


def explain(missing: Sequence[Need], registry: Registry) -> str:
    """Describe states without a handler and messages without a producer, with similar names and stubs to paste."""
    return "\n".join([*_explain(missing), *to_paste(missing, registry)])


def _explain(missing: Sequence[Need]) -> Iterator[str]:
    sorts = {"provider state": "handler", "message": "producer"}
    counts = ((noun, sum(need.is_message is (noun == "message") for need in missing)) for noun in sorts)
    yield (
        " and ".join(
            f"{counted(count, noun)} {'have' if count > 1 else 'has'} no {sorts[noun]}"
            for noun, count in counts
            if count
        )
        + ":"
    )
    for need in missing:
        yield f"\n  {printable(need.name)}"
        yield from (f"      needed by {printable(who)}" for who in need.needed_by)
        for pattern in need.claims.nearest(need.name):
            yield f'      did you mean "{pattern.text}"? ({pattern.handler.location})'


def to_paste(missing: Sequence[Need], registry: Registry) -> Iterator[str]:
    """Yield where to paste stubs, and the stubs."""
    patterns = [*registry.states.patterns.values(), *registry.producers.patterns.values()]
    files = [relative(pattern.handler.location.file) for pattern in patterns]
    file = max(files, key=files.count) if files else "the pact_states.py of one of your apps"
    if not files:
        own = [config.label for config in apps.get_app_configs() if is_own(f"{config.path}{os.sep}")]
        looked = ", ".join(own) or "none"
        yield f"\nNo pact_states.py registers anything yet. Looked in your apps of INSTALLED_APPS: {looked}."
    yield f"\nAdd to {file}, and fill in:\n"
    # A file that registers states has imported their decorator, and perhaps nothing for messages.
    yield f"{imports(missing)}\n\n" if not files or any(need.is_message for need in missing) else ""
    yield stubs(missing)


def imports(missing: Iterable[Need]) -> str:
    """Return the import that stubs need."""
    names = {
        name
        for need in missing
        for name in (("Message", "message_producer") if need.is_message else ("provider_state",))
    }
    return f"from pact_verification import {', '.join(sorted(names))}"


def stubs(missing: Iterable[Need]) -> str:
    """Return Python to paste for states without a handler and messages without a producer."""
    taken = {"provider_state", "message_producer"}
    return "\n\n".join(
        producer_stub(need.name, taken, has_request=need.has_request)
        if need.is_message
        else state_stub(need.name, need.params, taken)
        for need in missing
    ).rstrip()
