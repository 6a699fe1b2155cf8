"""Text for somebody's terminal, and text from somebody's server."""

import json
import os
import re
from typing import Any


def printable(text: str) -> str:
    """One line, without the control characters that a consumer or a body might bring."""
    return "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


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


def place(file: str, line: int) -> str:
    """File and line as a person at the console would name them."""
    return f"{relative(file)}:{line}"


def encodable(text: str, encoding: str) -> str:
    """The text as a stream can show it."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate({ord("✓"): "+", ord("✗"): "x", ord("…"): "...", ord("→"): "->"})
    return text.encode(encoding, "backslashreplace").decode(encoding)


def without_commands(text: str) -> str:
    """Text for a log that GitHub may read: it takes lines that begin with :: for commands, white space aside."""
    return re.sub(r"^(\s*):(?=:)", r"\1: ", text, flags=re.MULTILINE)
