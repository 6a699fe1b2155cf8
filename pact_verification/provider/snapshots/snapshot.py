"""What a database holds, taken without models, signals or triggers."""

import json
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, ClassVar, Self

from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify

COMPLETE = "complete"
"""The last line of a snapshot's file. A run that was killed before it had written this line had changed nothing."""


class Changed(Exception):
    """The database has other tables or columns than its snapshot."""


@dataclass(frozen=True)
class Snapshot(ABC):
    """What a database holds. Each subclass is for one vendor.

    Attributes:
        LOCK_SECONDS: how long taking or restoring may wait for a lock that a server holds.
        schema: the database's tables and columns. The content fits no others.
        content: the rows of each table, as the database itself writes them.
        sequences: the state of each sequence.
        rows: how many rows all tables have together.
    """

    LOCK_SECONDS: ClassVar[int] = 30

    schema: str
    content: Mapping[str, bytes]
    sequences: Mapping[str, str]
    rows: int

    @classmethod
    @abstractmethod
    def take(cls, connection: BaseDatabaseWrapper) -> Self:
        """Take a snapshot.

        Raises:
            CannotVerify: the database holds something that can't be restored.
            DatabaseError: the database can't be read.
        """

    @abstractmethod
    def restore(self, connection: BaseDatabaseWrapper) -> None:
        """Make the database hold exactly what the snapshot holds.

        Args:
            connection: one without a transaction, which the project does not use.

        Raises:
            Changed: the database has other tables.
            DatabaseError: the database refuses, or a server holds a lock.
        """

    @abstractmethod
    def require_schema(self, connection: BaseDatabaseWrapper) -> None:
        """Raise Changed for a database with other tables or columns."""

    def save(self, file: IO[str]) -> None:
        """Write the snapshot into an empty file."""
        content = {name: b64encode(data).decode() for name, data in self.content.items()}
        saved = {"schema": self.schema, "content": content, "sequences": dict(self.sequences), "rows": self.rows}
        file.write(f"{json.dumps(saved)}\n{COMPLETE}\n")
        file.flush()


@contextmanager
def transaction(connection: BaseDatabaseWrapper, begin: str) -> Iterator[Any]:
    """Open a transaction, and yield its cursor.

    Django's own would need the connection's alias.

    Args:
        begin: the statement that begins it.
    """
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            with suppress(Exception):
                cursor.execute("ROLLBACK")
            raise


def require_same(schema: str, found: str) -> None:
    """Raise Changed if the two schemas differ."""
    if schema != found:
        raise Changed("its tables have changed since")


def require_restorable(problems: Sequence[str]) -> None:
    """Raise CannotVerify if parts of the database can't be restored."""
    if problems:
        raise CannotVerify(f"It holds what can't be restored: {'; '.join(problems)}.")
