"""Text for somebody's terminal, and text from somebody's server."""

import json
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
