"""Several requests to the broker at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from pact_verification.conf import conf
from pact_verification.pacts.sources import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def concurrently(do: Callable[[Item], Result], items: Sequence[Item], progress: Progress, what: str) -> list[Result]:
    """Call a function for each item, and return the results in the order of the items.

    At most PACT_BROKER_CONNECTIONS calls run at the same time. After an error no further call begins. Of the
    calls that had begun, the error of the first item is raised.

    Args:
        what: describes the work, for the progress.
    """
    pool = ThreadPoolExecutor(conf.PACT_BROKER_CONNECTIONS, thread_name_prefix="pact-broker")
    try:
        futures = [pool.submit(do, item) for item in items]
        for number, future in enumerate(as_completed(futures), 1):
            if future.exception():
                break
            progress(number, len(items), what)
        for waiting in futures:
            waiting.cancel()  # calls that run go on, each within the time limit for an answer
        return [future.result() for future in futures if not future.cancelled()]  # raises the first error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
