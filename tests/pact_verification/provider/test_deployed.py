"""The request that reaches a server which already runs."""

import socket
import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest

from pact_verification.errors import NoAnswer
from pact_verification.provider.deployed import Deployed, ProjectElsewhere
from pact_verification.states.registry import Registry

pytestmark = pytest.mark.no_database

OURS = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "1"}


class Server:
    """Answers one request, and keeps its bytes."""

    def __init__(self, response: bytes) -> None:
        self.response = response
        self.received = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/base/"
        self.thread = threading.Thread(target=self._answer)

    def _answer(self) -> None:
        client, _ = self.listener.accept()
        with client:
            client.settimeout(5)
            while b"\r\n\r\n" not in self.received:
                self.received += client.recv(65536)
            head, _, body = self.received.partition(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
            while len(body) < length:
                body += client.recv(65536)
            self.received = head + b"\r\n\r\n" + body
            client.sendall(self.response)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    default = b"HTTP/1.1 201 Made\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    server = Server(getattr(request, "param", default))
    server.thread.start()
    yield server
    server.thread.join(5)
    server.listener.close()


def ask(server: Server, environ: dict[str, Any], registry: Registry | None = None) -> Any:
    project = ProjectElsewhere(
        Deployed.at(server.url, 5), registry or Registry(), lambda request, environ: None, lambda doing: None
    )
    body = environ.pop("body", b"")
    answer = project.answer(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/a b",
            "RAW_URI": "/a%20b?c=1",
            "QUERY_STRING": "c=1",
            "CONTENT_TYPE": "",
            "CONTENT_LENGTH": "",
            "HTTP_HOST": "127.0.0.1:1",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
            **OURS,
            **environ,
        }
    )
    server.thread.join(5)
    return answer


def sent(server: Server) -> list[str]:
    return server.received.decode().split("\r\n")


def test_the_request_goes_there_as_it_came(server: Server) -> None:
    answer = ask(server, {"HTTP_X_NAME": "a,b", "HTTP_CONNECTION": "close", "HTTP_TE": "trailers"})
    assert answer == ("201 Made", [("X-A", "1"), ("Content-Length", "2")], b"ok")
    host = server.url.split("/")[2]
    assert sent(server) == ["GET /base/a%20b?c=1 HTTP/1.1", f"Host: {host}", "X-Name: a,b", "", ""]


def test_what_request_filters_change(server: Server) -> None:
    registry = Registry()

    @registry.request_filter
    def change(request: HttpRequest) -> None:
        request.META["HTTP_AUTHORIZATION"] = "Bearer ü"
        request.META["QUERY_STRING"] = ""
        request.META["CONTENT_LENGTH"] = "3"
        request._body = b"new body"  # as reading request.body leaves it
        del request.META["HTTP_X_NAME"]

    ask(server, {"REQUEST_METHOD": "POST", "HTTP_X_NAME": "1", "HTTP_HOST": "shop", "body": b"old"}, registry)
    assert server.received.decode("latin-1").split("\r\n") == [
        "POST /base/a%20b HTTP/1.1",
        "Content-Length: 8",
        "Host: shop",
        "Authorization: Bearer ü",
        "",
        "new body",
    ]


@pytest.mark.parametrize("server", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", b""], indirect=True)
def test_an_answer_that_is_cut_off(server: Server) -> None:
    with pytest.raises(NoAnswer, match="gave no answer"):
        ask(server, {})
