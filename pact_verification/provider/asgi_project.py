"""The project in this process, as its own ASGI application serves it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import responses
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from asgiref.sync import sync_to_async
from django.core.handlers import exception as django_exceptions
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify, NoAnswerInTime, ResponseRefused, StateError
from pact_verification.provider.asgi_application import load_application
from pact_verification.provider.event_loop import EventLoop
from pact_verification.provider.http_connection import Response, request_headers
from pact_verification.provider.isolation import Isolation
from pact_verification.provider.lifespan import Lifespan, Message
from pact_verification.provider.project import (
    Call,
    NoteDoing,
    NoteRequest,
    checked,
    filter_request,
    insist_on_user,
    require_within,
)
from pact_verification.states.asking import Asking, who_asks
from pact_verification.states.registry import Registry
from pact_verification.text import Place

logger = logging.getLogger(__name__)

STARTUP_SECONDS = 60.0
SHUTDOWN_SECONDS = 5.0
"""How long the application's lifespan may take to start and to stop."""


class AsgiProject:
    """The project's ASGI application, with the project's request filters before Django's middleware.

    The application may be Django's handler or anything around it.
    """

    is_here = True
    stop_seconds = 2 * SHUTDOWN_SECONDS
    loop: EventLoop

    def __init__(
        self,
        request_timeout: float,
        registry: Registry,
        note_request: NoteRequest,
        note_doing: NoteDoing,
    ) -> None:
        self.request_timeout = request_timeout
        self.registry = registry
        self.note_request = note_request
        self.note_doing = note_doing
        self.reached = False
        self.answered_by: str | None = None
        self.response: HttpResponseBase | None = None
        self.doing = ""
        self.coming: WSGIEnvironment | None = None
        self.asking: Asking | None = None
        self.name, self.application = load_application()
        self.lifespan = Lifespan(self.name, self.application)

    @contextmanager
    def running(self, isolation: Isolation, call: Call) -> Iterator[None]:
        """See Project."""
        with ExitStack() as cleanup:
            for name, method in (
                ("get_response_async", self._get_response),
                ("resolve_request", self._resolve_request),
                ("make_view_atomic", self._make_view_atomic),
            ):
                original = getattr(ASGIHandler, name)
                cleanup.enter_context(patch.object(ASGIHandler, name, _method(method, original)))
            # Django makes the responses to exceptions on other threads, which see nothing of the transaction.
            cleanup.enter_context(patch.object(django_exceptions, "sync_to_async", _thread_sensitive))
            self.loop = cleanup.enter_context(EventLoop.running(call, self._is_over))
            isolation.open()
            self._start()
            self.loop.keep_tasks()
            yield
            if self.lifespan.is_supported:
                isolation.roll_back()
                with suppress(StateError):  # an interaction has committed by itself, and the databases are dropped
                    isolation.open()
                self._stop()
                isolation.roll_back()

    def answer(self, environ: WSGIEnvironment) -> Response:
        """See Project."""
        self.reached = False
        self.answered_by = None
        self.response = None
        self.asking = who_asks()
        self.coming = environ
        self.doing = f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}"
        exchange = Exchange(environ, conf.PACT_MAX_RESPONSE_BYTES)
        scope = scope_of(environ, self.lifespan.state)

        def late(place: Place | None) -> None:
            self.note_doing(f"{self.doing}, which waited at {place}" if place else self.doing)
            exchange.disconnect()

        try:
            self.loop.run(exchange.run(self.application, scope), self.request_timeout, late)
        except NoAnswerInTime:
            if exchange.refused is None:
                raise
        finally:
            self.asking = None
            if self.coming:
                self.answered_by = self.name
        return exchange.response()

    def _start(self) -> None:
        try:
            self.loop.run(self.lifespan.start(), STARTUP_SECONDS)
        except NoAnswerInTime as error:
            raise CannotVerify(
                f"The startup of the ASGI application {self.name} did not end in {STARTUP_SECONDS:g} s.{error}"
            ) from error

    def _stop(self) -> None:
        try:
            failure = self.loop.run(self.lifespan.stop(), SHUTDOWN_SECONDS)
        except NoAnswerInTime as error:
            failure = f"The shutdown of the ASGI application {self.name} did not end in {SHUTDOWN_SECONDS:g} s.{error}"
        if failure:
            logger.warning(failure)

    def _is_over(self) -> bool:
        """Tell whether the interaction of the present context is over. Tasks of the lifespan have none."""
        return (asking := who_asks()) is not None and asking is not self.asking

    async def _get_response(
        self, original: Callable[..., Any], handler: ASGIHandler, request: HttpRequest
    ) -> HttpResponseBase:
        environ = self.coming
        if environ:
            self.coming = None  # the project may send requests to its own application
            await sync_to_async(self._take)(request, environ)
        response: HttpResponseBase = await original(handler, request)
        if environ:
            self.response = response
        return response

    def _take(self, request: HttpRequest, environ: WSGIEnvironment) -> None:
        filter_request(request, self.registry)
        self.note_request(request, environ)

    def _resolve_request(
        self, original: Callable[..., Any], handler: ASGIHandler, request: HttpRequest
    ) -> ResolverMatch:
        insist_on_user(request)
        match: ResolverMatch = original(handler, request)
        self.doing = f"{request.method} {request.path}, in {match._func_path}"
        self.note_doing(self.doing)
        return match

    def _make_view_atomic(
        self, original: Callable[..., Any], handler: ASGIHandler, view: Callable[..., Any]
    ) -> Callable[..., Any]:
        self.reached = True
        insist_on_user()
        atomic: Callable[..., Any] = original(handler, view)
        return atomic


def _method(function: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method for Django's handler that calls ours."""
    if asyncio.iscoroutinefunction(function):

        async def call_async(handler: ASGIHandler, *arguments: Any) -> Any:
            return await function(original, handler, *arguments)

        return call_async

    def call(handler: ASGIHandler, *arguments: Any) -> Any:
        return function(original, handler, *arguments)

    return call


def _thread_sensitive(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    return sync_to_async(function)


def scope_of(environ: WSGIEnvironment, state: dict[str, Any]) -> dict[str, Any]:
    """Return the ASGI scope of a request.

    Args:
        state: what the application's lifespan keeps for its requests.
    """
    raw_path = environ["RAW_URI"].partition("?")[0].encode("latin-1")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": environ["SERVER_PROTOCOL"].partition("/")[2],
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": unquote_to_bytes(raw_path).decode(errors="replace"),
        "raw_path": raw_path,
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in request_headers(environ).items()
        ],
        "client": (environ["REMOTE_ADDR"], 0),
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        "state": dict(state),
    }


class Exchange:
    """One request to the application and its response.

    Args:
        limit: how long the response's body may be, in bytes.
    """

    def __init__(self, environ: WSGIEnvironment, limit: int) -> None:
        self.method = environ["REQUEST_METHOD"]
        self.request: Message | None = {
            "type": "http.request",
            "body": environ["wsgi.input"].getvalue(),
            "more_body": False,
        }
        self.limit = limit
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.is_complete = False
        self.refused: ResponseRefused | None = None

    async def run(self, application: Any, scope: dict[str, Any]) -> None:
        """Call the application."""
        self.disconnected = asyncio.Event()
        await application(scope, self._receive, self._send)

    def disconnect(self) -> None:
        """Tell the application that the client has gone."""
        self.disconnected.set()

    def response(self) -> Response:
        """Return the response.

        Raises ResponseRefused if it is not complete, or HTTP can't send it.
        """
        if self.refused:
            raise self.refused
        if not self.is_complete:
            raise ResponseRefused(
                "The ASGI application returned before its response was complete. It has to send http.response.start, "
                "and a last http.response.body without more_body."
            )
        assert self.status is not None
        reason = responses.get(self.status, "Unknown Status Code")
        return checked(self.method, f"{self.status} {reason}", self.headers, bytes(self.body))

    async def _receive(self) -> Message:
        if message := self.request:
            self.request = None
            return message
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self.disconnected.is_set():
            await asyncio.sleep(0)
            return
        if kind == "http.response.start" and self.status is None:
            self.status = int(message["status"])
            self.headers = [(_text(name), _text(value)) for name, value in message.get("headers", ())]
        elif kind == "http.response.body" and self.status is not None:
            self.body += message.get("body", b"")
            try:
                require_within(self.limit, self.body)
            except ResponseRefused as error:
                self.refused = error
                self.body.clear()
                self.disconnect()  # Django then ends the view, as it does when a client has gone
            if not message.get("more_body", False):
                self.is_complete = True
                self.disconnect()
                return
            await asyncio.sleep(0)  # a stream without a pause would keep the loop from everything else
        else:
            raise RuntimeError(
                f"The ASGI application sent {kind!r} out of order, or the run does not support it. It has to send "
                "http.response.start, and then http.response.body."
            )


def _text(value: bytes) -> str:
    return bytes(value).decode("latin-1")
