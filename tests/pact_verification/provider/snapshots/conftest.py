import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import environ
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from tests import mariadb
from tests.pact_verification.provider.snapshots.databases import ROWS, TABLES, execute, made
from tests.pact_verification.running import on_postgresql

VENDORS = ["postgresql"] if on_postgresql() else ["sqlite", "mysql"]


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """pytest-django blocks every connection. Those here lead to databases of the tests' own."""
    monkeypatch.setenv(
        "DJANGO_ALLOW_ASYNC_UNSAFE", "1"
    )  # Playwright's event loop runs on in the process of other tests
    with django_db_blocker.unblock():
        yield


@pytest.fixture(params=VENDORS)
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a database with tables and rows."""
    with ExitStack() as cleanup:
        if request.param == "sqlite":
            connection = made({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")})
        else:
            if request.param == "mysql":
                asked, config = mariadb.connect()
                asked.close()
            else:
                config = environ.Env.db_url_config(os.environ["DATABASE_URL"])
            name = f"snapshot_{secrets.token_hex(4)}"
            server = made(config)
            cleanup.callback(server.close)
            execute(server, f"CREATE DATABASE {name}")
            cleanup.callback(execute, server, f"DROP DATABASE {name}")
            connection = made({**config, "NAME": name})
        cleanup.callback(connection.close)
        execute(connection, *TABLES[request.param], *ROWS)
        yield connection
