"""manage.py pact_states: its output and exit codes."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, Verify, environment, run

pytestmark = pytest.mark.no_database

FITS = interaction("a list", states=["an item cup exists"])
UNREACHABLE: dict[str, Any] = {
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 9, "NAME": "x"}},
    "DATABASE_ROUTERS": [],
}


@pytest.fixture
def states() -> Verify:
    """Run pact_states with a database that does not answer, since it needs none."""
    return partial(run, "pact_states", settings={**UNREACHABLE, "PACT_SECRET_NAMES": ["pin"]})


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "pact.json"


@pytest.fixture
def lacking(pact: Path) -> Path:
    return write_pact(
        pact,
        FITS,
        interaction("b", states=["the item raise", ("a parrot", {"age": 3, "name": "Polly"})]),
        interaction("c", states=[("a parrot", {"age": 4, "colour": "red"})]),
    )


def test_every_state_by_whom_and_its_handler(states: Verify, lacking: Path) -> None:
    run = states(lacking)
    assert (run.exit_code, run.err) == (0, "")
    assert run.out.startswith(
        "\n"
        "✓ an item cup exists\n"
        "    handler    item_exists() (tests/testapp/pact_states.py:29)\n"
        f"    needed by  shop: a list ({lacking})\n"
        "\n"
        "✗ the item raise\n"
        "    handler    none\n"
        f"    needed by  shop: b ({lacking})\n"
        '    did you mean "the item raises"? (tests/testapp/pact_states.py:39)\n'
    )
    assert (
        f"✗ a parrot\n    handler    none\n    needed by  shop: b ({lacking})\n    needed by  shop: c ({lacking})\n"
        in run.out
    )
    assert '"there are spoons"  load_fixtures() (tests/testapp/pact_states.py:15)\n' in run.out
    assert '"an item {name} exists"' not in run.out  # a pact needs it
    assert '"there is an item {name}"' not in run.out  # another name of the same handler
    assert "\n3 provider states: 1 with a handler, 2 without one, 11 handlers unused\n" in run.out
    assert "Add to tests/testapp/pact_states.py, and fill in:\n" in run.out
    # A param that only some pacts give has a default.
    assert "def a_parrot(age: int, name: str | None = None, colour: str | None = None) -> None:" in run.out


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (("an item cup exists", {"colour": "red"}), "unexpected keyword argument 'colour'. It accepts name; the pact"),
        (("an item cup exists", {"name": "pot"}), "says name='cup', its params say name='pot'"),
        (("there is an item cup", {"pin": "hunter2"}), "pin='(hidden)'"),
    ],
)
def test_params_that_the_handler_would_not_accept(states: Verify, pact: Path, state: Any, message: str) -> None:
    write_pact(pact, interaction("a", states=[state]))
    run = states(pact, "--check")
    assert run.exit_code == 1
    assert message in run.out
    assert "1 provider state: 0 with a handler, 1 with params that the handler would not accept" in run.out
    assert "hunter2" not in run.out


class TestCheck:
    def test_all_have_a_handler(self, states: Verify, pact: Path) -> None:
        run = states(write_pact(pact, FITS), "--check")
        assert (run.exit_code, run.err) == (0, "")

    def test_one_has_none(self, states: Verify, lacking: Path) -> None:
        assert states(lacking, "--check").exit_code == 1

    def test_one_of_a_pending_pact_has_none(self, states: Verify, pact: Path) -> None:
        """A pending pact does not keep verify_pacts from running, so the check accepts it."""
        later = interaction("b", states=["a parrot"], type="Synchronous/HTTP", pending=True)
        run = states(write_pact(pact, later, version="4.0"), "--check")
        assert run.exit_code == 0
        assert "✗ a parrot  pending: does not fail a run" in run.out

    def test_nothing_was_checked(self, states: Verify, tmp_path: Path) -> None:
        run = states(tmp_path, "--check")
        assert run.exit_code == 3
        assert (
            run.err == f"Nothing was checked for {tmp_path} (it holds no JSON files). --allow-no-pacts accepts that.\n"
        )
        assert states(tmp_path, "--check", "--allow-no-pacts").exit_code == 0
        assert states(write_pact(tmp_path / "hollow.json"), "--check").exit_code == 3

    def test_without_a_name_no_pact_is_the_providers(self, states: Verify, lacking: Path) -> None:
        run = states(lacking, settings={"PACT_PROVIDER_NAME": ""})
        assert run.exit_code == 2
        assert "The provider has no name." in run.err

    def test_it_could_not_run(self, states: Verify, tmp_path: Path) -> None:
        run = states(tmp_path / "no-such.json", "--check")
        assert run.exit_code == 2
        assert "There is no file or directory" in run.err


class TestStubs:
    def test_they_are_python_and_nothing_else(self, states: Verify, lacking: Path, tmp_path: Path) -> None:
        """The pasted stubs are handlers. They fail until a developer fills them in."""
        run = states(lacking, "--stubs")
        assert (run.exit_code, run.err) == (0, "")
        app = tmp_path / "pasted"
        app.mkdir()
        (app / "__init__.py").touch()
        (app / "pact_states.py").write_text(run.out)
        apps = ["pasted", "tests.testapp", "pact_verification", "django.contrib.auth", "django.contrib.contenttypes"]
        finished = subprocess.run(
            [sys.executable, "-m", "django", "pact_states", str(lacking), "--check"],
            cwd=ROOT,
            env=environment(
                settings={**UNREACHABLE, "INSTALLED_APPS": [*apps, "django.contrib.sites"]},
                PYTHONPATH=f"{tmp_path}:{ROOT}",
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert "a_parrot() (" in finished.stdout

    def test_nothing_is_missing(self, states: Verify, pact: Path) -> None:
        run = states(write_pact(pact, FITS), "--stubs")
        assert (run.exit_code, run.out) == (0, "")
        assert "Every state has a handler" in run.err


def test_a_console_that_has_no_signs(states: Verify, lacking: Path) -> None:
    run = states(lacking, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (run.exit_code, run.err) == (0, "")
    assert "v an item cup exists\n" in run.out


def test_the_example_provider_has_all_its_handlers(states: Verify) -> None:
    run = states("--check", project="tests.settings", settings={})
    assert (run.exit_code, run.err) == (0, "")
    assert "0 handlers unused" in run.out


def test_states_with_several_claims(states: Verify, tmp_path: Path, pact: Path) -> None:
    app = tmp_path / "claims"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "pact_states.py").write_text(
        "from pact_verification import provider_state\n\n\n"
        '@provider_state("an {x}m cup exists")\ndef one(x: str) -> None: ...\n'
    )
    write_pact(pact, FITS)
    apps = ["claims", "tests.testapp", "pact_verification", "django.contrib.auth", "django.contrib.contenttypes"]
    run = states(
        pact,
        "--check",
        settings={**UNREACHABLE, "INSTALLED_APPS": [*apps, "django.contrib.sites"]},
        PYTHONPATH=f"{tmp_path}:{ROOT}",
    )
    assert run.exit_code == 1
    assert "E an item cup exists" in run.out
    assert "Several handlers claim the state 'an item cup exists'" in run.out
    assert "1 claimed by several" in run.out
