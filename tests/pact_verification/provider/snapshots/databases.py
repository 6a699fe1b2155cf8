"""Databases with tables and rows of every kind that a snapshot has to restore."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

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


def made(config: dict[str, Any]) -> BaseDatabaseWrapper:
    connection: Any = ConnectionHandler({"default": config})["default"]
    return connection  # type: ignore[no-any-return]


def execute(connection: BaseDatabaseWrapper, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


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
