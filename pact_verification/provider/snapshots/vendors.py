"""The right kind of snapshot for a database."""

import json
from base64 import b64decode
from collections.abc import Mapping
from types import MappingProxyType
from typing import IO

from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.snapshots.mysql import MySQLSnapshot
from pact_verification.provider.snapshots.postgresql import PostgreSQLSnapshot
from pact_verification.provider.snapshots.snapshot import COMPLETE, Snapshot
from pact_verification.provider.snapshots.sqlite import SQLiteSnapshot

KINDS: Mapping[str, type[Snapshot]] = MappingProxyType(
    {
        "sqlite": SQLiteSnapshot,
        "postgresql": PostgreSQLSnapshot,
        "mysql": MySQLSnapshot,
    }
)
"""By Django's name of the vendor. "mysql" is MariaDB too."""


def take_snapshot(connection: BaseDatabaseWrapper) -> Snapshot:
    """Take a snapshot of a database.

    Raises:
        CannotVerify: the vendor is unknown, or the database holds something that can't be restored.
        DatabaseError: the database can't be read.
    """
    return _kind(connection).take(connection)


def load_snapshot(file: IO[str], connection: BaseDatabaseWrapper) -> Snapshot | None:
    """Read the snapshot in a file. Returns None if the file is empty or incomplete."""
    file.seek(0)
    text, _, rest = file.read().partition("\n")
    if rest != f"{COMPLETE}\n":
        return None
    saved = json.loads(text)
    saved["content"] = {name: b64decode(data) for name, data in saved["content"].items()}
    return _kind(connection)(**saved)


def _kind(connection: BaseDatabaseWrapper) -> type[Snapshot]:
    try:
        return KINDS[connection.vendor]
    except KeyError:
        raise CannotVerify(
            f"The content of a {connection.vendor} database ({connection.alias}) can't be restored."
        ) from None
