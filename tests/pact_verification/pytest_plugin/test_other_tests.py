"""The plugin in projects with other tests, fixtures and settings."""

from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.pytest_plugin.conftest import ALL, Pytest


@pytest.mark.no_database
def test_it_needs_pytest_django(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts", PYTEST_PLUGINS="xdist.plugin")
    assert ran.exit_code == 4
    assert "works on pytest-django's test databases: install it." in ran.out


@pytest.mark.no_database
def test_module_fixtures_of_the_project_work(pacts: Path, project: Path, run_pytest: Pytest) -> None:
    (project / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(autouse=True, scope='module')\ndef for_the_module(request):\n    yield\n"
        "@pytest.fixture(autouse=True, scope='class')\ndef for_the_class(request):\n    yield\n"
        "@pytest.fixture(autouse=True)\ndef for_each(request):\n    yield\n"
    )
    assert "1 passed" in run_pytest("pacts/b.json").out


@pytest.mark.no_database
class TestOtherTests:
    """Sessions of which pacts are a part, or none."""

    def test_without_settings(self, project: Path, run_pytest: Pytest) -> None:
        (project / "test_plain.py").write_text("def test_plain(): pass\n")
        ran = run_pytest("test_plain.py", DJANGO_SETTINGS_MODULE="")
        assert ran.outcomes() == {"test_plain": "Passed"}, ran.out

    def test_pacts_without_settings_are_an_error(self, pacts: Path, project: Path, run_pytest: Pytest) -> None:
        why = "needs Django's settings, and none are configured. Set DJANGO_SETTINGS_MODULE"
        for arguments in (("pacts",), ("pacts/a.json",), ("pacts/a.json::b",), ("--collect-only",), ("--pact-broker",)):
            ran = run_pytest(*arguments, DJANGO_SETTINGS_MODULE="")
            assert ran.exit_code == pytest.ExitCode.USAGE_ERROR, ran.out
            assert why in ran.out
        parallel = run_pytest("pacts", "-n2", DJANGO_SETTINGS_MODULE="")
        assert parallel.exit_code
        assert why in parallel.out
        assert run_pytest("pacts/b.json", "--ds", "tests.testapp.settings", DJANGO_SETTINGS_MODULE="").exit_code == 0

    @pytest.mark.parametrize("option", ["--help", "--version", "--fixtures", "--markers"])
    def test_pytest_tells_about_itself_without_settings(self, pacts: Path, run_pytest: Pytest, option: str) -> None:
        assert run_pytest("pacts", option, DJANGO_SETTINGS_MODULE="").exit_code == 0

    def test_a_conftest_that_configures_settings(
        self, pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
    ) -> None:
        (project / "conftest.py").write_text(
            "from django.conf import settings\n"
            "from tests.testapp import settings as module\n"
            "def pytest_configure():\n"
            "    settings.configure(**{name: getattr(module, name) for name in dir(module) if name.isupper()})\n"
        )
        assert run_pytest("pacts", DJANGO_SETTINGS_MODULE="").outcomes() == ALL

    def test_a_conftest_that_marks_everything(self, pacts: Path, project: Path, run_pytest: Pytest) -> None:
        (project / "conftest.py").write_text(
            "import pytest\n"
            "def pytest_collection_modifyitems(items):\n"
            "    for item in items:\n"
            "        item.add_marker(pytest.mark.django_db)\n"
            "        assert item.module.__name__\n"
        )
        assert run_pytest("pacts").outcomes() == ALL

    def test_a_fixture_that_holds_a_transaction_is_told(self, pacts: Path, project: Path, run_pytest: Pytest) -> None:
        (project / "conftest.py").write_text(
            "import pytest\n"
            "from tests.testapp.models import User\n"
            "@pytest.fixture(autouse=True)\n"
            "def somebody(db):\n"
            "    User.objects.create(email='somebody@example.com')\n"
        )
        ran = run_pytest("pacts/b.json", settings={"PACT_REQUEST_TIMEOUT": 0.5})
        assert ran.exit_code == 1
        assert "A fixture of this test, autouse perhaps, holds a transaction on 'default'" in ran.out

    def test_a_test_that_emptied_the_tables_is_told(self, project: Path, run_pytest: Pytest) -> None:
        migrated = interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]})
        write_pact(project / "pacts" / "m.json", migrated)
        (project / "test_other.py").write_text(
            "import pytest\n@pytest.mark.django_db(transaction=True)\ndef test_empties(): pass\n"
        )
        (project / "conftest.py").write_text(
            "import pytest\n"
            "@pytest.hookimpl(trylast=True)\n"
            "def pytest_collection_modifyitems(items):\n"
            "    items.reverse()\n"
        )
        ran = run_pytest("test_other.py", "pacts")
        assert ran.exit_code == 1
        assert "test_other.py::test_empties ran before" in ran.out
