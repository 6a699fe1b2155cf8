"""Kept test databases: pristine copies of migrated databases, from which later runs start.

No interaction runs on a kept database. Each run works on a copy and drops it, so a run that is killed leaves nothing in
the kept one. A kept database has a table of ours, and only such a database is ever dropped. The fingerprint in it is
written last: without it, the copy is not complete.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections
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
from pact_verification.provider.databases.dropping import end_sessions_beside, exists
from pact_verification.provider.databases.fingerprint import Fingerprint
from pact_verification.provider.databases.telling import Tell
from pact_verification.system.cache import open_cache
from pact_verification.system.locks import lock_file

KEPT = "pact_kept"
"""Stands in the name of a kept database where a run's token stands in those of its own."""

RECORD = "pact_verification_kept"
"""The table with the fingerprint."""

TEXT = {"mysql": "longtext"}
"""The type of a long text, where it is not "text"."""

IDLE_SETTING = {"postgresql": "idle_session_timeout = 0", "mysql": "wait_timeout = 86400"}

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
            else:
                with connection_to(alias, self.names[alias]) as kept:
                    end_sessions_beside(kept)  # such as an administrator's, which would prevent a copy
            copy_database(connection, self.names[alias], name)
            _execute(connection, "DROP TABLE {}")

    def replace_by(self, names: Mapping[str, str]) -> None:
        """Keep copies of the run's databases with these names, in place of the former ones."""
        for alias, name in distinct(names):
            connection, kept = connections[alias], self.names[alias]
            _execute(connection, f"CREATE TABLE {{}} (fingerprint {TEXT.get(connection.vendor, 'text')})")
            if connection.vendor == "sqlite":
                part = Path(kept).with_suffix(".part")
                part.unlink(missing_ok=True)
                copy_database(connection, name, str(part))
                with closing(open_sqlite(str(part))) as copy, copy:
                    copy.execute(f"INSERT INTO {RECORD} VALUES (?)", [self.fingerprint.to_json()])  # noqa: S608  # our name
                part.replace(kept)
            else:
                drop_kept(alias, kept)
                end_sessions_beside(connection)
                copy_database(connection, name, kept)
                with connection_to(alias, kept) as copied:
                    _execute(copied, "INSERT INTO {} VALUES (%s)", self.fingerprint.to_json())
            _execute(connection, "DROP TABLE {}")


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
        for alias, name in sorted(distinct(names), key=lambda each: each[1]):  # in one order for all projects
            locks.enter_context(_locked(connections[alias], name, tell))
        yield KeptDatabases(names, create=create)


def kept_names() -> dict[str, str]:
    """Return the names of the kept databases, by alias. They need not exist.

    Call it while the connections have the project's names.

    Raises:
        CannotVerify: a database of the project's has such a name.
    """
    names = {alias: _kept_name(connections[alias]) for alias in with_databases()}
    for alias in connections:
        if (name := str(connections[alias].settings_dict["NAME"])) in names.values():
            raise CannotVerify(
                f"The project's own database {name!r} ({alias!r}) has the name of a kept one. Leave --keepdb out."
            )
    return names


def _kept_name(connection: BaseDatabaseWrapper) -> str:
    if connection.vendor == "sqlite":
        return str(Path(conf.PACT_CACHE_DIR).absolute() / f"kept_{connection.alias}.sqlite3")
    return run_name(connection, KEPT)


def drop_kept(alias: str, name: str) -> None:
    """Drop a kept database, if it exists.

    Raises:
        CannotVerify: it has tables, and no run has kept it.
    """
    with connection_to(alias, name) as connection:
        if not exists(connection, name):
            return
        tables = connection.introspection.table_names()
        if tables and RECORD not in tables:
            raise CannotVerify(
                f"The database {name!r} is in the way of --keepdb: it has tables, and no run has kept it. Drop it, or "
                "leave --keepdb out."
            )
        end_sessions_beside(connection)
        close(connection)
        close_pool(connection)
        creation: Any = connection.creation
        creation._destroy_test_db(name, verbosity=0)


def _read_record(alias: str, name: str) -> Fingerprint | None:
    with connection_to(alias, name) as connection:
        try:
            if not exists(connection, name) or RECORD not in connection.introspection.table_names():
                return None
            row = _execute(connection, "SELECT fingerprint FROM {}")
        except DatabaseError:  # a file that is no database. A server that fails explains itself later.
            return None
    return Fingerprint.from_json(row[0]) if row else None


def _execute(connection: BaseDatabaseWrapper, sql: str, *values: str) -> Any:
    """Run SQL on the table of ours. Returns the first row, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(sql.format(connection.ops.quote_name(RECORD)), values or None)
        return cursor.fetchone() if cursor.description else None


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
        question = "SELECT GET_LOCK(%s, 0)"
        key = sha256(name.encode()).hexdigest()[:60]  # such names have at most 64 characters
    with connection._nodb_cursor() as cursor:
        with suppress(DatabaseError):  # an older server has no such setting
            # The session waits while others migrate, and the lock ends with it.
            cursor.execute(f"SET SESSION {IDLE_SETTING[connection.vendor]}")
        while True:
            cursor.execute(question, [key])
            if cursor.fetchone()[0]:
                break
            tell(waiting)
            time.sleep(LOCK_POLL_SECONDS)
        yield
