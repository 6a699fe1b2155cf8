"""Finds the secrets in structures and texts.

A secret is known by its name: a header, a member of JSON or of a form, a parameter, an XML element. `secrets_in` finds
the values to search for in other texts; `secret_values_in` finds where in a text a secret name has its value.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from types import NoneType
from typing import Any
from urllib.parse import unquote_plus

from pact_verification.credentials import spellings
from pact_verification.results.secret_values import looks_like_secret, secret_parts
from pact_verification.text import read_json

MAX_OPEN_TAGS = 64
"""After so many tags without an end the rest of a text is hidden: each takes a search through all of it."""

HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie"}
"""A line of text that begins with one of these and a colon is a header, and all of it is its value."""

ATOMS = {int, float, bool, NoneType}
"""Types of values that hold no text."""


def secrets_in(sources: Iterable[Any], names: frozenset[str]) -> frozenset[str]:
    """Return the secrets in structures that look like secrets, in all their spellings."""
    found = {secret for secret in _find(sources, names) if looks_like_secret(secret)}
    return spellings(found) if found else frozenset()


def _find(sources: Iterable[Any], names: frozenset[str]) -> Iterator[str]:
    """Yield the texts under secret names, and their parts that may stand alone elsewhere."""
    left: list[tuple[Any, str]] = [(source, "") for source in sources if source]
    while left:  # no recursion, since bodies may be deep
        value, name = left.pop()
        if isinstance(value, Mapping):
            for key, member in value.items():
                lower = str(key).lower()
                if lower in names:
                    left.append((member, lower))
                elif name or not (type(member) in ATOMS or (type(member) is str and not may_hold_value(member))):
                    left.append((member, name))
        elif isinstance(value, list | tuple):
            left += [(member, name) for member in value]
        elif name and value is not None:
            yield from _with_parts(str(value), name)
        elif isinstance(value, str | bytes):
            text = value if isinstance(value, str) else value.decode(errors="replace")
            if not may_name_secret(text, names):
                continue
            document = _json_in(text)
            left.append((document, ""))
            yield from () if document else _named_in(text, names)


def _named_in(text: str, names: frozenset[str]) -> Iterator[str]:
    for found, start, end in secret_values_in(text, names):
        yield from _parts_of(text[start:end], found)


def _json_in(text: str) -> Any:
    """Return the array or object that a text is in JSON, else None."""
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
    """Yield a value that was found in a text, its parts, and its other spellings."""
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
    if name not in HEADERS:  # the first word of these is a scheme
        yield re.split(r"[\s,;&]", value, maxsplit=1)[0]
    with suppress(ValueError):
        yield str(json.loads(f'"{value}"'))


def may_name_secret(text: str, names: frozenset[str]) -> bool:
    """Tell quickly whether a text may have a secret name with its value; escapes may spell the name."""
    return may_hold_value(text) and ("\\u" in text or _has_name(text, names))


def may_hold_value(text: str) -> bool:
    """Tell whether a text has a sign that may stand between a name and its value. Most have none."""
    return ":" in text or "=" in text or ">" in text or " is " in text or " with value " in text


def _has_name(text: str, names: frozenset[str]) -> bool:
    if not text.isascii():  # lower() is not enough for other letters
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
    """Return the pattern of a secret name and the sign before its value.

    It fits forms, XML, headers, reprs and sentences.
    """
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
"""A quoted value within a quoted text, where a backslash stands before each quote."""

PART = re.compile(rf"""{QUOTED.pattern}(?P=quote)?+|(?P<bracket>[\[\]{{}}])|(?P<bare>[^"'\[\]{{}}]+)""", re.DOTALL)
REST_OF_LINE = re.compile(r"(?P<text>(?:(?!\\[rn])[^\r\n])*+)")
BARE = re.compile(
    r"""
    (?:(?:basic|bearer|token|digest)[ ])?
    (?P<text>
        (?!["'\\])
        (?:
            \(hidden\)
            | [&,;]?[ \t]+ (?! [\w.-]+\s*[=:] | ["'&<>,;)\]}] | \Z )  # a space, unless a name or the end follows
            | [&,;] (?! [\w.%\[\]-]+\s*[=:] | \s | \Z )               # what may also separate names
            | ["'] (?= \w )                                           # an apostrophe
            | [^\s"'&<>,;\\()\]}]++ | \(
        )++
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A value without quotes: it may be a phrase."""


def secret_values_in(text: str, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the secret names in a text, each with the start and end of its value."""
    if not may_hold_value(text) or not _has_name(text, names):
        return
    at = 0
    unclosed: Counter[str] = Counter()
    while found := _named(names).search(text, at):
        start, end = _value(text, found, unclosed)
        if end > start:
            yield (found["element"] or found["name"]).lower(), start, end
        at = max(end, found.start() + 1)


def _value(text: str, found: re.Match[str], unclosed: Counter[str]) -> tuple[int, int]:
    """Return the start and end of the value after a name. A value that was cut reaches to the end of the text.

    Args:
        unclosed: counts the elements without a closing tag, and under "" the tags without an end. This function adds
            to it, so that it searches the text for each end only once.
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
    """Return the start and end of an element's content; for a tag without an end, twice the start of its name."""
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
    """Return the end of the array or object that begins there; `stop` for one that was cut."""
    depth = 0
    for part in PART.finditer(text, start, stop):
        depth += (part["bracket"] in OPENING) - (part["bracket"] in CLOSING)
        if not depth:
            return part.end()
    return stop
