"""Which files --watch looks at, and how its loop goes on."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.utils.autoreload import StatReloader, autoreload_started

from pact_verification.conf import conf
from pact_verification.pacts.sources import LocalPacts
from pact_verification.run.watched_files import WatchedFiles, changes
from pact_verification.run.watching import watch

pytestmark = pytest.mark.no_database


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that Python takes for the project's."""
    folder = (tmp_path / "project").resolve()
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.setattr(apps, "get_app_configs", list)
    monkeypatch.chdir(folder)
    return folder


def found(project: Path, files: WatchedFiles) -> set[str]:
    """Return the files in the project's folder."""
    return {str(Path(path).relative_to(project)) for path in files.look() if Path(path).is_relative_to(project)}


def test_python_of_the_project_alone(project: Path) -> None:
    write(project, "manage.py", "shop/models.py", "shop/data.csv", ".hidden/a.py", "shop/.#models.py")
    write(project, "env/pyvenv.cfg", "env/a.py", "env/lib/a.py", "node_modules/a.py", "site-packages/a.py")
    assert found(project, WatchedFiles.of_project(LocalPacts(()))) == {"manage.py", "shop/models.py"}


def test_a_project_in_the_folder_of_its_virtual_environment(project: Path) -> None:
    """Made by `python -m venv .` beside manage.py."""
    write(project, "pyvenv.cfg", "manage.py", "shop/views.py", "lib/python3.13/site-packages/library.py")
    assert found(project, WatchedFiles.of_project(LocalPacts(()))) == {"manage.py", "shop/views.py"}


def test_pacts_but_not_what_a_run_writes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(conf), "PACT_CACHE_DIR", property(lambda _: "cache"))
    write(
        project, "pacts/a.json", "pacts/deep/b.json", "pacts/notes.txt", "one.json", "cache/a.py", "pacts/report.json"
    )
    source = LocalPacts(("pacts", "one.json", "missing", "http://nowhere/pact"))
    files = WatchedFiles.of_project(source, ["./pacts/report.json"])
    assert found(project, files) == {"pacts/a.json", "pacts/deep/b.json", "one.json"}
    write(project, "missing/c.json")
    assert found(project, files) == {"pacts/a.json", "pacts/deep/b.json", "one.json", "missing/c.json"}


def test_what_the_project_adds_for_runserver(project: Path) -> None:
    def add(sender: StatReloader, **_: object) -> None:
        sender.watch_dir(project / "data", "**/*.yaml")
        sender.extra_files.add(project / "extra.toml")

    autoreload_started.connect(add)
    try:
        files = WatchedFiles.of_project(LocalPacts(()))
    finally:
        autoreload_started.disconnect(add)
    write(project, "data/deep/a.yaml", "data/a.txt", "extra.toml")
    assert found(project, files) == {"data/deep/a.yaml", "extra.toml"}


def test_changes_are_new_files_other_times_other_sizes_and_files_that_are_gone() -> None:
    before = {"same": (1, 1), "time": (1, 1), "older": (2, 1), "size": (1, 1), "gone": (1, 1)}
    after = {"same": (1, 1), "time": (2, 1), "older": (1, 1), "size": (1, 2), "new": (1, 1)}
    assert changes(before, after) == ["gone", "new", "older", "size", "time"]


class Enough(Exception):
    pass


def end_after(lines: int, shown: list[str], act: Callable[[], None]) -> Callable[[str], None]:
    """Return a function that takes lines to show. It acts after each that waits, and ends the loop after the last."""

    def show(text: str) -> None:
        shown.append(text)
        if len(shown) == lines:
            raise Enough
        if "Waiting" in text:
            act()

    return show


def test_databases_are_made_again_once(project: Path) -> None:
    write(project, "a.py", "b.py")
    files = WatchedFiles(frozenset({(str(project), "*.py")}))
    code = "import sys; open('ran', 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    shown: list[str] = []

    def change() -> None:
        for name in ("a.py", "b.py"):
            time = (project / name).stat().st_mtime_ns + 1
            os.utime(project / name, ns=(time, time))

    with pytest.raises(Enough):
        watch([sys.executable, "-c", code, "--create-db", "--keepdb"], files, end_after(3, shown, change))
    assert (project / "ran").read_text().splitlines() == ["--create-db --keepdb", "--keepdb"]
    assert shown == [
        "\nWaiting for a change of 2 files. Ctrl-C ends this.",
        "a.py and 1 other file changed. Verifying again.",
        "\nWaiting for a change of 2 files. Ctrl-C ends this.",
    ]


def test_a_change_during_a_run_is_seen_after_it(project: Path) -> None:
    write(project, "a.py")
    files = WatchedFiles(frozenset({(str(project), "*.py")}))
    code = "import os; os.path.exists('ran') or open('a.py', 'w').write('#'); open('ran', 'a').write('.')"
    shown: list[str] = []
    with pytest.raises(Enough):
        watch([sys.executable, "-c", code], files, end_after(3, shown, lambda: None))
    assert (project / "ran").read_text() == ".."
    assert shown[1] == "a.py changed. Verifying again."
