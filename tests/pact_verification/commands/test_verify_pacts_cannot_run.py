"""manage.py verify_pacts: errors that keep it from running."""

import re
from pathlib import Path

import pytest

from tests.pact_verification.pact_files import EMPTY, GREEN, write_pact
from tests.pact_verification.running import ROOT, Verify, has

pytestmark = pytest.mark.no_database  # a run that can't start reaches no database, or names its own


class TestCannotRun:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "it is not JSON"),
            ("[" * 100_000, "it is not JSON"),
            ("\x00", "it is not JSON"),
            ("[]", "is not a pact: it names no consumer and provider"),
            ('{"consumer": {"name": "a"}, "provider": {}}', "provider.name is null, and should be a text."),
            (
                '{"consumer": {"name": 1}, "provider": {"name": "testapp"}}',
                "consumer.name is the number 1, and should be a text.",
            ),
            (
                '{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": 3}',
                "interactions is the number 3",
            ),
        ],
    )
    def test_an_unreadable_pact(self, verify: Verify, pact: Path, content: str, message: str) -> None:
        pact.parent.mkdir()
        pact.write_text(content)
        run = verify(pact)
        assert run.exit_code == 2
        assert run.out == ""
        has(run, str(pact), message)

    def test_a_pact_of_another_provider(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY, provider="warehouse"))
        assert run.exit_code == 2
        has(run, "is a pact with the provider 'warehouse', and this is 'testapp'", "use --provider-name 'warehouse'")

    def test_a_path_that_is_not_there(self, verify: Verify, pact: Path) -> None:
        write_pact(pact, EMPTY)
        run = verify(pact.with_name("shp.json"))
        assert run.exit_code == 2
        has(run, "There is no file or directory", f"Next to it: {pact}")

    def test_a_url_that_is_not_a_file(self, verify: Verify) -> None:
        run = verify("https://broker.example.com/pacts")
        assert run.exit_code == 2
        has(run, "https://broker.example.com/pacts is not on this machine")

    def test_no_provider_name(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY), settings={"PACT_PROVIDER_NAME": ""})
        assert run.exit_code == 2
        has(run, "The provider has no name. Set PACT_PROVIDER_NAME")

    def test_the_name_comes_from_the_option_then_the_environment_then_the_setting(
        self, verify: Verify, pact: Path
    ) -> None:
        write_pact(pact, EMPTY, provider="by option")
        assert verify(pact, "--provider-name", "by option", PACT_PROVIDER_NAME="other").exit_code == 0
        write_pact(pact, EMPTY, provider="by environment")
        assert verify(pact, PACT_PROVIDER_NAME="by environment").exit_code == 0

    def test_a_database_that_does_not_answer(self, verify: Verify, pact: Path) -> None:
        unreachable = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 9, "NAME": "x"}
        run = verify(write_pact(pact, EMPTY), settings={"DATABASES": {"default": unreachable}, "DATABASE_ROUTERS": []})
        assert run.exit_code == 2
        has(run, "The test databases can't be made", "does the server answer")

    def test_a_setting_that_makes_no_sense(self, verify: Verify, pact: Path) -> None:
        """Django exits with 1 after a failed system check. Here 1 would mean a broken contract."""
        run = verify(write_pact(pact, EMPTY), settings={"PACT_ISOLATION": "hope"})
        assert run.exit_code == 2
        has(run, "(pact_verification.E002) PACT_ISOLATION is 'hope'")

    def test_a_pact_states_module_that_can_not_be_imported(self, verify: Verify, pact: Path) -> None:
        apps = ["tests.testapp.nodb", "tests.testapp.broken", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(write_pact(pact, EMPTY), settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"})
        assert run.exit_code == 2
        has(run, "can't be imported: KeyError: 'SETTING_THAT_IS_NOT_SET'", "(tests/testapp/broken/pact_states.py:8)")

    def test_a_pact_states_module_that_is_no_python(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd" / "__init__.py").touch()
        (tmp_path / "odd" / "pact_states.py").write_text("def set_up(:\n    pass\n")
        apps = ["tests.testapp.nodb", "odd", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(
            write_pact(pact, EMPTY),
            settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"},
            PYTHONPATH=f"{tmp_path}:{ROOT}",
        )
        assert run.exit_code == 2
        has(run, "can't be imported: SyntaxError: invalid syntax", f"({tmp_path}/odd/pact_states.py:1).")

    @pytest.mark.parametrize("code", ["raise SystemExit(0)", "import pytest; pytest.skip(allow_module_level=True)"])
    def test_a_pact_states_module_that_would_end_the_run(
        self, verify: Verify, pact: Path, tmp_path: Path, code: str
    ) -> None:
        """Nothing was verified, so the exit code must not be 0."""
        app = tmp_path / "ending"
        app.mkdir()
        (app / "__init__.py").touch()
        (app / "pact_states.py").write_text(f"{code}\n")
        apps = ["tests.testapp.nodb", "ending", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(
            write_pact(pact, EMPTY),
            settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"},
            PYTHONPATH=f"{tmp_path}:{ROOT}",
        )
        assert run.exit_code == 2
        has(run, "A pact_states.py can't be imported:")

    def test_a_project_without_any_state(self, verify: Verify, pact: Path) -> None:
        apps = ["tests.testapp.nodb", "pact_verification"]
        settings = {"INSTALLED_APPS": apps, "DATABASES": {}, "DATABASE_ROUTERS": []}
        run = verify(write_pact(pact, GREEN), settings={**settings, "ROOT_URLCONF": "tests.testapp.nodb.urls"})
        assert run.exit_code == 2
        has(
            run,
            "No pact_states.py registers anything yet. Looked in your apps of INSTALLED_APPS: nodb.",
            "Add to the pact_states.py of one of your apps, and fill in:",
            "from pact_verification import provider_state",
            '@provider_state("an item cup exists")',
        )

    def test_middleware_that_can_not_be_loaded(self, verify: Verify, pact: Path) -> None:
        run = verify(write_pact(pact, EMPTY), settings={"MIDDLEWARE": ["no.such.middleware"]})
        assert run.exit_code == 2
        has(run, "The run could not go on", "No module named 'no'")

    def test_code_of_the_project_that_can_not_be_imported(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        """A model of an app that INSTALLED_APPS lacks: a dozen frames of Django's lead to three of the project's."""
        (tmp_path / "broken_urls.py").write_text("import broken_models\nurlpatterns = []\n")
        (tmp_path / "broken_models.py").write_text(
            "from django.db import models\n\nclass Lost(models.Model):\n    pass\n"
        )
        run = verify(
            write_pact(pact, EMPTY),
            settings={"ROOT_URLCONF": "broken_urls"},
            PYTHONPATH=f"{tmp_path}:{ROOT}",
        )
        assert run.exit_code == 2
        has(run, "The run could not go on: RuntimeError: Model class", "isn't in an application in INSTALLED_APPS.")
        assert re.findall(r'File ".*?([^/]+)", line \d+', run.err) == ["broken_urls.py", "broken_models.py"]

    @pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
    def test_a_timeout_that_makes_no_sense(self, verify: Verify, value: str) -> None:
        run = verify(f"--request-timeout={value}")
        assert run.exit_code == 2
        has(run, f"'{value}' is not a number of seconds above 0")

    def test_state_and_no_state_together(self, verify: Verify) -> None:
        assert verify("--state", "x", "--no-state").exit_code == 2
