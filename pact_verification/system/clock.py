"""The run's own clock. A provider state that freezes or moves time does not change it.

freezegun and unittest.mock replace module attributes, but not the default of an argument. time-machine changes the
other clocks of the `time` module in place, but not perf_counter.
"""

from collections.abc import Callable
from time import perf_counter

_stopped_at: float | None = None
_left_out = 0.0


def seconds(_real: Callable[[], float] = perf_counter) -> float:
    """Return seconds since an unknown moment, while the clock went. Only differences have a meaning."""
    return (_real() if _stopped_at is None else _stopped_at) - _left_out


def stop(_real: Callable[[], float] = perf_counter) -> None:
    """Stop this process's clock while a debugger waits for a person. Does nothing if it stands."""
    global _stopped_at  # noqa: PLW0603  # a process has one clock
    if _stopped_at is None:
        _stopped_at = _real()


def go_on(_real: Callable[[], float] = perf_counter) -> None:
    """Let the clock go on from where it stopped. Does nothing if it goes."""
    global _stopped_at, _left_out  # noqa: PLW0603  # a process has one clock
    if _stopped_at is not None:
        _left_out += _real() - _stopped_at
        _stopped_at = None
