"""One client's connection to the live server: it reads requests and writes their responses."""

import re
import secrets
import socket
import sys
from _socket import socket as RawSocket  # noqa: N812  # a class, which only its module spells like a module
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

HOST = "127.0.0.1"
MAX_HEAD = 256 * 1024
READ_BYTES = 256 * 1024

SEND_SECONDS = 5
"""How long a client that doesn't read its response may keep all others waiting."""

RUN_HEADER = "X-Pact-Verification-Run"
"""The header with the run's secret in every request of the verifier. The project never sees it."""

LEFT_OUT = "pact_verification.left_out"
"""The key in a request's environment for the headers that no server gives to a project."""

Response = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""


def empty_response(status: HTTPStatus) -> Response:
    """Return a response without headers and body."""
    return status_line(status), [], b""


def status_line(status: HTTPStatus) -> str:
    """Return a status with its reason, such as "200 OK"."""
    return f"{status.value} {responses[status]}"


def request_headers(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a request by name.

    Args:
        meta: a WSGI environment, or Django's META.
    """
    return {
        key.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for key, value in meta.items()
        if key.startswith("HTTP_") or (key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value)
    }


def read_body(environ: WSGIEnvironment) -> bytes:
    """Return what has come of a request's body."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def header_in(head: bytes, name: str) -> bytes:
    """Return a header's value in the head of a request; empty if it is missing."""
    match = re.search(rb"\r\n%s:[ \t]*([^\r\n]*?)[ \t]*(?:\r\n|$)" % name.encode(), head, re.IGNORECASE)
    return match[1] if match else b""


def has_secret(head: bytes, secret: str) -> bool:
    """Return whether a request is the verifier's, by the head of the request."""
    return secrets.compare_digest(header_in(head, RUN_HEADER), secret.encode())


class Connection(BaseHTTPRequestHandler):
    """A client's connection, which stays open from request to request.

    Args:
        connection: the client's socket.
        port: the server's, for the requests' environments.
        secret: requests without it, in RUN_HEADER, get 403. None for a server that needs none.
        answer: returns the response to a WSGI environment.

    Attributes:
        close_connection: whether the connection has ended.
        received: the bytes of a request that is not complete yet.
    """

    protocol_version = "HTTP/1.1"
    connection: RawSocket  # type of the base class: Python's own socket, of which it uses no more than this

    def __init__(
        self, connection: RawSocket, port: int, secret: str | None, answer: Callable[[WSGIEnvironment], Response]
    ) -> None:
        # The base class's own __init__ would serve the connection to its end.
        self.connection = connection
        self.client_address = (HOST, 0)
        self.port = port
        self.secret = secret
        self.answer = answer
        self.close_connection = False
        self.received = bytearray()
        self.needed = 0
        connection.settimeout(SEND_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def receive(self, *, late: bool = False) -> bool:
        """Read from the client, and answer each request that is complete.

        Args:
            late: answer the part of a request that has come, and end the connection.

        Returns:
            Whether a request was answered.
        """
        if late:
            return self._answer_part()
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
            answered = self._answer(length) or answered
        return answered

    def _answer(self, length: int) -> bool:
        self.rfile = BytesIO(self.received[:length])
        del self.received[:length]
        self.needed = 0
        return self._handle()

    def _answer_part(self) -> bool:
        self._whole_request()
        answered = self._answer(len(self.received)) if self.needed else False
        self.close_connection = True
        return answered

    def _whole_request(self) -> int:
        """Return the length of the first request; 0 while a part of it is missing."""
        if not self.needed:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                if len(self.received) > MAX_HEAD:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return 0
            head = bytes(self.received[:end])
            length = header_in(head, "Content-Length")
            if self.secret is not None and not has_secret(head, self.secret):
                self._refuse(HTTPStatus.FORBIDDEN)
                return 0
            if length and not length.isdigit():
                self._refuse(HTTPStatus.BAD_REQUEST)
                return 0
            self.needed = end + len(b"\r\n\r\n") + int(length or 0)
        return self.needed if len(self.received) >= self.needed else 0

    def _refuse(self, status: HTTPStatus) -> None:
        """Refuse a request before all of it has come, and end the connection."""
        self.close_connection = True
        self.command = self.requestline = ""
        self.request_version = self.protocol_version
        self._send(*empty_response(status))

    def _handle(self) -> bool:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline()
        try:
            if not self.parse_request():
                return False
        except OSError:  # the client has gone
            return False
        del self.headers[RUN_HEADER]
        if "Transfer-Encoding" in self.headers:  # Django reads no such body, so its end is unknown
            self.close_connection = True
        self._send(*self.answer(self._environ(self.rfile.read())))
        return True

    def _environ(self, body: bytes) -> WSGIEnvironment:
        """Return a request's environment as gunicorn makes it.

        Headers with underscores in their names are left out: WSGI can't tell them from headers with hyphens.
        """
        target = self.requestline.split()[1]  # `path` has lost a second slash at its beginning
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
            "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
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
            if "_" in name:
                environ.setdefault(LEFT_OUT, {})[name] = value.strip()
            elif name.lower() not in {"content-type", "content-length"}:
                key = f"HTTP_{name.replace('-', '_').upper()}"
                environ[key] = f"{environ[key]},{value.strip()}" if key in environ else value.strip()
        return environ

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        names = {name.lower(): value for name, value in headers}
        bodiless = status.startswith(("1", "204", "304"))
        if "content-length" in names:
            if not bodiless and self.command != "HEAD" and names["content-length"] != str(len(body)):
                self.close_connection = True  # or the client would wait, or read the rest as the next response
        elif not bodiless:
            headers = [*headers, ("Content-Length", str(len(body)))]
        own = {"Server": self.version_string()}
        with suppress(Exception):  # a provider state may have replaced the clock
            own["Date"] = self.date_time_string()
        headers = [*((name, value) for name, value in own.items() if name.lower() not in names), *headers]
        if self.close_connection:
            headers.append(("Connection", "close"))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        sent = b"" if bodiless or self.command == "HEAD" else body
        try:
            self.connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1", "replace") + sent)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the report shows every request."""
