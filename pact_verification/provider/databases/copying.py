"""Copies of whole databases, as each engine makes them fastest."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.errors import CannotVerify
from pact_verification.provider.databases.aliases import close, close_pool, with_databases

MYSQL_PROGRAMS = ("mysqldump", "mysql")
"""Django copies a database of MySQL with them."""


def why_not_copyable() -> str | None:
    """Return why the databases of some alias can't be copied; None if all can."""
    for alias in with_databases():
        vendor = connections[alias].vendor
        missing = [name for name in MYSQL_PROGRAMS if vendor == "mysql" and not shutil.which(name)]
        if missing:
            return f"the database of {alias!r} is copied by {' and '.join(missing)}, which is not installed"
        if vendor not in {"sqlite", "postgresql", "mysql"}:
            return f"a database of {vendor} ({alias!r}) can't be copied"
    return None


def copy_database(connection: BaseDatabaseWrapper, source: str, target: str) -> None:
    """Make the database `target` as a copy of `source`. For SQLite, `target` may be open already.

    The connection is closed, unless it leads to a database in memory. PostgreSQL refuses to copy a database while it is
    in use.

    Raises:
        CannotVerify: MySQL's programs failed.
    """
    if connection.vendor == "sqlite":
        with closing(open_sqlite(source)) as original, closing(open_sqlite(target)) as copy:
            original.backup(copy)
        return
    close(connection)
    close_pool(connection)
    quote = connection.ops.quote_name
    creation: Any = connection.creation
    if connection.vendor == "postgresql":
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {quote(target)} WITH TEMPLATE {quote(source)}")
        return
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quote(target)} {creation.sql_table_creation_suffix()}")
    _copy_mysql(connection, source, target)


def _copy_mysql(connection: BaseDatabaseWrapper, source: str, target: str) -> None:
    """Copy with the client programs, as Django does for its tests. Django does not look at their exit codes."""
    from django.db.backends.mysql.client import DatabaseClient  # imported here, since only MySQL has its driver

    given = {**connection.settings_dict, "NAME": source}
    (client, *options, _), variables = DatabaseClient.settings_to_cmd_args_env(given, [])
    environ = {**os.environ, **(variables or {})}
    dump = ["mysqldump", *options, "--routines", "--events", source]
    with (
        subprocess.Popen(dump, stdout=subprocess.PIPE, env=environ) as dumping,  # noqa: S603  # Django's own arguments
        subprocess.Popen(  # noqa: S603  # as above
            [client, *options, target], stdin=dumping.stdout, stdout=subprocess.DEVNULL, env=environ
        ) as loading,
    ):
        if dumping.stdout:
            dumping.stdout.close()  # so that mysqldump ends when mysql does
    if dumping.returncode or loading.returncode:
        raise CannotVerify(
            f"The database {source} can't be copied: mysqldump ended with exit code {dumping.returncode}, and mysql "
            f"with {loading.returncode}. Their messages are above."
        )


def open_sqlite(name: str) -> sqlite3.Connection:
    """Open a file, or a database in memory by its URI. Nothing waits for the disk: a copy can be made again."""
    connection = sqlite3.connect(name, uri=name.startswith("file:"))
    connection.execute("PRAGMA synchronous = OFF")
    return connection
