"""A run on MariaDB, and on PostgreSQL, opens no connection to the project's own databases. They need not exist."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests import mariadb
from tests.pact_verification.pact_files import CREATE, EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import (
    ROOT,
    Databases,
    Run,
    Verify,
    command,
    environment,
    has,
    on_postgresql,
    run_code,
    wait_for_file,
)

pytestmark = pytest.mark.unmeasured

WATCHED = "tests.testapp.watched"
INTERACTIONS = [
    EMPTY,
    GREEN,
    CREATE,
    interaction("other database", "/audit", response={"body": []}),
    interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]}),
    EMPTY,
]


@dataclass(frozen=True)
class Absent:
    """A project whose databases MariaDB lacks.

    Attributes:
        opened: the file with the database of each connection.
    """

    server: "pymysql.connections.Connection[Any]"
    databases: Databases
    opened: Path

    @property
    def options(self) -> dict[str, Any]:
        settings = {"DATABASES": self.databases, "PACT_CACHE_DIR": str(self.opened.parent / "cache")}
        return {"project": WATCHED, "settings": settings, "TESTAPP_CONNECTIONS": str(self.opened)}

    def test_databases(self) -> list[str]:
        with self.server.cursor() as cursor:
            cursor.execute("SHOW DATABASES LIKE %s", [f"{self.databases['default']['NAME']}%"])
            return [name for (name,) in cursor.fetchall()]

    def check(self, ran: Run) -> None:
        """Check that all is well with a run, and that no connection led to the project's own databases."""
        assert ran.exit_code == 0, ran.out + ran.err
        assert f"{len(INTERACTIONS)} verified" in ran.out
        assert ran.err == ""
        check_opened(self.opened)
        assert self.test_databases() == []


def check_opened(opened: Path) -> None:
    names = opened.read_text().split()
    assert any("_pact_" in name for name in names)
    assert [name for name in names if "_pact_" not in name and name not in {"None", "postgres"}] == []


@pytest.fixture
def absent(tmp_path: Path) -> Iterator[Absent]:
    server, config = mariadb.connect()
    name = f"absent_{secrets.token_hex(4)}"
    databases = {"default": {**config, "NAME": name}, "audit": {**config, "NAME": f"{name}_audit"}}
    with server:
        absent = Absent(server, databases, tmp_path / "opened")
        try:
            yield absent
        finally:
            with server.cursor() as cursor:
                for left in absent.test_databases():
                    cursor.execute(f"DROP DATABASE `{left}`")


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return write_pact(tmp_path / "pacts" / "shop.json", *INTERACTIONS)


@pytest.mark.no_database
class TestMariaDB:
    @pytest.mark.parametrize(
        "options", [[], ["--isolation", "flush"], ["--parallel", "2"]], ids=["transaction", "flush", "parallel"]
    )
    def test_the_projects_databases_need_not_exist(
        self, verify: Verify, absent: Absent, pact: Path, options: list[str]
    ) -> None:
        if options == ["--parallel", "2"]:  # each worker gets a pact
            write_pact(pact, *INTERACTIONS[:3])
            write_pact(pact.with_name("office.json"), *INTERACTIONS[3:], consumer="office")
        absent.check(verify(pact.parent, *options, **absent.options))

    def test_sql_that_commits_by_itself(self, verify: Verify, absent: Absent, pact: Path) -> None:
        """It ends the interaction's transaction, and no later interaction begins with its rows."""
        write_pact(pact, interaction("ddl", "/ddl"), EMPTY)
        ran = verify(pact, **absent.options)
        assert ran.exit_code == 1
        has(ran, "1 verified, 1 state error", "ended the transaction on 'default' by itself", "use --isolation flush")
        ran = verify(pact, "--isolation", "flush", **absent.options)
        assert (ran.exit_code, ran.err) == (0, ""), ran.out
        assert absent.test_databases() == []

    def test_call_command(self, absent: Absent, pact: Path) -> None:
        script = (
            "import django; django.setup()\n"
            "from django.core.management import call_command\n"
            f"call_command('verify_pacts', {str(pact)!r})\n"
        )
        absent.check(run_code(script, **absent.options))

    def test_the_next_run_drops_what_a_killed_one_has_left(
        self, verify: Verify, absent: Absent, pact: Path, tmp_path: Path
    ) -> None:
        stuck = write_pact(tmp_path / "stuck.json", interaction("stuck", states=["it takes 600 seconds"]))
        announced = tmp_path / "announced"
        with subprocess.Popen(
            command(stuck, "--request-timeout", "300"),
            cwd=ROOT,
            env=environment(**absent.options, TESTAPP_ANNOUNCE=str(announced)),
            start_new_session=True,
        ) as process:
            wait_for_file(announced, process)
            os.killpg(process.pid, signal.SIGKILL)
        left = absent.test_databases()
        assert len(left) == len(absent.databases)
        ran = verify(pact, **absent.options)
        absent.check(ran)
        assert all(name in ran.out for name in left)


@pytest.mark.skipif(not on_postgresql(), reason="about PostgreSQL")
@pytest.mark.parametrize("options", [[], ["--isolation", "flush"]], ids=["transaction", "flush"])
def test_postgresql(verify: Verify, databases: Databases, pact: Path, tmp_path: Path, options: list[str]) -> None:
    opened = tmp_path / "opened"
    ran = verify(pact, *options, project=WATCHED, settings={"DATABASES": databases}, TESTAPP_CONNECTIONS=str(opened))
    assert (ran.exit_code, ran.err) == (0, ""), ran.out + ran.err
    check_opened(opened)
