"""Whose code a frame of a traceback is: the project's, a library's, or this package's."""

import json
import os
import subprocess
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import Any

import django
import pytest

import pact_verification
from pact_verification.results.crash import Crash, is_own, project_traceback
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

PACKAGE = Path(pact_verification.__file__).parent


@pytest.mark.parametrize("file", sorted(map(str, PACKAGE.rglob("*.py"))))
def test_every_room_of_the_package_is_ours(file: str) -> None:
    assert not is_own(file)


@pytest.mark.parametrize(
    ("file", "own"),
    [
        (str(ROOT / "tests" / "testapp" / "views.py"), True),
        (str(ROOT / "pact_verification_extras" / "views.py"), True),
        ("/srv/shop/pact_verification.py", True),
        (django.__file__, False),
        (json.__file__, False),
        (f"{sysconfig.get_path('purelib')}/library/module.py", False),
        ("/home/ann/.local/lib/python3.11/site-packages/library/module.py", False),
        ("/usr/lib/python3/dist-packages/library/module.py", False),
        (r"C:\Python\Lib\site-packages\library\module.py", False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_a_project_has_its_own_files_and_a_library_has_not(file: str, own: bool) -> None:
    assert is_own(file) is own


def test_a_traceback_has_no_frame_of_ours(tmp_path: Path) -> None:
    """The package calls the project, whose code raises."""
    project = compile("raise LookupError('no price')", tmp_path / "views.py", "exec")
    ours = compile("exec(project)", PACKAGE / "provider" / "project.py", "exec")
    with pytest.raises(LookupError) as raised:
        exec(ours, {"project": project})
    frames = Crash.of(raised.value).frames
    assert [(frame.function, frame.own) for frame in frames][-1] == ("<module>", True)
    assert [Path(frame.file).resolve() for frame in frames if frame.function == "<module>"] == [tmp_path / "views.py"]


def test_a_projects_traceback_has_its_frames_and_those_of_what_led_to_it(tmp_path: Path) -> None:
    code = """
import json

def read():
    try:
        json.loads("{")
    except ValueError as error:
        raise LookupError("no prices") from error
"""
    project: dict[str, Any] = {}
    exec(compile(code, tmp_path / "prices.py", "exec"), project)
    with pytest.raises(LookupError) as raised:
        project["read"]()
    printed = project_traceback(raised.value)
    files = [line.strip() for line in printed.splitlines() if line.startswith("  File") and __file__ not in line]
    assert files == [
        f'File "{tmp_path / "prices.py"}", line 6, in read',
        f'File "{tmp_path / "prices.py"}", line 8, in read',
    ]
    assert "The above exception was the direct cause" in printed
    assert printed.endswith("LookupError: no prices\n(3 frames of libraries left out)\n")


def test_frames_are_counted_only_if_they_would_be_shown() -> None:
    def read() -> None:
        try:
            json.loads("{")
        except ValueError:
            raise LookupError("no prices") from None

    with pytest.raises(LookupError) as raised:
        read()
    assert project_traceback(raised.value).endswith("LookupError: no prices\n")


def test_the_errors_of_a_group_have_the_projects_frames_too() -> None:
    errors = []
    for text in ("{", "["):
        try:
            json.loads(text)
        except ValueError as error:
            errors.append(error)
    printed = project_traceback(ExceptionGroup("two", errors))
    assert json.__file__ not in printed
    assert "Expecting property name" in printed
    assert printed.count(__file__) == 2


def test_a_traceback_without_a_frame_of_the_project_is_whole() -> None:
    with pytest.raises(ValueError, match="Expecting") as raised:
        json.loads("{")
    error = raised.value.with_traceback(raised.tb.tb_next)
    assert project_traceback(error) == "".join(traceback.format_exception(error))


SCRIPT = """
import json, site, sys
site.addsitedir(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import django
from django.conf import settings
settings.configure(ROOT_URLCONF="shop.views", ALLOWED_HOSTS=["*"], DEBUG_PROPAGATE_EXCEPTIONS=True)
django.setup()
import pact_verification
from django.test import Client
from pact_verification.results.crash import Crash
import shop.pact_states

def crash_of(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return Crash.of(error)

crashes = [crash_of(Client().get, "/"), crash_of(shop.pact_states.set_up)]
print(json.dumps([
    pact_verification.__file__,
    *[[[frame.file, frame.function, frame.own] for frame in crash.frames] for crash in crashes],
]))
"""

VIEWS = """
from django.urls import path

def raises(request):
    raise LookupError("no price")

urlpatterns = [path("", raises)]
"""

STATES = """
from pact_verification.states.handlers import Handler
from pact_verification.text import Place

def item_exists():
    raise LookupError("no such item")

def set_up():
    Handler(item_exists, Place(__file__, 1)).set_up({})
"""


def test_an_editable_install_is_still_ours(tmp_path: Path) -> None:
    """The package then lies outside site-packages, as the project does."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"),
            *("--no-build-isolation", "--no-deps", "--ignore-installed", "--prefix", tmp_path / "prefix"),
            *("--editable", ROOT),
        ],
        check=True,
        capture_output=True,
    )
    (site_packages,) = {file.parent for file in (tmp_path / "prefix").rglob("*.pth")}
    shop = tmp_path / "project" / "shop"
    shop.mkdir(parents=True)
    (shop / "views.py").write_text(VIEWS)
    (shop / "pact_states.py").write_text(STATES)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, site_packages, shop.parent],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    package, view, handler = json.loads(done.stdout)
    assert Path(package).parent == PACKAGE
    for frames, name in ((view, "raises"), (handler, "item_exists")):
        assert [function for _, function, own in frames if own][-1] == name
        assert not [file for file, *_ in frames if str(PACKAGE) in str((tmp_path / file).resolve())]
