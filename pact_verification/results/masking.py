"""Masks the secrets in results, before a reporter shows them or the broker gets them.

The value of a secret name is hidden beside that name. A value that looks like a secret (`looks_like_secret`) is also
hidden in every other text of the interaction, since exceptions and URLs quote it. Other names stay readable:
descriptions, states, routes, JSON keys, rules.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from pact_verification.pacts.pact import Interaction, PactMessage
from pact_verification.pacts.schema import SYNCHRONOUS
from pact_verification.results.exchange import Exchange, RecordedMessage
from pact_verification.results.report import InteractionResult, PactResult, Report
from pact_verification.results.secret_hiding import Mask
from pact_verification.results.secret_search import secrets_in
from pact_verification.results.secret_values import secret_names
from pact_verification.system.credentials import HIDDEN, configured_secrets


def mask(result: PactResult) -> PactResult:
    """Return the result with the values of secret headers, members and parameters hidden."""
    names, configured = secret_names(), configured_secrets()
    interactions: list[InteractionResult] = []
    everything = configured
    output = result.core_output
    together = _secrets_of_responses(result.interactions, names)
    for each in result.interactions:
        try:
            known = configured | together.get(each.interaction.place, frozenset())
            mask = _mask_of(each.interaction, names, known, each.exchange)
            masked = mask.hide(each)
        except Exception as error:  # noqa: BLE001  # the project's values may raise anything
            masked, output = _bare(each, error), ""
        else:
            everything |= mask.spelt
            for before, after in zip(each.mismatches, masked.mismatches, strict=True):
                if before.message and after.message != before.message:
                    output = output.replace(before.message, after.message)
        interactions.append(masked)
    return replace(
        result,
        pact=replace(result.pact, interactions=tuple(each.interaction for each in interactions)),
        interactions=tuple(interactions),
        core_output=Mask(everything, names).hide(output),
    )


def _secrets_of_responses(results: Sequence[InteractionResult], names: frozenset[str]) -> dict[int, frozenset[str]]:
    """Return the secrets of synchronous messages with several responses, by place. Each response has a result."""
    found: dict[int, frozenset[str]] = {}
    for each in results:
        if each.interaction.kind == SYNCHRONOUS and len(each.interaction.messages) > 1:
            with suppress(Exception):  # `mask` meets it again
                spelt = _mask_of(each.interaction, names, frozenset(), each.exchange).spelt
                found[each.interaction.place] = found.get(each.interaction.place, frozenset()) | spelt
    return found


def _bare(result: InteractionResult, error: Exception) -> InteractionResult:
    """Return the result without the parts that may quote a secret."""
    known = result.interaction
    return InteractionResult(
        Interaction(
            known.description, kind=known.kind, pending=known.pending, id=known.id, key=known.key, place=known.place
        ),
        result.outcome,
        Exchange(request_seconds=result.exchange.request_seconds, seconds=result.exchange.seconds),
        error=f"No more can be shown: searching it for secrets raised {type(error).__name__}.",
    )


def without_credentials(report: Report) -> Report:
    """Return the report with the broker's credentials hidden, since a broker may have quoted them.

    Its interactions were masked before, by `mask`.
    """
    mask = Mask(configured_secrets(), frozenset())

    def hide_around(result: PactResult) -> PactResult:
        pact = mask.hide(replace(result.pact, interactions=()))
        return replace(
            result, pact=replace(pact, interactions=result.pact.interactions), core_output=mask.hide(result.core_output)
        )

    hidden = mask.hide(replace(report, pacts=()))
    return replace(hidden, pacts=tuple(map(hide_around, report.pacts)))


def without_secrets(text: str, source: Any) -> str:
    """Return a text without the secrets of a structure that it may quote."""
    names = secret_names()
    return Mask(secrets_in([source], names), names).hide(text)


def named_without_secrets(interaction: Interaction) -> Interaction:
    """Return the interaction without secrets, to name it before it has a result."""
    return _mask_of(interaction, secret_names(), configured_secrets()).hide(interaction)


def secret_members(result: InteractionResult, body: bytes) -> tuple[tuple[str, str], ...]:
    """Return the names of members of a JSON body that are secret, each with what a report shows for it."""
    try:
        hidden = _mask_of(result.interaction, secret_names(), configured_secrets(), result.exchange)
    except Exception:  # noqa: BLE001  # the project's values may raise anything
        return tuple((name, HIDDEN) for name in _names(body))
    return tuple((name, shown) for name in _names(body) if (shown := hidden.hide(name)) != name)


def _names(body: bytes) -> Iterable[str]:
    """Return the names of all members of a JSON body; none if it is no JSON."""
    found: dict[str, None] = {}
    with suppress(ValueError, RecursionError):
        json.loads(body, object_hook=found.update)
    return found


def _mask_of(
    interaction: Interaction, names: frozenset[str], configured: frozenset[str], exchange: Exchange | None = None
) -> Mask:
    """Return the mask that hides the secrets of an interaction and its exchange."""
    wanted, expected = interaction.request, interaction.expected
    sources: list[Any] = [wanted.path, wanted.query, wanted.headers, wanted.unreadable, expected.headers]
    sources += [wanted.body, expected.body]
    messages: list[PactMessage | RecordedMessage | None] = [interaction.message_request, *interaction.messages]
    if exchange:
        messages += [exchange.message, exchange.message_request]
    sources += [part for each in messages if each for part in (each.metadata, each.body)]
    sources += [state.params for state in interaction.states]
    if exchange:
        sources += [part for state in exchange.states for part in (state.state.params, state.values)]
        for message in (exchange.arrived, exchange.request, exchange.response):
            if message:
                sources += [message.headers, message.body]
        for request in (exchange.arrived, exchange.request):
            if request:
                sources += [{name: value} for name, value in parse_qsl(request.query)]
    return Mask(secrets_in(sources, names) | configured, names)
