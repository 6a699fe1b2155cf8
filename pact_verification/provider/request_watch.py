"""The request or message that the project is working on: when it began, and how many SQL queries it has made."""

import re
from collections.abc import Callable, Mapping, Sized
from contextlib import suppress
from typing import Any
from wsgiref.types import WSGIEnvironment

from django.db import connections
from django.http import HttpRequest

from pact_verification.provider.recorded_http import recorded_request
from pact_verification.provider.recording import Script
from pact_verification.results.exchange import Query
from pact_verification.results.secret_values import secret_names
from pact_verification.system import clock

MAX_QUERIES = 100
"""How many queries of a request are recorded."""

MAX_SQL = 5_000
"""How many characters of each."""

SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
"""Statements that the project's own transactions become inside the interaction's transaction."""


class RequestWatch:
    """Watches the request that the project is answering, on the live server's thread.

    Args:
        debug_sql: whether to record queries too.
        serializers: whether the project endpoint records which serializer fields wrote the response.

    Attributes:
        request: as the request filters left it; None before they have run.
        began: when the filters had run.
        queries: how many SQL queries were sent since then, on all databases.
        sql: the first of them, if they are recorded.
    """

    def __init__(self, script: Script, *, debug_sql: bool = False, serializers: bool = False) -> None:
        self.script = script
        self.debug_sql = debug_sql
        self.serializers = serializers
        self.sql: list[Query] = []
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
        self.begin()

    def begin(self) -> None:
        """Count time and queries from here."""
        self.began = clock.seconds()
        self.queries = 0
        self.sql = []

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
        if str(sql).startswith(SAVEPOINTS):
            return execute(sql, params, many, context)
        self.queries += 1
        if not self.debug_sql or len(self.sql) >= MAX_QUERIES:
            return execute(sql, params, many, context)
        began = clock.seconds()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds = clock.seconds() - began
            text = _with_values(str(sql), params, context, many=many)
            self.sql.append(Query(text[:MAX_SQL], context["connection"].alias, seconds))


def _with_values(sql: str, params: Any, context: Mapping[str, Any], *, many: bool) -> str:
    """Return a query with its values, as Django logs it."""
    if many:
        return f"{len(params)} times: {sql}" if isinstance(params, Sized) else f"many times: {sql}"
    with suppress(Exception):  # Django asks the driver, which may not know a query that failed
        if text := context["connection"].ops.last_executed_query(context["cursor"], sql, params):
            # A secret may stand far from its column's name, as in an INSERT, so the mask would not know it. The name
            # may be a value, as in the path of a JSONField.
            with_values = str(text).partition(" FROM ")[2] if sql.startswith("SELECT") else f"{sql} {text}"
            names = "|".join(map(re.escape, secret_names()))
            return sql if re.search(rf"(?<!\w)(?:{names})(?!\w)", with_values, re.IGNORECASE) else str(text)
    return sql
