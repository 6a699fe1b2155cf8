"""The test app with watched drivers: each connection that a process tries to open is a line in a file.

The file is TESTAPP_CONNECTIONS, and a line is the name of a database. A server's log would also hold what others do.
"""

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
from django.core import checks
from django.db import connections

from tests.testapp.settings import *  # noqa: F403  # it is the test app's settings, and more


def _note(database: Any) -> None:
    with open(os.environ["TESTAPP_CONNECTIONS"], "a") as file:  # noqa: PTH123  # one write for each line, in any process
        file.write(f"{database}\n")


def _watched(connect: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        _note(kwargs.get("dbname") or kwargs.get("database"))
        return connect(*args, **kwargs)

    return watched


psycopg.connect = _watched(psycopg.connect)
pymysql.connect = _watched(pymysql.connect)
pymysql.install_as_MySQLdb()


@checks.register
def ask_databases(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Ask servers for their versions, as the checks of models do in some versions of Django."""
    for alias in connections if databases is None else databases:
        if connections[alias].vendor == "mysql":
            connections[alias].mysql_version  # noqa: B018  # it is asked for
        if connections[alias].vendor == "postgresql":
            connections[alias].pg_version  # noqa: B018  # it is asked for
    return []
