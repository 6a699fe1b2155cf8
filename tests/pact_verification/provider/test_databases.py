"""A run writes to its own databases alone, wherever the settings lead a connection."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.guard import require_named, require_run_database
from tests import mariadb
from tests.pact_verification.pact_files import CREATE, EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.provider.small_project import small_project
from tests.pact_verification.running import Databases, Verify, has, on_postgresql, run
from tests.service import scratch_database

pytestmark = pytest.mark.measured

ISOLATIONS = pytest.mark.parametrize("isolation", ["transaction", "flush"])
FEW = [EMPTY, GREEN, CREATE, interaction("other database", "/audit", response={"body": []}), EMPTY]
MANY = [
    *FEW,
    CREATE,
    interaction("fixtures", states=["there are spoons"], response={"body": ["dessert spoon", "tea spoon"]}),
    interaction("hook", states=["an item that is made on commit"], response={"body": ["on commit"]}),
    interaction("durable", "/durable", states=["an item cup exists"], response={"body": ["cup"]}),
    interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]}),
    interaction("migrated, again", "/shelves", response={"body": ["the shelf that a migration made"]}),
]


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return write_pact(tmp_path / "pacts" / "shop.json", *FEW)


@dataclass(frozen=True)
class Shop:
    """A project's real databases on MariaDB, with rows in them.

    Attributes:
        server: a connection to it.
        config: how the project reaches it; NAME is the default alias's.
    """

    server: "pymysql.connections.Connection[Any]"
    config: dict[str, Any]

    @property
    def names(self) -> dict[str, str]:
        return {"default": self.config["NAME"], "audit": f"{self.config['NAME']}_audit"}

    def databases(self, **options: str) -> Databases:
        """DATABASES: an option's value is filled in with each alias's own database."""
        return {
            alias: {**self.config, "NAME": name, "OPTIONS": {key: text.format(name) for key, text in options.items()}}
            for alias, name in self.names.items()
        }

    def ask(self, query: str) -> list[Any]:
        with self.server.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def content(self) -> dict[str, list[Any]]:
        """All databases that begin with the project's name, the tables in them, and their rows.

        A table's next number tells of a row that was taken back.
        """
        tables = self.ask(
            "SELECT table_schema, table_name, auto_increment FROM information_schema.tables "
            f"WHERE table_schema LIKE '{self.config['NAME']}%'"
        )
        databases = self.ask(f"SHOW DATABASES LIKE '{self.config['NAME']}%'")
        return {
            "": sorted(databases),
            **{
                f"{name}.{table}": [following, *sorted(self.ask(f"SELECT * FROM `{name}`.`{table}`"))]
                for name, table, following in tables
            },
        }


@pytest.fixture(scope="module")  # migrating takes seconds, and no test changes anything
def shop() -> Iterator[Shop]:
    server, config = mariadb.connect()
    shop = Shop(server, {**config, "NAME": f"shop_{secrets.token_hex(4)}"})
    with server:
        server.autocommit(True)
        try:
            for alias, name in shop.names.items():
                shop.ask(f"CREATE DATABASE `{name}`")
                settings = {"DATABASES": shop.databases()}
                migrated = run("migrate", "--verbosity", "0", "--database", alias, settings=settings)
                assert migrated.exit_code == 0, migrated.err
            shop.ask(f"INSERT INTO `{shop.names['default']}`.testapp_item (name) VALUES ('kettle'), ('jug')")
            shop.ask(f"INSERT INTO `{shop.names['audit']}`.testapp_audit (text) VALUES ('bought a kettle')")
            yield shop
        finally:
            for (name,) in shop.content()[""]:
                shop.ask(f"DROP DATABASE `{name}`")


@pytest.mark.no_database
class TestMariaDB:
    @ISOLATIONS
    def test_an_ordinary_run(self, verify: Verify, shop: Shop, pact: Path, isolation: str) -> None:
        before = shop.content()
        write_pact(pact, *MANY)
        ran = verify(pact, "--isolation", isolation, settings={"DATABASES": shop.databases()})
        assert ran.exit_code == 0, ran.out + ran.err
        assert ran.err == ""
        assert shop.content() == before  # the run's own databases are gone as well

    @pytest.mark.parametrize(
        ("option", "options"),
        [
            ("database", ["--isolation", "transaction"]),
            ("database", ["--isolation", "flush", "--parallel", "2"]),
            ("db", ["--isolation", "transaction", "--parallel", "2"]),
            ("db", ["--isolation", "flush"]),
        ],
    )
    def test_an_option_that_leads_to_the_projects_database(
        self, verify: Verify, shop: Shop, pact: Path, option: str, options: list[str]
    ) -> None:
        if "--parallel" in options:
            write_pact(pact.with_name("office.json"), *FEW, consumer="office")
        before = shop.content()
        ran = verify(pact.parent, *options, settings={"DATABASES": shop.databases(**{option: "{}"})})
        assert shop.content() == before
        assert ran.exit_code == 0, ran.out + ran.err
        assert ran.err == ""

    @ISOLATIONS
    def test_one_that_the_run_can_not_keep_away_from_it_writes_nothing(
        self, verify: Verify, shop: Shop, pact: Path, isolation: str
    ) -> None:
        before = shop.content()
        ran = verify(pact, "--isolation", isolation, settings={"DATABASES": shop.databases(init_command="USE `{}`")})
        assert shop.content() == before
        assert ran.exit_code == 2
        has(ran, f"leads to the database '{shop.names['default']}', not to", "OPTIONS")
        assert "Traceback" not in ran.out + ran.err

    def test_a_request_that_leads_its_connection_there(self, verify: Verify, shop: Shop, tmp_path: Path) -> None:
        """Flush asks the connection once more, and goes on with a new one."""
        before = shop.content()
        pact = write_pact(tmp_path / "shop.json", interaction("use", f"/use/{shop.names['default']}"), CREATE, EMPTY)
        ran = verify(pact, "--isolation", "flush", settings={"DATABASES": shop.databases()})
        assert shop.content() == before
        assert ran.exit_code == 0, ran.out + ran.err
        has(ran, "could not be taken back", f"'default' leads to the database '{shop.names['default']}', not to")

    def test_a_request_that_does_not_come_back(self, verify: Verify, shop: Shop, tmp_path: Path) -> None:
        """The transaction that it holds is ended, for which dropping the database would wait."""
        before = shop.content()
        pact = write_pact(tmp_path / "shop.json", interaction("locked", "/locked?seconds=3600"))
        ran = verify(pact, "--request-timeout", "1", settings={"DATABASES": shop.databases(database="{}")})
        assert shop.content() == before
        assert ran.exit_code == 1, ran.out + ran.err

    @pytest.mark.parametrize("option", ["database", "init_command"])
    def test_a_server_that_runs_on_another_than_the_one_that_may_be_emptied(
        self, verify: Verify, shop: Shop, pact: Path, option: str
    ) -> None:
        before = shop.content()
        databases = shop.databases(**{option: "{}" if option == "database" else "USE `{}`"})
        for config in databases.values():
            config["NAME"] = "mysql"
        ran = verify(
            pact,
            *("--provider-url", "http://127.0.0.1:9"),
            settings={"DATABASES": databases, "PACT_DISPOSABLE_DATABASES": ["mysql"]},
        )
        assert shop.content() == before
        assert ran.exit_code == 2
        has(ran, f"leads to the database '{shop.names['default']}', not to 'mysql'")


@ISOLATIONS
@pytest.mark.skipif(on_postgresql(), reason="about SQLite")
def test_sqlites_option(verify: Verify, pact: Path, tmp_path: Path, isolation: str) -> None:
    """OPTIONS goes before NAME there too."""
    file = tmp_path / "real.sqlite3"
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "other.sqlite3")}
    settings = {"DATABASES": {"default": {**config, "OPTIONS": {"database": str(file)}}, "audit": config}}
    assert run("migrate", "--verbosity", "0", settings=settings).exit_code == 0
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO testapp_item (name) VALUES ('kettle')")
    connection.close()
    before = file.read_bytes()
    ran = verify(pact, "--isolation", isolation, settings=settings)
    assert file.read_bytes() == before
    assert ran.exit_code == 0, ran.out + ran.err


@ISOLATIONS
@pytest.mark.skipif(not on_postgresql(), reason="about PostgreSQL")
def test_postgresqls_option(verify: Verify, pact: Path, databases: Databases, isolation: str) -> None:
    with scratch_database(os.environ["DATABASE_URL"]) as url:
        name = url.rpartition("/")[2]
        databases["default"]["OPTIONS"] = {"dbname": name}
        settings = {"DATABASES": databases}
        assert run("migrate", "--verbosity", "0", settings=settings).exit_code == 0
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO testapp_item (name) VALUES ('kettle')")
        ran = verify(pact, "--isolation", isolation, settings=settings)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT name FROM testapp_item").fetchall() == [("kettle",)]
        assert ran.exit_code == 0, ran.out + ran.err


class Answers:
    """A driver's connection whose server gives one answer to any question."""

    def __init__(self, *row: Any) -> None:
        self.row = row

    def cursor(self) -> "Answers":
        return self

    def execute(self, question: str) -> None:
        """Whatever is asked."""

    def fetchone(self) -> tuple[Any, ...]:
        return self.row

    def close(self) -> None:
        """A cursor's."""


def connection_of(vendor: str, name: str | Path, *row: Any) -> BaseDatabaseWrapper:
    connection = connections.create_connection("default")
    connection.settings_dict = {**connection.settings_dict, "NAME": name}
    connection.vendor = vendor
    connection.connection = Answers(*row)  # so none is opened
    return connection


@pytest.mark.no_database
@pytest.mark.django_db
class TestRequireNamed:
    @pytest.mark.parametrize(
        ("vendor", "name", "row"),
        [
            ("postgresql", "shop", ["shop"]),
            ("mysql", "shop", ["shop", 0]),
            ("mysql", "Shop", ["shop", 1]),
            ("oracle", "db.example.org:1521/shop", ["SHOP"]),
            ("sqlite", ":memory:", [""]),
            ("sqlite", "file:pact_1_default?mode=memory&cache=shared", [""]),
            ("sqlite", Path(__file__), [__file__]),
            ("sqlite", os.path.relpath(__file__), [__file__]),
            ("sqlite", f"file:{__file__}?cache=private", [__file__]),
        ],
    )
    def test_the_same(self, vendor: str, name: str, row: list[Any]) -> None:
        require_named(connection_of(vendor, name, *row))

    @pytest.mark.parametrize(
        ("vendor", "name", "row"),
        [
            ("postgresql", "test_shop", ["shop"]),
            ("mysql", "test_shop", ["shop", 0]),
            ("mysql", "test_shop", ["shop", 1]),
            ("mysql", "test_shop", [None, 0]),
            ("mysql", "Shop", ["shop", 0]),
            ("oracle", "test_shop", ["SHOP"]),
            ("sqlite", ":memory:", [__file__]),
            ("sqlite", "test_shop", [""]),
            ("sqlite", "test_shop", [__file__]),
            ("sqlite", str(Path(__file__).with_name("conftest.py")), [__file__]),
        ],
    )
    def test_another(self, vendor: str, name: str, row: list[Any]) -> None:
        with pytest.raises(CannotVerify, match=f"'default' leads to the database {row[0]!r}, not to {name!r}"):
            require_named(connection_of(vendor, name, *row))

    def test_a_vendor_that_can_not_be_asked(self) -> None:
        with pytest.raises(CannotVerify, match=r"'snowflake' \('default'\) can't be asked .* PostgreSQL"):
            require_named(connection_of("snowflake", "shop", "shop"))

    def test_the_database_of_another_run(self) -> None:
        require_run_database("pact_1", connection_of("postgresql", "shop_pact_1", "shop_pact_1"))
        with pytest.raises(CannotVerify, match="'shop_pact_1', not to the run's own"):
            require_run_database("pact_2", connection_of("postgresql", "shop_pact_1", "shop_pact_1"))


ASKS_FOR_ITS_CONTENT_TYPE = """
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=40)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        ContentType.objects.get_for_model(type(self))
"""


def test_a_flush_restores_content_types_before_models_whose_constructor_asks_for_one(tmp_path: Path) -> None:
    with small_project(tmp_path, "the suite's") as project:
        project.apps.append("django.contrib.contenttypes")  # behind the app that uses it
        project.write("shop/models.py", ASKS_FOR_ITS_CONTENT_TYPE)
        project.expect("kettle", interactions=2)
        ran = project.verify("--isolation", "flush")
    assert ran.exit_code == 0, ran
    has(ran, "2 verified")
    assert "warning" not in ran.out
