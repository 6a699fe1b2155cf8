"""Secrets out of a result, before anybody shows or publishes it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pact_verification.conf import conf
from pact_verification.credentials import HIDDEN, hide, spellings
from pact_verification.matching_rules import steps
from pact_verification.results import InteractionResult, Message, Mismatch, PactResult
from pact_verification.text import read_json

SECRET_NAMES = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})
"""In lower case. The setting PACT_SECRET_NAMES adds to them."""

SHORTEST = 4
"""A shorter secret is hidden where it stands, and not looked for in other texts: it would be found everywhere."""

T = TypeVar("T")


def mask(result: PactResult) -> PactResult:
    """Hide the values of secret headers, JSON members, query and state parameters, wherever in a result they stand."""
    interactions: list[InteractionResult] = []
    everything: set[str] = set()
    for each in result.interactions:
        try:
            masked, spelt = _mask(each)
        except RecursionError:  # what can't be searched isn't shown
            masked, spelt = _mask(_without_bodies(each))
        interactions.append(masked)
        everything |= spelt
    return replace(
        result,
        pact=replace(result.pact, interactions=tuple(each.interaction for each in interactions)),
        interactions=tuple(interactions),
        core_output=hide(result.core_output, everything),
    )


def without_secrets(text: str, source: Any) -> str:
    """A text without the secrets of a structure that it may quote."""
    return hide(text, _secrets_in(source, _names()))


def _names() -> frozenset[str]:
    return SECRET_NAMES | conf.secret_names


def _secrets_in(source: Any, names: frozenset[str]) -> frozenset[str]:
    """The secrets in a structure, in all their spellings, but for those that are too short to be looked for."""
    return spellings({secret for secret in _find(source, names) if len(secret) >= SHORTEST})


def _find(value: Any, names: frozenset[str], name: str = "") -> Iterator[str]:
    """The texts under secret names, and those parts of them that may stand alone."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _find(member, names, str(key) if str(key).lower() in names else name)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _find(member, names, name)
    elif name and value is not None:
        text = str(value)
        yield text
        if name.lower().endswith("authorization"):
            yield text.rpartition(" ")[2]
        elif name.lower() in {"cookie", "set-cookie"}:
            pairs = text.split(";") if name.lower() == "cookie" else text.split(";")[:1]
            yield from (pair.partition("=")[2].strip() for pair in pairs)


def _mask(result: InteractionResult) -> tuple[InteractionResult, frozenset[str]]:
    mask = _Mask(result, _names())
    return mask.hide(result), mask.spelt


def _without_bodies(result: InteractionResult) -> InteractionResult:
    def bare(message: Message | None) -> Message | None:
        return message and replace(message, body=b"(nested too deeply to be searched for secrets)")

    exchange, expected = result.exchange, result.interaction.expected
    return replace(
        result,
        interaction=replace(result.interaction, expected=replace(expected, body=None)),
        exchange=replace(exchange, request=bare(exchange.request), response=bare(exchange.response)),
    )


class _Mask:
    """What is secret in one interaction."""

    def __init__(self, result: InteractionResult, names: frozenset[str]) -> None:
        self.names = names
        exchange, interaction = result.exchange, result.interaction
        sources: list[Any] = [interaction.expected.headers, interaction.expected.body]
        sources += [state.params for state in interaction.states]
        sources += [part for state in exchange.states for part in (state.state.params, state.values)]
        for message in filter(None, (exchange.request, exchange.response)):
            sources += [message.headers, _json(message.body)]
            path = message.headline.partition(" ")[2]
            sources.append(dict(parse_qsl(urlsplit(path).query)) if "?" in path else None)
        self.spelt = _secrets_in(sources, names)

    def is_secret(self, name: str) -> bool:
        return name.lower() in self.names

    def hide(self, value: T) -> T:
        """The same value without them."""
        hidden: Any = value
        match hidden:
            case str():
                hidden = hide(hidden, self.spelt)
            case bytes():
                hidden = self._hide_body(hidden)
            case Mismatch() if self.is_secret(hidden.path) or any(map(self.is_secret, steps(hidden.path))):
                hidden = replace(hidden, expected=HIDDEN, actual=HIDDEN, message=HIDDEN)
            case Mapping():
                hidden = {
                    key: HIDDEN if self.is_secret(str(key)) and member is not None else self.hide(member)
                    for key, member in hidden.items()
                }
            case tuple() | list():
                hidden = type(hidden)(map(self.hide, hidden))
            case _ if is_dataclass(hidden) and not isinstance(hidden, type):
                parts = {each.name: self.hide(getattr(hidden, each.name)) for each in fields(hidden)}
                hidden = replace(hidden, **parts)
        return hidden  # type: ignore[no-any-return]  # of the same type as it came

    def _hide_body(self, body: bytes) -> bytes:
        document = _json(body)
        masked = self.hide(document)
        if document != masked:
            return json.dumps(masked, ensure_ascii=False).encode()
        return self.hide(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _json(body: bytes) -> Any:
    with suppress(ValueError):
        return read_json(body)
    return None
