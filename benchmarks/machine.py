"""Where the figures come from: the machine, without its name, and the versions of what was measured."""

import os
import platform
import re
import secrets
import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.on_postgresql import DEFAULT_URL


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server that answers.

    Attributes:
        url: with the name of a database that nobody has, so that the test databases are this run's own.
    """

    url: str
    version: str


def postgresql() -> PostgreSQL | None:
    """The server that TEST_POSTGRES_URL names, or one on this machine; None where none answers."""
    url = _server_url()
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            known = connection.info.parameter_status("server_version") or "of an unknown version"
    except psycopg.OperationalError:
        return None
    own = urlsplit(url)._replace(path=f"/bench_{secrets.token_hex(4)}").geturl()
    return PostgreSQL(own, known.split()[0])


def drop_databases(server: PostgreSQL) -> None:
    """Drop the databases whose names contain the random name in the server's URL, such as those that a run keeps."""
    own = urlsplit(server.url).path[1:]
    with psycopg.connect(_server_url(), autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE strpos(datname, %s) > 0", [own]):
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _server_url() -> str:
    return os.environ.get("TEST_POSTGRES_URL", DEFAULT_URL)


def description() -> str:
    """One line."""
    server = postgresql()
    versions = ", ".join(f"{name} {version(name)}" for name in ("Django", "pact-python"))
    return (
        f"{os.cpu_count()} cores of {_processor()}, {platform.system()}, Python {platform.python_version()}, "
        f"{versions}, PostgreSQL {server.version if server else '(none)'}, SQLite {sqlite3.sqlite_version}"
    )


def _processor() -> str:
    if sys.platform == "linux":
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.machine()
