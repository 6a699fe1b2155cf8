"""Secrets out of a result, before anybody shows or publishes it.

What is secret is known by its name: a header, a member of JSON or of a form, a parameter. Its value is hidden there,
and then in every other text of the interaction, since exceptions and URLs quote it.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_plus

from pact_verification.conf import conf
from pact_verification.credentials import HIDDEN, configured_secrets, hide, spellings
from pact_verification.matching_rules import steps
from pact_verification.pacts import Request
from pact_verification.results import Frame, InteractionResult, Message, Mismatch, PactResult
from pact_verification.text import read_json

SECRET_NAMES = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})
"""In lower case. The setting PACT_SECRET_NAMES adds to them."""

SHORTEST = 4
"""A shorter secret is hidden where it stands, and not looked for in other texts: it would be found everywhere."""

COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite", "httponly", "secure"}
MAY_NAME = re.compile("[=:>]")  # without one of these nothing is named, and most texts have none
PAIR = re.compile(r"([^\s=;,]+)=([^;,]*)")

T = TypeVar("T")


def mask(result: PactResult) -> PactResult:
    """Hide the values of secret headers, members and parameters, wherever in a result they stand."""
    interactions: list[InteractionResult] = []
    everything: set[str] = set()
    for each in result.interactions:
        try:
            masked, spelt = _mask(each)
        except Exception:  # noqa: BLE001  # too deeply nested, say: what can't be searched isn't shown
            masked, spelt = _mask(_without_bodies(each))
        interactions.append(masked)
        everything |= spelt
    return replace(
        result,
        pact=replace(result.pact, interactions=tuple(each.interaction for each in interactions)),
        interactions=tuple(interactions),
        core_output=_Mask(frozenset(everything), _names()).hide(result.core_output),
    )


def without_secrets(text: str, source: Any) -> str:
    """A text without the secrets of a structure that it may quote."""
    names = _names()
    return _Mask(_secrets_in(source, names), names).hide(text)


def _names() -> frozenset[str]:
    return SECRET_NAMES | conf.secret_names


def _mask(result: InteractionResult) -> tuple[InteractionResult, frozenset[str]]:
    names = _names()
    exchange, interaction = result.exchange, result.interaction
    wanted, expected = interaction.request, interaction.expected
    sources: list[Any] = [wanted.path, wanted.query, wanted.headers, wanted.body, wanted.unreadable]
    sources += [expected.headers, expected.body]
    sources += [state.params for state in interaction.states]
    sources += [part for state in exchange.states for part in (state.state.params, state.values)]
    for message in filter(None, (exchange.arrived, exchange.request, exchange.response)):
        sources += [message.headers, message.body]
        sources += [{name: value} for name, value in parse_qsl(message.headline.partition("?")[2])]
    mask = _Mask(_secrets_in(sources, names) | spellings(configured_secrets()), names)
    return mask.hide(result), mask.spelt


def _without_bodies(result: InteractionResult) -> InteractionResult:
    def bare(message: Message | None) -> Message | None:
        return message and replace(message, body=b"(it can't be searched for secrets)")

    exchange, expected = result.exchange, result.interaction.expected
    return replace(
        result,
        interaction=replace(result.interaction, request=Request(), expected=replace(expected, body=None)),
        exchange=replace(exchange, arrived=None, request=bare(exchange.request), response=bare(exchange.response)),
        error="The request that arrived is not the pact's." if exchange.arrived else result.error,  # it quotes bodies
    )


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
        yield from _with_parts(str(value), name.lower())
    elif isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode(errors="replace")
        if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
            with suppress(ValueError):
                yield from _find(read_json(text.encode(errors="replace")), names)
                return
        if not MAY_NAME.search(text):
            return
        for match in _named(names).finditer(text):
            yield match["value"]
            yield unquote_plus(match["value"])


def _with_parts(text: str, name: str) -> Iterator[str]:
    yield text
    if name.endswith("authorization"):
        scheme, _, given = text.rpartition(" ")
        yield given
        if scheme.lower() == "basic":
            with suppress(ValueError):
                pair = base64.b64decode(given).decode()
                yield pair
                yield pair.partition(":")[2]
    elif name in {"cookie", "set-cookie"}:
        yield from (value.strip() for key, value in PAIR.findall(text) if key.lower() not in COOKIE_ATTRIBUTES)


@lru_cache
def _named(names: frozenset[str]) -> re.Pattern[str]:
    """What follows a secret name in a text, be it a form, XML, a header or the repr of a dict."""
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(
        rf"(?<![\w-])(?P<name>(?:{either})[\"']?(?:\s*[=:]\s*|>)\\?[\"']?(?:(?:basic|bearer|token|digest) )?)"
        r"(?P<value>(?!\(hidden)[^\s\"'&<>,;\\)\]}]+)",
        re.IGNORECASE,
    )


class _Mask:
    """What is secret, and hiding it in values of any kind."""

    def __init__(self, spelt: frozenset[str], names: frozenset[str]) -> None:
        self.spelt = spelt
        self.names = names
        self.named = _named(names)

    def is_secret(self, name: Any) -> bool:
        return str(name).lower() in self.names

    def hide(self, value: T) -> T:
        """The same value without secrets."""
        hidden: Any = value
        match hidden:
            case str():
                hidden = hide(hidden, self.spelt)
                if MAY_NAME.search(hidden):
                    hidden = self.named.sub(rf"\g<name>{HIDDEN}", hidden)
            case bytes():
                hidden = self._hide_body(hidden)
            case Frame():  # its code assigns to names rather than to tell values
                hidden = replace(hidden, code=hide(hidden.code, self.spelt))
            case Message():
                headline = hidden.headline if hidden.headline[:1].isdigit() else self.hide(hidden.headline)
                hidden = Message(headline, self.hide(hidden.headers), self.hide(hidden.body))
            case Mismatch():
                hidden = self._hide_mismatch(hidden)
            case Mapping():
                hidden = {
                    self.hide(key): HIDDEN if self.is_secret(key) and member is not None else self.hide(member)
                    for key, member in hidden.items()
                }
            case tuple() | list():
                hidden = type(hidden)(map(self.hide, hidden))
            case _ if is_dataclass(hidden) and not isinstance(hidden, type):
                parts = {each.name: self.hide(getattr(hidden, each.name)) for each in fields(hidden)}
                hidden = replace(hidden, **parts)
        return hidden  # type: ignore[no-any-return]  # of the same type as it came

    def _hide_mismatch(self, mismatch: Mismatch) -> Mismatch:
        part, space, path = mismatch.where.partition(" ")
        texts = (mismatch.expected, mismatch.actual, mismatch.message)
        whole = self.is_secret(mismatch.path) or any(map(self.is_secret, steps(mismatch.path)))
        expected, actual, message = (HIDDEN if whole else self.hide(text) for text in texts)
        return Mismatch(f"{part}{space}{hide(path, self.spelt)}", expected, actual, str(message), mismatch.rule)

    def _hide_body(self, body: bytes) -> bytes:
        with suppress(ValueError):
            document = read_json(body)
            masked = self.hide(document)
            return body if document == masked else json.dumps(masked, ensure_ascii=False).encode(errors="surrogatepass")
        return self.hide(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
