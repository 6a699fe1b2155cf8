"""HTTP on the live server's side: the server itself, and messages as they are recorded."""

import re
import secrets
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
MAX_HEAD = 256 * 1024
READ_BYTES = 256 * 1024
SEND_SECONDS = 5  # that a client may keep all others waiting by not reading its response

RUN_HEADER = "X-Pact-Verification-Run"
"""Has the run's secret in every request of the verifier. The project never sees it."""

Response = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""


class Server:
    """Answers one request after the other, on the thread that calls `serve`.

    Connections stay open between their requests: the core has one for each interaction, and making others for its state
    calls would cost more than these do. wsgiref's server has one connection at a time, to its end.

    A request is answered once all of it has come: a client that sends slowly keeps no other waiting.

    Args:
        secret: requests without it, in RUN_HEADER, get 403 and go no further.

    Attributes:
        port: on HOST, the system's choice; from the start, clients may connect.
    """

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.listener = socket.create_server((HOST, 0))
        self.port: int = self.listener.getsockname()[1]
        self._woken, self._wake = socket.socketpair()

    def serve(self, answer: Callable[[WSGIEnvironment], Response], afterwards: Callable[[], None]) -> None:
        """Serve until `stop` is called.

        Args:
            answer: a WSGI environment's response.
            afterwards: called when a response has been sent.
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
                        connection = _Connection(accepted, self.port, self.secret, answer)
                        selector.register(accepted, selectors.EVENT_READ, connection)
                        continue
                    answered = key.data.receive()
                    if key.data.close_connection:
                        selector.unregister(key.fileobj)
                        key.data.close()
                    if answered:
                        afterwards()

    def stop(self) -> None:
        """End `serve`, from any thread, after the present call."""
        self._wake.send(b".")

    def close(self) -> None:
        """Close the sockets."""
        for each in (self.listener, self._woken, self._wake):
            each.close()


def _close_all(selector: selectors.BaseSelector) -> None:
    for key in selector.get_map().values():
        if key.data:
            key.data.close()


class _Connection(BaseHTTPRequestHandler):
    """A client's connection, from request to request."""

    protocol_version = "HTTP/1.1"
    timeout = SEND_SECONDS
    disable_nagle_algorithm = True

    def __init__(
        self, connection: socket.socket, port: int, secret: str, answer: Callable[[WSGIEnvironment], Response]
    ) -> None:
        # Not the base class's own, which serves the connection to its end.
        self.request = connection
        self.client_address = (HOST, 0)
        self.port = port
        self.secret = secret
        self.answer = answer
        self.close_connection = False
        self.received = bytearray()
        self.needed = 0
        self.setup()

    def close(self) -> None:
        """Close the connection."""
        self.finish()
        self.connection.close()

    def receive(self) -> bool:
        """Take what has come. Once that is a whole request, answer it; returns whether it was one.

        `close_connection` says afterwards whether the connection has ended.
        """
        try:
            part = self.connection.recv(READ_BYTES)
        except OSError:
            part = b""
        self.received += part
        if not part:
            self.close_connection = True
            return False
        answered = False
        while not self.close_connection and (length := self._whole_request()):
            self.rfile = BytesIO(self.received[:length])
            del self.received[:length]
            self.needed = 0
            answered = self._handle() or answered
        return answered

    def _whole_request(self) -> int:
        """The length of the first request that has come; 0 while a part of it is missing."""
        if not self.needed:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                if len(self.received) > MAX_HEAD:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return 0
            head = bytes(self.received[:end])
            length = _header(head, "Content-Length")
            if not secrets.compare_digest(_header(head, RUN_HEADER), self.secret.encode()):
                self._refuse(HTTPStatus.FORBIDDEN)
                return 0
            if length and not length.isdigit():
                self._refuse(HTTPStatus.BAD_REQUEST)
                return 0
            self.needed = end + len(b"\r\n\r\n") + int(length or 0)
        return self.needed if len(self.received) >= self.needed else 0

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer a request that is none of the verifier's, and end the connection."""
        self.close_connection = True
        self.command = self.requestline = ""
        self.request_version = self.protocol_version
        self._send(status_line(status), [], b"")

    def _handle(self) -> bool:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline()
        try:
            if not self.parse_request():
                return False
        except OSError:  # the client has gone
            return False
        del self.headers[RUN_HEADER]
        if "Transfer-Encoding" in self.headers:  # Django knows no such body, so its end is unknown
            self.close_connection = True
        self._send(*self.answer(self._environ(self.rfile.read())))
        return True

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
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """The report tells of every request."""


def _header(head: bytes, name: str) -> bytes:
    """A header's value in the head of a request; empty where it is missing."""
    match = re.search(rb"\r\n%s:[ \t]*([^\r\n]*?)[ \t]*(?:\r\n|$)" % name.encode(), head, re.IGNORECASE)
    return match[1] if match else b""


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
