"""Tasks that failed in the request.

In production a worker runs them later, so the response does not tell of the failure. The interaction gets a warning.
"""

from pact_verification.results.crash import Crash

failures: list[str] = []
"""The warnings of the interaction that runs. The request handler records and removes them."""


def note_failure(task: str, error: BaseException) -> None:
    """Note that a task failed, with its exception and the line that raised it."""
    crash = Crash.of(error)
    place = f" ({crash.where})" if crash.where else ""
    note(task, f"{crash.exception}{place}")


def note(task: str, what: str) -> None:
    """Note what made a task fail. A task that is tried again fails several times."""
    warn(f"The task {task} failed: {what}. In production a worker runs it, and the response is the same.")


def warn(text: str) -> None:
    """Warn the interaction that runs, once of each thing."""
    if text not in failures:
        failures.append(text)
