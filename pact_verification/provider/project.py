"""The project in this process, and the rules for its responses."""

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol
from wsgiref.types import WSGIEnvironment
from wsgiref.util import is_hop_by_hop

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from pact_verification.conf import conf
from pact_verification.errors import ResponseRefused
from pact_verification.provider.http_connection import Response
from pact_verification.provider.isolation import Isolation
from pact_verification.states.asking import who_asks
from pact_verification.states.registry import Registry

NoteRequest = Callable[[HttpRequest, WSGIEnvironment], None]
"""Takes a request as the request filters have left it, and the environment in which it came."""

NoteDoing = Callable[[str], None]
"""Takes which of the project's code is about to run, in words."""

Call = Callable[[Callable[[], None]], None]
"""Has the live server's thread call a function, after the present request."""

LOOP_THREAD = "pact-event-loop"
"""The name of the thread that runs the event loop of an ASGI application."""

LINE_END = re.compile(r"[\r\n\0]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2

FINAL = range(200, 1000)
"""Statuses of final responses. After 1xx a client waits for another response (RFC 9110, section 15.2)."""


class Project(Protocol):
    """The project, in this process or on a server.

    Attributes:
        is_here: whether it runs in this process, where SQL queries and exceptions can be seen.
        reached: whether the last request has reached a view, as far as is known.
        answered_by: what answered the last request in place of Django's handler, such as an ASGI application around it.
        response: Django's response to the last request; None if Django gave none in this process.
        stop_seconds: how long the project may take to stop.
    """

    is_here: bool
    reached: bool
    answered_by: str | None
    response: HttpResponseBase | None
    stop_seconds: float

    def running(self, isolation: Isolation, call: Call) -> AbstractContextManager[None]:
        """Start what the project runs beside its requests, and stop it after the block.

        Args:
            isolation: undoes what the start writes to the databases.
            call: has the live server's thread call a function, after the present request.
        """

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Return the whole response.

        Raises NoAnswer, ResponseRefused, or an exception of the project.
        """


ProjectOf = Callable[[Registry, NoteRequest, NoteDoing], Project]


def filter_request(request: HttpRequest, registry: Registry) -> None:
    """Run the project's request filters, and make the request the user's whom the provider states name."""
    for request_filter in registry.request_filters:
        request_filter(request)
        request.__dict__.pop("headers", None)  # Django caches it, and the filter may have changed META
    if asking := who_asks():
        asking.introduce(request)


def insist_on_user(request: HttpRequest | None = None) -> None:
    """Make the interaction's request that user's again: when middleware has had it, and just before the view.

    Args:
        request: by default the interaction's.
    """
    if (asking := who_asks()) and (request := request or asking.request):
        asking.insist(request)


class ProjectHere(WSGIHandler):
    """Django's handler, with the project's request filters before its middleware."""

    is_here = True
    answered_by: str | None = None
    response: HttpResponseBase | None = None
    stop_seconds = 0.0

    def __init__(self, registry: Registry, note_request: NoteRequest, note_doing: NoteDoing) -> None:
        super().__init__()
        self.registry = registry
        self.note_request = note_request
        self.note_doing = note_doing
        self.reached = False

    def running(self, isolation: Isolation, call: Call) -> AbstractContextManager[None]:
        """See Project."""
        return nullcontext()

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        filter_request(request, self.registry)
        self.note_request(request, request.environ)  # type: ignore[attr-defined]  # a WSGIRequest
        self.response = super().get_response(request)
        return self.response

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Note the view that is about to run.

        If the process ends in it, the board still has its name.
        """
        insist_on_user(request)
        match = super().resolve_request(request)
        self.note_doing(f"{request.method} {request.path}, in {match._func_path}")
        return match

    def make_view_atomic(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Note that Django is about to call the view, so no middleware has answered."""
        self.reached = True
        insist_on_user()  # a middleware's process_view may have set another one
        return super().make_view_atomic(view)

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Return the whole response before any of it is sent.

        An on_commit callback may still turn it into a 500.
        """
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
            started.append((status, headers))
            return lambda data: None

        self.reached = False
        self.response = None
        response = self(environ, start_response)
        try:
            body = limited(response, conf.PACT_MAX_RESPONSE_BYTES)
        finally:
            response.close()
        status, headers = started[-1]
        return checked(environ["REQUEST_METHOD"], status, headers, body)


def checked(method: str, status: str, headers: list[tuple[str, str]], body: bytes) -> Response:
    """Return a response as the server sends it.

    Raises ResponseRefused for one that HTTP can't send.
    """
    require_final(status)
    require_lines(status, headers)
    # These headers are about the connection, which belongs to the server.
    headers = [(name, value) for name, value in headers if not is_hop_by_hop(name)]
    if method != "HEAD":
        require_length(status, headers, body)
    return status.encode("latin-1", "replace").decode("latin-1"), headers, body


def limited(parts: Iterable[bytes], limit: int) -> bytes:
    """Join the parts of a body.

    Raises ResponseRefused once they are longer than the limit, in bytes.
    """
    body = bytearray()
    for part in parts:
        body += part
        require_within(limit, body)
    return bytes(body)


def require_within(limit: int, body: bytearray) -> None:
    """Raise ResponseRefused for a body that is longer than the limit, in bytes."""
    if len(body) > limit:
        raise ResponseRefused(
            f"The response is longer than {limit / 1e6:g} MB, and was not read to its end. Does it ever end? "
            "PACT_MAX_RESPONSE_BYTES sets the limit."
        )


def require_final(status: str) -> None:
    """Raise ResponseRefused for a status that is not final."""
    number = status.partition(" ")[0]
    if not number.isdecimal() or int(number) not in FINAL:
        raise ResponseRefused(f"The project answered with the status {status!r}. A final status is from 200 to 999.")


def require_lines(status: str, headers: Iterable[tuple[str, str]]) -> None:
    """Raise ResponseRefused for a status or header that HTTP can't send."""
    if LINE_END.search(status):
        raise ResponseRefused(f"The project answered with the status {status!r}. HTTP can't send a line end in it.")
    for name, value in headers:
        if not TOKEN.fullmatch(name):
            raise ResponseRefused(f"The project's header {name!r} has a name that HTTP can't send.")
        if LINE_END.search(value):
            raise ResponseRefused(f"The project's header {name!r} is {value!r}. HTTP can't send a line end in it.")


def require_length(status: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Raise ResponseRefused for a Content-Length that does not fit the body."""
    for name, value in headers:
        if name.lower() == "content-length" and value != str(len(body)) and not status.startswith(("204", "304")):
            raise ResponseRefused(
                f"The project's header Content-Length is {value!r}, and the body has {len(body)} bytes."
            )
