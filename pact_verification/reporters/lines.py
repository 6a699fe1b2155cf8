"""Text as lines of parts with roles. An output joins them, and shows each role in its own way."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto


class Role(Enum):
    """What a part of a text is."""

    PLAIN = auto()
    HEADING = auto()
    LABEL = auto()
    DETAIL = auto()
    WARNING = auto()
    ERROR = auto()
    CODE = auto()
    EXPECTED = auto()
    CAME = auto()
    VERIFIED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """A text with its role."""

    text: str
    role: Role = Role.PLAIN


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text.

    Attributes:
        role: of the whole line; a part adds its own.
    """

    parts: tuple[Part, ...]
    role: Role = Role.PLAIN

    def __str__(self) -> str:
        return "".join(part.text for part in self.parts).expandtabs()


def lines_of(text: str, role: Role = Role.PLAIN, *, indent: int = 0) -> Iterable[TextLine]:
    """Yield a text's lines, each indented."""
    for line in text.split("\n"):
        yield TextLine((Part(" " * indent + line),), role)


def joined(lines: Iterable[TextLine]) -> str:
    """Return the lines as plain text."""
    return "".join(f"{line}\n" for line in lines)
