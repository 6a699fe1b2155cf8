"""HTTP on the live server's side: the server itself, and messages as they are recorded."""

import selectors
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from pact_verification.results import Message

HOST = "127.0.0.1"
MAX_RECORDED_BODY = 4 * 1024 * 1024  # more than a report shows: what differs may stand far down
MAX_LINE = 64 * 1024
SILENT_SECONDS = 5  # that a client may leave a request unfinished, and keep all others waiting

Response = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""


class Server:
    """Answers one request after the other, on the thread that calls `serve`.

    Connections stay open between their requests: the core has one for each interaction, and making others for its state
    calls would cost more than these do. wsgiref's server has one connection at a time, to its end.

    Attributes:
        port: on HOST, the system's choice; from the start, clients may connect.
    """

    def __init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.port: int = self.listener.getsockname()[1]
        self._woken, self._wake = socket.socketpair()

    def serve(self, answer: Callable[[WSGIEnvironment], Response], afterwards: Callable[[], None]) -> None:
        """Serve until somebody calls `stop`.

        Args:
            answer: a WSGI environment's response.
            afterwards: called when a response has been sent: what nobody has to wait for.
        """
        with selectors.DefaultSelector() as selector, ExitStack() as cleanup:
            cleanup.callback(_close_all, selector)
            selector.register(self.listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        return
                    if key.fileobj is self.listener:
                        accepted, _ = self.listener.accept()
                        selector.register(accepted, selectors.EVENT_READ, _Connection(accepted, self.port, answer))
                        continue
                    key.data.handle_one_request()
                    if key.data.close_connection:
                        selector.unregister(key.fileobj)
                        key.data.close()
                    afterwards()

    def stop(self) -> None:
        """End `serve`, from any thread, when what it is at is done."""
        self._wake.send(b".")

    def close(self) -> None:
        for each in (self.listener, self._woken, self._wake):
            each.close()


def _close_all(selector: selectors.BaseSelector) -> None:
    for key in selector.get_map().values():
        if key.data:
            key.data.close()


class _Connection(BaseHTTPRequestHandler):
    """A client's connection, from request to request."""

    protocol_version = "HTTP/1.1"
    timeout = SILENT_SECONDS
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, port: int, answer: Callable[[WSGIEnvironment], Response]) -> None:
        # Not the base class's own, which serves the connection to its end.
        self.request = connection
        self.client_address = (HOST, 0)
        self.port = port
        self.answer = answer
        self.close_connection = False
        self.setup()

    def close(self) -> None:
        self.finish()
        self.connection.close()

    def handle_one_request(self) -> None:
        """Answer the next request. `close_connection` says whether it was the last."""
        self.close_connection = True
        try:
            self.raw_requestline = self.rfile.readline(MAX_LINE)
            if not self.raw_requestline or not self.parse_request():
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                return
        except OSError:  # it went away, or fell silent
            return
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        if "Transfer-Encoding" in self.headers:  # Django knows no such body, so its end is unknown
            self.close_connection = True
        self._send(*self.answer(self._environ(body)))

    def _environ(self, body: bytes) -> WSGIEnvironment:
        """As gunicorn has it. Names with underscores are left out, which CGI can't tell from those with hyphens."""
        target = self.requestline.split()[1]  # http.server takes a second slash away from the beginning of `path`
        path, _, query = target.partition("?")
        environ: WSGIEnvironment = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": target,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "REMOTE_ADDR": HOST,
            "SERVER_NAME": HOST,
            "SERVER_PORT": str(self.port),
            "SERVER_PROTOCOL": self.request_version,
        }
        for name, value in self.headers.items():
            if "_" not in name and name.lower() not in {"content-type", "content-length"}:
                key = f"HTTP_{name.replace('-', '_').upper()}"
                environ[key] = f"{environ[key]},{value.strip()}" if key in environ else value.strip()
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        names = {name.lower(): value for name, value in headers}
        bodiless = status.startswith(("1", "204", "304"))
        if "content-length" in names:
            if not bodiless and self.command != "HEAD" and names["content-length"] != str(len(body)):
                self.close_connection = True  # or the client would wait, or take the rest for the next response
        elif not bodiless:
            headers = [*headers, ("Content-Length", str(len(body)))]
        own = {"Date": self.date_time_string(), "Server": self.version_string()}
        headers = [*((name, value) for name, value in own.items() if name.lower() not in names), *headers]
        if self.close_connection:
            headers.append(("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        sent = b"" if bodiless or self.command == "HEAD" else body
        try:
            self.wfile.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1", "replace") + sent)
        except OSError:  # nobody waits for it any more
            self.close_connection = True

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


def arrived_message(environ: WSGIEnvironment, body: bytes) -> Message:
    """The request as it arrived: its target is not decoded, and its body is whole."""
    headline = f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}"
    return Message(headline, request_message(environ, environ, b"").headers, body)


def joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; those that came several times, such as Set-Cookie, in one text."""
    by_name: dict[str, str] = {}
    for name, value in headers:
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name


def status_line(status: HTTPStatus) -> str:
    return f"{status.value} {responses[status]}"
