"""Secrets out of a result, before anybody shows or publishes it.

What is secret is known by its name: a header, a member of JSON or of a form, a parameter. Its value is hidden there.
A value that looks like a secret (`looks_like_secret`) is then hidden in every other text of the interaction, since
exceptions and URLs quote it. Names stay readable otherwise: descriptions, states, routes, JSON keys, rules.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from types import NoneType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_plus

from pact_verification.credentials import HIDDEN, SHORT, configured_secrets, hide, spellings
from pact_verification.pacts.matching_rules import steps
from pact_verification.pacts.pact import Interaction
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult, Mismatch, PactResult, Report
from pact_verification.results.secret_values import (
    SHORTEST,
    looks_like_secret,
    secret_names,
    secret_parts,
    without_secret_parts,
)
from pact_verification.text import read_json

UNSEARCHABLE = "(it can't be searched for secrets)"
"""In place of what is nested too deeply, say: what can't be searched isn't shown."""

MANY = 500
"""More secrets than these are not searched for one by one."""

MAX_OPEN_TAGS = 64
"""What follows more tags without an end in a text is not shown: each takes a search through the rest of it."""

NAMES = {
    *(
        "comments",
        "consumer",
        "description",
        "detail",
        "file",
        "function",
        "handler",
        "id",
        "key",
        "kind",
        "location",
        "name",
    ),
    *("provider", "route", "rule", "rules", "source", "test_name", "view"),
}
"""Fields that name something. What a text names (`token: sent again`) is hidden in all other fields."""

HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie"}
"""A line of text that begins with one of these and a colon is a header, and all of it is its value."""

ATOMS = {int, float, bool, NoneType}

T = TypeVar("T")


def mask(result: PactResult) -> PactResult:
    """Hide the values of secret headers, members and parameters, wherever in a result they stand."""
    names, configured = secret_names(), configured_secrets()
    interactions: list[InteractionResult] = []
    everything = configured
    output = result.core_output
    for each in result.interactions:
        try:
            mask = _mask_of(each.interaction, names, configured, each.exchange)
            masked = mask.hide(each)
        except Exception as error:  # noqa: BLE001  # of the project's values, say
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
        core_output=_Mask(everything, names).hide(output),
    )


def _bare(result: InteractionResult, error: Exception) -> InteractionResult:
    """Keep of a result what can't quote anything."""
    known = result.interaction
    return InteractionResult(
        Interaction(known.description, kind=known.kind, pending=known.pending, id=known.id, key=known.key),
        result.outcome,
        Exchange(request_seconds=result.exchange.request_seconds, seconds=result.exchange.seconds),
        error=f"No more can be shown: searching it for secrets raised {type(error).__name__}.",
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
    names = secret_names()
    return _Mask(_secrets_in([source], names), names).hide(text)


def named_without_secrets(interaction: Interaction) -> Interaction:
    """The interaction without the secrets of its request, response and states: to name it before it has a result."""
    return _mask_of(interaction, secret_names(), configured_secrets()).hide(interaction)


def _mask_of(
    interaction: Interaction, names: frozenset[str], configured: frozenset[str], exchange: Exchange | None = None
) -> "_Mask":
    """The mask for what is secret in an interaction, and in what came of it."""
    wanted, expected = interaction.request, interaction.expected
    sources: list[Any] = [wanted.path, wanted.query, wanted.headers, wanted.unreadable, expected.headers]
    sources += [wanted.body, expected.body]
    sources += [state.params for state in interaction.states]
    if exchange:
        sources += [part for state in exchange.states for part in (state.state.params, state.values)]
        for message in (exchange.arrived, exchange.request, exchange.response):
            if message:
                sources += [message.headers, message.body]
        for request in (exchange.arrived, exchange.request):
            if request:
                sources += [{name: value} for name, value in parse_qsl(request.query)]
    return _Mask(_secrets_in(sources, names) | configured, names)


def _secrets_in(sources: Iterable[Any], names: frozenset[str]) -> frozenset[str]:
    """The secrets in structures that are searched for elsewhere, in all their spellings."""
    found = {secret for secret in _find(sources, names) if looks_like_secret(secret)}
    return spellings(found) if found else frozenset()


def _find(sources: Iterable[Any], names: frozenset[str]) -> Iterator[str]:
    """The texts under secret names, and those parts of them that may stand alone."""
    left: list[tuple[Any, str]] = [(source, "") for source in sources if source]
    while left:  # no recursion, since bodies may be deep
        value, name = left.pop()
        if isinstance(value, Mapping):
            for key, member in value.items():
                lower = str(key).lower()
                if lower in names:
                    left.append((member, lower))
                elif name or not (type(member) in ATOMS or (type(member) is str and not _may_tell(member))):
                    left.append((member, name))
        elif isinstance(value, list | tuple):
            left += [(member, name) for member in value]
        elif name and value is not None:
            yield from _with_parts(str(value), name)
        elif isinstance(value, str | bytes):
            text = value if isinstance(value, str) else value.decode(errors="replace")
            if not _may_name(text, names):
                continue
            document = _json_in(text)
            left.append((document, ""))
            yield from () if document else _told_in(text, names)


def _told_in(text: str, names: frozenset[str]) -> Iterator[str]:
    for found, start, end in _values(text, names):
        yield from _parts_of(text[start:end], found)


def _json_in(text: str) -> Any:
    """The array or object that a text is in JSON; None of all other texts."""
    if text.lstrip("\ufeff \t\r\n")[:1] in OPENING:
        with suppress(ValueError):
            return read_json(text.encode(errors="replace"))
    return None


def _with_parts(text: str, name: str) -> Iterator[str]:
    parts = [text]
    if name in HEADERS:
        parts = [text[start:end].strip() for start, end in secret_parts(name, text) if end > start]
        if not all(map(looks_like_secret, parts)):
            parts.append(text)
    yield from parts
    if name.endswith("cookie"):
        yield from map(unquote_plus, parts)
    elif name.endswith("authorization"):
        scheme, _, given = text.rpartition(" ")
        yield given
        if scheme.lower() == "basic":
            with suppress(ValueError):
                pair = base64.b64decode(given).decode()
                yield pair
                yield pair.partition(":")[2]


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
    """Whether a text may have a secret name with its value; escapes may spell the name."""
    return _may_tell(text) and ("\\u" in text or _has_name(text, names))


def _may_tell(text: str) -> bool:
    """Whether a text has what stands between a name and its value. Most have not."""
    return ":" in text or "=" in text or ">" in text or " is " in text or " with value " in text


def _has_name(text: str, names: frozenset[str]) -> bool:
    if not text.isascii():  # other letters may be equal to a name's but for their case
        return bool(_any_of(names).search(text))
    lower = text.lower()
    for name in names:  # noqa: SIM110  # any() takes twice as long
        if name in lower:
            return True
    return False


@lru_cache
def _any_of(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(names))) if names else r"(?!)", re.IGNORECASE)


@lru_cache
def _named(names: frozenset[str]) -> re.Pattern[str]:
    """A secret name in a text with what stands before its value: in a form, XML, a header, a repr or a sentence."""
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(
        rf"(?<!\?P)<(?:[\w.-]+:)?(?P<element>{either})(?=[\s>])"
        rf"|(?<![\w-])(?P<name>{either})(?P<quoted>\\*[\"'])?\s*(?P<sign>[=:]|\bis(?=\ ['\"])|with\ value)\s*",
        re.IGNORECASE,
    )


OPENING, CLOSING = {"[", "{"}, {"]", "}"}
COLON = re.compile(r"\s*:")
REST_OF_TAG = re.compile(r"(?:\"[^\"]*+\"|'[^']*+'|[^<>\"'])*+>")
END_OF_TEXT = re.compile(r"<|\Z")
TAG = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*+>")
QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>(?:(?!(?P=quote))[^\\]|\\.)*+)""", re.DOTALL)
QUOTED_AGAIN = re.compile(r"""(?P<quote>\\+["'])(?P<text>.*?)(?=(?<!\\)(?P=quote)|\Z)""", re.DOTALL)
"""The same within a quoted text, where a backslash stands before each quote."""

PART = re.compile(rf"""{QUOTED.pattern}(?P=quote)?+|(?P<bracket>[\[\]{{}}])|(?P<bare>[^"'\[\]{{}}]+)""", re.DOTALL)
REST_OF_LINE = re.compile(r"(?P<text>(?:(?!\\[rn])[^\r\n])*+)")
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
            | [^\s"'&<>,;\\()\]}]++ | \(
        )++
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A value without quotes: it may be a phrase."""


def _values(text: str, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """The secret names in a text, and where the value of each begins and ends."""
    if not _may_tell(text) or not _has_name(text, names):
        return
    at = 0
    unclosed: Counter[str] = Counter()
    while found := _named(names).search(text, at):
        start, end = _value(text, found, unclosed)
        if end > start:
            yield (found["element"] or found["name"]).lower(), start, end
        at = max(end, found.start() + 1)


def _value(text: str, found: re.Match[str], unclosed: Counter[str]) -> tuple[int, int]:
    """Where the value begins and ends that follows a name. One that is cut goes on to the end of the text.

    Args:
        unclosed: elements of which no end was found, and how many tags had none. More are added, so that each end is
            looked for only once, and a text of tags without an end takes no time without an end.
    """
    at = found.end()
    if found["element"]:
        return _content(text, found, unclosed)
    first = text[at : at + 1]
    if first in OPENING:
        line_end = text.find("\n", at)
        return at, _end_of_structure(text, at, len(text) if found["quoted"] or line_end < 0 else line_end)
    if found["name"].lower() in HEADERS and found["sign"] == ":" and first not in {'"', "'", "\\"}:
        match = REST_OF_LINE.match(text, at)
    else:
        match = QUOTED.match(text, at) or QUOTED_AGAIN.match(text, at) or BARE.match(text, at)
    return match.span("text") if match else (at, at)


def _content(text: str, found: re.Match[str], unclosed: Counter[str]) -> tuple[int, int]:
    """Where the content of an element begins and ends. Of a tag without an end, go on at its name."""
    at, name = found.end(), found["element"]
    if unclosed[""] >= MAX_OPEN_TAGS:
        return at, len(text)
    tag = REST_OF_TAG.match(text, at)
    if not tag:
        unclosed[""] += 1
        return found.start("element"), found.start("element")
    at = tag.end()
    if text[at - 2] == "/":
        return at, at
    closing = None
    if not unclosed[name]:
        closing = re.compile(rf"</(?:[\w.-]+:)?{re.escape(name)}\s*>", re.IGNORECASE).search(text, at)
    if not closing:
        unclosed[name] += 1
        if text[at : at + 1] not in {"<", "/"}:
            closing = END_OF_TEXT.search(text, at)
    return at, closing.start() if closing else at


def _end_of_structure(text: str, start: int, stop: int) -> int:
    """Where the array or object ends that begins there. One that is cut ends where the text stops."""
    depth = 0
    for part in PART.finditer(text, start, stop):
        depth += (part["bracket"] in OPENING) - (part["bracket"] in CLOSING)
        if not depth:
            return part.end()
    return stop


class _Mask:
    """What is secret, and hiding it in values of any kind. What holds no secret stays the same object.

    Args:
        spelt: the secrets that are searched for, in all their spellings.
        names: in lower case; every value beside one of them is secret.
    """

    def __init__(self, spelt: frozenset[str], names: frozenset[str]) -> None:
        self.spelt = spelt
        self.names = names
        self.shortest = [secret for secret in spelt if len(secret) < SHORTEST]
        self.lengths: dict[str, set[int]] = {}
        if len(spelt) > MANY:
            for secret in spelt:
                self.lengths.setdefault(secret[:SHORTEST], set()).add(len(secret))

    def is_secret(self, name: Any) -> bool:
        return str(name).lower() in self.names

    def hide(self, value: T) -> T:
        """The same value without secrets."""
        return self._hide(value)  # type: ignore[no-any-return]  # of the same type as it came

    def _hide(  # noqa: PLR0911  # one return for each kind of value
        self, value: Any, text: "Callable[[_Mask, str], str] | None" = None
    ) -> Any:
        """The same value, its texts as a function makes them; by default without secrets."""
        if isinstance(value, str):
            return text(self, value) if text else self._text(value)
        if not value or type(value) in ATOMS:
            return value
        if isinstance(value, tuple | list):
            hidden = [self._hide(member, text) for member in value]
            changed = any(after is not before for before, after in zip(value, hidden, strict=True))
            return type(value)(hidden) if changed else value
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, Mapping):
            return self._members(value, text)
        if isinstance(value, Mismatch):
            return self._mismatch(value)
        return self._fields(value, text) if is_dataclass(type(value)) else value

    def _members(self, value: Mapping[Any, Any], text: "Callable[[_Mask, str], str] | None") -> Mapping[Any, Any]:
        hidden = {
            (self._search(key) if isinstance(key, str) else key): HIDDEN
            if member is not None and not text and self.is_secret(key)
            else self._hide(member, text)
            for key, member in value.items()
        }
        return value if hidden == value else hidden

    def _fields(self, value: Any, text: "Callable[[_Mask, str], str] | None") -> Any:
        changed = {}
        for name, how in _fields_of(value.__class__):
            before = getattr(value, name)
            if not before or type(before) in ATOMS:
                continue
            try:
                after = self._hide(before, text) if text else how(self, before)
            except RecursionError:
                after = UNSEARCHABLE.encode() if isinstance(before, bytes) else UNSEARCHABLE
            if after is not before:
                changed[name] = after
        return replace(value, **changed) if changed else value

    def _text(self, text: str) -> str:
        text = self._search(text)
        if not _may_tell(text):
            return text
        shown, kept = [], 0
        for _, start, end in _values(text, self.names):
            shown += [text[kept:start], HIDDEN]
            kept = end
        return "".join([*shown, text[kept:]]) if shown else text

    def _naming(self, value: Any) -> Any:
        return self._hide(value, _Mask._name)

    def _name(self, text: str) -> str:
        """A text that names something: of what stands beside a secret name only what looks like a secret is hidden."""
        text = self._search(text)
        if not _may_tell(text):
            return text
        shown, kept = [], 0
        for _, start, end in _values(text, self.names):
            word = ANYTHING if text[start - 1] in {'"', "'"} else WORD
            shown += [text[kept:start], word.sub(_hidden_if_secret, text[start:end])]
            kept = end
        return "".join([*shown, text[kept:]]) if shown else text

    def _search(self, text: str) -> str:
        """Hide the secrets in a text. Of many, each place in the text is compared with those that begin alike."""
        if not self.lengths:
            for secret in self.spelt:
                if secret in text:
                    return hide(text, self.spelt)
            return text
        text = hide(text, self.shortest)
        shown, kept = [], 0
        for start, end in self._places(text):
            if end > kept:
                shown += [text[kept:start], HIDDEN if start >= kept else ""]
                kept = end
        return "".join([*shown, text[kept:]]) if shown else text

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        for start in range(len(text)):
            for length in self.lengths.get(text[start : start + SHORTEST], ()):
                end = start + length
                around = text[max(0, start - 1) : start] + text[end : end + 1]
                if text[start:end] in self.spelt and (length >= SHORT or not WORD_CHARACTER.search(around)):
                    yield start, end

    def _headers(self, headers: Any) -> Any:
        if not isinstance(headers, dict):  # lines of a diff
            return self._hide(headers)
        if self.names.isdisjoint(map(str.lower, headers)):
            values = "\n".join(map(str, headers.values()))
            if not self._may_hold_secrets(values) and self._search(names := "\n".join(headers)) is names:
                return headers  # as most are
        hidden = {
            self._search(name): (
                self._hide(value)
                if name.lower() not in self.names
                else self._search(without_secret_parts(name, value))
                if isinstance(value, str)
                else HIDDEN
            )
            for name, value in headers.items()
        }
        return headers if hidden == headers else hidden

    def _mismatch(self, mismatch: Mismatch) -> Mismatch:
        """Hide the values of a secret header or member. The core's sentence may quote them, so it is written anew."""
        expected, actual, message = mismatch.expected, mismatch.actual, mismatch.message
        if self.is_secret(mismatch.path) or any(map(self.is_secret, map(_local, steps(mismatch.path)))):
            header = mismatch.path if mismatch.part == "header" else ""
            expected, actual = (
                value and self._search(without_secret_parts(header, str(value)) if header else HIDDEN)
                for value in (expected, actual)
            )
            message = f"Expected {_side(expected)} but received {_side(actual)}"
        else:
            expected, actual, message = map(self._hide, (expected, actual, message))
        return replace(
            mismatch,
            path=self._search(mismatch.path),
            expected=expected,
            actual=actual,
            message=message,
            rule=self._hide(mismatch.rule),
        )

    def _body(self, body: Any) -> Any:
        if isinstance(body, bytes):
            return self._bytes(body)
        if body is None or (not isinstance(body, str) and not self._may_hold_secrets(json.dumps(body))):
            return body
        return self._hide(body)

    def _bytes(self, body: bytes) -> bytes:
        if not self._may_hold_secrets(body.decode(errors="replace")):
            return body
        with suppress(ValueError):
            document = read_json(body)
            masked = self._hide(document)
            return body if masked == document else json.dumps(masked, ensure_ascii=False).encode(errors="surrogatepass")
        return self._text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _may_hold_secrets(self, text: str) -> bool:
        """Find out quickly that there is nothing to hide in a text, as in most large ones."""
        return self._search(text) is not text or _may_name(text, self.names)


BY_FIELD = {
    "body": _Mask._body,
    "code": _Mask._search,  # in code, what stands beside a name is an expression
    "headers": _Mask._headers,
    **dict.fromkeys(NAMES, _Mask._naming),
}


@lru_cache
def _fields_of(kind: type) -> tuple[tuple[str, Callable[[_Mask, Any], Any]], ...]:
    """The fields of a dataclass, each with how to hide what is secret in it."""
    return tuple((field.name, BY_FIELD.get(field.name, _Mask._hide)) for field in fields(kind))


WORD = re.compile(r"[^\s.,:;!?]+(?:[.,:;!?]+[^\s.,:;!?]+)*+")
ANYTHING, WORD_CHARACTER = re.compile(r".+", re.DOTALL), re.compile(r"\w")


def _hidden_if_secret(found: re.Match[str]) -> str:
    return HIDDEN if looks_like_secret(found[0]) else found[0]


def _side(value: str | None) -> str:
    return f"'{value}'" if value else "nothing"


def _local(step: str) -> str:
    """A step of a path without what XML puts before names."""
    return step.removeprefix("@").rpartition(":")[2]
