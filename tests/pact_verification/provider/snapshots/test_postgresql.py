"""What PostgreSQL refuses to have restored, and what it needs for it."""

import secrets

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.snapshots.vendors import take_snapshot
from tests.pact_verification.provider.snapshots.databases import execute
from tests.pact_verification.running import on_postgresql


@pytest.mark.skipif(not on_postgresql(), reason="about PostgreSQL")
class TestPostgreSQL:
    @pytest.mark.parametrize(
        ("statements", "problem"),
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
    def test_refused(self, connection: BaseDatabaseWrapper, statements: list[str], problem: str) -> None:
        execute(connection, *statements)
        with pytest.raises(CannotVerify) as refused:
            take_snapshot(connection)
        assert problem in str(refused.value)
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
        snapshot = take_snapshot(connection)
        execute(connection, "UPDATE a SET b = NULL")
        snapshot.restore(connection)
        assert take_snapshot(connection) == snapshot

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
            snapshot = take_snapshot(connection)
            execute(connection, "DELETE FROM shelf", "DELETE FROM part")
            snapshot.restore(connection)
            assert take_snapshot(connection) == snapshot
        finally:
            execute(connection, "RESET ROLE", f"REASSIGN OWNED BY {owner} TO CURRENT_USER", f"DROP ROLE {owner}")
