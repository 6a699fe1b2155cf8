"""The request that the project is answering: when it began, and how many SQL queries it has made."""

from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIEnvironment

from django.db import connections
from django.http import HttpRequest

from pact_verification.provider.recorded_messages import recorded_request
from pact_verification.provider.recording import Script
from pact_verification.system import clock

SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
"""Statements that the project's own transactions become inside the interaction's transaction."""


class RequestWatch:
    """Watches the request that the project is answering, on the live server's thread.

    Attributes:
        request: as the request filters left it; None before they have run.
        began: when the filters had run.
        queries: SQL queries since then, on all databases.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.request: HttpRequest | None = None
        self.began = 0.0
        self.queries = 0

    def note_request(self, request: HttpRequest, environ: WSGIEnvironment) -> None:
        """Record the request as the filters left it.

        Time and queries count from here: filters are not the project.
        """
        body = request.__dict__.get("_body", environ["wsgi.input"].getvalue())
        self.script.current.record(request=recorded_request(environ, request.META, body))
        self.request = request
        self.began = clock.seconds()
        self.queries = 0

    def count_queries(self) -> None:
        """Count the queries on this thread's connections from now on.

        Aliases may share a connection.
        """
        for connection in {id(connections[alias]): connections[alias] for alias in connections}.values():
            connection.execute_wrappers.append(self._count)

    def _count(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: Any,  # Django's own
    ) -> Any:
        if not str(sql).startswith(SAVEPOINTS):
            self.queries += 1
        return execute(sql, params, many, context)
