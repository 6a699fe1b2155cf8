"""Databases that --reuse-db keeps are clean for the next run, or made anew."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.pytest_plugin.conftest import EMPTY, Pytest, Ran
from tests.pact_verification.running import on_postgresql


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
            # A process that the project ends can't remove its temporary folder.
            temporary = project / "temporary"
            temporary.mkdir(exist_ok=True)
            variables = {"TMPDIR": str(temporary), **variables}
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
