"""A run makes its databases by the TEST settings, as Django's test runner does."""

import os
import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pact_verification.provider.databases.aliases import run_name
from tests import mariadb
from tests.pact_verification.pact_files import EMPTY, interaction, write_pact
from tests.pact_verification.provider.test_databases import connection_of
from tests.pact_verification.running import Databases, Verify, databases_made, has, on_postgresql, run
from tests.service import scratch_database

pytestmark = pytest.mark.unmeasured

MIGRATED = interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]})
NOT_MIGRATED = interaction("not migrated", "/shelves", response={"body": []})
ISOLATIONS = pytest.mark.parametrize("isolation", ["transaction", "flush"])


def made_as(name: str, charset: str, collation: str) -> dict[str, Any]:
    """Return an interaction that expects a database whose name begins like this."""
    rule = {"$.name": {"matchers": [{"match": "regex", "regex": f"{name}_pact_[0-9a-f]+"}]}}
    body = {"name": f"{name}_pact_1", "charset": charset, "collation": collation}
    return interaction("made", "/database", response={"body": body, "matchingRules": {"body": rule}})


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "pacts" / "shop.json"


@ISOLATIONS
def test_migrate(verify: Verify, databases: Databases, pact: Path, isolation: str) -> None:
    databases["default"]["TEST"] = {"MIGRATE": False}
    write_pact(pact, NOT_MIGRATED, EMPTY, NOT_MIGRATED)
    ran = verify(pact, "--isolation", isolation, settings={"DATABASES": databases})
    assert (ran.exit_code, ran.err) == (0, ""), ran.out


def test_dependencies(verify: Verify, databases: Databases, pact: Path) -> None:
    write_pact(pact, EMPTY)
    databases["default"]["TEST"] = {"DEPENDENCIES": ["audit"]}
    databases["audit"]["TEST"] = {"DEPENDENCIES": []}
    ran = verify(pact, "--verbosity", "2", settings={"DATABASES": databases})
    assert ran.exit_code == 0, ran.err
    assert -1 < ran.err.find("Creating test database for alias 'audit'") < ran.err.find("alias 'default'")
    databases["audit"]["TEST"] = {"DEPENDENCIES": ["default"]}
    ran = verify(pact, settings={"DATABASES": databases})
    assert ran.exit_code == 2
    has(ran, "The test databases can't be made: ImproperlyConfigured: Circular dependency in TEST[DEPENDENCIES]")


@pytest.mark.parametrize("options", [[], ["--isolation", "flush", "--parallel", "2"]], ids=["alone", "workers"])
def test_mirror(verify: Verify, databases: Databases, pact: Path, options: list[str]) -> None:
    """The mirror's own server is not asked."""
    databases["replica"] = {**databases["default"], "HOST": "127.0.0.1", "PORT": 9, "TEST": {"MIRROR": "default"}}
    replica = interaction("replica", "/replica", states=["an item cup exists"], response={"body": ["cup"]})
    write_pact(pact, replica, EMPTY, replica)
    ran = verify(pact, *options, settings={"DATABASES": databases})
    assert (ran.exit_code, ran.err) == (0, ""), ran.out


class TestSQLite:
    pytestmark = pytest.mark.no_database

    @pytest.mark.parametrize("name", [":memory:", "file:shared?mode=memory&cache=shared"])
    def test_name_in_memory(self, verify: Verify, databases: Databases, pact: Path, name: str) -> None:
        databases["default"]["TEST"] = {"NAME": name}
        write_pact(pact, interaction("made", "/database", response={"body": {"name": ""}}), MIGRATED)
        ran = verify(pact, settings={"DATABASES": databases})
        assert (ran.exit_code, ran.err) == (0, ""), ran.out

    def test_keys_of_servers_change_nothing(
        self, verify: Verify, databases: Databases, pact: Path, tmp_path: Path
    ) -> None:
        chosen = tmp_path / "chosen.sqlite3"
        databases["default"]["TEST"] = {"NAME": str(chosen), "CHARSET": "latin1", "COLLATION": "x", "TEMPLATE": "x"}
        rule = {"$.name": {"matchers": [{"match": "regex", "regex": r".*/chosen\.sqlite3\.pact_[0-9a-f]+"}]}}
        body = {"name": "/chosen.sqlite3.pact_1"}
        write_pact(pact, interaction("made", "/database", response={"body": body, "matchingRules": {"body": rule}}))
        ran = verify(pact, settings={"DATABASES": databases})
        assert (ran.exit_code, ran.err) == (0, ""), ran.out
        assert not list(tmp_path.glob("chosen*"))


@pytest.mark.no_database
@ISOLATIONS
def test_mariadb(verify: Verify, pact: Path, isolation: str) -> None:
    server, config = mariadb.connect()
    chosen = f"chosen_{secrets.token_hex(4)}"
    test = {"NAME": chosen, "CHARSET": "latin1", "COLLATION": "latin1_german2_ci", "MIGRATE": False}
    default = {**config, "NAME": "absent", "TEST": test}
    databases = {"default": default, "audit": {**default, "TEST": {"NAME": f"{chosen}_audit"}}}
    write_pact(pact, made_as(chosen, "latin1", "latin1_german2_ci"), NOT_MIGRATED)
    ran = verify(pact, "--isolation", isolation, settings={"DATABASES": databases})
    assert (ran.exit_code, ran.err) == (0, ""), ran.out
    with server, server.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE %s", [f"{chosen}%"])
        assert cursor.fetchall() == ()


@pytest.mark.skipif(not on_postgresql(), reason="about PostgreSQL")
class TestPostgreSQL:
    def test_name_and_charset(self, verify: Verify, databases: Databases, pact: Path, tmp_path: Path) -> None:
        chosen = f"chosen_{secrets.token_hex(4)}"
        databases["default"]["TEST"] = {"NAME": chosen, "CHARSET": "SQL_ASCII", "TEMPLATE": "template0"}
        write_pact(pact, made_as(chosen, "SQL_ASCII", ""), MIGRATED)
        ran = verify(pact, settings={"DATABASES": databases})
        assert (ran.exit_code, ran.err) == (0, ""), ran.out
        assert databases_made({"default": {"NAME": chosen}}, tmp_path) == set()

    @pytest.mark.parametrize("options", [["--parallel", "2"], ["--isolation", "flush"]], ids=["workers", "flush"])
    def test_template(
        self, verify: Verify, databases: Databases, pact: Path, tmp_path: Path, options: list[str]
    ) -> None:
        """Its rows are there for every interaction, beside those of migrations."""
        with scratch_database(os.environ["DATABASE_URL"]) as url:
            name = url.rpartition("/")[2]
            migrated = {"DATABASES": {**databases, "default": {**databases["default"], "NAME": name}}}
            assert run("migrate", "--verbosity", "0", settings=migrated).exit_code == 0
            with psycopg.connect(url) as connection:
                connection.execute("INSERT INTO testapp_shelf (label) VALUES ('of the template')")
            databases["default"]["TEST"] = {"TEMPLATE": name}
            both = interaction(
                "both", "/shelves", response={"body": ["the shelf that a migration made", "of the template"]}
            )
            write_pact(pact, both, EMPTY, both)
            write_pact(pact.with_name("office.json"), both, consumer="office")
            ran = verify(pact.parent, *options, settings={"DATABASES": databases})
        assert (ran.exit_code, ran.err) == (0, ""), ran.out

    def test_collation_is_not_for_postgresql(self, verify: Verify, databases: Databases, pact: Path) -> None:
        databases["default"]["TEST"] = {"COLLATION": "C"}
        ran = verify(write_pact(pact, EMPTY), settings={"DATABASES": databases})
        assert ran.exit_code == 2
        has(ran, "ImproperlyConfigured: PostgreSQL does not support collation setting")


@pytest.mark.no_database
@pytest.mark.django_db
def test_a_long_name_keeps_the_runs_part() -> None:
    """PostgreSQL cuts a name after 63 bytes, without an error."""
    connection = connection_of("postgresql", "ü" * 63)
    connection.ops.max_name_length = lambda: 63  # type: ignore[method-assign]  # as PostgreSQL's
    name = run_name(connection, "pact_1")
    assert name.endswith("ü_pact_1")
    assert len(name.encode()) <= connection.ops.max_name_length()
