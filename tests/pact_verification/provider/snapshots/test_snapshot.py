"""Snapshots of whole databases, on every database that this machine can reach."""

from contextlib import closing
from io import StringIO

import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.snapshots.snapshot import Changed, Snapshot
from pact_verification.provider.snapshots.vendors import load_snapshot, take_snapshot
from tests.pact_verification.provider.snapshots.databases import dump, execute, made


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
    snapshot = take_snapshot(connection)
    with closing(StringIO()) as file:
        snapshot.save(file)
        loaded = load_snapshot(file, connection)
    assert loaded == snapshot
    for each in (snapshot, loaded):
        execute(connection, *changes)
        assert (dump(connection) != before) is bool(changes)
        each.restore(connection)
        assert dump(connection) == before
        assert take_snapshot(connection).rows == snapshot.rows


def test_rows_of_all_tables_are_counted(connection: BaseDatabaseWrapper) -> None:
    assert take_snapshot(connection).rows == {"sqlite": 9, "postgresql": 10, "mysql": 8}[connection.vendor]


def test_tables_that_have_changed(connection: BaseDatabaseWrapper) -> None:
    snapshot = take_snapshot(connection)
    snapshot.require_schema(connection)
    execute(connection, "ALTER TABLE shelf ADD COLUMN more text")
    with pytest.raises(Changed, match="its tables have changed since"):
        snapshot.require_schema(connection)


def test_a_lock_that_another_holds(connection: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore ends, changes nothing, and works once the lock is gone."""
    monkeypatch.setattr(Snapshot, "LOCK_SECONDS", 1)
    before = dump(connection)
    snapshot = take_snapshot(connection)
    other = made(connection.settings_dict)
    execute(connection, "UPDATE item SET price = 7")
    execute(other, "BEGIN", "UPDATE item SET price = 8")
    with closing(other):
        with pytest.raises(DatabaseError):
            snapshot.restore(connection)
        execute(other, "ROLLBACK")
        snapshot.restore(connection)
    assert dump(connection) == before


def test_a_restored_trigger_runs(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "mysql":
        execute(connection, "CREATE TRIGGER noting AFTER INSERT ON item FOR EACH ROW INSERT INTO log VALUES ('x')")
        with pytest.raises(CannotVerify, match="the trigger noting, which can't be disabled"):
            take_snapshot(connection)
        return
    snapshot = take_snapshot(connection)
    execute(connection, "UPDATE item SET price = 7")
    snapshot.restore(connection)
    execute(connection, "INSERT INTO item (price) VALUES (1)")
    assert take_snapshot(connection).rows == snapshot.rows + 2
