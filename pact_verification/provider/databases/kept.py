"""Kept test databases: pristine copies of migrated databases, from which later runs start.

No interaction runs on a kept database. Each run works on a copy and drops it, so a run that is killed leaves nothing in
the kept one. A kept database holds a record of its fingerprint, which is written last: without it, the copy is not
complete.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import (
    close,
    close_pool,
    connection_to,
    distinct,
    run_name,
    with_databases,
)
from pact_verification.provider.databases.copying import copy_database, open_sqlite, why_not_copyable
from pact_verification.provider.databases.dropping import end_sessions_beside, exists, remove_files
from pact_verification.provider.databases.fingerprint import Fingerprint
from pact_verification.provider.databases.telling import Tell
from pact_verification.system.cache import open_cache
from pact_verification.system.locks import lock_file

KEPT = "pact_kept"
"""Stands in the name of a kept database where a run's token stands in those of its own."""

RECORD = "pact_verification_kept"
"""The table with the fingerprint."""

TEXT = {"mysql": "longtext"}

LOCK_POLL_SECONDS = 0.2


class KeptDatabases:
    """The kept databases of the project, one for each database. This process has locked them.

    Attributes:
        fingerprint: of the project as it is now.
        outdated: why they can't be used; None if they can.
    """

    def __init__(self, names: Mapping[str, str], *, create: bool) -> None:
        """Read what is kept.

        Args:
            names: see `kept_names`.
            create: make the kept databases again, whatever they hold.
        """
        self.names = names
        self.fingerprint = Fingerprint.of_project()
        records = [_read_record(alias, name) for alias, name in self.names.items()]
        self.migrated = records[0] if records else None
        self.outdated: str | None
        if create:
            self.outdated = "--create-db was given"
        elif self.migrated is None or any(record != self.migrated for record in records):
            self.outdated = "there were none, or not all of them"
        else:
            self.outdated = self.migrated.what_changed(self.fingerprint)

    @property
    def new_migrations(self) -> int:
        """How many migrations they lack."""
        return len(self.fingerprint.migrations.keys() - (self.migrated or Fingerprint()).migrations.keys())

    def copy_to(self, names: Mapping[str, str]) -> None:
        """Copy the kept databases to databases of the run, which get these names."""
        for alias, name in distinct(names):
            connection = connections[alias]
            connection.settings_dict["NAME"] = name
            if connection.vendor == "sqlite":
                connection.ensure_connection()  # a database in memory lives as long as its connection
            copy_database(connection, self.names[alias], name)
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(RECORD)}")

    def replace_by(self, names: Mapping[str, str]) -> None:
        """Keep copies of the run's databases with these names, in place of the former ones."""
        for alias, name in distinct(names):
            connection = connections[alias]
            if connection.vendor == "sqlite":
                complete = Path(self.names[alias])
                part = complete.with_suffix(".part")
                part.unlink(missing_ok=True)
                copy_database(connection, name, str(part))
                with closing(open_sqlite(str(part))) as copy, copy:
                    copy.execute(f"CREATE TABLE {RECORD} (fingerprint text)")
                    copy.execute(f"INSERT INTO {RECORD} VALUES (?)", [self.fingerprint.to_json()])  # noqa: S608  # our name
                part.replace(complete)
                continue
            drop_kept(alias, self.names[alias])
            end_sessions_beside(connection)
            copy_database(connection, name, self.names[alias])
            self._record(alias, self.names[alias])

    def _record(self, alias: str, name: str) -> None:
        with connection_to(alias, name) as connection, connection.cursor() as cursor:
            table = connection.ops.quote_name(RECORD)
            cursor.execute(
                f"CREATE TABLE {table} (fingerprint {'longtext' if connection.vendor == 'mysql' else 'text'})"
            )
            cursor.execute(f"INSERT INTO {table} VALUES (%s)", [self.fingerprint.to_json()])  # noqa: S608  # our own name


@contextmanager
def kept_databases(names: Mapping[str, str], tell: Tell, *, create: bool) -> Iterator[KeptDatabases]:
    """Lock the kept databases for the block. The lock dies with this process.

    Args:
        names: see `kept_names`.
        tell: hears that another run has the lock.

    Raises:
        CannotVerify: the project's databases can't be kept.
    """
    if reason := why_not_copyable():
        raise CannotVerify(f"--keepdb can't keep the test databases: {reason}. Leave --keepdb out.")
    with ExitStack() as locks:
        for alias, name in sorted(distinct(names)):
            locks.enter_context(_locked(connections[alias], name, tell))
        yield KeptDatabases(names, create=create)


def kept_names() -> dict[str, str]:
    """Return the names of the kept databases, by alias. They need not exist.

    Call it while the connections have the project's names.
    """
    return {alias: _kept_name(connections[alias]) for alias in with_databases()}


def _kept_name(connection: BaseDatabaseWrapper) -> str:
    if connection.vendor == "sqlite":
        return str(Path(conf.PACT_CACHE_DIR).absolute() / f"kept_{connection.alias}.sqlite3")
    return run_name(connection, KEPT)


def drop_kept(alias: str, name: str) -> None:
    """Drop a kept database, if it exists."""
    with connection_to(alias, name) as connection:
        if not exists(connection, name):
            return
        end_sessions_beside(connection)
        close(connection)
        close_pool(connection)
        creation: Any = connection.creation
        creation._destroy_test_db(name, verbosity=0)
        remove_files(connection, name)


def _read_record(alias: str, name: str) -> Fingerprint | None:
    with connection_to(alias, name) as connection:
        if not exists(connection, name) or RECORD not in connection.introspection.table_names():
            return None
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT fingerprint FROM {connection.ops.quote_name(RECORD)}")  # noqa: S608  # our own name
            row = cursor.fetchone()
    return Fingerprint.from_json(row[0]) if row else None


@contextmanager
def _locked(connection: BaseDatabaseWrapper, name: str, tell: Tell) -> Iterator[None]:
    """Lock a kept database: by a lock of the server's session, or of a file."""
    waiting = f"waiting for another run that makes or copies {name}"
    if connection.vendor == "sqlite":
        open_cache()
        with closing(Path(name).with_suffix(".lock").open("a")) as file:
            while not lock_file(file, wait=False):
                tell(waiting)
                time.sleep(LOCK_POLL_SECONDS)
            yield
        return
    if connection.vendor == "postgresql":
        question = "SELECT pg_try_advisory_lock(%s)"
        key: int | str = int(sha256(name.encode()).hexdigest()[:15], 16)
    else:
        question, key = (
            "SELECT GET_LOCK(%s, 0)",
            sha256(name.encode()).hexdigest()[:60],
        )  # names have at most 64 characters
    with connection._nodb_cursor() as cursor:
        while True:
            cursor.execute(question, [key])
            if cursor.fetchone()[0]:
                break
            tell(waiting)
            time.sleep(LOCK_POLL_SECONDS)
        yield
