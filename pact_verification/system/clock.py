"""The run's own clock, which a provider state that freezes or moves time does not reach.

freezegun and unittest.mock replace what modules name. Neither finds the default of an argument. time-machine changes
the other clocks of the `time` module in place, and leaves perf_counter as it is.
"""

from collections.abc import Callable
from time import perf_counter


def seconds(_real: Callable[[], float] = perf_counter) -> float:
    """Return seconds since some moment: only differences have a meaning."""
    return _real()
