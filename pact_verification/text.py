"""Text for somebody's terminal, and text from somebody's server."""

import difflib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

UNPRINTABLE = re.compile(r"(\x1b\[[\d;]*m)|[^\n\t\x20-\x7e]")
"""A colour, or a character that may be no printable one."""


def printable(text: str) -> str:
    """One line, without the control characters that a consumer or a body might bring."""
    return "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def visible(text: str, *, colours: bool = False) -> str:
    """Spell out every character that a terminal or a browser obeys, such as a change of the text's direction.

    It is spelt as JSON spells it, because the text may be JSON. Line ends and tabs stay.

    Args:
        colours: whether a terminal's colours stay too.
    """

    def spelt(match: re.Match[str]) -> str:
        if match[0].isprintable() or (colours and match[1]):
            return match[0]
        return json.dumps(match[0])[1:-1]

    return UNPRINTABLE.sub(spelt, text)


def python_literal(text: str) -> str:
    """A text as a literal of Python, in printable characters. No log takes a part of it for a command."""
    printed = "".join(
        f"\\{char}" if char in {'"', "\\"} else char if char.isprintable() else repr(char)[1:-1] for char in text
    )
    return f'"{printed}"'.replace("##[", r"\x23#[")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Names that look like this one, nearest first, whatever their case; at most three."""
    folded = {each.casefold(): each for each in names}
    return [folded[each] for each in difflib.get_close_matches(name.casefold(), folded)]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def read_json(body: bytes) -> Any:
    """A body as JSON has it. Raises ValueError where it is none."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def relative(path: str) -> str:
    """A file as a person in the current folder would name it, unless it lies elsewhere."""
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


@dataclass(frozen=True, slots=True)
class Place:
    """A line of code. Its text is file and line as a person at the console would name them.

    Attributes:
        file: its path; `str()` shortens it in the current folder.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{relative(self.file)}:{self.line}"


def encodable(text: str, encoding: str) -> str:
    """The text as a stream can show it."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate({ord("✓"): "+", ord("✗"): "x", ord("…"): "...", ord("→"): "->"})
    return text.encode(encoding, "backslashreplace").decode(encoding)


def without_commands(text: str) -> str:
    """Text for a log that GitHub's runner reads, with a space in each of the runner's two marks of a command.

    One is :: at the beginning of a line, white space aside; the other is ##[ anywhere.
    """
    text = re.sub(r"(^|\r)([^\S\r\n]*):(?=:)", r"\1\2: ", text, flags=re.MULTILINE)
    return text.replace("##[", "## [")
