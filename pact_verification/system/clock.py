"""The run's own clock. A provider state that freezes or moves time does not change it.

freezegun and unittest.mock replace module attributes, but not the default of an argument. time-machine changes the
other clocks of the `time` module in place, but not perf_counter.
"""

from collections.abc import Callable
from time import perf_counter


def seconds(_real: Callable[[], float] = perf_counter) -> float:
    """Return seconds since an unknown moment. Only differences have a meaning."""
    return _real()
