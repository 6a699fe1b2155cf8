"""pytest on pacts, from outside: projects that use the plugin, run as their developers run them."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
from junitparser import JUnitXml

from tests.broker_double import BrokerDouble
from tests.pact_verification.pact_files import State, document, interaction, write_pact
from tests.pact_verification.reporters.test_github import commands
from tests.pact_verification.running import ROOT, environment, on_postgresql

GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})
EMPTY = interaction("an empty list", response={"body": []})
RED = interaction("red", "/nothing", states=["an item cup exists"])
TOKEN = "t0ken-that-nobody-may-see"
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
    return write_pact(project / "pacts" / "b.json", {**EMPTY, "description": "b"}, consumer="cashier").parent


ALL = {
    "a list, given an item cup exists": "Passed",
    "red, given an item cup exists": "Failure",
    "an empty list": "Passed",
    "a list, given an item cup exists #2": "Passed",
    "b": "Passed",
}


@pytest.mark.no_database
def test_a_test_for_each_interaction_named_by_description_and_state(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts")
    assert ran.outcomes() == ALL, ran.out
    assert ran.exit_code == 1
    # What is wrong with the contract, and nothing of how we found out.
    assert "✗ red  [an item cup exists]\n" in ran.out
    assert "      view     no URL pattern matches" in ran.out
    assert "- 200 OK\n        + 404 Not Found\n" in ran.out
    assert "FAILED pacts/a.json::red, given an item cup exists - " in ran.out
    assert "pytest_plugin.py" not in ran.out


@pytest.mark.no_database
def test_without_the_plugin_there_are_none(pacts: Path, run_pytest: Pytest) -> None:
    assert "no tests ran" in run_pytest("pacts", plugin=False).out


@pytest.mark.no_database
class TestChoosing:
    """pytest's own options. A state is a part of the name by which pytest finds an interaction again."""

    def test_k(self, pacts: Path, run_pytest: Pytest) -> None:
        """By description, state and consumer."""
        chosen = {name: outcome for name, outcome in ALL.items() if "cup" in name or name == "b"}
        assert run_pytest("pacts", "-k", "cashier or cup").outcomes() == chosen
        assert list(run_pytest("pacts", "-k", "list and not exists").outcomes()) == ["an empty list"]

    def test_x(self, pacts: Path, run_pytest: Pytest) -> None:
        assert run_pytest("pacts", "-x").outcomes() == dict(list(ALL.items())[:2])

    def test_last_failed_and_failed_first(self, pacts: Path, run_pytest: Pytest) -> None:
        red = "red, given an item cup exists"
        assert run_pytest("pacts", "--lf").outcomes() == ALL
        assert run_pytest("pacts", "--lf").outcomes() == {red: "Failure"}
        assert run_pytest("pacts", "--lf", "-n2").outcomes() == {red: "Failure"}
        assert list(run_pytest("pacts", "--ff").outcomes()) == [red, *(name for name in ALL if name != red)]
        write_pact(pacts / "a.json", GREEN, {**GREEN, **RED, "request": GREEN["request"], "response": {"status": 200}})
        assert run_pytest("pacts", "--lf").outcomes() == {red: "Passed"}

    def test_stepwise(self, pacts: Path, run_pytest: Pytest) -> None:
        assert run_pytest("pacts", "--sw").outcomes() == dict(list(ALL.items())[:2])
        assert run_pytest("pacts", "--sw").outcomes() == {"red, given an item cup exists": "Failure"}
        assert run_pytest("pacts", "--sw-skip").outcomes() == dict(list(ALL.items())[1:])

    def test_every_id_that_is_printed_runs_its_interaction(self, project: Path, run_pytest: Pytest) -> None:
        states: list[State] = ["an item cup exists", ("an item pot exists", {"b.c": ["x::y"]})]
        odd = ["v1.0 [x] ", "a::b \x1b[31m\n/c\t", "'it' \"is\" $HOME & `pwd` \\", "", "x" * 300, "\u202eödd"]
        reds = [interaction(each, "/nothing", states=states) for each in (*odd, odd[0])]
        write_pact(project / "pacts" / "p.json", *reds)
        ran = run_pytest("pacts", "-v")
        ids = re.findall(r"^(pacts/p\.json::.*) FAILED", ran.out, re.MULTILINE)
        assert len(set(ids)) == len(reds), ran.out
        for each in ids:
            name = each.partition("::")[2]
            assert "::" not in name
            assert "[" not in name
            assert name.isprintable()
            assert run_pytest(each).outcomes() == {name: "Failure"}


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
        ran = run_pytest("pacts", "--reuse-db", "-k", "not red")
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


class TestKeptDatabases:
    """--reuse-db keeps a database that is clean. One that is not the next run makes anew."""

    @pytest.fixture
    def run_kept(self, project: Path, run_pytest: Pytest, databases: dict[str, Any]) -> Iterator[Pytest]:
        cup = ["an item cup exists"]
        write_pact(
            project / "pacts" / "a.json",
            interaction("hangs", "/slow", states=cup, request={"query": {"seconds": ["30"]}}),
            interaction("ends", states=[*cup, "the process ends"]),
            interaction("commits", "/commit-by-hand"),
            EMPTY,
        )
        if not on_postgresql():
            for alias, config in databases.items():
                config["TEST"] = {"NAME": str(project / f"kept_{alias}")}

        def run_kept(isolation: str, *arguments: str, **variables: str) -> Ran:
            settings = {"PACT_ISOLATION": isolation, "PACT_REQUEST_TIMEOUT": 0.5}
            return run_pytest("pacts", "--reuse-db", "-k", *arguments, settings=settings, **variables)

        yield run_kept
        if on_postgresql():
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                for config in databases.values():
                    for suffix in ("", "_gw0"):
                        connection.execute(f'DROP DATABASE IF EXISTS "test_{config["NAME"]}{suffix}" WITH (FORCE)')

    @pytest.mark.parametrize(
        ("isolation", "culprit"), [("flush", "hangs"), ("flush", "ends"), ("transaction", "commits")]
    )
    def test_one_that_is_not_clean_is_made_anew(self, run_kept: Pytest, isolation: str, culprit: str) -> None:
        assert run_kept(isolation, "empty").exit_code == 0
        spoilt = run_kept(isolation, culprit, PYTHONWARNINGS="ignore")
        assert ("Interactions have left rows in the test database" in spoilt.out) == (culprit != "ends"), spoilt.out
        again = run_kept(isolation, "empty")
        assert again.exit_code == 0, again.out
        assert "An earlier run had left rows in " in again.out
        clean = run_kept(isolation, "empty")
        assert clean.exit_code == 0
        assert "left rows" not in clean.out

    def test_a_transaction_that_hangs_leaves_nothing(self, run_kept: Pytest) -> None:
        assert run_kept("transaction", "hangs", PYTHONWARNINGS="ignore").exit_code == 1
        again = run_kept("transaction", "empty")
        assert again.exit_code == 0, again.out
        assert "left rows" not in again.out

    def test_with_xdist(self, run_kept: Pytest) -> None:
        """Each worker has a database of its own."""
        assert run_kept("flush", "hangs", "-n1", PYTHONWARNINGS="ignore").exit_code
        again = run_kept("flush", "empty", "-n1")
        assert again.exit_code == 0, again.out
        assert "An earlier run had left rows in " in again.out

    def test_before_other_tests_it_is_looked_at(self, project: Path, run_kept: Pytest) -> None:
        """What they leave is not the interactions'."""
        (project / "test_other.py").write_text(
            "import pytest\n@pytest.mark.django_db(transaction=True)\ndef test_empty_tables(): pass\n"
        )
        ran = run_kept("flush", "empty", "test_other.py")
        assert "2 passed" in ran.out
        assert "left rows" not in ran.out

    def test_one_that_is_not_made_anew_is_not_used(self, project: Path, run_kept: Pytest) -> None:
        run_kept("flush", "ends")
        (project / "conftest.py").write_text(
            "import pytest\n@pytest.fixture(scope='session')\ndef django_db_createdb(): return False\n"
        )
        ran = run_kept("flush", "empty")
        assert ran.exit_code == 1
        assert "which is kept. Use --create-db once." in ran.out


@pytest.mark.no_database
class TestWhatIsNotGreen:
    def test_pending_is_an_expected_failure(self, project: Path, run_pytest: Pytest) -> None:
        pending = interaction("to come", "/nothing", type="Synchronous/HTTP", pending=True)
        write_pact(project / "pacts" / "p.json", pending, {**EMPTY, "type": "Synchronous/HTTP"}, version="4.0")
        ran = run_pytest("pacts", "-rx")
        assert ran.exit_code == 0
        assert "1 passed, 1 xfailed" in ran.out
        assert "pending: status 404 instead of 200" in ran.out

    def test_a_pending_interaction_that_hangs_ends_the_session(self, project: Path, run_pytest: Pytest) -> None:
        stuck = {**EMPTY, "description": "stuck", "request": {"path": "/slow", "query": {"seconds": ["30"]}}}
        typed = {"type": "Synchronous/HTTP", "pending": True}
        write_pact(project / "pacts" / "p.json", {**stuck, **typed}, {**EMPTY, **typed}, version="4.0")
        ran = run_pytest("pacts", settings={"PACT_REQUEST_TIMEOUT": 0.2}, PYTHONWARNINGS="ignore")
        # The server's thread is still in there, so nothing else runs: not on its locks, nor beside what it may write.
        assert list(ran.outcomes().values()) == ["Skipped"]
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
        assert "It is a message (Asynchronous/Messages), and only HTTP interactions can be verified so far." in ran.out
        write_pact(project / "pacts" / "p.json", {**message, "pending": True}, version="4.0")
        assert run_pytest("pacts").exit_code == 0

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
    assert ran.outcomes() == {"a: :b \\x1b(31m /c": "Passed"}
    assert "1 passed" in run_pytest("pacts/q.json::a: :b \\x1b(31m /c").out


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
    write_pact(pacts / "a.json", GREEN, {**GREEN, "description": "red"}, EMPTY, GREEN)
    again = run_pytest("--sw", "a_tests", "pacts")
    assert list(again.outcomes().values()) == ["Passed"] * 5 + ["Failure"]


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


@pytest.mark.no_database
def test_settings_that_make_no_sense(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts/b.json", settings={"PACT_ISOLATION": "flsh"})
    assert ran.exit_code == 1
    assert "(pact_verification.E002) PACT_ISOLATION is 'flsh', not 'transaction' or 'flush'." in ran.out


@pytest.mark.no_database
def test_no_secret_is_in_a_name(project: Path, run_pytest: Pytest) -> None:
    state = ("an item cup exists", {"password": "hunter2pass"})
    write_pact(project / "pacts" / "p.json", interaction("a", states=[state]))
    ran = run_pytest("pacts", "-v")
    assert "a, given an item cup exists (password='(hidden)')" in ran.outcomes()
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
    token = TOKEN
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

    @pytest.mark.parametrize(
        "broken",
        [
            b'{"consumer": {"name": "shop"}, "provider": {"name": "warehouse"}, "inter',
            b'\xef\xbb\xbf{"consumer": {"name": "shop"}, "provider": {"name": "warehouse"}, "interactions": []}',
            b'{"consumer": {"name": "sh\xf6p"}, "interactions": [{},], "provider": {"name": "ware\\u0068ouse"}}',
        ],
    )
    def test_a_broken_pact_of_another_provider(self, project: Path, run_pytest: Pytest, broken: bytes) -> None:
        write_pact(project / "contracts" / "q.json", EMPTY)
        (project / "contracts" / "p.json").write_bytes(broken)
        ran = run_pytest("contracts")
        assert "1 passed" in ran.out
        assert "1 pact left out: of 'warehouse', and this is 'testapp'" in ran.out
        assert ran.exit_code == 0
        assert run_pytest("contracts/p.json").exit_code == 2

    @pytest.mark.parametrize(
        ("broken", "told"),
        [
            (b'\xef\xbb\xbf{"consumer": {"name": "a"}, "provider": {"name": "testapp"}}', "byte order mark"),
            (b'{"consumer": {"name": "a"}, "interactions": [{"body": {"provider": {"name": "x"}}}], ', "is not JSON"),
            (b'{"consumer": {"name": "a"}, "provider": {"name": "test\xe4pp"}, "interactions": []}', "is not JSON"),
        ],
    )
    def test_a_broken_pact_that_may_be_ours(self, project: Path, run_pytest: Pytest, broken: bytes, told: str) -> None:
        (project / "anywhere").mkdir()
        (project / "anywhere" / "p.json").write_bytes(broken)
        ran = run_pytest(".")
        assert ran.exit_code == 2
        assert told in ran.out

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


@pytest.mark.no_database
class TestBroker:
    """--pact-broker: what the broker selects is what pytest collects."""

    @pytest.fixture
    def broker(self) -> Iterator[BrokerDouble]:
        with BrokerDouble(token=TOKEN) as double:
            double.create_pacticipant("testapp", main_branch="main")
            yield double

    @pytest.fixture
    def ask(self, project: Path, run_pytest: Pytest, broker: BrokerDouble) -> Pytest:
        """pytest --pact-broker on main, with the broker configured. No output may hold the token."""

        def ask(*arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Ran:
            here = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN, "GIT_BRANCH": "main"}
            own = {"PACT_CACHE_DIR": str(project / ".pact_cache"), **(settings or {})}
            ran = run_pytest("--pact-broker", *arguments, settings=own, **{**here, **variables})
            assert TOKEN not in ran.out
            assert not broker.results or {result.provider_version for result in broker.results} == {"p0"}
            return ran

        return ask

    @pytest.fixture
    def verified(self, broker: BrokerDouble) -> None:
        """A pact of main's that the provider's main branch has verified: it is not pending any more."""
        broker.publish(document(GREEN, RED), version="c1", branch="main")
        broker.publish_result("shop", "c1", "testapp", "p0", branch="main", success=True)

    def test_what_the_broker_selects_is_collected(
        self, verified: None, ask: Pytest, broker: BrokerDouble, pacts: Path
    ) -> None:
        """And nothing else, unless it is named."""
        broker.publish(document(RED, EMPTY, consumer="till/[1]"), version="t1", branch="main")
        for arguments in ((), ("-n2",)):
            ran = ask("-v", "-rx", *arguments)
            assert ran.exit_code == 1
            assert "2 pacts from " in ran.out
            assert f"{broker.url} for branch 'main', by mainBranch, matchingBranch, deployedOrReleased" in ran.out
            assert "  shop      version c1           latest from branch main, latest from main branch" in ran.out
            assert "  till/[1]  version t1  pending  latest from branch main, latest from main branch" in ran.out
            assert "Results will not be published. manage.py verify_pacts publishes them." in ran.out
            assert "1 failed, 2 passed, 1 xfailed" in ran.out
            assert "pending: status 404 instead of 200" in ran.out
        named = ask("pacts/b.json")
        assert "1 failed, 3 passed, 1 xfailed" in named.out

    def test_an_id_a_state_and_the_last_failure_find_it_again(self, verified: None, ask: Pytest) -> None:
        ran = ask("-v")
        (red,) = re.findall(r"^(\S*/broker/shop\.json::.*) FAILED", ran.out, re.MULTILINE)
        name = "red, given an item cup exists"
        for arguments in ((red,), ("--lf",), ("-k", "shop and red"), ("--sw",)):
            assert ask(*arguments).outcomes() == {name: "Failure"} or arguments == ("--sw",)
        assert ask("--sw").outcomes() == {name: "Failure"}

    def test_the_broker_is_asked_once_for_all_workers(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        """Its answer may change meanwhile."""
        ask("-n2")
        asked = [each for each in broker.requests if each.path.endswith("/for-verification") and each.method == "POST"]
        assert len(asked) == 1

    def test_its_options(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        broker.publish(document(RED, consumer="till"), version="t1", branch="feat/x")
        feature = '{"branch": "feat/x", "consumer": "till"}'
        ran = ask("--consumer-version-selector", feature, "--no-enable-pending")
        assert ran.outcomes() == {"red, given an item cup exists": "Failure"}
        assert "1 pact from " in ran.out
        url = broker.pact_url("till", "t1")
        for ran in (ask("--pact-url", url), ask(PACT_URL=url)):
            assert ran.outcomes() == {"red, given an item cup exists": "Failure"}
            assert f"1 pact from {url}" in ran.out
        since = ask("--include-wip-pacts-since", "2020-01-01", "--provider-branch", "main")
        assert "work in progress since 2020-01-01" in since.out
        assert "1 failed, 1 passed, 1 xfailed" in since.out

    def test_two_versions_of_a_consumer(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        broker.publish(document(RED), version="c2", branch="feat/x")
        ran = ask("-v")
        assert "broker/shop-c1.json::red, given an item cup exists FAILED" in ran.out
        assert "broker/shop-c2.json::red, given an item cup exists XFAIL" in ran.out

    def test_a_pact_that_can_not_be_read(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        """It fails with the reason, unless it is pending, and the others are collected."""
        broker.publish(document({"description": "d"}, consumer="till"), version="t1", branch="main")
        pending = ask("-rx", "-k", "till or list")
        assert pending.exit_code == 0, pending.out
        assert "1 passed, 1 deselected, 1 xfailed" in pending.out
        assert "pending: " in pending.out
        broker.publish_result("till", "t1", "testapp", "p0", branch="main", success=True)
        for arguments in ((), ("-n2",)):
            ran = ask(*arguments)
            assert ran.exit_code
            assert "interaction 1 ('d') has no request." in ran.out
            assert "2 failed, 1 passed" in ran.out

    def test_nothing_is_selected(self, ask: Pytest) -> None:
        ran = ask()
        assert ran.exit_code == pytest.ExitCode.NO_TESTS_COLLECTED
        assert "0 pacts from " in ran.out
        assert "The broker selects no pact, so none of its contracts is verified." in ran.out

    def test_what_can_not_be_asked_is_a_usage_error(
        self, ask: Pytest, run_pytest: Pytest, broker: BrokerDouble
    ) -> None:
        for ran, why in (
            (
                ask(PACT_BROKER_BASE_URL=""),
                "--pact-broker needs a broker, and none is configured. Set PACT_BROKER_BASE_",
            ),
            (ask(PACT_BROKER_TOKEN="other"), "It does not accept PACT_BROKER_TOKEN"),
            (ask(settings={"PACT_PROVIDER_NAME": ""}), "The provider has no name. Set PACT_PROVIDER_NAME"),
            (ask("--consumer-version-selector", "{"), "--consumer-version-selector"),
            (run_pytest("--pact-url", "http://127.0.0.1/"), "--pact-url chooses pacts of a broker. Add --pact-broker."),
        ):
            assert ran.exit_code == pytest.ExitCode.USAGE_ERROR, ran.out
            assert why in ran.out

    def test_a_file_of_an_earlier_answer_is_no_pact(self, verified: None, ask: Pytest, run_pytest: Pytest) -> None:
        ask("-k", "list")
        ran = run_pytest(".pact_cache/broker/shop.json", settings={"PACT_CACHE_DIR": ".pact_cache"})
        assert ran.exit_code == 2
        assert "stands for a pact that the broker does not select now. Use --pact-broker." in ran.out
