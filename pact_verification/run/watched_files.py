"""The files that --watch looks at: the project's Python, what runserver watches besides, and the pacts."""

import fnmatch
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from django.apps import apps
from django.utils.autoreload import StatReloader, autoreload_started, iter_all_python_module_files

from pact_verification.conf import conf
from pact_verification.pacts.sources import LocalPacts, Source

PYTHONS_OWN = tuple({Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "scripts")})

NOT_THE_PROJECTS = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
"""Names of folders without code of the project."""

Look = Mapping[str, tuple[int, int]]
"""The files that exist, each with its time of change in nanoseconds and its size."""


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """Files and folders to look at.

    Attributes:
        folders: searched with the folders in them, each for files whose name matches a pattern.
        files: files of other folders. They need not exist.
        pacts: files and folders with pacts; None for pacts of a broker.
        ignored: files and folders that a run writes itself.
    """

    folders: frozenset[tuple[str, str]]
    files: frozenset[str] = frozenset()
    pacts: LocalPacts | None = None
    ignored: frozenset[str] = frozenset()

    @classmethod
    def of_project(cls, source: Source, reports: Iterable[str] = ()) -> Self:
        """Return the files of the project that is loaded in this process.

        Args:
            source: finds the pacts.
            reports: files that the runs write.
        """
        roots = {Path(path).resolve() for path in (sys.path[0], *(each.path for each in apps.get_app_configs()))}
        reloader = StatReloader()
        # Django adds the folders of templates and translations, and the project what else runserver has to watch.
        autoreload_started.send_robust(sender=reloader)
        others = {
            (folder.resolve(), Path(pattern).name)
            for folder, patterns in reloader.directory_globs.items()
            for pattern in patterns
        }
        files = {*iter_all_python_module_files(), *map(Path, reloader.extra_files)}
        return cls(
            frozenset((str(folder), name) for folder, name in {*_with_python(roots), *others} if _is_projects(folder)),
            frozenset(map(str, filter(_is_projects, files))),
            source if isinstance(source, LocalPacts) else None,
            frozenset(map(os.path.realpath, (*reports, conf.PACT_CACHE_DIR))),
        )

    def look(self) -> Look:
        """Look at all files that exist now."""
        found = {}
        pacts = map(os.path.realpath, self.pacts.files()) if self.pacts else ()
        paths = {*self.files, *self._in_folders(), *pacts}
        for path in paths - self.ignored:
            with suppress(OSError):  # it has just been removed
                status = os.stat(path)  # noqa: PTH116  # a Path would take as long again
                found[path] = status.st_mtime_ns, status.st_size
        return found

    def _in_folders(self) -> Iterator[str]:
        for root, pattern in self.folders:
            for folder, folders, names in os.walk(root):
                if "pyvenv.cfg" in names and folder != root:  # a virtual environment, which the project may stand in
                    folders.clear()
                    continue
                folders[:] = [
                    name
                    for name in folders
                    if not _is_hidden(name)
                    and name not in NOT_THE_PROJECTS
                    and f"{folder}{os.sep}{name}" not in self.ignored
                ]
                found = fnmatch.filter(names, pattern)
                yield from (f"{folder}{os.sep}{name}" for name in found if not _is_hidden(name))


def changes(before: Look, after: Look) -> list[str]:
    """Return the files that are new, changed or gone."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _with_python(folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the folders that are in no other one, to be searched for Python."""
    outermost: list[Path] = []
    for folder in sorted(filter(_is_projects, folders)):
        if not any(folder.is_relative_to(each) for each in outermost):
            outermost.append(folder)
            yield folder, "*.py"


def _is_projects(path: Path) -> bool:
    """Return whether a path is neither Python's nor that of an installed package."""
    return NOT_THE_PROJECTS.isdisjoint(path.parts) and not any(path.is_relative_to(each) for each in PYTHONS_OWN)


def _is_hidden(name: str) -> bool:
    """Return whether a file is one that an editor makes beside the file that it edits, or a folder is a tool's."""
    return name.startswith(".") or name.endswith("~")
