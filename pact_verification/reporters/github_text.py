"""Texts of others in GitHub's Markdown and in its workflow commands: escaped, and no longer than GitHub shows."""

import re
from collections.abc import Iterable, Mapping
from html import escape

from pact_verification.reporters.conclusion import Mood
from pact_verification.text import without_commands

SIGNS = {Mood.GOOD: "✅", Mood.BAD: "❌", Mood.NEUTRAL: "⚠️"}

MAX_SUMMARY = 900_000
"""Bytes. GitHub refuses more than 1 MiB."""

MAX_MESSAGE = 1000
"""Characters. An annotation stands between lines of code."""

MAX_TITLE = 200
"""Characters of an annotation's title."""

MAX_ANNOTATIONS = 10
"""For each step and kind. GitHub drops the rest."""


def inline(text: str) -> str:
    """Return a text as one line without Markdown and HTML."""
    escaped = escape(text.replace("\n", " "), quote=False)
    return re.sub(r"([\\`*_{}\[\]()#+!|~@$-])", r"\\\1", escaped)


def fenced(text: str, language: str = "text") -> str:
    """Return a code block, with a fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def table_rows(cells: Iterable[Iterable[str]]) -> str:
    """Return rows of a table. Their cells are Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def size(text: str) -> int:
    """Return how many bytes a text has in a file."""
    return len(text.encode(errors="replace"))


def cut(text: str, length: int) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def command(kind: str, message: str, properties: Mapping[str, str]) -> str:
    """Return a workflow command."""
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {listed}::{_data(message)}"


def annotations(commands: Mapping[str, list[str]], title: str) -> str:
    """Return as many commands of each kind as GitHub shows, and how many there are more.

    Args:
        title: of the annotation that counts the others.
    """
    shown = []
    for kind, found in commands.items():
        if len(found) > MAX_ANNOTATIONS:
            more = len(found) - MAX_ANNOTATIONS + 1
            shown += found[: MAX_ANNOTATIONS - 1]
            shown.append(command(kind, f"{more} more in the step summary", {"title": title}))
        else:
            shown += found
    return "".join(f"{line}\n" for line in shown)


def _data(text: str) -> str:
    """Escape a workflow command's message (GitHub's toolkit, command.ts: escapeData)."""
    return without_commands(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
