"""An exception of the project's code, with the frames that led to it."""

import os
import re
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from pact_verification.text import Place, counted, relative

OURS = f"{Path(__file__).parents[1]}{os.sep}"
"""The package's own folder. No project has code in it, whether the package is installed or editable."""


INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")
"""Where packages are, of a person or of the system too, which this environment may use."""

MAX_FRAMES = 60
"""How many frames of a traceback are kept: the outermost and the innermost half."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a traceback.

    Attributes:
        own: whether the file is the project's, not a library's.
    """

    file: str
    line: int
    function: str
    code: str
    own: bool


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that the project's code raised, with the frames that led to it."""

    exception: str
    frames: tuple[Frame, ...] = ()

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Copy what a report needs of an exception. Its frames themselves would keep objects alive."""
        try:
            text = str(error)
        except Exception as another:  # noqa: BLE001  # the project's __str__ may raise anything
            text = f"(its text raised {type(another).__name__})"
        name = type(error).__name__
        return cls(f"{name}: {text}" if text else name, tuple(_frames(error.__traceback__)))

    @property
    def where(self) -> Place | None:
        """The line of the project's innermost frame; a library's when no frame is the project's."""
        frames = self.own or self.frames
        return Place(frames[-1].file, frames[-1].line) if frames else None

    @property
    def own(self) -> tuple[Frame, ...]:
        """The project's frames."""
        return tuple(frame for frame in self.frames if frame.own)

    @property
    def libraries(self) -> tuple[Frame, ...]:
        return tuple(frame for frame in self.frames if not frame.own)


def project_traceback(error: BaseException) -> str:
    """Return the traceback of an exception, and of those that led to it, with the project's frames alone.

    A traceback without such a frame is returned whole: the error is then a library's, or this package's.
    """
    printed = traceback.TracebackException.from_exception(error)
    left_out, chain, seen = 0, [printed], set()
    while chain:
        each = chain.pop()
        own = [frame for frame in each.stack if is_own(frame.filename)]
        if own and id(each) not in seen:
            left_out += len(each.stack) - len(own)
            each.stack = traceback.StackSummary.from_list(own)
        seen.add(id(each))
        context = None if each.__suppress_context__ else each.__context__
        chain += [one for one in (each.__cause__ or context, *(each.exceptions or ())) if one and id(one) not in seen]
    note = f"({counted(left_out, 'frame')} of libraries left out)\n" if left_out else ""
    return "".join(printed.format()) + note


@cache
def _libraries() -> tuple[str, ...]:
    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_own(file: str) -> bool:
    """Tell whether a file of code is the project's, not a library's and not this package's."""
    return not file.startswith((*_libraries(), OURS, "<")) and not INSTALLED.search(file)


def _frames(trace: TracebackType | None) -> Iterator[Frame]:
    extracted = traceback.extract_tb(trace)
    if len(extracted) > MAX_FRAMES:  # a recursion without an end
        extracted[MAX_FRAMES // 2 : -MAX_FRAMES // 2] = []
    for frame in extracted:
        if frame.filename.startswith(OURS):
            continue
        yield Frame(relative(frame.filename), frame.lineno or 0, frame.name, frame.line or "", is_own(frame.filename))
