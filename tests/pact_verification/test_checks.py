"""Every setting is checked, and read when the code needs it. So are the versions of Django and Python."""

import ast
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import django
import pytest
import yaml
from django.core.checks import run_checks
from django.test import override_settings

from pact_verification import conf as conf_module
from pact_verification.checks import CHECKS, DJANGO, PYTHON, require_settings
from pact_verification.conf import DEFAULTS, Settings, conf
from pact_verification.errors import CannotVerify

pytestmark = pytest.mark.no_database  # settings are read without a database

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/settings.md"


def test_the_projects_settings_are_fine() -> None:
    assert run_checks() == []


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("PACT_PROVIDER_NAME", None, "pact_verification.E001"),
        ("PACT_ISOLATION", "truncate", "pact_verification.E002"),
        ("PACT_ISOLATION", ["flush"], "pact_verification.E002"),
        ("PACT_REQUEST_TIMEOUT", 0, "pact_verification.E003"),
        ("PACT_REQUEST_TIMEOUT", "5", "pact_verification.E003"),
        ("PACT_REQUEST_TIMEOUT", True, "pact_verification.E003"),
        ("PACT_PATHS", "pacts", "pact_verification.E004"),
        ("PACT_PATHS", 5, "pact_verification.E004"),
        ("PACT_PATHS", [None], "pact_verification.E004"),
        ("PACT_SECRET_NAMES", "password", "pact_verification.E005"),
        ("PACT_SECRET_NAMES", None, "pact_verification.E005"),
        ("PACT_SECRET_NAMES", [b"password"], "pact_verification.E005"),
        ("PACT_DISPOSABLE_DATABASES", "scratch", "pact_verification.E006"),
        ("PACT_DISPOSABLE_DATABASES", [True], "pact_verification.E006"),
        ("PACT_PROVIDER_VERSION_URL", "version", "pact_verification.E007"),
        ("PACT_PROVIDER_VERSION_URL", ["/"], "pact_verification.E007"),
        ("PACT_PROVIDER_VERSION_HEADER", "X Version", "pact_verification.E008"),
        ("PACT_PROVIDER_VERSION_HEADER", 7, "pact_verification.E008"),
        ("PACT_MAX_RESPONSE_BYTES", 0, "pact_verification.E009"),
        ("PACT_MAX_RESPONSE_BYTES", 1.5, "pact_verification.E009"),
        ("PACT_MAX_RESPONSE_BYTES", True, "pact_verification.E009"),
        ("PACT_CACHE_DIR", 7, "pact_verification.E010"),
        ("PACT_CACHE_DIR", ["cache"], "pact_verification.E010"),
        ("PACT_DATABASES", "default", "pact_verification.E012"),
        ("PACT_DATABASES", [None], "pact_verification.E012"),
        ("PACT_APPLICATION", "uwsgi", "pact_verification.E015"),
        ("PACT_APPLICATION", ["asgi"], "pact_verification.E015"),
        ("PACT_ALLOWED_HOSTS", "localhost", "pact_verification.E013"),
        ("PACT_ALLOWED_HOSTS", [""], "pact_verification.E013"),
        ("PACT_ALLOWED_HOSTS", ["http://localhost:7391/"], "pact_verification.E013"),
        ("PACT_ALLOWED_HOSTS", ["redis://localhost"], "pact_verification.E013"),
        ("PACT_ALLOWED_HOSTS", ["localhost:7391/"], "pact_verification.E013"),
        ("PACT_ALLOWED_HOSTS", ["localhost:http"], "pact_verification.E013"),
        ("PACT_ALLOWED_HOSTS", ["user@localhost"], "pact_verification.E013"),
        ("PACT_TASKS", "async", "pact_verification.E014"),
        ("PACT_TASKS", None, "pact_verification.E014"),
    ],
)
def test_a_setting_that_makes_no_sense(name: str, value: Any, check: str) -> None:
    with override_settings(**{name: value}):
        (problem,) = run_checks()
        with pytest.raises(CannotVerify) as error:
            require_settings()
    assert problem.id == check
    assert problem.msg.startswith(f"{name} is {value!r}, not ")
    assert problem.hint
    assert str(error.value) == str(problem)


@pytest.mark.parametrize(
    "settings",
    [
        {"PACT_PATHS": (Path("pacts"), "more"), "PACT_CACHE_DIR": Path("cache"), "PACT_REQUEST_TIMEOUT": 0.5},
        {"PACT_SECRET_NAMES": {"iban"}, "PACT_DISPOSABLE_DATABASES": (Path("db.sqlite3"), "scratch")},
        {"PACT_PROVIDER_VERSION_URL": "/version?full=1", "PACT_PROVIDER_VERSION_HEADER": "X-Version"},
        {"PACT_PROVIDER_VERSION_URL": "", "PACT_PROVIDER_VERSION_HEADER": None, "PACT_CACHE_DIR": ""},
        {"PACT_DATABASES": ("default",)},
        {"PACT_APPLICATION": "asgi"},
        {"PACT_APPLICATION": None},
        {
            "PACT_ALLOWED_HOSTS": {"search:9200", "/run/search.sock", ".a.example", "*", "*:80", "::1", "[::1]:80"},
            "PACT_TASKS": "memory",
        },
    ],
)
def test_settings_that_make_sense(settings: Mapping[str, Any]) -> None:
    with override_settings(**settings):
        assert run_checks() == []


def test_a_misspelt_setting_is_a_warning() -> None:
    """Nobody would miss pacts in a folder that the run does not look into."""
    settings = {"PACT_PATH": ["contracts"], "PACT_BROKER_BASE_URL": "https://x", "PACT_EXAMPLES": "the project's own"}
    with override_settings(**settings):
        problems = run_checks()
        require_settings()
    assert [(problem.id, problem.is_serious(), problem.msg, problem.hint) for problem in problems] == [
        (
            "pact_verification.W018",
            False,
            "PACT_BROKER_BASE_URL is no setting of pact_verification.",
            "A broker is named by options, or by variables of the environment such as PACT_BROKER_BASE_URL.",
        ),
        ("pact_verification.W018", False, "PACT_PATH is no setting of pact_verification.", "Did you mean PACT_PATHS?"),
    ]


def test_a_django_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "VERSION", (4, 2, 30, "final", 0))
    monkeypatch.setattr(django, "get_version", lambda: "4.2.30")
    (problem,) = run_checks()
    with pytest.raises(CannotVerify) as error:
        require_settings()
    assert str(error.value) == str(problem)
    assert (problem.id, problem.msg) == ("pact_verification.E101", "Django is '4.2.30', not 5.2 or later.")
    assert problem.hint == (
        "Upgrade the project to Django 5.2 or later, or take 'pact_verification' out of INSTALLED_APPS until then."
    )


def test_versions_that_no_test_has_used_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "VERSION", (6, 2, 0, "alpha", 1))
    monkeypatch.setattr(django, "get_version", lambda: "6.2a1")
    monkeypatch.setattr(sys, "version_info", (3, 15, 1, "final", 0))
    assert [(problem.id, problem.is_serious(), problem.msg) for problem in run_checks()] == [
        (
            "pact_verification.W101",
            False,
            "Django is '6.2a1', and this release of django-pact-verification was tested up to Django 6.1.",
        ),
        (
            "pact_verification.W102",
            False,
            "Python is '3.15.1', and this release of django-pact-verification was tested up to Python 3.14.",
        ),
    ]
    require_settings()
    with override_settings(SILENCED_SYSTEM_CHECKS=["pact_verification.W101", "pact_verification.W102"]):
        assert [problem for problem in run_checks() if not problem.is_silenced()] == []


@pytest.mark.parametrize("django_version", [(5, 2, 0, "final", 0), (6, 1, 9, "final", 0)])
@pytest.mark.parametrize("python_version", [(3, 11, 0, "final", 0), (3, 14, 9, "final", 0)])
def test_the_oldest_and_the_newest_versions_are_fine(
    monkeypatch: pytest.MonkeyPatch, django_version: Any, python_version: Any
) -> None:
    monkeypatch.setattr(django, "VERSION", django_version)
    monkeypatch.setattr(sys, "version_info", python_version)
    assert run_checks() == []


def test_the_supported_versions_are_those_that_are_tested_declared_and_documented() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    classifiers = "\n".join(project["classifiers"])
    matrix = yaml.safe_load((ROOT / ".github/workflows/build.yml").read_text())["jobs"]["outside"]["strategy"]["matrix"]
    page = (ROOT / "docs/reference/support.md").read_text()
    ranges = {"Django": DJANGO, "Python": PYTHON}
    documented = {name: re.findall(rf"^\| {name} (\d+\.\d+)", page, re.MULTILINE) for name in ranges}
    declared = {
        "Django": re.findall(r"^Framework :: Django :: (\S+)$", classifiers, re.MULTILINE),
        "Python": re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE),
    }
    assert declared == documented == {"Django": matrix["django"], "Python": matrix["python"]}
    for name, (oldest, newest) in ranges.items():
        assert (declared[name][0], declared[name][-1]) == ("{}.{}".format(*oldest), "{}.{}".format(*newest))
    assert project["requires-python"] == f">={declared['Python'][0]}"


def test_every_setting_has_a_check_and_the_ids_have_no_gap() -> None:
    assert {check.setting for check in CHECKS} == DEFAULTS.keys()
    assert [check.id for check in CHECKS] == [f"pact_verification.E{n:03}" for n in range(1, len(DEFAULTS) + 1)]


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table below a heading, without its head."""
    _, _, section = PAGE.read_text().partition(f"\n## {heading}\n")
    rows = re.findall(r"^\| (.*) \|$", section.partition("\n## ")[0], re.MULTILINE)
    return [row.split(" | ") for row in rows[2:]]


def test_the_documentation_has_every_setting_with_its_default() -> None:
    rows = {name.strip("`"): ast.literal_eval(default.strip("`")) for name, default, _ in table("Settings")}
    assert rows == DEFAULTS


def test_the_documentation_has_every_variable_that_the_code_reads() -> None:
    documented = {name for cell, *_ in table("Environment") for name in re.findall(r"`(\w+)`", cell)}
    properties = {name for name in vars(Settings) if name.startswith("PACT_")}
    own = {name for name in properties - DEFAULTS.keys() if not name.endswith("_IN_SETTINGS")}
    both = set(re.findall(r'environ\.get\("(PACT_\w+)"', Path(conf_module.__file__).read_text()))
    assert {name for name in documented if name.startswith("PACT_")} == own | both


def test_a_property_is_named_like_its_setting() -> None:
    assert DEFAULTS.keys() <= vars(Settings).keys()


def test_settings_are_read_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACT_PROVIDER_NAME", raising=False)
    assert (conf.PACT_ISOLATION, conf.PACT_REQUEST_TIMEOUT, conf.PACT_PATHS) == ("transaction", 5.0, ["pacts"])
    with override_settings(PACT_PROVIDER_NAME="a", PACT_ISOLATION="flush", PACT_PATHS=["x"], PACT_REQUEST_TIMEOUT=1):
        assert (conf.PACT_PROVIDER_NAME, conf.PACT_ISOLATION) == ("a", "flush")
        assert (conf.PACT_PATHS, conf.PACT_REQUEST_TIMEOUT) == (["x"], 1)
        monkeypatch.setenv("PACT_PROVIDER_NAME", "b")
        assert conf.PACT_PROVIDER_NAME == "b"
