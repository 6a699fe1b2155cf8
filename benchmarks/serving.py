"""Requests a second, beside a FastAPI provider that answers from memory and one that reads the same SQLite table.

The peers run as PactFlow's example runs, whose image has uvicorn without extras. With them, each has a row of its own.
Two workers on every side, and a client that keeps its connections open.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from benchmarks.client import requests_a_second
from benchmarks.measure import Row, Side, a_second, ratios, take_turns
from benchmarks.servers import WORKERS, get, uvicorn
from tests.service import gunicorn, in_production, manage, scratch_database

PATHS = ("/product/10", "/products")
SECONDS = 3.0
SERVICE = "the service"


@dataclass(frozen=True, slots=True)
class Peer:
    """A FastAPI provider under uvicorn.

    Attributes:
        app: its module.
        extras: uvicorn has its extras.
    """

    app: str
    extras: bool = False


PEERS = {
    "FastAPI from memory": Peer("fastapi_memory"),
    "FastAPI with SQLAlchemy": Peer("fastapi_sqlalchemy"),
    "FastAPI from memory, uvloop and httptools": Peer("fastapi_memory", extras=True),
    "FastAPI with SQLAlchemy, uvloop and httptools": Peer("fastapi_sqlalchemy", extras=True),
}


class NotTheSame(Exception):
    """The sides give different answers: there is nothing to compare."""


def rows(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Measure the service and its peers.

    Raises:
        NotTheSame: a peer's answer is another than the service's.
        WrongAnswer: one that was measured is.
    """
    found: list[Row] = []
    with _servers() as ports:
        for path in PATHS:
            body = _same_body(ports, path)
            sides: dict[str, Side] = {
                name: functools.partial(requests_a_second, port, path, body, SECONDS) for name, port in ports.items()
            }
            measured = take_turns(sides, rounds, functools.partial(_tell, tell, path))
            found += [
                Row(
                    f"GET {path} requests a second, beside {name}",
                    (a_second(measured[SERVICE]), a_second(measured[name])),
                    ratios(measured[SERVICE], measured[name]),
                )
                for name in PEERS
            ]
    return found


def _tell(tell: Callable[[str], None], path: str, what: str) -> None:
    tell(f"GET {path}, {what}")


@contextlib.contextmanager
def _servers() -> Iterator[dict[str, int]]:
    """All of them, which wait while another is measured: the port of each."""
    with contextlib.ExitStack() as running:
        url = running.enter_context(scratch_database())
        environment = in_production(url, workers=WORKERS)
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "seed_catalogue")
        service, _ = running.enter_context(gunicorn(environment))
        environment["DATABASE"] = url.removeprefix("sqlite:///")
        ports = {
            name: running.enter_context(uvicorn(f"benchmarks.peers.{peer.app}:app", environment, extras=peer.extras))
            for name, peer in PEERS.items()
        }
        yield {SERVICE: service, **ports}


def _same_body(ports: dict[str, int], path: str) -> bytes:
    bodies = {name: get(port, path) for name, port in ports.items()}
    if len(set(bodies.values())) != 1 or bodies[SERVICE][0] != HTTPStatus.OK:
        raise NotTheSame(f"GET {path}: {bodies}")
    return bodies[SERVICE][1]
