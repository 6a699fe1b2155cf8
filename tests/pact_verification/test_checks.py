"""Every setting is checked, and read when the code needs it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from pact_verification.checks import CHECKS, require_settings
from pact_verification.conf import DEFAULTS, Settings, conf
from pact_verification.errors import CannotVerify

pytestmark = pytest.mark.no_database  # settings are read without a database

README = Path(__file__).resolve().parents[2] / "README.md"


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


def test_every_setting_has_a_check_and_the_ids_have_no_gap() -> None:
    documented = re.findall(r"^\| `(PACT_[A-Z_]+)` \| [^|]+ \|", README.read_text(), re.MULTILINE)
    assert {check.setting for check in CHECKS} == DEFAULTS.keys()
    assert set(documented) >= DEFAULTS.keys()
    assert [check.id for check in CHECKS] == [f"pact_verification.E{n:03}" for n in range(1, len(DEFAULTS) + 1)]


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
