"""Servers that projects use: those of the repository's own tests."""

import os
import socket
from urllib.parse import urlsplit

import pytest

POSTGRES = ("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
MYSQL = ("TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306/mysql")
REDIS = ("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def service(variable: str, default: str) -> str:
    """Return the URL of a server that answers.

    Where none answers, the test is skipped with the reason. In CI, and where the variable names one, it fails.
    """
    url = os.environ.get(variable, default)
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=3).close()
    except OSError as error:
        if os.environ.get("CI") or variable in os.environ:
            raise
        pytest.skip(f"No server answers at {parts.hostname}:{parts.port}: {error}. Name one in {variable}.")
    return url


def database(url: str, engine: str, name: str) -> str:
    """Return the settings of a database on a server, as code."""
    parts = urlsplit(url)
    settings = {
        "ENGINE": engine,
        "NAME": name,
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password or "",
    }
    return f'DATABASES = {{"default": {settings}}}\n'
