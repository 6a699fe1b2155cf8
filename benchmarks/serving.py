"""Requests a second, beside a FastAPI provider that answers from memory and one that reads the same SQLite table.

Two workers on every side, and a client that keeps its connections open.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from http import HTTPStatus

from benchmarks.client import requests_a_second
from benchmarks.measure import AtLeast, Row, Side, a_second, ratios, take_turns
from benchmarks.servers import WORKERS, get, uvicorn
from tests.service import gunicorn, in_production, manage, scratch_database

PATHS = ("/product/10", "/products")
SECONDS = 3.0
SERVICE = "the service"
PEERS = {"FastAPI from memory": AtLeast(0.5), "FastAPI with SQLAlchemy": AtLeast(1.0)}


class NotTheSame(Exception):
    """The sides give different answers: there is nothing to compare."""


def rows(rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Measure the service and both peers.

    Raises:
        NotTheSame: a peer's answer is another than the service's.
        WrongAnswer: one that was measured is.
    """
    found = []
    with _servers() as ports:
        for path in PATHS:
            body = _same_body(ports, path)
            sides: dict[str, Side] = {
                name: functools.partial(requests_a_second, port, path, body, SECONDS) for name, port in ports.items()
            }
            measured = take_turns(sides, rounds, functools.partial(_tell, tell, path))
            for peer, target in PEERS.items():
                found.append(
                    Row(
                        f"GET {path} requests a second, beside {peer}",
                        (a_second(measured[SERVICE]), a_second(measured[peer])),
                        ratios(measured[SERVICE], measured[peer]),
                        target,
                    )
                )
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
        memory = running.enter_context(uvicorn("benchmarks.peers.fastapi_memory:app", environment))
        sqlalchemy = running.enter_context(
            uvicorn(
                "benchmarks.peers.fastapi_sqlalchemy:app", {**environment, "DATABASE": url.removeprefix("sqlite:///")}
            )
        )
        yield dict(zip((SERVICE, *PEERS), (service, memory, sqlalchemy), strict=True))


def _same_body(ports: dict[str, int], path: str) -> bytes:
    bodies = {name: get(port, path) for name, port in ports.items()}
    if len(set(bodies.values())) != 1 or bodies[SERVICE][0] != HTTPStatus.OK:
        raise NotTheSame(f"GET {path}: {bodies}")
    return bodies[SERVICE][1]
