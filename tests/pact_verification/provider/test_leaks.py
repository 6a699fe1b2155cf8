"""What an interaction leaves changed in the process, and that the next finds none of it."""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from unittest import mock

import pytest
from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.test import override_settings
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from pact_verification.provider.leaks import Surroundings

pytestmark = pytest.mark.no_database


@pytest.fixture
def services() -> Iterator[ModuleType]:
    """A module of the project's, with a function that a state may replace."""
    module = ModuleType("a_projects_services")
    exec("import json\ndef price(): return 1\ndef handler(): return json\ncached = None", vars(module))
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def put_back(change: Callable[[], object], *functions: Callable[..., object]) -> list[str]:
    surroundings = Surroundings(functions)
    change()
    return list(surroundings.put_back())


def test_an_interaction_that_changes_nothing_is_told_nothing(services: ModuleType) -> None:
    assert put_back(lambda: None, services.handler) == []


def test_a_setting_that_is_assigned() -> None:
    before, heard = settings.DATE_FORMAT, []

    def hear(setting: str, value: object, enter: bool, **kwargs: object) -> None:
        heard.append((setting, value, enter))

    setting_changed.connect(hear)
    try:
        (warning,) = put_back(lambda: setattr(settings, "DATE_FORMAT", "another"))
    finally:
        setting_changed.disconnect(hear)
    assert warning == "The interaction left settings changed, which were put back: DATE_FORMAT."
    assert before == settings.DATE_FORMAT
    assert ("DATE_FORMAT", before, False) in heard  # what Django and the project keep of a setting is made anew


def test_a_setting_that_is_new() -> None:
    put_back(lambda: setattr(settings, "A_NEW_SETTING", 1))
    assert not hasattr(settings, "A_NEW_SETTING")


def test_a_setting_that_is_deleted() -> None:
    with override_settings(DATE_FORMAT="here"):
        put_back(lambda: delattr(settings, "DATE_FORMAT"))
        assert settings.DATE_FORMAT == "here"


def test_settings_that_are_overridden_without_an_end() -> None:
    before = settings.ROOT_URLCONF
    (warning,) = put_back(override_settings(ROOT_URLCONF="another", DATE_FORMAT="x").enable)
    assert before == settings.ROOT_URLCONF
    assert warning.endswith(": DATE_FORMAT, ROOT_URLCONF.")


def test_apps_that_are_replaced() -> None:
    installed = [config.name for config in apps.get_app_configs()]
    put_back(override_settings(INSTALLED_APPS=["django.contrib.contenttypes"]).enable)
    assert [config.name for config in apps.get_app_configs()] == installed


def test_what_django_keeps_for_a_thread() -> None:
    def change() -> None:
        set_urlconf("tests.testapp.nodb.urls")
        set_script_prefix("/elsewhere")
        translation.activate("de")
        timezone.activate("Asia/Tokyo")

    language, zone = translation.get_language(), timezone.get_current_timezone_name()
    assert put_back(change) == []
    assert (translation.get_language(), timezone.get_current_timezone_name()) == (language, zone)
    assert (get_urlconf(), get_script_prefix()) == (None, "/")


def test_a_patch_that_is_started(services: ModuleType) -> None:
    before = services.price
    (warning,) = put_back(mock.patch("a_projects_services.price").start)
    assert services.price is before
    assert warning == (
        "The interaction left the patch of a_projects_services.price on. It was taken off; a teardown should do that."
    )


def test_a_patch_of_the_callers_own_stays(services: ModuleType) -> None:
    with mock.patch("a_projects_services.price") as patched:
        assert put_back(lambda: None) == []
        assert services.price is patched


@pytest.mark.parametrize("name", ["price", "json"])
def test_a_name_that_is_replaced(services: ModuleType, name: str) -> None:
    before = getattr(services, name)
    (warning,) = put_back(lambda: setattr(services, name, "another"), services.handler)
    assert getattr(services, name) is before
    assert warning.startswith(f"The interaction left a_projects_services.{name} replaced.")


def test_a_function_of_a_module_that_a_state_imports(services: ModuleType) -> None:
    before = services.json.dumps
    (warning,) = put_back(lambda: setattr(services.json, "dumps", "another"), services.handler)
    assert services.json.dumps is before
    assert "json.dumps" in warning


def test_a_name_that_is_deleted(services: ModuleType) -> None:
    before = services.price
    put_back(lambda: delattr(services, "price"), services.handler)
    assert services.price is before


def test_a_value_that_fills_up_is_left_alone(services: ModuleType) -> None:
    assert put_back(lambda: setattr(services, "cached", [1]), services.handler) == []
    assert services.cached == [1]
