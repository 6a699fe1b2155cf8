from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from pact_verification.conf import conf


def test_the_projects_settings_are_fine() -> None:
    assert run_checks() == []


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("PACT_PROVIDER_NAME", None, "pact_verification.E001"),
        ("PACT_ISOLATION", "truncate", "pact_verification.E002"),
        ("PACT_REQUEST_TIMEOUT", 0, "pact_verification.E003"),
        ("PACT_REQUEST_TIMEOUT", "5", "pact_verification.E003"),
        ("PACT_REQUEST_TIMEOUT", True, "pact_verification.E003"),
        ("PACT_PATHS", "pacts", "pact_verification.E004"),
    ],
)
def test_a_setting_that_makes_no_sense(name: str, value: Any, check: str) -> None:
    with override_settings(**{name: value}):
        (problem,) = run_checks()
    assert problem.id == check
    assert name in problem.msg
    assert repr(value) in problem.msg
    assert problem.hint


def test_settings_are_read_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACT_PROVIDER_NAME", raising=False)
    assert (conf.isolation, conf.request_timeout, conf.pacts) == ("transaction", 5.0, ["pacts"])
    with override_settings(PACT_PROVIDER_NAME="a", PACT_ISOLATION="flush", PACT_PATHS=["x"], PACT_REQUEST_TIMEOUT=1):
        assert (conf.provider_name, conf.isolation, conf.pacts, conf.request_timeout) == ("a", "flush", ["x"], 1)
        monkeypatch.setenv("PACT_PROVIDER_NAME", "b")
        assert conf.provider_name == "b"
