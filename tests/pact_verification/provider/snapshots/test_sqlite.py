"""SQLite files that a server has open."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pact_verification.provider.snapshots.vendors import take_snapshot
from tests.pact_verification.provider.snapshots.databases import ROWS, TABLES, execute, made


@pytest.mark.no_database
def test_a_file_in_wal_mode_that_a_server_has_open(tmp_path: Path) -> None:
    connection = made({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")})
    execute(connection, "PRAGMA journal_mode = WAL", *TABLES["sqlite"], *ROWS)
    with closing(connection), closing(sqlite3.connect(tmp_path / "db.sqlite3")) as server:
        before = list(server.iterdump())
        snapshot = take_snapshot(connection)
        server.execute("INSERT INTO shelf (label) VALUES ('new')")
        server.commit()
        snapshot.restore(connection)
        assert list(server.iterdump()) == before
        assert server.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert server.execute("PRAGMA integrity_check").fetchone() == ("ok",)
