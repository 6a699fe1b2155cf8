"""A MariaDB or MySQL server for tests: TEST_MYSQL_URL, or one that lets root in without a password."""

import os
from typing import Any

import environ
import pymysql
import pytest

DEFAULT_URL = "mysql://root@127.0.0.1:3306/mysql"

pymysql.install_as_MySQLdb()  # Django knows no other driver than mysqlclient by name


def connect() -> tuple["pymysql.Connection[Any]", dict[str, Any]]:
    """Connect to the server. Returns the connection, and the server as DATABASES would have it.

    Where none answers, the test is skipped with the reason. In CI, and where TEST_MYSQL_URL names one, it fails.
    """
    config = environ.Env.db_url_config(os.environ.get("TEST_MYSQL_URL", DEFAULT_URL))
    try:
        server = pymysql.connect(
            host=config["HOST"], port=int(config["PORT"] or 3306), user=config["USER"], password=config["PASSWORD"]
        )
    except pymysql.OperationalError as error:
        if os.environ.get("CI") or "TEST_MYSQL_URL" in os.environ:
            raise
        pytest.skip(f"MariaDB does not answer: {error}. Name one in TEST_MYSQL_URL.")
    return server, config
