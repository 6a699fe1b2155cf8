"""Where reports go beside the console: looked at before the run, written after it."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pact_verification.errors import CannotVerify
from pact_verification.pacts import read_pact
from pact_verification.results import Report

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

    def require_writable(self) -> None:
        """Find out before the run that a report can't be written; it would be late to hear of it afterwards.

        An older report goes: should this run never come to its end, nobody may take that one for its.

        Raises:
            CannotVerify: it can't be written, or what stands there is a pact.
        """
        problem = ""
        try:
            if self.path.is_dir():
                problem = "it is a directory"
            elif self.path.suffix == ".json" and self.path.is_file() and _is_pact(self.path):
                problem = "it is a pact, which the report would replace"
            else:
                new = not self.path.exists()
                with self.path.open("ab"):
                    pass
                if self.path.is_file() and (new or not self.append):
                    self.path.resolve().unlink()
        except (OSError, ValueError) as error:  # a NUL in the name
            problem = getattr(error, "strerror", None) or str(error)
        if problem:
            option = STEP_SUMMARY if self.append else f"--{self.format}"
            raise CannotVerify(
                f"{option} {str(self.path)!r} can't be written: {problem}. Name a file in a folder that exists."
            )

    def write(self, report: Report) -> None:
        """Render and write it. Raises whatever goes wrong."""
        text = self.render(report)
        with self.path.open(
            "a" if self.append else "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as file:
            file.write(text)


def requested(given: Mapping[str, str | None], *, github: bool) -> tuple[ReportFile, ...]:
    """The reports that options and environment ask for, each found to be writable.

    Args:
        given: by format, the path; None for a report that nobody wants.
        github: whether a step summary is written, where GitHub Actions names a file for it.

    Raises:
        CannotVerify: one can't be written, or two would stand in one file.
    """
    files = [ReportFile(name, Path(path)) for name in FORMATS if (path := given.get(name)) is not None]
    if github and (summary := os.environ.get(STEP_SUMMARY)):
        files.append(ReportFile("github", Path(summary), append=True))
    places = [file.path.resolve() for file in files]
    if twice := [file for file in files if places.count(file.path.resolve()) > 1]:
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
    try:
        return read_pact(path) is not None
    except CannotVerify:
        return False
