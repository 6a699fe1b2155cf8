"""A broker that fails: exit code 2 when it can't be asked, 4 when it does not hold the results."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.broker_double import BrokerDouble
from tests.broker_double import Fault as Answer
from tests.faults.harness import OK, OK_TOO, RED, Fault, Interaction, check, table
from tests.faults.test_witness import acts
from tests.pact_verification.pact_files import document

pytestmark = pytest.mark.unmeasured

TOKEN = "t0ken-that-nobody-may-see"


@dataclass(frozen=True)
class BrokerFault(Fault):
    """A broker that fails at a request. Its only pact holds the fault's interactions.

    Attributes:
        method: of the requests that it fails at.
        path: a regular expression for them.
        answer: what it does then.
    """

    method: str = "GET"
    path: str = "^/$"
    answer: Answer = field(default_factory=Answer)


def reading(name: str, answer: Answer, *says: str, path: str = "^/$", method: str = "GET") -> BrokerFault:
    return BrokerFault(
        f"reading: {name}",
        exit_code=2,
        says=says,
        never_says=("Traceback", TOKEN, "verified, in"),
        pacts=(),
        options=("--broker-timeout", "1", "--allow-no-pacts"),
        method=method,
        path=path,
        answer=answer,
    )


def publishing(
    name: str,
    answer: Answer,
    *says: str,
    path: str = "/verification-results$",
    method: str = "POST",
    interactions: tuple[Interaction, ...] = (OK, OK_TOO),
    exit_code: int = 4,
) -> BrokerFault:
    return BrokerFault(
        f"publishing: {name}",
        interactions,
        exit_code,
        says=("Not at the broker", *says),
        never_says=("Traceback", TOKEN, "Published"),
        pacts=(),
        options=("--broker-timeout", "1", "--publish", "--no-enable-pending"),
        method=method,
        path=path,
        answer=answer,
    )


FOR_VERIFICATION = "/for-verification$"


@table(
    reading("no answer", Answer.hang(), "did not answer GET"),
    reading("no answer about the pacts", Answer.hang(), "did not answer POST", path=FOR_VERIFICATION, method="POST"),
    reading("no answer with a pact", Answer.hang(), "did not answer GET", path="/pact-version/"),
    reading("a closed connection", Answer.close(), "closed the connection"),
    reading("an answer that drips", Answer.drip(), "did not answer GET"),
    reading("half an answer", Answer.malformed(), "something that is not JSON"),
    reading("401", Answer(401), "401 Unauthorized"),
    reading("403", Answer(403), "403 Forbidden"),
    reading("500", Answer(500), "500 Internal Server Error"),
    reading("a redirect", Answer.redirect("http://127.0.0.1:9/"), "302"),
    reading("a page to log in", Answer(200, b"<html>log in</html>"), "something that is not JSON"),
    reading("no index", Answer(200, b"{}"), "no Pact Broker"),
    reading("a pact that is gone", Answer(404), "404", path="/pact-version/"),
    reading("a pact that is cut", Answer.malformed(), "not JSON", path="/pact-version/"),
    publishing("401", Answer(401), "may not write there"),
    publishing("500", Answer(500), "500 Internal Server Error"),
    publishing("no answer", Answer.hang(), "did not answer POST"),
    publishing("a closed connection", Answer.close(), "closed the connection"),
    publishing("a result that is dropped", Answer.drop(), "does not have it"),
    publishing("a result that is another", Answer.lie(), "success: false"),
    publishing("a branch that is refused", Answer(401), "may not write there", path="/branches/", method="PUT"),
    publishing("401 of a failure", Answer(401), interactions=(OK, RED), exit_code=1),
)
def test_a_broker_that_fails(fault: BrokerFault, tmp_path: Path) -> None:
    with BrokerDouble(token=TOKEN) as broker:
        broker.publish(document(*fault.interactions, provider="faults"), version="c1", branch="main")
        broker.fault(fault.method, fault.path, fault.answer)
        check(asking(fault, broker.url), tmp_path)


def asking(fault: Fault, url: str) -> Fault:
    """The fault with a broker in its environment."""
    variables = {
        "PACT_BROKER_BASE_URL": url,
        "PACT_BROKER_TOKEN": TOKEN,
        "GIT_COMMIT": "p1",
        "GIT_BRANCH": "main",
    }
    return replace(fault, environment={**variables, **fault.environment})


@table(
    Fault("exit_0 before it publishes", (OK, acts("view", "exit_0"), OK_TOO)),
    Fault("segfault before it publishes", (OK, acts("state", "segfault"), OK_TOO)),
    Fault("a hang before it publishes", (OK, acts("view", "hang"), OK_TOO), options=("--request-timeout", "0.5")),
)
def test_no_success_is_published_for_what_has_not_ended(fault: Fault, tmp_path: Path) -> None:
    """What is published, if anything, is that it failed."""
    with BrokerDouble(token=TOKEN) as broker:
        broker.publish(document(*fault.interactions, provider="faults"), version="c1", branch="main")
        publishes = ("--publish", "--no-enable-pending", *fault.options)
        check(replace(asking(fault, broker.url), pacts=(), options=publishes), tmp_path)
        assert not [result for result in broker.results if result.success]


Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """The URL of a server that does as `serve` says with each connection."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while not ended.is_set():
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    if not ended.is_set():
                        connection.settimeout(10)
                        serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


def reads_on(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def greets(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.com ESMTP\r\n")
    reads_on(connection)


def endless_body(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\n\r\n")
    while True:
        connection.sendall(b"[" * 65536)


def endless_headers(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: yes\r\n" * 1000)


def half_a_body(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\nContent-Length: 900\r\n\r\n{"_links": {'
    )


SERVES: dict[str, Serve] = {
    each.__name__: each for each in (reads_on, greets, endless_body, endless_headers, half_a_body)
}


@table([reading(name, Answer()) for name in SERVES])
def test_a_server_that_is_no_broker(fault: Fault, tmp_path: Path) -> None:
    with listening(SERVES[fault.name.removeprefix("reading: ")]) as url:
        check(replace(asking(fault, url), says=(url.removeprefix("http://"),)), tmp_path)


@pytest.mark.no_database
def test_no_server_at_all(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    check(replace(asking(reading("", Answer()), url), says=(url,)), tmp_path)
