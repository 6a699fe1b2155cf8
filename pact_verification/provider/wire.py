"""HTTP on the live server's side: the server itself, and messages as they are recorded."""

import os
import re
import secrets
import selectors
import socket
import sys
import threading
from _socket import socket as RawSocket  # noqa: N812  # a class, which only its module spells like a module
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from queue import SimpleQueue
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from pact_verification.results.exchange import RecordedRequest
from pact_verification.system import clock

HOST = "127.0.0.1"
MAX_RECORDED_BODY = 4 * 1024 * 1024  # more than a report shows: what differs may stand far down
MAX_HEAD = 256 * 1024
READ_BYTES = 256 * 1024
SEND_SECONDS = 5  # that a client may keep all others waiting by not reading its response

RUN_HEADER = "X-Pact-Verification-Run"
"""Has the run's secret in every request of the verifier. The project never sees it."""

LEFT_OUT = "pact_verification.left_out"
"""Has the headers that no server gives to a project, in the environment of a request."""

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

DOORKEEPER_SECONDS = 0.05
"""How long a request may take before requests that are none of the verifier's are refused beside it."""

Response = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""


class Server:
    """Answers one request after the other, on the thread that calls `serve`.

    Connections stay open between their requests: the core has one for each interaction, and making others for its state
    calls would cost more than these do. wsgiref's server has one connection at a time, to its end.

    A request is answered once all of it has come: a client that sends slowly keeps no other waiting. While a request is
    being answered, a second thread refuses requests that are none of the verifier's: a project that asks its own
    address would wait for itself.

    Args:
        secret: requests without it, in RUN_HEADER, get 403 and go no further.
        patience: seconds that a request may take to come. What has come by then is answered.

    Attributes:
        port: on HOST, the system's choice; from the start, clients may connect.
        refused: the request lines of what the second thread has refused. The reader empties it.
    """

    def __init__(self, secret: str, patience: float) -> None:
        self.secret = secret
        self.patience = patience
        # The sockets are the system's own, without Python's class around them, which a provider state may replace.
        listener = socket.create_server((HOST, 0))
        self.port: int = listener.getsockname()[1]
        self.listener = RawSocket(listener.family, listener.type, listener.proto, listener.detach())
        self.listener.setblocking(False)
        self.refused: list[str] = []
        self._woken, self._wake = os.pipe()
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._busy_since: float | None = None
        self._ended = threading.Event()

    def serve(self, answer: Callable[[WSGIEnvironment], Response], afterwards: Callable[[], None]) -> None:
        """Serve until `stop` is called.

        Args:
            answer: a WSGI environment's response.
            afterwards: called when a response has been sent.
        """
        self._answer = answer
        self._selector = selectors.DefaultSelector()
        self._late: dict[_Connection, float] = {}
        doorkeeper = threading.Thread(target=self._refuse_meanwhile, name="pact-doorkeeper", daemon=True)
        doorkeeper.start()
        with self._selector, ExitStack() as cleanup:
            cleanup.callback(_close_all, self._selector)
            cleanup.callback(self._ended.set)
            self._selector.register(self.listener, selectors.EVENT_READ)
            self._selector.register(self._woken, selectors.EVENT_READ)
            while True:
                wait = max(0, min(self._late.values()) - clock.seconds()) if self._late else None
                for key, _ in self._selector.select(wait):
                    if key.fileobj == self._woken:
                        os.read(self._woken, 1)
                        if (call := self._calls.get()) is None:
                            return
                        call()
                    elif key.fileobj is self.listener:
                        if accepted := self._accept():
                            self._take(accepted)
                    else:
                        self._busy_since = clock.seconds()
                        if self._receive(key.data):
                            afterwards()
                        self._busy_since = None
                for connection in [each for each, until in self._late.items() if clock.seconds() >= until]:
                    if self._receive(connection, late=True):
                        afterwards()

    def call(self, function: Callable[[], None]) -> None:
        """Have the thread that serves call a function, after the present request."""
        self._calls.put(function)
        os.write(self._wake, b".")

    def stop(self) -> None:
        """End `serve`, from any thread, after the present request."""
        self._calls.put(None)
        os.write(self._wake, b".")

    def close(self) -> None:
        """Close the sockets."""
        self._ended.set()
        self.listener.close()
        for descriptor in (self._woken, self._wake):
            os.close(descriptor)

    def _accept(self) -> RawSocket | None:
        try:
            descriptor, _ = self.listener._accept()  # type: ignore[attr-defined]  # what Python's class calls too; the stubs lack it
        except OSError:  # the other thread has taken it, or the client has gone
            return None
        accepted = RawSocket(self.listener.family, self.listener.type, self.listener.proto, descriptor)
        accepted.setblocking(True)
        return accepted

    def _take(self, accepted: RawSocket) -> None:
        connection = _Connection(accepted, self.port, self.secret, self._answer)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _receive(self, connection: "_Connection", *, late: bool = False) -> bool:
        """Let a connection take what has come. Returns whether a request was answered."""
        answered = connection.receive(late=late)
        if connection.close_connection or not connection.received:
            self._late.pop(connection, None)
        else:
            self._late.setdefault(connection, clock.seconds() + self.patience)
        if connection.close_connection:
            self._selector.unregister(connection.connection)
            connection.close()
        return answered

    def _refuse_meanwhile(self) -> None:
        """Refuse what isn't the verifier's while the other thread is busy."""
        while not self._ended.wait(DOORKEEPER_SECONDS):
            since = self._busy_since
            if since is None or clock.seconds() - since < DOORKEEPER_SECONDS:
                continue
            while accepted := self._accept():
                if not (refused := self._refused_line(accepted)):
                    self.call(partial(self._take, accepted))
                    continue
                self.refused.append(refused)
                with suppress(OSError):
                    accepted.sendall(REFUSAL)
                accepted.close()

    def _refused_line(self, accepted: RawSocket) -> str:
        """The request line of a request that is not the verifier's. Empty for others, and where too little has come."""
        accepted.settimeout(DOORKEEPER_SECONDS)
        try:
            head = accepted.recv(READ_BYTES, socket.MSG_PEEK)
        except OSError:
            return ""
        if b"\r\n\r\n" not in head or secrets.compare_digest(_header(head, RUN_HEADER), self.secret.encode()):
            return ""
        return head.partition(b" HTTP/")[0].decode(errors="replace")


def _close_all(selector: selectors.BaseSelector) -> None:
    for key in selector.get_map().values():
        if key.data:
            key.data.close()


class _Connection(BaseHTTPRequestHandler):
    """A client's connection, from request to request."""

    protocol_version = "HTTP/1.1"
    connection: RawSocket  # the base class has Python's, of which it needs nothing else

    def __init__(
        self, connection: RawSocket, port: int, secret: str, answer: Callable[[WSGIEnvironment], Response]
    ) -> None:
        # Not the base class's own, which serves the connection to its end.
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
        """Take what has come. Once that is a whole request, answer it; returns whether it was one.

        `close_connection` says afterwards whether the connection has ended.

        Args:
            late: nothing more is waited for: what has come of a request is answered, and the connection ends.
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
                self.close_connection = True  # or the client would wait, or take the rest for the next response
        elif not bodiless:
            headers = [*headers, ("Content-Length", str(len(body)))]
        own = {"Server": self.version_string()}
        with suppress(Exception):  # a state may have replaced the clock, by one that raises too
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
        """The report tells of every request."""


def _header(head: bytes, name: str) -> bytes:
    """A header's value in the head of a request; empty where it is missing."""
    match = re.search(rb"\r\n%s:[ \t]*([^\r\n]*?)[ \t]*(?:\r\n|$)" % name.encode(), head, re.IGNORECASE)
    return match[1] if match else b""


def read_body(environ: WSGIEnvironment) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def recorded_request(environ: WSGIEnvironment, meta: dict[str, Any], body: bytes) -> RecordedRequest:
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
    path = unquote_to_bytes(environ["RAW_URI"].partition("?")[0].encode("latin-1")).decode(errors="replace")
    return RecordedRequest(environ["REQUEST_METHOD"], f"{path}{query}", headers, body[:MAX_RECORDED_BODY])


def arrived_request(environ: WSGIEnvironment, body: bytes) -> RecordedRequest:
    """The request as it arrived: its target is not decoded, its body is whole, and no header is left out."""
    left_out = {name.title(): value for name, value in environ.get(LEFT_OUT, {}).items()}
    headers = {**recorded_request(environ, environ, b"").headers, **left_out}
    return RecordedRequest(environ["REQUEST_METHOD"], environ["RAW_URI"], headers, body)


def joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; those that came several times, such as Set-Cookie, in one text."""
    by_name: dict[str, str] = {}
    for name, value in headers:
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name


def status_line(status: HTTPStatus) -> str:
    return f"{status.value} {responses[status]}"
