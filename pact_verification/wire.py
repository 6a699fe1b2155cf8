"""HTTP on the live server's side: the server itself, and messages as they are recorded."""

import socketserver
from http import HTTPStatus
from http.client import responses
from typing import Any
from wsgiref.types import WSGIEnvironment

from django.core.servers.basehttp import WSGIRequestHandler, WSGIServer

from pact_verification.results import Message

HOST = "127.0.0.1"
MAX_RECORDED_BODY = 4 * 1024 * 1024  # more than a report shows: what differs may stand far down


class Server(WSGIServer):
    def server_bind(self) -> None:
        # Without HTTPServer's look-up of the host's full name, which can take seconds where no name server answers.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()


class RequestHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # headers and body are two writes; the second would wait for an acknowledgement

    def get_environ(self) -> dict[str, Any]:
        """As gunicorn has it: wsgiref makes a Content-Type up where the request has none."""
        environ: dict[str, Any] = super().get_environ()
        if "Content-Type" not in self.headers:
            environ["CONTENT_TYPE"] = ""
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """The report tells of every request."""


def read_body(environ: WSGIEnvironment) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def request_message(environ: WSGIEnvironment, meta: dict[str, Any], body: bytes) -> Message:
    """The request as it was sent.

    Args:
        environ: what the server received.
        meta: the same, as request filters left it.
    """
    query = f"?{meta['QUERY_STRING']}" if meta.get("QUERY_STRING") else ""
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for key, value in meta.items()
        if key.startswith("HTTP_") or (key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value)
    }
    path = environ["PATH_INFO"].encode("latin-1", "replace").decode(errors="replace")
    return Message(f"{environ['REQUEST_METHOD']} {path}{query}", headers, body[:MAX_RECORDED_BODY])


def joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; those that came several times, such as Set-Cookie, in one text."""
    by_name: dict[str, str] = {}
    for name, value in headers:
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name


def status_line(status: HTTPStatus) -> str:
    return f"{status.value} {responses[status]}"
