"""The live server's HTTP: one thread answers requests one after the other, on connections that stay open."""

import os
import selectors
import socket
import threading
from _socket import socket as RawSocket  # noqa: N812  # a class, which only its module spells like a module
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from queue import SimpleQueue
from typing import Any
from wsgiref.types import WSGIEnvironment

from pact_verification.provider.http_connection import HOST, READ_BYTES, Connection, Response, has_secret
from pact_verification.system import clock

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

REFUSE_AFTER_SECONDS = 0.05
"""How long the server works on a request before a second thread refuses requests that are not the verifier's."""


class HttpServer:
    """Answers one request after the other, on the thread that calls `serve`.

    Connections stay open between their requests. The core has one for each interaction, and opening others for its
    state calls would cost more than these calls do.

    A request is answered once all of it has come, so a client that sends slowly keeps no other waiting. While the
    server works on a request, a second thread refuses requests that are not the verifier's. A project that calls its
    own address would otherwise wait for itself.

    Args:
        secret: requests without it, in RUN_HEADER, get 403 and go no further. None for a server that needs none.
        patience: seconds that a request may take to come. What has come by then is answered.

    Attributes:
        port: on HOST, chosen by the system. Clients may connect before `serve` is called.
        refused: the request lines of the requests that the second thread has refused. The reader empties it.
    """

    def __init__(self, secret: str | None, patience: float) -> None:
        self.secret = secret
        self.patience = patience
        # The system's own sockets: a provider state may replace Python's class around them.
        listener = socket.create_server((HOST, 0))
        self.port: int = listener.getsockname()[1]
        self.listener = _raw(listener)
        self.listener.setblocking(False)
        self.refused: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._deadlines: dict[Connection, float] = {}
        self._woken, self._wake = map(_raw, socket.socketpair())  # on Windows no pipe can be waited for like a socket
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._busy_since: float | None = None
        self._ended = threading.Event()

    def serve(
        self,
        answer: Callable[[WSGIEnvironment], Response],
        after_response: Callable[[], None],
        until: int | None = None,
    ) -> None:
        """Serve until `stop` is called.

        Args:
            answer: returns the response to a WSGI environment.
            after_response: called when a response has been sent.
            until: a file descriptor. `serve` returns when it has something to read, which it takes.
        """
        take = partial(self._take, answer)
        with ExitStack() as cleanup:
            cleanup.callback(self._close_connections)
            cleanup.callback(self._ended.set)
            self._begin(take, until)
            while True:
                wait = max(0, min(self._deadlines.values()) - clock.seconds()) if self._deadlines else None
                for key, _ in self._selector.select(wait):
                    if key.fileobj in (self._woken, until):
                        if (call := self._next_call(key.fileobj)) is None:
                            return
                        call()
                    elif key.fileobj is self.listener:
                        if accepted := self._accept():
                            take(accepted)
                    else:
                        self._busy_since = clock.seconds()
                        if self._receive(key.data):
                            after_response()
                        self._busy_since = None
                for connection in [each for each, until in self._deadlines.items() if clock.seconds() >= until]:
                    if self._receive(connection, late=True):
                        after_response()

    def call(self, function: Callable[[], None]) -> None:
        """Have the thread that serves call a function, after the present request."""
        self._calls.put(function)
        self._wake.send(b".")

    def stop(self) -> None:
        """End `serve`, from any thread, after the present request."""
        self._calls.put(None)
        self._wake.send(b".")

    def close(self) -> None:
        """Close the sockets."""
        self._ended.set()
        self.listener.close()
        if not self._selector.get_map():  # else a thread that does not come back still has it
            self._selector.close()
        for end in (self._woken, self._wake):
            end.close()

    def _begin(self, take: Callable[[RawSocket], None], until: int | None) -> None:
        self._selector.register(self.listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        if until is not None:
            self._selector.register(until, selectors.EVENT_READ)
        if self.secret is not None:
            refuse = partial(self._refuse_meanwhile, take, self.secret)
            threading.Thread(target=refuse, name="pact-refusals", daemon=True).start()

    def _next_call(self, woken: Any) -> Callable[[], None] | None:
        """Return the call that the thread was woken for; None if it has to end."""
        if woken is not self._woken:
            os.read(woken, READ_BYTES)
            return None
        self._woken.recv(1)
        return self._calls.get()

    def _close_connections(self) -> None:
        for key in self._selector.get_map().values():
            if key.data:
                key.data.close()
        self._selector.close()

    def _accept(self) -> RawSocket | None:
        try:
            descriptor, _ = self.listener._accept()  # type: ignore[attr-defined]  # what Python's class calls too; the stubs lack it
        except OSError:  # the other thread has accepted it, or the client has gone
            return None
        accepted = RawSocket(self.listener.family, self.listener.type, self.listener.proto, descriptor)
        accepted.setblocking(True)
        return accepted

    def _take(self, answer: Callable[[WSGIEnvironment], Response], accepted: RawSocket) -> None:
        connection = Connection(accepted, self.port, self.secret, answer)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _receive(self, connection: Connection, *, late: bool = False) -> bool:
        """Let a connection read what has come. Returns whether a request was answered."""
        answered = connection.receive(late=late)
        if connection.close_connection or not connection.received:
            self._deadlines.pop(connection, None)
        else:
            self._deadlines.setdefault(connection, clock.seconds() + self.patience)
        if connection.close_connection:
            self._selector.unregister(connection.connection)
            connection.close()
        return answered

    def _refuse_meanwhile(self, take: Callable[[RawSocket], None], secret: str) -> None:
        """Refuse requests that are not the verifier's while the other thread is busy."""
        while not self._ended.wait(REFUSE_AFTER_SECONDS):
            since = self._busy_since
            if since is None or clock.seconds() - since < REFUSE_AFTER_SECONDS:
                continue
            while accepted := self._accept():
                if (refused := self._request_to_refuse(accepted, secret)) is None:
                    self.call(partial(take, accepted))
                    continue
                self.refused.append(refused)
                with suppress(OSError):
                    accepted.sendall(REFUSAL)
                accepted.close()

    def _request_to_refuse(self, accepted: RawSocket, secret: str) -> str | None:
        """Return the request line of a request that is not the verifier's.

        None for a request of the verifier's, and while the head is not complete.
        """
        accepted.settimeout(REFUSE_AFTER_SECONDS)
        try:
            head = accepted.recv(READ_BYTES, socket.MSG_PEEK)
        except OSError:
            return None
        if b"\r\n\r\n" not in head or has_secret(head, secret):
            return None
        return head.partition(b" HTTP/")[0].decode(errors="replace")


def _raw(made: socket.socket) -> RawSocket:
    """Return the system's own socket in place of Python's object around it."""
    return RawSocket(made.family, made.type, made.proto, made.detach())
