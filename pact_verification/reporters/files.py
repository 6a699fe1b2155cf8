"""Report files: checked before the run, written after it."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pact_verification import reporters
from pact_verification.errors import CannotVerify
from pact_verification.reporters import Format, Reported
from pact_verification.text import read_json

STEP_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report to write.

    Attributes:
        option: what the user set to get it, for errors.
        append: whether to keep the file's content, such as other steps' summaries.
    """

    format: Format
    path: Path
    option: str
    append: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the path is a regular file or free. It is not a pipe, a device or the console's own file."""
        try:
            there = self.path.stat()
        except (OSError, ValueError):  # nothing is there, or open() will tell what is wrong
            return True
        return stat.S_ISREG(there.st_mode) and not any(os.path.samestat(there, each) for each in _standard_streams())

    def require_writable(self) -> None:
        """Check before the run that the report can be written.

        An older report is emptied. If the run does not end, its reader must not take that report for the run's.

        Raises:
            CannotVerify: the file can't be written, or is a pact.
        """
        problem = None
        try:
            if self.path.is_dir():
                problem = "it is a directory"
            elif not self.is_plain:
                problem = None if os.access(self.path, os.W_OK) else "permission denied"
            elif _is_pact(self.path):
                problem = "it is a pact, which the report would replace"
            else:
                new = not self.path.exists()
                self.path.open("a" if self.append else "w").close()
                if new:
                    self.path.resolve().unlink()  # the target of a link, not the link
        except (OSError, ValueError) as error:  # a NUL in the name
            problem = getattr(error, "strerror", None) or str(error)
        if problem is not None:
            raise CannotVerify(
                f"{self.option} {str(self.path)!r} can't be written: {problem}. Name a file in a folder that exists."
            )

    def write(self, report: Reported) -> None:
        """Render and write the report. Raises every error."""
        text = self.format.render(report)
        with open(  # Path.open() takes no opener
            self.path,
            "a" if self.append or not self.is_plain else "w",
            encoding="utf-8",
            errors="backslashreplace",
            opener=_without_waiting,
        ) as file:
            file.write(text)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file. A pipe without a reader is an error, and does not block."""
    if sys.platform == "win32":  # no path there is a pipe that waits for a reader
        return os.open(path, flags, 0o666)
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    os.set_blocking(descriptor, True)
    return descriptor


def _standard_streams() -> Iterator[os.stat_result]:
    for descriptor in (1, 2):
        with suppress(OSError):
            yield os.fstat(descriptor)


def step_summary(
    *, required: bool, warn: Callable[[str], None], summary: Format | None = None
) -> tuple[ReportFile, ...]:
    """Return the file of GitHub Actions' step summary, if the environment names one that can be written.

    Args:
        required: whether an option asks for it. Otherwise a file that can't be written is only a warning: a container
            may have the variable and not the file.
        warn: called with the warning.
        summary: the format; by default that of a report.

    Raises:
        CannotVerify: it is required and can't be written.
    """
    if not (path := os.environ.get(STEP_SUMMARY_VARIABLE)):
        return ()
    file = ReportFile(summary or reporters.STEP_SUMMARY, Path(path), STEP_SUMMARY_VARIABLE, append=True)
    try:
        file.require_writable()
    except CannotVerify as error:
        if required:
            raise
        warn(f"{error} --no-github does without.")
        return ()
    return (file,)


def requested(given: Mapping[str, str | None], formats: Iterable[Format] | None = None) -> tuple[ReportFile, ...]:
    """Return the reports that options ask for, after a check that each can be written.

    Args:
        given: the options; one named like a format has the path, or None.
        formats: that a command has; by default those of a report.

    Raises:
        CannotVerify: a file can't be written, or two reports have the same file.
    """
    files = [
        ReportFile(each, Path(path), f"--{each.name}")
        for each in (reporters.FORMATS if formats is None else formats)
        if (path := given.get(each.name)) is not None
    ]
    plain = [file for file in files if file.is_plain]
    places = [file.path.resolve() for file in plain]
    if twice := [file for file in plain if places.count(file.path.resolve()) > 1]:
        raise CannotVerify(
            f"{' and '.join(file.option for file in twice)} name one file, {twice[0].path}. Give each its own."
        )
    for file in files:
        file.require_writable()
    return tuple(files)


def write_all(files: tuple[ReportFile, ...], report: Reported) -> Iterator[str]:
    """Write the reports. Yield an error for each that fails; the others are written all the same."""
    for file in files:
        try:
            file.write(report)
        except Exception as error:  # noqa: BLE001  # a report must not change the exit code
            yield f"The report {file.path} ({file.format.name}) could not be written: {type(error).__name__}: {error}"


def _is_pact(path: Path) -> bool:
    """Tell whether a file is a pact, even one that can't be verified."""
    try:
        document = read_json(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and {"consumer", "provider"} <= document.keys()
