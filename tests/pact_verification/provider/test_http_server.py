"""The live server's HTTP, from a client's side."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from pact_verification.provider.http_connection import HOST, MAX_HEAD, RUN_HEADER, Response
from pact_verification.provider.http_server import HttpServer

SECRET = {RUN_HEADER: "the run's"}

PATIENCE = 60
"""Seconds: more than a busy machine needs for a test."""

pytestmark = pytest.mark.no_database


class App:
    """Answers every request with one response, and keeps the requests."""

    def __init__(self) -> None:
        self.response: Response = ("200 OK", [], b"hello")
        self.asked: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()

    def answer(self, environ: dict[str, Any]) -> Response:
        self.asked.append({**environ, "body": environ["wsgi.input"].read()})
        return self.response

    def rest(self) -> None:
        self.gate.wait(PATIENCE)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App) -> Iterator[HttpServer]:
    server = HttpServer(SECRET[RUN_HEADER], PATIENCE)
    thread = threading.Thread(target=server.serve, args=(app.answer, app.rest))
    thread.start()
    yield server
    server.stop()
    thread.join()
    server.close()


@contextmanager
def connected(server: HttpServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


def ask(server: HttpServer, request: bytes) -> bytes:
    """Send requests with the run's secret. Returns all that comes until the server closes the connection."""
    secret = f" HTTP/1.1\r\n{RUN_HEADER}: {SECRET[RUN_HEADER]}\r\n".encode()
    return ask_without_secret(server, request.replace(b" HTTP/1.1\r\n", secret))


def ask_without_secret(server: HttpServer, request: bytes) -> bytes:
    with socket.create_connection((HOST, server.port), timeout=PATIENCE) as client:
        client.sendall(request)
        with suppress(OSError):  # the server has refused it already
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_connection_stays_open_beside_others(server: HttpServer, app: App) -> None:
    with connected(server) as one, connected(server) as other:
        for connection in (one, other, one, other):
            connection.request(
                "POST", "/a%20b?c=%20d", b"body", {"X-Name": "value", "Content-Type": "text/plain", **SECRET}
            )
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"hello")
            assert not response.will_close
    assert len(app.asked) == 4
    environ = app.asked[-1]
    expected = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=%20d",
        "RAW_URI": "/a%20b?c=%20d",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "4",
        "HTTP_X_NAME": "value",
        "SERVER_PORT": str(server.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "body": b"body",
    }
    assert environ.items() >= expected.items()


def test_headers_as_a_server_in_production_has_them(server: HttpServer, app: App) -> None:
    ask(server, b"GET / HTTP/1.1\r\nX-A: 1\r\nx-a:  2 \r\nX_A: 3\r\nContent_Length: 7\r\n\r\n")
    (environ,) = app.asked
    assert environ["HTTP_X_A"] == "1,2"
    assert environ["CONTENT_TYPE"] == environ["CONTENT_LENGTH"] == ""
    assert "HTTP_CONTENT_LENGTH" not in environ


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [("HEAD", "200 OK", "5"), ("GET", "204 No Content", None), ("GET", "304 Not Modified", None)],
)
def test_a_response_without_a_body(server: HttpServer, app: App, method: str, status: str, length: str | None) -> None:
    """What follows it would be taken for the next response."""
    app.response = (status, [], b"hello")
    with connected(server) as connection:
        for _ in range(2):
            connection.request(method, "/", headers=SECRET)
            response = connection.getresponse()
            assert (f"{response.status} {response.reason}", response.read()) == (status, b"")
            assert response.getheader("Content-Length") == length


@pytest.mark.parametrize("length", ["3", "500", "x"])
def test_a_length_that_is_not_the_bodys_ends_the_connection(server: HttpServer, app: App, length: str) -> None:
    app.response = ("200 OK", [("Content-Length", length)], b"hello")
    request = b"GET / HTTP/1.1\r\n\r\n"
    received = ask(server, request + request)
    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert b"Connection: close" in received


def test_headers_of_the_projects_own(server: HttpServer, app: App) -> None:
    app.response = ("299 Whatever", [("Date", "today"), ("Set-Cookie", "a"), ("Set-Cookie", "b")], b"")
    received = ask(server, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").decode()
    assert received.startswith("HTTP/1.1 299 Whatever\r\n")
    assert received.count("Date: ") == received.count("Date: today") == 1
    assert "Set-Cookie: a\r\nSet-Cookie: b\r\n" in received


def test_the_target_is_kept_as_it_was_sent(server: HttpServer, app: App) -> None:
    ask(server, b"GET //a%2Fb?c=%20d HTTP/1.1\r\nConnection: close\r\n\r\n")
    (asked,) = app.asked
    assert (asked["RAW_URI"], asked["PATH_INFO"], asked["QUERY_STRING"]) == ("//a%2Fb?c=%20d", "//a/b", "c=%20d")


def test_a_chunked_request_ends_the_connection(server: HttpServer, app: App) -> None:
    """Django takes it for one without a body; the chunks must not be taken for requests."""
    chunks = b"5\r\nhello\r\n0\r\n\r\n"
    received = ask(server, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert received.count(b"HTTP/1.1 ") == 1
    assert app.asked[0]["body"] == b""


@pytest.mark.parametrize(
    "request_",
    [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"GET / HTT"],
)
def test_what_is_no_request_goes_no_further(server: HttpServer, app: App, request_: bytes) -> None:
    ask(server, request_)
    ask(server, b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
    assert app.asked == []
    assert b"hello" in ask(server, b"GET / HTTP/1.1\r\n\r\n")


def test_what_has_to_be_done_is_done_after_the_response(server: HttpServer, app: App) -> None:
    app.gate.clear()
    with connected(server) as connection:
        connection.request("GET", "/", headers=SECRET)
        assert connection.getresponse().read() == b"hello"
        app.gate.set()
        connection.request("GET", "/", headers=SECRET)
        assert connection.getresponse().read() == b"hello"


def test_stop_ends_it_with_connections_open() -> None:
    server = HttpServer(SECRET[RUN_HEADER], PATIENCE)
    thread = threading.Thread(target=server.serve, args=(App().answer, lambda: None))
    thread.start()
    with socket.create_connection((HOST, server.port)):
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    server.close()


@pytest.mark.parametrize("secret", ["", f"{RUN_HEADER}: another\r\n", f"{RUN_HEADER}X: {SECRET[RUN_HEADER]}\r\n"])
def test_a_request_without_the_runs_secret_goes_no_further(server: HttpServer, app: App, secret: str) -> None:
    received = ask_without_secret(server, f"POST /items HTTP/1.1\r\n{secret}Content-Length: 2\r\n\r\n[]".encode())
    assert received.startswith(b"HTTP/1.1 403 ")
    assert app.asked == []


def test_the_project_never_sees_the_secret(server: HttpServer, app: App) -> None:
    ask(server, b"GET / HTTP/1.1\r\n\r\n")
    assert SECRET[RUN_HEADER] not in str(app.asked)
    assert not [key for key in app.asked[0] if "VERIFICATION" in key]


def test_a_client_that_sends_slowly_keeps_no_other_waiting(server: HttpServer, app: App) -> None:
    whole = f"POST / HTTP/1.1\r\n{RUN_HEADER}: {SECRET[RUN_HEADER]}\r\nContent-Length: 4\r\n\r\nbody".encode()
    with socket.create_connection((HOST, server.port), timeout=PATIENCE) as slow:
        for number in range(len(whole)):
            slow.sendall(whole[number : number + 1])
            if number % 20 == 0:
                assert b"hello" in ask(server, b"GET / HTTP/1.1\r\n\r\n")
        assert b"hello" in slow.recv(65536)
    assert app.asked[-1]["body"] == b"body"


def test_headers_without_an_end_are_refused(server: HttpServer, app: App) -> None:
    # Not a byte more: a server that closes a connection with bytes that it has not read resets it.
    received = ask_without_secret(server, b"GET / HTTP/1.1\r\nX: ".ljust(MAX_HEAD + 1, b"y"))
    assert received.startswith(b"HTTP/1.1 431 ")
    assert app.asked == []
