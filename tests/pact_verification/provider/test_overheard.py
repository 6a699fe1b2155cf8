"""What is recorded of an interaction's exceptions and log."""

import logging
import sys
import threading
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.handlers import exception as django_exceptions
from django.core.signals import got_request_exception
from django.test import RequestFactory

from pact_verification.provider.overheard import MAX_RECORDS, Overheard

pytestmark = pytest.mark.no_database


def recorded(do: Callable[[], None], *, own_thread: bool = True) -> Overheard:
    """Do something on a thread, which is the server's unless `own_thread` is off."""
    thread = threading.Thread(target=do)
    overheard = Overheard(thread if own_thread else threading.current_thread())
    with overheard.listening():
        thread.start()
        thread.join()
    return overheard


def fail() -> None:
    try:
        raise ValueError("no stock")
    except ValueError:
        got_request_exception.send(None)


def refuse() -> None:
    django_exceptions.response_for_exception(RequestFactory().get("/"), PermissionDenied("not you"))


def test_the_exceptions_of_one_thread() -> None:
    assert str(recorded(fail).raised) == "no stock"
    refused = recorded(refuse).refused
    assert refused is not None
    assert refused.exception == "PermissionDenied: not you"
    assert recorded(fail, own_thread=False).raised is None
    assert recorded(refuse, own_thread=False).refused is None


def test_the_log_goes_to_handlers_but_not_to_the_console() -> None:
    logger = logging.getLogger("shop")
    other, console = StringIO(), logging.StreamHandler(sys.stderr)
    handlers: list[logging.Handler] = [logging.StreamHandler(other), console]
    console.emit = lambda record: pytest.fail("the console got a record")  # type: ignore[method-assign]

    def log() -> None:
        for _ in range(MAX_RECORDS + 1):
            logger.warning("%s left", 3)

    for handler in handlers:
        logger.addHandler(handler)
    try:
        overheard = recorded(log)
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
    assert overheard.records == ["WARNING shop: 3 left"] * MAX_RECORDS
    assert other.getvalue().count("3 left") == MAX_RECORDS + 1


def test_a_record_whose_arguments_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("shop"), "propagate", False)  # pytest's handler would raise
    overheard = recorded(lambda: logging.getLogger("shop").warning("%d left", "no"))
    assert overheard.records == ["WARNING shop: '%d left' (TypeError: %d format: a real number is required, not str)"]


def test_another_request_and_another_interaction() -> None:
    def log_and_fail() -> None:
        logging.getLogger("shop").warning("x")
        fail()

    overheard = recorded(log_and_fail)
    overheard.forget_exceptions()
    assert (overheard.raised, overheard.records) == (None, ["WARNING shop: x"])
    overheard.forget()
    assert overheard.records == []
