"""Where reports go beside the console: looked at before the run, written after it."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pact_verification.errors import CannotVerify
from pact_verification.results.report import Report
from pact_verification.text import read_json, visible

FORMATS = ("junit", "json", "html")
"""Each an option, and a module beside this one with `render(report) -> text`."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report that was asked for.

    Attributes:
        format: the name of the module that renders it.
        append: to what stands there already: other steps' summaries.
    """

    format: str
    path: Path
    append: bool = False

    @property
    def render(self) -> Callable[[Report], str]:
        rendered: Callable[[Report], str] = import_module(f"pact_verification.reporters.{self.format}").render
        return rendered

    @property
    def is_plain(self) -> bool:
        """Whether it is a file of its own, or would become one: no pipe, no device, not where the console leads."""
        try:
            there = self.path.stat()
        except (OSError, ValueError):  # nothing is there; what else is wrong, opening tells
            return True
        return stat.S_ISREG(there.st_mode) and not any(os.path.samestat(there, each) for each in _standard_streams())

    def require_writable(self) -> None:
        """Find out before the run that a report can't be written; it would be late to hear of it afterwards.

        An older report is emptied: should this run never come to its end, nobody may take that one for its.

        Raises:
            CannotVerify: it can't be written, or what stands there is a pact.
        """
        problem = ""
        try:
            if self.path.is_dir():
                problem = "it is a directory"
            elif not self.is_plain:
                problem = "" if os.access(self.path, os.W_OK) else "permission denied"
            elif _is_pact(self.path):
                problem = "it is a pact, which the report would replace"
            else:
                new = not self.path.exists()
                self.path.open("a" if self.append else "w").close()
                if new:
                    self.path.resolve().unlink()  # what a link leads to, not the link
        except (OSError, ValueError) as error:  # a NUL in the name
            problem = getattr(error, "strerror", None) or str(error)
        if problem:
            option = STEP_SUMMARY if self.append else f"--{self.format}"
            raise CannotVerify(
                f"{option} {str(self.path)!r} can't be written: {problem}. Name a file in a folder that exists."
            )

    def write(self, report: Report) -> None:
        """Render and write it. Raises whatever goes wrong."""
        text = visible(self.render(report))
        with open(  # Path.open() takes no opener
            self.path,
            "a" if self.append or not self.is_plain else "w",
            encoding="utf-8",
            errors="backslashreplace",
            opener=_without_waiting,
        ) as file:
            file.write(text)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody reads is an error rather than a wait without end."""
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    os.set_blocking(descriptor, True)
    return descriptor


def _standard_streams() -> Iterator[os.stat_result]:
    for descriptor in (1, 2):
        with suppress(OSError):
            yield os.fstat(descriptor)


def step_summary(*, required: bool, tell: Callable[[str], None]) -> tuple[ReportFile, ...]:
    """Where GitHub Actions wants a step's summary, if anywhere.

    Args:
        required: somebody asked for it: when it can't be written, that is an error. Else it is told, and goes without:
            a container may have the variable and not the file.

    Raises:
        CannotVerify: it is required, and can't be written.
    """
    if not (path := os.environ.get(STEP_SUMMARY)):
        return ()
    file = ReportFile("github", Path(path), append=True)
    try:
        file.require_writable()
    except CannotVerify as error:
        if required:
            raise
        tell(f"{error} --no-github does without.")
        return ()
    return (file,)


def requested(given: Mapping[str, str | None]) -> tuple[ReportFile, ...]:
    """The reports that options ask for, each found to be writable.

    Args:
        given: by format, the path; None for a report that nobody wants.

    Raises:
        CannotVerify: one can't be written, or two would stand in one file.
    """
    files = [ReportFile(name, Path(path)) for name in FORMATS if (path := given.get(name)) is not None]
    plain = [file for file in files if file.is_plain]
    places = [file.path.resolve() for file in plain]
    if twice := [file for file in plain if places.count(file.path.resolve()) > 1]:
        raise CannotVerify(
            f"{' and '.join(f'--{file.format}' for file in twice)} name one file, {twice[0].path}. Give each its own."
        )
    for file in files:
        file.require_writable()
    return tuple(files)


def write_all(files: tuple[ReportFile, ...], report: Report) -> Iterator[str]:
    """Write the reports. What goes wrong with one is told, and changes neither the others nor the verdict."""
    for file in files:
        try:
            file.write(report)
        except Exception as error:  # noqa: BLE001  # see above
            yield f"The report {file.path} ({file.format}) could not be written: {type(error).__name__}: {error}"


def _is_pact(path: Path) -> bool:
    """Whether a file is a pact, also one that can't be verified."""
    try:
        document = read_json(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and {"consumer", "provider"} <= document.keys()
