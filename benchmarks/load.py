"""Many clients at once, one request in ten a write, and a worker that is killed in the middle.

`python -m benchmarks.load` starts the service on SQLite, or on a new database of the PostgreSQL server that is named,
and ends with 1 when a request failed, or a write that was acknowledged is not in the database afterwards.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import secrets
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.servers import WORKERS
from tests.service import gunicorn, in_production, manage, scratch_database

READS = ("/product/10", "/products", "/products/11", "/products?type=LOAN&per_page=5")
ANSWER_SECONDS = 60.0
KINDS = ("POST", "PUT", "POST", "PATCH")
WRITES_ARE_ONE_IN = 10
FIELDS = ("id", "type", "name", "version", "price")
SELECT = "SELECT id, type, name, version, price FROM products_product"

Fields = dict[str, Any]


@dataclass(slots=True)
class Result:
    """What the clients met.

    Attributes:
        requests: how many were answered, writes included.
        writes: how many of them were acknowledged writes.
        broken: connections that the killed worker took with it; what was asked on them was asked again.
        errors: answers of another status than was due, and connections that broke for no reason.
        lost: writes that were acknowledged, and are not in the database.
    """

    requests: int = 0
    writes: int = 0
    broken: int = 0
    errors: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.errors and not self.lost and self.writes > 0


def load(database_url: str | None, seconds: float, clients: int, tell: Callable[[str], None]) -> Result:
    """Put the service under load.

    Args:
        database_url: of a PostgreSQL server, where a database is created for this and dropped; SQLite when it is None.
        tell: hears what happens.
    """
    with scratch_database(database_url or "") as database:
        environment = in_production(database, workers=WORKERS)
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "seed_catalogue")
        manage(environment, "createsuperuser", "--no-input", "--username", "load", "--email", "load@example.com")
        token = manage(environment, "drf_create_token", "load").split()[2]
        with gunicorn(environment) as (port, arbiter):
            tell(f"{clients} clients for {seconds:g} seconds")
            crowd = Crowd(port, token)
            asyncio.run(crowd.run(clients, seconds, lambda: tell(f"killed worker {_kill_a_worker(arbiter)}")))
        crowd.compare(_products(database))
        return crowd.result


class Crowd:
    """Clients that each write products of their own, so that what has to be in the database is known."""

    def __init__(self, port: int, token: str) -> None:
        self.result = Result()
        self._port = port
        self._token = token
        self._over = False
        self._connections = itertools.count()
        self._opened_before_the_kill: int | None = None
        self._possible: dict[str, list[Fields | None]] = {}
        """What each product may be: as it was acknowledged last, or as a write without an answer left it."""

    async def run(self, clients: int, seconds: float, kill: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(self._client(number))
            await asyncio.sleep(seconds / 2)
            self._opened_before_the_kill = next(self._connections)
            kill()
            await asyncio.sleep(seconds / 2)
            self._over = True

    def compare(self, products: dict[str, Fields]) -> None:
        for key, possible in self._possible.items():
            if products.get(key) not in possible:
                self.result.lost.append(f"{key} is {products.get(key)}, and was written as {possible[-1]}")

    async def _client(self, number: int) -> None:
        connection = Connection(self._port, self._token)
        keys: list[str] = []
        try:
            writes = itertools.count()
            for turn in itertools.count(number):  # not all at once
                if self._over:
                    break
                if turn % WRITES_ARE_ONE_IN:
                    await self._ask(connection, "GET", READS[turn % len(READS)], None, HTTPStatus.OK)
                else:
                    await self._write(connection, next(writes), keys)
        finally:
            connection.close()

    async def _write(self, connection: "Connection", turn: int, keys: list[str]) -> None:
        """Create a product, replace it, create another, change one, and so on."""
        kind = KINDS[turn % len(KINDS)]
        fields: Fields = {"type": "LOAN", "name": f"product {turn}", "version": "v1", "price": turn + 0.25}
        if kind == "POST" or not keys:
            fields["id"] = secrets.token_hex(8)
            if await self._is_acknowledged(connection, "POST", "/products", fields, fields):
                keys.append(fields["id"])
            return
        key = keys[turn % len(keys)]
        if kind == "PATCH":
            fields = {"name": fields["name"], "price": None}
        before = self._possible[key][-1] or {}
        await self._is_acknowledged(connection, kind, f"/products/{key}", fields, {**before, **fields})

    async def _is_acknowledged(
        self, connection: "Connection", method: str, path: str, sent: Fields, written: Fields
    ) -> bool:
        possible = self._possible.setdefault(written["id"], [None])
        possible.append(written)
        due = HTTPStatus.CREATED if method == "POST" else HTTPStatus.OK
        if not await self._ask(connection, method, path, sent, due):
            return False  # whether it was written nobody knows
        self._possible[written["id"]] = [written]
        self.result.writes += 1
        return True

    async def _ask(
        self, connection: "Connection", method: str, path: str, sent: Fields | None, due: HTTPStatus
    ) -> bool:
        """Whether it was answered as is due.

        What a broken connection leaves without an answer is asked again, but for a POST: it may have been done, and
        would then be a conflict. The client creates another product instead.
        """
        while True:
            if not connection.is_open:
                await connection.open(next(self._connections))
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    status, body = await connection.ask(method, path, sent)
            except (ConnectionError, asyncio.IncompleteReadError, TimeoutError) as error:
                connection.close()
                if not isinstance(error, TimeoutError) and self._is_the_kills_doing(connection):
                    self.result.broken += 1
                    if method != "POST":
                        continue
                else:
                    self.result.errors.append(f"{method} {path}: {error!r}")
                return False
            self.result.requests += 1
            if status != due:
                self.result.errors.append(f"{method} {path}: {status} {body[:200]!r}")
            return status == due

    def _is_the_kills_doing(self, connection: "Connection") -> bool:
        return self._opened_before_the_kill is not None and connection.number < self._opened_before_the_kill


class Connection:
    """One to the service, for one request at a time."""

    def __init__(self, port: int, token: str) -> None:
        self.number = -1
        self._port = port
        self._token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        return self._streams is not None

    async def open(self, number: int) -> None:
        self.number = number
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def ask(self, method: str, path: str, sent: Fields | None) -> tuple[int, bytes]:
        """The status and the body of the answer.

        Raises:
            ConnectionError, asyncio.IncompleteReadError: the connection ended before the answer did.
        """
        assert self._streams
        reader, writer = self._streams
        body = b"" if sent is None else json.dumps(sent).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        if body:
            lines += [
                f"Authorization: Bearer {self._token}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            ]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:-1])
        answer = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return int(head.split(" ", 2)[1]), answer


def _products(database_url: str) -> dict[str, Fields]:
    if database_url.startswith("sqlite:///"):
        with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
            rows: list[Any] = file.execute(SELECT).fetchall()
    else:
        with psycopg.connect(database_url) as server:
            rows = server.execute(SELECT).fetchall()
    return {row[0]: dict(zip(FIELDS, (*row[:-1], _number(row[-1])), strict=True)) for row in rows}


def _number(price: Any) -> float | None:
    return None if price is None else float(price)


def _kill_a_worker(arbiter: int) -> int:
    worker = int(Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()[0])
    os.kill(worker, signal.SIGKILL)
    return worker


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long; by default %(default)s")
    parser.add_argument("--clients", type=int, default=200, help="how many at once; by default %(default)s")
    parser.add_argument(
        "--database-url", help="a PostgreSQL server's, on which a database is created; by default SQLite"
    )
    options = parser.parse_args()
    result = load(options.database_url, options.seconds, options.clients, lambda what: print(what, flush=True))
    rate = result.requests / options.seconds
    said = [
        f"{result.requests} requests ({rate:.0f}/s), of them {result.writes} acknowledged writes",
        f"{len(result.errors)} errors, {len(result.lost)} writes lost, {result.broken} connections broken by the kill",
        *(f"  {line}" for line in (result.errors + result.lost)[:10]),
    ]
    print(*said, sep="\n")  # it is a command
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
