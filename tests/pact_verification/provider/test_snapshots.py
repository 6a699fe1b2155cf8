"""Snapshots of whole databases, on every database that this machine can reach."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from io import StringIO
from pathlib import Path
from typing import Any

import environ
import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from pact_verification.errors import CannotVerify
from pact_verification.provider import snapshots
from pact_verification.provider.snapshots import Changed, Snapshot
from tests import mariadb
from tests.pact_verification.running import on_postgresql

VENDORS = ["postgresql"] if on_postgresql() else ["sqlite", "mysql"]

TABLES = {
    "sqlite": [
        "CREATE TABLE shelf (id integer PRIMARY KEY AUTOINCREMENT, parent integer REFERENCES shelf, label text)",
        (
            "CREATE TABLE item (id integer PRIMARY KEY, shelf integer REFERENCES shelf ON DELETE CASCADE, "
            "price float, data blob, twice float GENERATED ALWAYS AS (price * 2))"
        ),
        "CREATE TABLE log (text text)",
        "CREATE TRIGGER noting AFTER INSERT ON item BEGIN INSERT INTO log VALUES ('inserted'); END",
        "CREATE VIEW seen AS SELECT * FROM item",
    ],
    "postgresql": [
        "CREATE SCHEMA other",
        "CREATE TABLE shelf (id serial PRIMARY KEY, parent integer REFERENCES shelf, label text)",
        (
            "CREATE TABLE item (id integer GENERATED ALWAYS AS IDENTITY, "
            "shelf integer REFERENCES shelf ON DELETE CASCADE, price float, data bytea, "
            "twice float GENERATED ALWAYS AS (price * 2) STORED)"
        ),
        "CREATE TABLE other.log (text text, at timestamptz DEFAULT now())",
        (
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO other.log VALUES ('inserted'); RETURN NULL; END $$"
        ),
        "CREATE TRIGGER noting AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note()",
        "ALTER TABLE item ENABLE ALWAYS TRIGGER noting",
        "CREATE TABLE part (at date, text text) PARTITION BY RANGE (at)",
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "INSERT INTO part VALUES ('2020-02-29', E'tab \\t and line \\n')",
        "CREATE VIEW seen AS SELECT * FROM item",
    ],
    "mysql": [
        "CREATE TABLE shelf (id integer PRIMARY KEY AUTO_INCREMENT, parent integer REFERENCES shelf (id), label text)",
        (
            "CREATE TABLE item (id integer PRIMARY KEY AUTO_INCREMENT, shelf integer, price double, data blob, "
            "twice double AS (price * 2), FOREIGN KEY (shelf) REFERENCES shelf (id) ON DELETE CASCADE)"
        ),
        "CREATE TABLE log (text text)",
        (
            "CREATE TABLE kinds (a float, b bit(3), c date, d datetime(6), e time(6), f decimal(30, 10), g json, "
            "h enum('x', 'y'), i year, j timestamp NULL, k varchar(9) CHARACTER SET latin1, `l%` integer)"
        ),
        (
            "INSERT INTO kinds VALUES (0.1, 5, '2020-02-29', '2020-01-01 01:02:03.000001', '-10:00:00.5', "
            """1.0000000001, '{"a": "ü"}', 'y', 1999, '2020-01-01 00:00:00', 'ü', -7), (1e-30, NULL, '1000-01-01', """
            "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        ),
        "CREATE VIEW seen AS SELECT * FROM item",
    ],
}

ROWS = [
    "INSERT INTO shelf (label) VALUES ('itself'), ('the one that follows'), ('ü, \U0001f944')",
    "UPDATE shelf SET parent = 1 WHERE id = 1",
    "UPDATE shelf SET parent = 3 WHERE id = 2",
    "INSERT INTO item (shelf, price) VALUES (1, 0.1), (1, 1e-300), (NULL, NULL)",
    "INSERT INTO shelf (label) VALUES ('gone')",
    "DELETE FROM shelf WHERE label = 'gone'",
]


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """pytest-django blocks every connection. Those here lead to databases of the tests' own."""
    monkeypatch.setenv(
        "DJANGO_ALLOW_ASYNC_UNSAFE", "1"
    )  # Playwright's event loop runs on in the process of other tests
    with django_db_blocker.unblock():
        yield


def made(config: dict[str, Any]) -> BaseDatabaseWrapper:
    connection: Any = ConnectionHandler({"default": config})["default"]
    return connection  # type: ignore[no-any-return]


def execute(connection: BaseDatabaseWrapper, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(params=VENDORS)
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a database with tables and rows."""
    with ExitStack() as cleanup:
        if request.param == "sqlite":
            connection = made({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")})
        else:
            if request.param == "mysql":
                asked, config = mariadb.connect()
                asked.close()
            else:
                config = environ.Env.db_url_config(os.environ["DATABASE_URL"])
            name = f"snapshot_{secrets.token_hex(4)}"
            server = made(config)
            cleanup.callback(server.close)
            execute(server, f"CREATE DATABASE {name}")
            cleanup.callback(execute, server, f"DROP DATABASE {name}")
            connection = made({**config, "NAME": name})
        cleanup.callback(connection.close)
        execute(connection, *TABLES[request.param], *ROWS)
        yield connection


def dump(connection: BaseDatabaseWrapper) -> list[Any]:
    """The rows of all tables, and where sequences are, as other means than the snapshot's tell them."""
    tables = ["shelf", "item", "log"]
    more = []
    if connection.vendor == "postgresql":
        tables[2:] = ["other.log", "part"]
        more = [
            "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1",
            "SELECT tgname, tgenabled FROM pg_trigger",
        ]
    elif connection.vendor == "mysql":
        more = [
            "SELECT a, b, c, d, CAST(e AS CHAR), f, g, h, i, j, k, `l%` FROM kinds ORDER BY a",
            "SHOW CREATE TABLE shelf",
            "SHOW CREATE TABLE item",
        ]
    else:
        more = ["SELECT * FROM sqlite_sequence", "SELECT sql FROM sqlite_master"]
    found = []
    with connection.cursor() as cursor:
        for statement in (*(f"SELECT * FROM {table} ORDER BY 1" for table in tables), *more):  # of ours
            cursor.execute(statement)
            found.append((statement, list(cursor.fetchall())))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        ["INSERT INTO shelf (label) VALUES ('new')"],
        ["UPDATE item SET price = 7"],
        ["DELETE FROM item", "UPDATE shelf SET parent = NULL", "DELETE FROM shelf"],
        ["UPDATE shelf SET label = 'x'", "INSERT INTO item (shelf, price) VALUES (2, 9)"],
        ["INSERT INTO shelf (label) VALUES ('new')", "DELETE FROM shelf WHERE label = 'new'"],
        [],
    ],
)
def test_everything_comes_back(connection: BaseDatabaseWrapper, changes: list[str]) -> None:
    before = dump(connection)
    snapshot = Snapshot.of(connection)
    with closing(StringIO()) as file:
        snapshot.save(file)
        loaded = Snapshot.load(file, connection)
    assert loaded == snapshot
    for each in (snapshot, loaded):
        execute(connection, *changes)
        assert (dump(connection) != before) is bool(changes)
        each.restore(connection)
        assert dump(connection) == before
        assert Snapshot.of(connection).rows == snapshot.rows


def test_rows_of_all_tables_are_counted(connection: BaseDatabaseWrapper) -> None:
    assert Snapshot.of(connection).rows == {"sqlite": 9, "postgresql": 10, "mysql": 8}[connection.vendor]


def test_a_restored_trigger_runs(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "mysql":
        execute(connection, "CREATE TRIGGER noting AFTER INSERT ON item FOR EACH ROW INSERT INTO log VALUES ('x')")
        with pytest.raises(CannotVerify, match="the trigger noting, which can't be disabled"):
            Snapshot.of(connection)
        return
    snapshot = Snapshot.of(connection)
    execute(connection, "UPDATE item SET price = 7")
    snapshot.restore(connection)
    execute(connection, "INSERT INTO item (price) VALUES (1)")
    assert Snapshot.of(connection).rows == snapshot.rows + 2


def test_tables_that_have_changed(connection: BaseDatabaseWrapper) -> None:
    snapshot = Snapshot.of(connection)
    snapshot.require_schema(connection)
    execute(connection, "ALTER TABLE shelf ADD COLUMN more text")
    with pytest.raises(Changed, match="its tables have changed since"):
        snapshot.require_schema(connection)


def test_a_lock_that_another_holds(connection: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore ends, changes nothing, and works once the lock is gone."""
    monkeypatch.setattr(snapshots, "LOCK_SECONDS", 1)
    before = dump(connection)
    snapshot = Snapshot.of(connection)
    other = made(connection.settings_dict)
    execute(connection, "UPDATE item SET price = 7")
    execute(other, "BEGIN", "UPDATE item SET price = 8")
    with closing(other):
        with pytest.raises(DatabaseError):
            snapshot.restore(connection)
        execute(other, "ROLLBACK")
        snapshot.restore(connection)
    assert dump(connection) == before


def test_a_file_that_was_not_written_to_its_end(connection: BaseDatabaseWrapper) -> None:
    with closing(StringIO()) as file:
        assert Snapshot.load(file, connection) is None
        Snapshot.of(connection).save(file)
        file.truncate(len(file.getvalue()) - 1)
        assert Snapshot.load(file, connection) is None


@pytest.mark.no_database
def test_a_file_in_wal_mode_that_a_server_has_open(tmp_path: Path) -> None:
    connection = made({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")})
    execute(connection, "PRAGMA journal_mode = WAL", *TABLES["sqlite"], *ROWS)
    with closing(connection), closing(sqlite3.connect(tmp_path / "db.sqlite3")) as server:
        before = list(server.iterdump())
        snapshot = Snapshot.of(connection)
        server.execute("INSERT INTO shelf (label) VALUES ('new')")
        server.commit()
        snapshot.restore(connection)
        assert list(server.iterdump()) == before
        assert server.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert server.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.no_database
def test_a_database_that_can_not_be_restored() -> None:
    connection = made({"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"})
    connection.vendor = "other"
    with pytest.raises(CannotVerify, match="The content of a other database"):
        Snapshot.of(connection)


@pytest.mark.skipif(not on_postgresql(), reason="about PostgreSQL")
class TestPostgreSQL:
    @pytest.mark.parametrize(
        ("statements", "told"),
        [
            (["CREATE MATERIALIZED VIEW seen_2 AS SELECT 1"], "the materialized view public.seen_2"),
            (["SELECT lo_create(0)"], "large objects (1)"),
            (
                [
                    "CREATE TABLE a (id integer PRIMARY KEY, b integer)",
                    "CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a)",
                    "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
                ],
                "foreign keys in a circle that are not DEFERRABLE: public.",
            ),
            (["SET ROLE pg_monitor"], "lacks rights (SELECT and INSERT, TRUNCATE or UPDATE)"),
        ],
    )
    def test_refused(self, connection: BaseDatabaseWrapper, statements: list[str], told: str) -> None:
        execute(connection, *statements)
        with pytest.raises(CannotVerify) as refused:
            Snapshot.of(connection)
        assert told in str(refused.value)
        assert str(refused.value).startswith("It holds what can't be restored: ")

    def test_circles_of_keys_that_can_wait(self, connection: BaseDatabaseWrapper) -> None:
        execute(
            connection,
            "CREATE TABLE a (id integer PRIMARY KEY, b integer)",
            "CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a DEFERRABLE)",
            "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE",
            "INSERT INTO a VALUES (1)",
            "INSERT INTO b VALUES (1, 1)",
            "UPDATE a SET b = 1",
        )
        snapshot = Snapshot.of(connection)
        execute(connection, "UPDATE a SET b = NULL")
        snapshot.restore(connection)
        assert Snapshot.of(connection) == snapshot

    def test_a_user_without_special_rights(self, connection: BaseDatabaseWrapper) -> None:
        """The owner of the tables is enough; the superuser is not needed."""
        owner = f"owner_{secrets.token_hex(4)}"
        execute(
            connection,
            f"CREATE ROLE {owner}",
            *(f"ALTER TABLE {name} OWNER TO {owner}" for name in ("shelf", "item", "other.log", "part", "part_1")),
            f"ALTER SCHEMA other OWNER TO {owner}",
            f"SET ROLE {owner}",
        )
        try:
            snapshot = Snapshot.of(connection)
            execute(connection, "DELETE FROM shelf", "DELETE FROM part")
            snapshot.restore(connection)
            assert Snapshot.of(connection) == snapshot
        finally:
            execute(connection, "RESET ROLE", f"REASSIGN OWNED BY {owner} TO CURRENT_USER", f"DROP ROLE {owner}")
