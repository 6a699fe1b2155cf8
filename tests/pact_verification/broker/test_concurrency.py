"""Requests at the same time: their bound, their order, and what an error stops."""

import threading

import pytest
from django.test import override_settings

from pact_verification.broker.concurrency import concurrently
from pact_verification.errors import BrokerError
from pact_verification.pacts.sources import no_progress

pytestmark = pytest.mark.no_database


def test_as_many_as_the_setting_says_and_in_the_order_of_the_items() -> None:
    together = threading.Barrier(3, timeout=30)  # broken unless three calls run at the same time
    running: list[int] = []
    most = []

    def call(item: int) -> str:
        running.append(item)
        most.append(len(running))
        together.wait()
        running.remove(item)
        return f"result {item}"

    shown: list[tuple[int, int, str]] = []
    with override_settings(PACT_BROKER_CONNECTIONS=3):
        results = concurrently(call, range(9), lambda *seen: shown.append(seen), "working")
    assert results == [f"result {item}" for item in range(9)]
    assert max(most) == 3
    assert shown == [(number, 9, "working") for number in range(1, 10)]


def test_nothing_to_do() -> None:
    assert concurrently(str, [], no_progress, "working") == []


def test_the_first_error_in_the_order_of_the_items_and_nothing_begins_after_it() -> None:
    """The second item fails at once, and the first one later."""
    second_has_failed, begun = threading.Event(), []

    def call(item: int) -> None:
        begun.append(item)
        if item == 0:
            second_has_failed.wait(30)
            raise BrokerError("the first")
        if item == 1:
            second_has_failed.set()
            raise BrokerError("the second")
        threading.Event().wait(0.01)

    with override_settings(PACT_BROKER_CONNECTIONS=2), pytest.raises(BrokerError, match="the first"):
        concurrently(call, range(1000), no_progress, "working")
    assert len(begun) < 1000


def test_one_at_a_time() -> None:
    threads = set()
    with override_settings(PACT_BROKER_CONNECTIONS=1):
        concurrently(lambda _: threads.add(threading.get_ident()), range(5), no_progress, "working")
    assert len(threads) == 1
