"""The run's own clock, which stands while a debugger waits."""

from collections.abc import Iterator

import pytest

from pact_verification.system import clock

pytestmark = pytest.mark.no_database


@pytest.fixture(autouse=True)
def _goes_on() -> Iterator[None]:
    yield
    clock.go_on()


def test_it_leaves_out_the_time_in_which_it_stood() -> None:
    now = 10.0
    before = clock.seconds(lambda: now)
    now = 13.0
    clock.stop(lambda: now)
    now = 100.0
    clock.stop(lambda: now)  # it stands already
    assert clock.seconds(lambda: now) - before == 3
    clock.go_on(lambda: now)
    now = 102.0
    clock.go_on(lambda: now)  # it goes already
    assert clock.seconds(lambda: now) - before == 5


def test_it_goes() -> None:
    assert clock.seconds() <= clock.seconds()
