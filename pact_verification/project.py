"""The project, called in this process: what the live server serves unless the project is deployed elsewhere."""

from collections.abc import Callable
from typing import Any, Protocol
from wsgiref.types import WSGIEnvironment
from wsgiref.util import is_hop_by_hop

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from pact_verification.states import Registry
from pact_verification.wire import Response

NoteRequest = Callable[[HttpRequest], None]
"""Hears of a request once the request filters have had it."""


class Project(Protocol):
    """Whoever answers for the project.

    Attributes:
        is_here: in this process, where SQL queries can be counted and exceptions seen.
    """

    is_here: bool

    def answer(self, environ: WSGIEnvironment) -> Response:
        """The whole response. Raises what keeps it from one, NoAnswer among it."""


ProjectOf = Callable[[Registry, NoteRequest], Project]


def filter_request(request: HttpRequest, registry: Registry) -> None:
    """Run the project's request filters."""
    for request_filter in registry.request_filters:
        request_filter(request)
        request.__dict__.pop("headers", None)  # read from META once and kept; the filter may have changed META


class ProjectHere(WSGIHandler):
    """Django's handler, with the project's request filters before its middleware."""

    is_here = True

    def __init__(self, registry: Registry, note_request: NoteRequest) -> None:
        super().__init__()
        self.registry = registry
        self.note_request = note_request

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        filter_request(request, self.registry)
        self.note_request(request)
        return super().get_response(request)

    def answer(self, environ: WSGIEnvironment) -> Response:
        """The whole response, before anything of it is sent: on_commit callbacks may still turn it into a 500."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
            started.append((status, headers))
            return lambda data: None

        response = self(environ, start_response)
        try:
            body = b"".join(response)
        finally:
            response.close()
        status, headers = started[-1]
        # The connection is not the project's affair, and the server would refuse to send these.
        headers = [(name, value) for name, value in headers if not is_hop_by_hop(name)]
        return status.encode("latin-1", "replace").decode("latin-1"), headers, body
