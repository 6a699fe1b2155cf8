"""Texts and places in code, as people and programs read them."""

import difflib
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

MAY_BE_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e]")

BINARY_SHARE = 0.3
"""The share of characters from which on bytes that are no UTF-8 are not text in another encoding."""

SHOWN_BYTES = 32
"""How many bytes of a binary body are shown."""


MAX_SHOWN = 200


def printable(text: str) -> str:
    """Return a line with every unprintable character but tabs spelled out, as Python spells it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)


def printable_lines(text: str) -> str:
    """Return a text with every unprintable character but tabs and line ends spelled out."""
    return "\n".join(map(printable, text.split("\n")))


def described_binary(body: bytes) -> str | None:
    """Return the size and the beginning of a binary body, in words; None for text."""
    text = body.decode(errors="replace")
    if b"\0" not in body and text.count("\ufffd") <= BINARY_SHARE * len(text):
        return None
    more = " …" if len(body) > SHOWN_BYTES else ""
    return f"(binary, {counted(len(body), 'byte')}: {body[:SHOWN_BYTES].hex(' ')}{more})"


def visible(document: str) -> str:
    """Return a JSON document with every unprintable character but tabs and line ends escaped, as JSON escapes it."""
    return MAY_BE_UNPRINTABLE.sub(
        lambda match: match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1], document
    )


def python_literal(text: str) -> str:
    """Return a text as a Python literal in printable characters, without commands for GitHub's runner."""
    printed = "".join(
        f"\\{char}" if char in {'"', "\\"} else char if char.isprintable() else repr(char)[1:-1] for char in text
    )
    return f'"{printed}"'.replace("##[", r"\x23#[")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Return at most three names that look like this one in any case, nearest first."""
    folded = {each.casefold(): each for each in names}
    return [folded[each] for each in difflib.get_close_matches(name.casefold(), folded)]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 pact, 2 pacts."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown(value: object) -> str:
    """Return a value's `repr` for a message, cut to a length that a line has room for."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)} characters)"


def read_json(body: bytes) -> Any:
    """Return the value of a JSON body. Raises ValueError if the body is not JSON."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def text_of(body: bytes) -> str:
    """Return the text of a body: of UTF-16 and UTF-32 too, which JSON may be written in."""
    with suppress(UnicodeDecodeError):
        return body.decode(json.detect_encoding(body))
    return body.decode(errors="replace")


def relative(path: str) -> str:
    """Return a file's path from the current folder; for a file outside of it, the path as given."""
    try:
        near = os.path.relpath(path)
    except ValueError:  # Windows: it is on another drive
        return path
    return path if near.startswith("..") else near


@dataclass(frozen=True, slots=True)
class Place:
    """A line of code. Its `str()` is file:line, with the path from the current folder."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{relative(self.file)}:{self.line}"


def encodable(text: str, encoding: str) -> str:
    """Return the text in characters that a stream's encoding has."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate({ord("✓"): "v", ord("✗"): "x", ord("…"): "...", ord("→"): "->"})
    return text.encode(encoding, "backslashreplace").decode(encoding)


def without_commands(text: str) -> str:
    """Return a text for a log without commands for GitHub's runner.

    A command is `::` at the beginning of a line, after white space, or `##[` anywhere. Each gets a space inside.
    """
    text = re.sub(r"(^|\r)([^\S\r\n]*):(?=:)", r"\1\2: ", text, flags=re.MULTILINE)
    return text.replace("##[", "## [")
