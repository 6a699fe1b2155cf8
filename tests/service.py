"""The service as it is deployed, from nothing: a scratch database, and gunicorn with production's settings."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def scratch_database(server: str = "") -> Iterator[str]:
    """The URL of a new, empty database, which is gone with the block.

    Args:
        server: the URL of a PostgreSQL database, beside which it is made; by default it is a file, for SQLite.

    Raises:
        psycopg.Error: the server doesn't answer, or its user may not create databases.
    """
    name = f"scratch_{secrets.token_hex(4)}"
    if not server:
        with TemporaryDirectory(prefix="scratch") as folder:
            yield f"sqlite:///{folder}/{name}.sqlite3"
        return
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def in_production(database_url: str, *, workers: int) -> dict[str, str]:
    """An environment with production's settings, but for TLS, which nothing here puts in front of the service."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")}
    return {
        **kept,
        "DJANGO_DEBUG": "false",
        "DJANGO_HTTPS": "false",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database_url,
        "WEB_CONCURRENCY": str(workers),
    }


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """What manage.py prints. Raises subprocess.CalledProcessError when it fails."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


@contextmanager
def gunicorn(environment: Mapping[str, str], log: int = subprocess.DEVNULL) -> Iterator[tuple[int, int]]:
    """Serve the service on 127.0.0.1: its port, and gunicorn's process id.

    It listens from the start, on a socket that gunicorn is given: whoever asks before a worker is there waits for one.

    Args:
        log: a file's descriptor, for all that it prints.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py"]
        process = subprocess.Popen(
            [*command, "--bind", f"fd://{listener.fileno()}", "config.wsgi"],
            cwd=ROOT,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for whoever started it, and stops it in turn
        )
        try:
            yield listener.getsockname()[1], process.pid
        finally:
            process.terminate()
            process.wait()
