"""The exceptions and log records of an interaction, which its response does not show."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.core.handlers import exception as django_exceptions
from django.core.signals import got_request_exception
from django.urls import Resolver404

from pact_verification.results.crash import Crash

MAX_RECORDS, MAX_TEXT = 50, 2000
"""How many log records of an interaction are kept, and how many characters of each."""


class Overheard:
    """Records one thread's exceptions, and the log of all threads but the main one.

    Attributes:
        raised: the exception behind a 500.
        refused: the last exception that Django, or Django REST framework, turned into a response. A refusal by
            Django's CSRF check, which is not an exception, is recorded here too.
        records: lines of the log, each with its level and its logger.
    """

    def __init__(self, thread: threading.Thread) -> None:
        self.thread = thread
        self.records: list[str] = []
        self.raised: BaseException | None = None
        self.refused: Crash | None = None

    def forget(self) -> None:
        """Start again, for another interaction."""
        self.records = []
        self.forget_exceptions()

    def forget_exceptions(self) -> None:
        """Start again, for a request. Exceptions inside states do not belong to it."""
        self.raised = None
        self.refused = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record exceptions and log records until the block ends."""
        with ExitStack() as cleanup:
            got_request_exception.connect(self._record_signal)
            cleanup.callback(got_request_exception.disconnect, self._record_signal)
            respond = django_exceptions.response_for_exception

            def response_for_exception(request: Any, exc: Exception) -> Any:
                self._record_exception(exc)
                return respond(request, exc)

            cleanup.enter_context(patch.object(django_exceptions, "response_for_exception", response_for_exception))
            if views := sys.modules.get("rest_framework.views"):  # it turns exceptions into responses itself
                handle = views.APIView.handle_exception

                def handle_exception(view: Any, exc: Exception) -> Any:
                    self._record_exception(exc)
                    return handle(view, exc)

                cleanup.enter_context(patch.object(views.APIView, "handle_exception", handle_exception))
            if csrf := sys.modules.get("django.middleware.csrf"):
                reject = csrf.CsrfViewMiddleware._reject

                def _reject(middleware: Any, request: Any, reason: str) -> Any:
                    self.refused = Crash(f"The CSRF check failed: {reason}")
                    return reject(middleware, request, reason)

                cleanup.enter_context(patch.object(csrf.CsrfViewMiddleware, "_reject", _reject))
            call = logging.Logger.callHandlers

            def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
                if threading.current_thread() is threading.main_thread() or record.name.startswith(__package__ or ""):
                    call(logger, record)
                else:
                    self._record_log(logger, record)

            cleanup.enter_context(patch.object(logging.Logger, "callHandlers", call_handlers))
            yield

    def _record_exception(self, error: BaseException) -> None:
        if threading.current_thread() is self.thread and not isinstance(error, Resolver404):
            self.refused = Crash.of(error)

    def _record_signal(self, sender: Any, **kwargs: Any) -> None:
        if threading.current_thread() is self.thread:
            self.raised = sys.exc_info()[1]

    def _record_log(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        """Keep a record, and give it to all handlers but the console's."""
        if len(self.records) < MAX_RECORDS:
            self.records.append(_line(record))
        handlers: logging.Logger | None = logger
        while handlers:
            for handler in handlers.handlers:
                if record.levelno >= handler.level and not _is_console(handler):
                    handler.handle(record)
            handlers = handlers.parent if handlers.propagate else None


def _line(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001  # the project's arguments may raise anything
        text = f"{record.msg!r} ({type(error).__name__}: {error})"
    return f"{record.levelname} {record.name}: {text}"[:MAX_TEXT]


def _is_console(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None) or getattr(getattr(handler, "console", None), "file", None)
    return stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
