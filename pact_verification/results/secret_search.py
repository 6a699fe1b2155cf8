"""Finds the secrets in structures and texts.

A value is secret because of its name: that of a header, a JSON member, a form field, a parameter or an XML element.
`secrets_in` collects secret values, which masking then searches for in all other texts. `secret_values_in` finds the
positions of values that stand after a secret name in one text.
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

from pact_verification.results.secret_values import looks_like_secret, secret_parts
from pact_verification.system.credentials import spellings
from pact_verification.text import read_json, text_of

MAX_OPEN_TAGS = 64
"""After this many tags without an end, the rest of a text is hidden. Each costs a search through the whole text."""

HEADERS = {"authorization", "cookie", "proxy-authorization", "set-cookie"}
"""After one of these names and a colon, the rest of the line is the value."""

ATOMS = {int, float, bool, NoneType}
"""Types of values that contain no text."""


def secrets_in(sources: Iterable[Any], names: frozenset[str]) -> frozenset[str]:
    """Return the values under secret names that look like secrets, in all their encodings."""
    found = {secret for secret in _values_under(sources, names) if looks_like_secret(secret)}
    return spellings(found) if found else frozenset()


def _values_under(sources: Iterable[Any], names: frozenset[str]) -> Iterator[str]:
    """Yield the values under secret names, and the parts of them that other texts may quote alone."""
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
            yield from _value_and_parts(str(value), name)
        elif isinstance(value, str | bytes):
            text = value if isinstance(value, str) else text_of(value)
            if not may_name_secret(text, names):
                continue
            document = _json_in(text)
            left.append((document, ""))
            yield from () if document else _parts_named_in(text, names)


def _parts_named_in(text: str, names: frozenset[str]) -> Iterator[str]:
    for found, start, end in secret_values_in(text, names):
        yield from _parts_in_text(text[start:end], found)


def _json_in(text: str) -> Any:
    """Return the JSON array or object in a text, or None for any other text."""
    if text.lstrip("\ufeff \t\r\n")[:1] in OPENING:
        with suppress(ValueError):
            return read_json(text.encode(errors="replace"))
    return None


def _value_and_parts(text: str, name: str) -> Iterator[str]:
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


def _parts_in_text(value: str, name: str) -> Iterator[str]:
    """Yield a value that was found in a text, its parts, and its decoded forms."""
    if value[:1] in OPENING:
        for part in PART.finditer(value):
            if part["text"] and not COLON.match(value, part.end()):
                yield from _parts_in_text(part["text"], name)
            elif part["bare"]:
                yield from re.split(r"[\s,:]+", part["bare"])
        return
    yield from _value_and_parts(value, name)
    yield unquote_plus(value)
    yield from TAG.split(value)
    if name not in HEADERS:  # the first word of such a header may be a scheme
        yield re.split(r"[\s,;&]", value, maxsplit=1)[0]
    with suppress(ValueError):
        yield str(json.loads(f'"{value}"'))


def may_name_secret(text: str, names: frozenset[str]) -> bool:
    """Tell quickly whether a text may have a secret name with a value. \\u escapes may hide the name."""
    return may_hold_value(text) and ("\\u" in text or _has_name(text, names))


def may_hold_value(text: str) -> bool:
    """Tell whether a text has a sign that may separate a name from its value. Most texts have none."""
    return ":" in text or "=" in text or ">" in text or " is " in text or " with value " in text


def _has_name(text: str, names: frozenset[str]) -> bool:
    if not text.isascii():  # lower() does not fold other letters as re.IGNORECASE does
        return bool(_name_pattern(names).search(text))
    lower = text.lower()
    for name in names:  # noqa: SIM110  # any() takes twice as long
        if name in lower:
            return True
    return False


@lru_cache
def _name_pattern(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(names))) if names else r"(?!)", re.IGNORECASE)


@lru_cache
def _assignment_pattern(names: frozenset[str]) -> re.Pattern[str]:
    """Return the pattern of a secret name and the sign before its value.

    It matches in forms, JSON, XML, headers, reprs and sentences.
    """
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(
        rf"(?<!\?P)<(?:[\w.-]+:)?(?P<element>{either})(?=[\s>])"
        rf"|(?:(?<![\w-])|(?<=%5B))(?P<name>{either})(?:\]|%5D)?(?P<quoted>\\*[\"'])?\s*"
        r"(?P<sign>[=:]|\bis(?=\ ['\"])|with\ value)\s*"
        rf"|\bname=\"(?P<field>{either})\"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n",  # multipart/form-data
        re.IGNORECASE,
    )


OPENING, CLOSING = {"[", "{"}, {"]", "}"}
COLON = re.compile(r"\s*:")
REST_OF_TAG = re.compile(r"(?:\"[^\"]*+\"|'[^']*+'|[^<>\"'])*+>")
END_OF_TEXT = re.compile(r"<|\Z")
TAG = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*+>")
QUOTED = re.compile(r"""(?P<quote>["'])(?P<text>(?:(?!(?P=quote))[^\\]|\\.)*+)""", re.DOTALL)
QUOTED_AGAIN = re.compile(r"""(?P<quote>\\+["'])(?P<text>.*?)(?=(?<!\\)(?P=quote)|\Z)""", re.DOTALL)
"""A quoted value within a quoted text: its quotes have backslashes."""

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
"""A value without quotes, which may have several words."""


def secret_values_in(text: str, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each secret name in a text that has a value, with the start and end of the value."""
    if not may_hold_value(text) or not _has_name(text, names):
        return
    at = 0
    unclosed: Counter[str] = Counter()
    while found := _assignment_pattern(names).search(text, at):
        start, end = _value(text, found, unclosed)
        if end > start:
            yield (found["element"] or found["name"] or found["field"]).lower(), start, end
        at = max(end, found.start() + 1)


def _value(text: str, found: re.Match[str], unclosed: Counter[str]) -> tuple[int, int]:
    """Return the start and end of the value after a name. A value that was cut reaches to the end of the text.

    Args:
        unclosed: counts elements without a closing tag by name, and tags without an end under "". `_element_content`
            adds to it, and does not search again for the closing tag of such a name.
    """
    at = found.end()
    if found["element"]:
        return _element_content(text, found, unclosed)
    if found["field"]:
        part_end = text.find("\n--", at)
        return at, len(text) if part_end < 0 else part_end - (text[part_end - 1] == "\r")
    first = text[at : at + 1]
    if first in OPENING:
        line_end = text.find("\n", at)
        return at, _end_of_structure(text, at, len(text) if found["quoted"] or line_end < 0 else line_end)
    if found["name"].lower() in HEADERS and found["sign"] == ":" and first not in {'"', "'", "\\"}:
        match = REST_OF_LINE.match(text, at)
    else:
        match = QUOTED.match(text, at) or QUOTED_AGAIN.match(text, at) or BARE.match(text, at)
    return match.span("text") if match else (at, at)


def _element_content(text: str, found: re.Match[str], unclosed: Counter[str]) -> tuple[int, int]:
    """Return the start and end of an element's content. A tag without an end gives an empty range."""
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
    """Return the end of the array or object that begins at `start`, or `stop` if it was cut."""
    depth = 0
    for part in PART.finditer(text, start, stop):
        depth += (part["bracket"] in OPENING) - (part["bracket"] in CLOSING)
        if not depth:
            return part.end()
    return stop
