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
from pact_verification.pacts import Expected, Request
from pact_verification.results import Frame, InteractionResult, Message, Mismatch, PactResult, Report
from pact_verification.text import read_json

SECRET_NAMES = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"})
"""In lower case. The setting PACT_SECRET_NAMES adds to them."""

SHORTEST = 4
"""A shorter secret is hidden where it stands, and not looked for in other texts: it would be found everywhere."""

COOKIE_ATTRIBUTES = {"path", "domain", "expires", "max-age", "samesite", "httponly", "secure"}
HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie"}
"""A line of text that begins with one of these and a colon is a header, and all of it is its value."""

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


def without_credentials(report: Report) -> Report:
    """Hide the broker's credentials in all of a report, should a broker have quoted them in what it said.

    `mask` has done so in the interactions; this does it in what stands around them.
    """
    mask = _Mask(configured_secrets(), frozenset())

    def hide_around(result: PactResult) -> PactResult:
        pact = mask.hide(replace(result.pact, interactions=()))
        return replace(
            result, pact=replace(pact, interactions=result.pact.interactions), core_output=mask.hide(result.core_output)
        )

    hidden = mask.hide(replace(report, pacts=()))
    return replace(hidden, pacts=tuple(map(hide_around, report.pacts)))


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
    sources: list[Any] = [wanted.path, wanted.query, wanted.headers, wanted.unreadable, expected.headers]
    sources += [each.body for each in (wanted, expected) if _may_name(_as_text(each.body), names)]
    sources += [state.params for state in interaction.states]
    sources += [part for state in exchange.states for part in (state.state.params, state.values)]
    for message in filter(None, (exchange.arrived, exchange.request, exchange.response)):
        sources += [message.headers, message.body]
        sources += [{name: value} for name, value in parse_qsl(message.headline.partition("?")[2])]
    mask = _Mask(_secrets_in(sources, names) | configured_secrets(), names)
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
        if not _may_name(text, names):
            return
        if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
            with suppress(ValueError):
                yield from _find(read_json(text.encode(errors="replace")), names)
                return
        for found, start, end in _values(text, names):
            yield from _parts_of(text[start:end], found)


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


def _parts_of(value: str, name: str) -> Iterator[str]:
    """A value that was found in a text, with what of it may stand alone or be spelt otherwise elsewhere."""
    if value[:1] in OPENING:
        for part in PART.finditer(value):
            if part["text"] and not COLON.match(value, part.end()):
                yield from _parts_of(part["text"], name)
            elif part["bare"]:
                yield from re.split(r"[\s,:]+", part["bare"])
        return
    yield from _with_parts(value, name)
    yield unquote_plus(value)
    yield from TAG.split(value)
    if name not in HEADERS:  # their first word is a scheme
        yield re.split(r"[\s,;&]", value, maxsplit=1)[0]
    with suppress(ValueError):
        yield str(json.loads(f'"{value}"'))


def _may_name(text: str, names: frozenset[str]) -> bool:
    """Whether a secret name stands in a text, or may be spelt in it by escapes."""
    return "\\u" in text or bool(_any_of(names).search(text))


@lru_cache
def _any_of(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(names))) if names else r"(?!)", re.IGNORECASE)


@lru_cache
def _named(names: frozenset[str]) -> re.Pattern[str]:
    """A secret name in a text with what stands before its value: in a form, XML, a header or the repr of a dict."""
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(
        rf"(?<!\?P)<(?:[\w.-]+:)?(?P<element>{either})(?:\s(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)?(?<!/)>"
        rf"|(?<![\w-])(?P<name>{either})(?P<quoted>\\*[\"'])?\s*(?P<sign>[=:])\s*",
        re.IGNORECASE,
    )


OPENING, CLOSING = {"[", "{"}, {"]", "}"}
COLON = re.compile(r"\s*:")
END_OF_TEXT = re.compile(r"<|\Z")
TAG = re.compile(r"<!\[CDATA\[|\]\]>|<[^>]*>")
QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>(?:(?!(?P=quote))[^\\]|\\.)*+)""", re.DOTALL)
QUOTED_AGAIN = re.compile(r"""(?P<quote>\\+["'])(?P<text>.*?)(?=(?<!\\)(?P=quote)|\Z)""", re.DOTALL)
"""The same within a quoted text, where a backslash stands before each quote."""

PART = re.compile(rf"""{QUOTED.pattern}(?P=quote)?+|(?P<bracket>[\[\]{{}}])|(?P<bare>[^"'\[\]{{}}]+)""", re.DOTALL)
REST_OF_LINE = re.compile(r"(?P<text>(?:(?!\\[rn])[^\r\n])*)")
BARE = re.compile(
    r"""
    (?:(?:basic|bearer|token|digest)[ ])?
    (?P<text>
        (?!["'\\])
        (?:
            \(hidden\)
            | [&,;]?[ \t]+ (?! [\w.-]+\s*[=:] | ["'&<>,;)\]}] | \Z )  # a space, unless a name or the end comes
            | [&,;] (?! [\w.%\[\]-]+\s*[=:] | \s | \Z )               # what may also separate names
            | ["'] (?= \w )                                           # an apostrophe
            | [^\s"'&<>,;\\)\]}]
        )+
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A value without quotes: it may be a phrase."""


def _values(text: str, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """The secret names in a text, and where the value of each begins and ends."""
    if not names or not MAY_NAME.search(text):
        return
    at = 0
    unclosed: set[str] = set()
    while found := _named(names).search(text, at):
        start, end = _value(text, found, unclosed)
        if end > start:
            yield (found["element"] or found["name"]).lower(), start, end
        at = max(end, found.end())


def _value(text: str, found: re.Match[str], unclosed: set[str]) -> tuple[int, int]:
    """Where the value begins and ends that follows a name. One that is cut goes on to the end of the text.

    Args:
        unclosed: elements of which no end was found. More are added, so that each is looked for only once.
    """
    at = found.end()
    first = text[at : at + 1]
    if name := found["element"]:
        closing = None
        if name not in unclosed:
            closing = re.compile(rf"</(?:[\w.-]+:)?{re.escape(name)}\s*>", re.IGNORECASE).search(text, at)
        if not closing:
            unclosed.add(name)
            if first not in {"<", "/"}:
                closing = END_OF_TEXT.search(text, at)
        return at, closing.start() if closing else at
    if first in OPENING:
        line_end = text.find("\n", at)
        return at, _end_of_structure(text, at, len(text) if found["quoted"] or line_end < 0 else line_end)
    if found["name"].lower() in HEADERS and found["sign"] == ":" and first not in {'"', "'", "\\"}:
        match = REST_OF_LINE.match(text, at)
    else:
        match = QUOTED.match(text, at) or QUOTED_AGAIN.match(text, at) or BARE.match(text, at)
    return match.span("text") if match else (at, at)


def _end_of_structure(text: str, start: int, stop: int) -> int:
    """Where the array or object ends that begins there. One that is cut ends where the text stops."""
    depth = 0
    for part in PART.finditer(text, start, stop):
        depth += (part["bracket"] in OPENING) - (part["bracket"] in CLOSING)
        if not depth:
            return part.end()
    return stop


def _as_text(body: Any) -> str:
    """A body that was read as JSON, as a text to search; a text is itself."""
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


class _Mask:
    """What is secret, and hiding it in values of any kind."""

    def __init__(self, spelt: frozenset[str], names: frozenset[str]) -> None:
        self.spelt = spelt
        self.names = names

    def is_secret(self, name: Any) -> bool:
        return str(name).lower() in self.names

    def hide(self, value: T) -> T:
        """The same value without secrets."""
        hidden: Any = value
        match hidden:
            case str():
                hidden = self._hide_named(hide(hidden, self.spelt))
            case bytes():
                hidden = self._hide_body(hidden)
            case Frame():  # its code assigns to names rather than to tell values
                hidden = replace(hidden, code=hide(hidden.code, self.spelt))
            case Message():
                headline = hidden.headline if hidden.headline[:1].isdigit() else self.hide(hidden.headline)
                hidden = Message(headline, self.hide(hidden.headers), self.hide(hidden.body))
            case Mismatch():
                hidden = self._hide_mismatch(hidden)
            case Expected() | Request() if hidden.body and self._has_no_secret(_as_text(hidden.body)):
                hidden = replace(self.hide(replace(hidden, body=None)), body=hidden.body)
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

    def _hide_named(self, text: str) -> str:
        kept, shown = 0, ""
        for _, start, end in _values(text, self.names):
            shown += f"{text[kept:start]}{HIDDEN}"
            kept = end
        return shown + text[kept:]

    def _hide_mismatch(self, mismatch: Mismatch) -> Mismatch:
        part, space, path = mismatch.where.partition(" ")
        texts = (mismatch.expected, mismatch.actual, mismatch.message)
        whole = self.is_secret(mismatch.path) or any(map(self.is_secret, steps(mismatch.path)))
        expected, actual, message = (HIDDEN if whole else self.hide(text) for text in texts)
        return Mismatch(f"{part}{space}{hide(path, self.spelt)}", expected, actual, str(message), mismatch.rule)

    def _has_no_secret(self, text: str) -> bool:
        """Find out quickly that there is nothing to hide in a text, as in most large ones."""
        return not _may_name(text, self.names) and not any(secret in text for secret in self.spelt)

    def _hide_body(self, body: bytes) -> bytes:
        if self._has_no_secret(body.decode(errors="replace")):
            return body
        with suppress(ValueError):
            document = read_json(body)
            masked = self.hide(document)
            return body if document == masked else json.dumps(masked, ensure_ascii=False).encode(errors="surrogatepass")
        return self.hide(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
