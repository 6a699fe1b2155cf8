"""Django Q2: tasks run in the request, or go no further."""

import pydoc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from django_q import monitor, tasks
from django_q.brokers import Broker
from django_q.signing import SignedPackage
from django_q.utils import get_func_repr

from pact_verification.provider.services.attributes import replaced
from pact_verification.provider.services.failures import note_failure


class NoBroker(Broker):  # type: ignore[misc]  # Django Q2 ships no types
    """A broker that sends nothing."""


class RunningBroker(NoBroker):
    """A broker that runs each task at once.

    Django Q2's own `sync` starts a worker, which needs the main thread's signals and lets a failure reach the request.
    """

    def enqueue(self, task: Any) -> str:
        """Run a task, and return its id."""
        return _run(task)


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""
    with replaced(tasks, get_broker=RunningBroker if eager else NoBroker, _sync=_run):
        yield lambda: None


def _run(package: Any) -> str:
    task = SignedPackage.loads(package)
    named: Any = task["func"]
    function: Any = named if callable(named) else pydoc.locate(named)
    name = get_func_repr(named)
    try:
        if function is None:
            raise ValueError(f"Function {name} is not defined")
        task["result"], task["success"] = function(*task["args"], **task["kwargs"]), True
    except Exception as error:  # noqa: BLE001  # the task may raise anything
        task["result"], task["success"] = str(error), False
        note_failure(name, error)
    task["stopped"] = timezone.now()
    monitor.save_task(task, RunningBroker())  # which runs the next task of a chain
    return str(task["id"])
