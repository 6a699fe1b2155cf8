"""The service's peers, each under uvicorn with as many workers."""

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
START_SECONDS = 60.0
POLL_SECONDS = 0.05


class DidNotStart(Exception):
    """A server ended, or did not answer, before it could be measured."""


@contextlib.contextmanager
def uvicorn(app: str, environment: Mapping[str, str], *, extras: bool) -> Iterator[int]:
    """A peer: the port it listens on.

    Args:
        extras: with uvloop and httptools, as `uvicorn[standard]` has them, not as uvicorn alone.
    """
    port = _free_port()
    how = ["--loop", "uvloop", "--http", "httptools"] if extras else ["--loop", "asyncio", "--http", "h11"]
    command = [sys.executable, "-m", "uvicorn", app, *how, "--workers", str(WORKERS), "--port", str(port)]
    with _running(command, environment, port):
        yield port


@contextlib.contextmanager
def _running(command: list[str], environment: Mapping[str, str], port: int) -> Iterator[int]:
    # An access log costs both sides what its lines cost, and goes nowhere.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # of this machine
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            waited = 0.0
            while not _answers(port):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=POLL_SECONDS)
                waited += POLL_SECONDS
                if process.returncode is not None or waited > START_SECONDS:
                    errors.seek(0)
                    raise DidNotStart(f"{' '.join(command)}\n{errors.read().decode(errors='replace')}")
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        return get(port, "/products")[0] == HTTPStatus.OK
    except (OSError, HTTPException):
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
