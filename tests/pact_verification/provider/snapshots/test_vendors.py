"""What a snapshot's file holds, and databases of which there is no snapshot."""

from contextlib import closing
from io import StringIO

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.snapshots.vendors import load_snapshot, take_snapshot
from tests.pact_verification.provider.snapshots.databases import made


def test_a_file_that_was_not_written_to_its_end(connection: BaseDatabaseWrapper) -> None:
    with closing(StringIO()) as file:
        assert load_snapshot(file, connection) is None
        take_snapshot(connection).save(file)
        file.truncate(len(file.getvalue()) - 1)
        assert load_snapshot(file, connection) is None


@pytest.mark.no_database
def test_a_database_that_can_not_be_restored() -> None:
    connection = made({"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"})
    connection.vendor = "other"
    with pytest.raises(CannotVerify, match="The content of a other database"):
        take_snapshot(connection)
