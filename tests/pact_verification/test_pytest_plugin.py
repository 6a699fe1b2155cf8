"""pytest on pacts, from outside: projects that use the plugin, run as their developers run them."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
from junitparser import JUnitXml

from tests.pact_verification.conftest import ROOT, environment, on_postgresql
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.reporters.test_github import commands

GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})
EMPTY = interaction("an empty list", response={"body": []})
RED = interaction("red", "/nothing")
PLUGIN = ("-p", "pact_verification.pytest_plugin")


@dataclass(frozen=True)
class Ran:
    exit_code: int
    out: str
    junit: Path

    def outcomes(self) -> dict[str, str]:
        """Outcome by test."""
        return {
            case.name: type(case.result[0]).__name__ if case.result else "Passed"
            for suite in JUnitXml.fromfile(str(self.junit))
            for case in suite
        }


Pytest = Callable[..., Ran]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, Any]:
    if on_postgresql():
        server = environ.Env.db_url_config(os.environ["DATABASE_URL"])
        name = f"plugin_{secrets.token_hex(4)}"
        return {"default": {**server, "NAME": name}, "audit": {**server, "NAME": f"{name}_audit"}}
    return {
        alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / f"{alias}.sqlite3")}
        for alias in ("default", "audit")
    }


@pytest.fixture
def run_pytest(project: Path, databases: dict[str, Any]) -> Pytest:
    def run_pytest(
        *arguments: str, plugin: bool = True, settings: dict[str, Any] | None = None, **variables: str
    ) -> Ran:
        junit = project / "report.xml"
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", *(PLUGIN if plugin else ()), f"--junitxml={junit}", *arguments],
            cwd=project,
            env=environment(settings={"DATABASES": databases, **(settings or {})}, PYTHONPATH=str(ROOT), **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(finished.returncode, finished.stdout + finished.stderr, junit)

    return run_pytest


@pytest.fixture
def pacts(project: Path) -> Path:
    write_pact(project / "pacts" / "a.json", GREEN, RED, EMPTY, GREEN, consumer="shop")
    return write_pact(project / "pacts" / "b.json", EMPTY, consumer="other").parent


ALL = {
    "shop: a list [an item cup exists]": "Passed",
    "shop: red": "Failure",
    "shop: an empty list": "Passed",
    "shop: a list #2 [an item cup exists]": "Passed",
    "other: an empty list": "Passed",
}


@pytest.mark.no_database
def test_a_test_for_each_interaction_named_by_consumer_description_and_state(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts")
    assert ran.outcomes() == ALL, ran.out
    assert ran.exit_code == 1
    # What is wrong with the contract, and nothing of how we found out.
    assert "✗ red\n      request  GET /nothing\n" in ran.out
    assert "      view     no URL pattern matches\n" in ran.out
    assert "- 200 OK\n        + 404 Not Found\n" in ran.out
    assert "FAILED pacts/a.json::shop: red - status 404 instead of 200" in ran.out
    assert "pytest_plugin.py" not in ran.out


@pytest.mark.no_database
def test_without_the_plugin_there_are_none(pacts: Path, run_pytest: Pytest) -> None:
    assert "no tests ran" in run_pytest("pacts", plugin=False).out


@pytest.mark.no_database
def test_k_x_and_a_single_id(pacts: Path, run_pytest: Pytest) -> None:
    chosen = {name: outcome for name, outcome in ALL.items() if "cup" in name or "other" in name}
    assert run_pytest("pacts", "-k", "other or list and cup").outcomes() == chosen
    assert list(run_pytest("pacts", "-x").outcomes().values()) == ["Passed", "Failure"]
    again = run_pytest("pacts/a.json::shop: a list #2 [an item cup exists]")
    assert again.outcomes() == {"shop: a list #2 [an item cup exists]": "Passed"}


@pytest.mark.no_database
def test_last_failed(pacts: Path, run_pytest: Pytest) -> None:
    assert run_pytest("pacts", "--lf").outcomes() == ALL
    assert run_pytest("pacts", "--lf").outcomes() == {"shop: red": "Failure"}


@pytest.mark.no_database
def test_junitxml(pacts: Path, run_pytest: Pytest) -> None:
    (suite,) = JUnitXml.fromfile(str(run_pytest("pacts").junit))
    assert (suite.tests, suite.failures, suite.errors) == (5, 1, 0)
    (red,) = [case for case in suite if case.result]
    assert red.result[0].message == "status 404 instead of 200"
    assert "+ 404 Not Found" in red.result[0].text


def test_xdist(pacts: Path, run_pytest: Pytest) -> None:
    """Each worker has databases of its own, as pytest-django makes them."""
    ran = run_pytest("pacts", "-v", "-n2")
    assert ran.outcomes() == ALL, ran.out
    assert "[gw0]" in ran.out
    assert "[gw1]" in ran.out


def test_beside_other_tests(pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]) -> None:
    """Before those that empty the tables, and with their settings as they were."""
    pacts.joinpath("a.json").unlink()
    migrated = interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]})
    write_pact(pacts / "m.json", migrated, consumer="m")
    (project / "test_other.py").write_text(
        "import pytest\n"
        "from django.conf import settings\n"
        "from django.core.cache import caches\n"
        "from tests.testapp.models import Item, Shelf\n"
        "@pytest.mark.django_db(transaction=True)\n"
        "def test_empties_the_tables():\n"
        "    assert Shelf.objects.exists()\n"
        "@pytest.mark.django_db\n"
        "def test_database():\n"
        "    assert not Item.objects.exists()\n"
        "def test_settings():\n"
        "    assert settings.CACHES['default']['LOCATION'] == 'mine'\n"
        "def test_no_database():\n"
        "    with pytest.raises(RuntimeError, match='Database access not allowed'):\n"
        "        Item.objects.exists()\n"
    )
    mine = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "mine"}}
    for arguments in ((), ("-n2",)):
        ran = run_pytest("test_other.py", "pacts", "-v", *arguments, settings={"CACHES": mine})
        assert ran.exit_code == 0, ran.out
        assert "6 passed" in ran.out


@pytest.mark.parametrize("isolation", ["transaction", "flush"])
def test_isolation(pacts: Path, run_pytest: Pytest, isolation: str) -> None:
    create = interaction(
        "create",
        method="POST",
        request={"headers": {"Content-Type": "application/json"}, "body": {"name": "cup"}},
        status=201,
    )
    migrated = interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]})
    audit = interaction("other database", "/audit", response={"body": []})
    write_pact(pacts / "a.json", create, EMPTY, create, EMPTY, audit, migrated)
    ran = run_pytest("pacts/a.json", settings={"PACT_ISOLATION": isolation})
    assert "6 passed" in ran.out, ran.out


@pytest.mark.no_database
def test_flush_empties_no_database_but_a_test_database(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
) -> None:
    """pytest-django's way to test on an existing database: a transaction that is rolled back is well there."""
    other = str(project / "existing.sqlite3")
    (project / "conftest.py").write_text(
        "import pytest\n"
        "from django.db import connections\n"
        "@pytest.fixture(scope='session')\ndef django_db_setup():\n"
        "    for alias in connections:\n"
        f"        connections.settings[alias].update(ENGINE='django.db.backends.sqlite3', NAME={other!r})\n"
    )
    ran = run_pytest("pacts/b.json", settings={"PACT_ISOLATION": "flush"})
    assert ran.exit_code == 1
    assert "is none that pytest-django made, and flush would empty it." in ran.out


@pytest.mark.no_database
def test_messages_beside_http_interactions(project: Path, run_pytest: Pytest) -> None:
    """Of a pact of specification 3."""
    pact = write_pact(project / "pacts" / "p.json", EMPTY, GREEN)
    document = json.loads(pact.read_text())
    document["messages"] = [{"description": "m", "contents": {}}]
    pact.write_text(json.dumps(document))
    assert "2 passed, 1 failed" in run_pytest("pacts").out.replace("1 failed, 2 passed", "2 passed, 1 failed")


def test_the_projects_own_database_is_not_touched(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
) -> None:
    """Also where a conftest.py has it that no test database is made."""
    (project / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\ndef django_db_setup():\n    pass\n"
    )
    ran = run_pytest("pacts/b.json")
    assert ran.exit_code == 1
    assert "is the project's own: django_db_setup has made no test database in its place." in ran.out
    assert not list(project.glob("*.sqlite3*"))


def test_nothing_is_left_of_the_test_databases(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
) -> None:
    assert run_pytest("pacts", "-n2").outcomes() == ALL
    assert not list(project.glob("*.sqlite3*"))
    if on_postgresql():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            name = f"%{databases['default']['NAME']}%"
            assert not connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", [name]).fetchall()


def test_reuse_db(pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]) -> None:
    """pytest-django's option, on its databases: what it keeps is as migrations left it."""
    if not on_postgresql():
        for alias, config in databases.items():
            config["TEST"] = {"NAME": str(project / f"kept_{alias}")}
    for _ in range(2):
        ran = run_pytest("pacts", "--reuse-db", "-k", "list and not red")
        assert "4 passed" in ran.out, ran.out
    if on_postgresql():
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            for config in databases.values():
                assert connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [f"test_{config['NAME']}"]
                ).fetchall()
                connection.execute(f'DROP DATABASE "test_{config["NAME"]}"')
    else:
        assert len(list(project.glob("kept_*"))) == 2


@pytest.mark.no_database
class TestWhatIsNotGreen:
    def test_pending_is_an_expected_failure(self, project: Path, run_pytest: Pytest) -> None:
        pending = interaction("to come", "/nothing", type="Synchronous/HTTP", pending=True)
        write_pact(project / "pacts" / "p.json", pending, {**EMPTY, "type": "Synchronous/HTTP"}, version="4.0")
        ran = run_pytest("pacts", "-rx")
        assert ran.exit_code == 0
        assert "1 passed, 1 xfailed" in ran.out
        assert "pending: status 404 instead of 200" in ran.out

    def test_pending_excuses_a_failure_and_not_that_nothing_was_tried(self, project: Path, run_pytest: Pytest) -> None:
        stuck = {**EMPTY, "description": "stuck", "request": {"path": "/slow", "query": {"seconds": ["30"]}}}
        typed = {"type": "Synchronous/HTTP", "pending": True}
        write_pact(project / "pacts" / "p.json", {**stuck, **typed}, {**EMPTY, **typed}, version="4.0")
        ran = run_pytest("pacts", settings={"PACT_REQUEST_TIMEOUT": 0.2}, PYTHONWARNINGS="ignore")
        # The server's thread is still in there, so nothing else runs: not on its locks, nor beside what it may write.
        assert list(ran.outcomes().values()) == ["Failure"]
        assert ran.exit_code == 1
        assert "Not run: 'stuck' did not come back, and the run was stopped." in ran.out

    def test_a_request_that_the_core_changed(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json", interaction("a", "//items"), EMPTY)
        ran = run_pytest("pacts")
        assert "1 failed, 1 passed" in ran.out
        assert "The request that arrived is not the pact's: path is '/items', the pact says '//items'." in ran.out

    def test_a_state_error(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json", interaction("a", states=["the item raises"]), EMPTY)
        ran = run_pytest("pacts")
        assert "1 failed, 1 passed" in ran.out
        assert "The state 'the item raises' raised RuntimeError: no such warehouse (" in ran.out

    def test_a_missing_state_has_a_stub(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json", interaction("a", states=["the item raise"]), EMPTY)
        ran = run_pytest("pacts")
        assert "1 failed, 1 passed" in ran.out
        assert '@provider_state("the item raise")' in ran.out
        assert 'did you mean "the item raises"?' in ran.out

    def test_a_pact_that_holds_nothing(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json")
        write_pact(project / "pacts" / "q.json", EMPTY)
        ran = run_pytest("pacts")
        assert ran.exit_code == 2
        assert "pacts/p.json holds no interactions, so nothing of it can be verified." in ran.out

    def test_a_pact_that_can_not_be_read(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "q.json", EMPTY)
        (project / "pacts" / "p.json").write_text("{")
        ran = run_pytest("pacts")
        assert ran.exit_code == 2
        assert "pacts/p.json can't be read: it is not JSON" in ran.out

    def test_a_message(self, project: Path, run_pytest: Pytest) -> None:
        message = {**EMPTY, "type": "Asynchronous/Messages"}
        write_pact(project / "pacts" / "p.json", message, version="4.0")
        ran = run_pytest("pacts")
        assert ran.exit_code == 1
        assert "'an empty list' is of the type Asynchronous/Messages; only HTTP is verified." in ran.out

    def test_a_teardown_that_fails_is_a_warning(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(
            project / "pacts" / "p.json", interaction("lid", states=["the teardown fails"], response={"body": []})
        )
        (project / "pytest.ini").write_text("[pytest]\n")
        ran = run_pytest("pacts", PYTHONWARNINGS="default")
        assert "1 passed, 1 warning" in ran.out
        assert "PactWarning: 'lid': The teardown of " in ran.out
        assert "the lid does not close" in ran.out
        red = interaction("lid", "/nothing", states=["the teardown fails"])
        write_pact(project / "pacts" / "p.json", red)  # as an error it doesn't hide what is wrong
        assert "- 200 OK" in run_pytest("pacts").out


@pytest.mark.no_database
def test_what_is_not_ours_is_left_alone(project: Path, run_pytest: Pytest) -> None:
    write_pact(project / "pacts" / "q.json", EMPTY)
    write_pact(project / "pacts" / "other.json", RED, provider="warehouse")
    (project / "data").mkdir()
    (project / "data" / "broken.json").write_text("{")
    (project / "data" / "plain.json").write_text(json.dumps({"a": 1}))
    ran = run_pytest(".")
    assert "1 passed" in ran.out
    assert "1 pact left out: of 'warehouse', and this is 'testapp'" in ran.out


@pytest.mark.no_database
class TestProviderName:
    """A name that is missing or wrong must not make pacts vanish."""

    def test_there_is_none(self, pacts: Path, run_pytest: Pytest) -> None:
        ran = run_pytest("pacts", settings={"PACT_PROVIDER_NAME": ""})
        assert ran.exit_code == 2
        assert "is a pact with the provider 'testapp', and PACT_PROVIDER_NAME is not set." in ran.out

    def test_it_is_another(self, pacts: Path, project: Path, run_pytest: Pytest) -> None:
        (project / "test_other.py").write_text("def test_other(): pass\n")
        for arguments in ((), ("-n2",)):
            ran = run_pytest("test_other.py", "pacts", *arguments, settings={"PACT_PROVIDER_NAME": "tetsapp"})
            assert "2 pacts left out: of 'testapp', and this is 'tetsapp'" in ran.out
        named = run_pytest("pacts/b.json", settings={"PACT_PROVIDER_NAME": "tetsapp"})
        assert named.exit_code == 2
        assert "is a pact with the provider 'testapp', and this is 'tetsapp'." in named.out


@pytest.mark.no_database
def test_names_that_pytest_would_take_apart(project: Path, run_pytest: Pytest) -> None:
    odd = {**EMPTY, "description": "a::b \x1b[31m\n/c"}
    write_pact(project / "pacts" / "q.json", odd, consumer="x::y")
    ran = run_pytest("pacts")
    assert ran.outcomes() == {"x: :y: a: :b \\x1b(31m\\n/c": "Passed"}
    assert "1 passed" in run_pytest("pacts/q.json::x: :y: a: :b \\x1b(31m\\n/c").out


@pytest.mark.no_database
def test_it_needs_pytest_django(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts", "-p", "no:django")
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
def test_no_two_tests_share_an_id(project: Path, run_pytest: Pytest) -> None:
    """xdist would run one of them, and the other might be the red one."""
    names = ("a list", "a list", "a list #2")
    write_pact(
        project / "pacts" / "p.json",
        *({**EMPTY, "description": name} for name in names),
        {**RED, "description": "a list #2"},
    )
    for arguments in ((), ("-n2", "--dist", "loadfile")):
        ran = run_pytest("pacts", *arguments)
        assert sorted(ran.outcomes().values()) == ["Failure", "Passed", "Passed", "Passed"], ran.out


@pytest.mark.no_database
def test_pacts_wherever_pytest_is_started_and_however_they_are_reached(
    pacts: Path, project: Path, run_pytest: Pytest
) -> None:
    """One that is broken there is no green."""
    pacts.joinpath("broken.json").write_text("{")
    (project / "elsewhere").mkdir()
    pacts.rename(project / "elsewhere" / "pacts")
    pacts.symlink_to(project / "elsewhere" / "pacts")
    for arguments in (("pacts",), (str(pacts),), ("--rootdir", str(project), "pacts")):
        ran = run_pytest(*arguments)
        assert ran.exit_code == 2, ran.out
        assert "broken.json can't be read: it is not JSON" in ran.out
    named = project / "elsewhere" / "other.json"
    named.write_text("{")
    assert "other.json can't be read: it is not JSON" in run_pytest(str(named)).out


@pytest.mark.no_database
def test_stepwise_goes_on_where_it_stopped(pacts: Path, project: Path, run_pytest: Pytest) -> None:
    """It counts tests in the order in which they run."""
    (project / "a_tests").mkdir()
    (project / "a_tests" / "test_a.py").write_text("def test_one(): pass\ndef test_two(): assert False\n")
    assert list(run_pytest("--sw", "a_tests", "pacts").outcomes().values()) == ["Passed", "Failure"]
    write_pact(pacts / "a.json", GREEN, {**EMPTY, "description": "red"}, EMPTY, GREEN)
    again = run_pytest("--sw", "a_tests", "pacts")
    assert list(again.outcomes().values()) == ["Passed"] * 5 + ["Failure"]


@pytest.mark.no_database
class TestOtherTests:
    """Sessions of which pacts are a part, or none."""

    def test_without_settings(self, project: Path, run_pytest: Pytest) -> None:
        (project / "test_plain.py").write_text("def test_plain(): pass\n")
        ran = run_pytest("test_plain.py", DJANGO_SETTINGS_MODULE="")
        assert ran.outcomes() == {"test_plain": "Passed"}, ran.out

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


@pytest.mark.no_database
def test_settings_that_make_no_sense(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts/b.json", settings={"PACT_ISOLATION": "flsh"})
    assert ran.exit_code == 1
    assert "(pact_verification.E002) PACT_ISOLATION is 'flsh'." in ran.out


@pytest.mark.no_database
def test_no_secret_is_in_a_name(project: Path, run_pytest: Pytest) -> None:
    state = ("an item cup exists", {"password": "hunter2pass"})
    write_pact(project / "pacts" / "p.json", interaction("a", states=[state]))
    ran = run_pytest("pacts", "-v")
    assert "shop: a [an item cup exists (password='(hidden)')]" in ran.outcomes()
    assert "hunter2" not in ran.out + ran.junit.read_text()


def test_nothing_is_left_of_a_request_that_hangs(
    project: Path, run_pytest: Pytest, databases: dict[str, Any], tmp_path: Path
) -> None:
    """The databases go, and the project's own stores don't hear of what the request does after its time."""
    hangs = interaction("hangs", "/late", request={"query": {"seconds": ["1.5"]}})
    write_pact(project / "pacts" / "p.json", hangs)
    cache = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path / "cache")}
    ran = run_pytest(
        "pacts",
        settings={"PACT_REQUEST_TIMEOUT": 0.2, "CACHES": {"default": cache}, "MEDIA_ROOT": str(tmp_path / "media")},
        PYTHONWARNINGS="ignore",
    )
    assert ran.exit_code == 1
    assert ran.out.strip().endswith("=")  # pytest's last line is the last: nothing fails while the process ends
    assert not [path for name in ("cache", "media") for path in (tmp_path / name).rglob("*") if path.is_file()]
    if on_postgresql():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            name = f"%{databases['default']['NAME']}%"
            assert not connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", [name]).fetchall()


def test_what_a_pact_quotes_is_shown_without_credentials_and_is_no_command(project: Path, run_pytest: Pytest) -> None:
    token = "t0ken-that-nobody-may-see"
    words = f"{token} ##[error]x\n::error::y \u202e\x9b"
    red = interaction(words, "/nothing", states=[("an item cup exists", {"n": words})])
    later = interaction("later", "/nothing", response={"body": words}, type="Synchronous/HTTP", pending=True)
    write_pact(project / "pacts" / "a.json", interaction(words, states=[words]), red, consumer=words)
    write_pact(project / "pacts" / "b.json", later, consumer=words, version="4.0")
    write_pact(project / "pacts" / "c.json", consumer=words)
    for ran in (
        run_pytest("-v", "-ra", PACT_BROKER_TOKEN=token),
        run_pytest("-v", "-ra", str(project / "pacts" / "c.json"), PACT_BROKER_TOKEN=token),
        run_pytest("-v", "-ra", PACT_BROKER_TOKEN=token, PACT_PROVIDER_NAME=f"of {token}"),
    ):
        assert ran.exit_code
        for text in (ran.out, ran.junit.read_text()):
            assert [each for each in (token, "##[", "\u202e", "\x9b") if each in text] == []
        assert commands(ran.out) == []


@pytest.mark.no_database
class TestWhatCanNotBeRead:
    """In a folder that pytest is pointed at, a pact is never lost."""

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b'{"consumer": {"name": "shop"}, "provider": {"name": "testapp"}, "inter', "it is not JSON: "),
            (b"", "it is not JSON: "),
            ('{"consumer": {"name": "sh\u00f6p"}}'.encode("latin-1"), "it is not JSON: "),
            (
                b'{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": [{"description": "d"}]}',
                "contracts/p.json: interaction 1 ('d') has no request.",
            ),
            (
                b'{"consumer": {"name": "a"}, "provider": {"name": "testapp"}, "interactions": [], "interactions": []}',
                "the member 'interactions' stands twice",
            ),
            (
                b'{"consumer": {"name": "shop"}, "interactions": []}',
                "contracts/p.json: it has a consumer and interactions, and no provider.",
            ),
        ],
    )
    def test_beside_a_green_pact(self, project: Path, run_pytest: Pytest, content: bytes, told: str) -> None:
        write_pact(project / "contracts" / "q.json", EMPTY)
        (project / "contracts" / "p.json").write_bytes(content)
        for arguments in ((), ("-n2",)):
            ran = run_pytest("contracts", *arguments)
            assert ran.exit_code != 0, ran.out
            assert told in ran.out

    def test_other_json_is_left_alone(self, project: Path, run_pytest: Pytest) -> None:
        """Wherever it is valid; broken, where it is no pact's place."""
        write_pact(project / "contracts" / "q.json", EMPTY)
        (project / "contracts" / "package.json").write_text('{"name": "contracts"}')
        (project / "tests" / "data").mkdir(parents=True)
        (project / "tests" / "test_it.py").write_text("def test_it(): pass\n")
        (project / "tests" / "data" / "broken.json").write_text("{")
        (project / "tsconfig.json").write_text('{\n  // a comment\n  "provider": 1\n}')
        for arguments in ((), (".",), ("contracts", "tests"), ("-n2",)):
            ran = run_pytest(*arguments)
            assert ran.exit_code == 0, ran.out
            assert "2 passed" in ran.out

    def test_among_tests_it_is_a_pact_if_it_looks_like_one(self, project: Path, run_pytest: Pytest) -> None:
        (project / "tests" / "pacts").mkdir(parents=True)
        (project / "tests" / "test_it.py").write_text("def test_it(): pass\n")
        (project / "tests" / "pacts" / "p.json").write_text('{"consumer": {"name": "shop"}, "inter')
        ran = run_pytest("tests")
        assert ran.exit_code == 2
        assert "tests/pacts/p.json can't be read: it is not JSON" in ran.out

    def test_a_misshapen_pact_of_this_provider_wherever_it_is(self, project: Path, run_pytest: Pytest) -> None:
        """As one that is well is collected wherever it is. Those of other providers are left out."""
        write_pact(project / "anywhere" / "p.json", {"description": "d"}, provider="warehouse")
        (project / "test_it.py").write_text("def test_it(): pass\n")
        assert "1 pact left out: of 'warehouse', and this is 'testapp'" in run_pytest().out
        write_pact(project / "anywhere" / "q.json", {"description": "d"})
        ran = run_pytest()
        assert ran.exit_code == 2
        assert "anywhere/q.json: interaction 1 ('d') has no request." in ran.out

    def test_a_pipe_is_not_waited_for(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "contracts" / "q.json", EMPTY)
        os.mkfifo(project / "contracts" / "p.json")
        assert "1 passed" in run_pytest("contracts").out
        assert run_pytest("contracts/p.json").exit_code != 0


@pytest.mark.no_database
def test_what_was_collected_is_what_is_verified(pacts: Path, project: Path, run_pytest: Pytest) -> None:
    """A pact may change before the core reads it."""
    red = interaction("red", response={"body": ["999"]})
    write_pact(pacts / "a.json", red)
    write_pact(pacts / "b.json", EMPTY, {**EMPTY, "description": "another"})
    write_pact(project / "new", EMPTY)
    (project / "conftest.py").write_text(
        "import shutil\n"
        "def pytest_collection_finish(session):\n"
        "    shutil.copy('new', 'pacts/a.json')\n"
        "    open('pacts/b.json', 'w').close()\n"
    )
    ran = run_pytest("pacts")
    assert list(ran.outcomes().values()) == ["Failure", "Passed", "Passed"], ran.out
    assert '-   "999"' in ran.out
