"""Django Q2: tasks run in the request, or go no further."""

import pydoc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from django_q import monitor, tasks
from django_q.brokers import Broker
from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.utils import get_func_repr

from pact_verification.provider.services.attributes import replaced, replaced_everywhere
from pact_verification.provider.services.failures import note_failure
from pact_verification.provider.services.refusing import NoServer, instead_of


class NoBroker(Broker):  # type: ignore[misc]  # Django Q2 ships no types
    """A broker that sends nothing, and has nothing."""

    def queue_size(self) -> int:
        """Return how many tasks wait."""
        return 0

    def lock_size(self) -> int:
        """Return how many tasks wait to be acknowledged."""
        return 0

    def ping(self) -> bool:
        """Tell that the broker answers."""
        return True


class RunningBroker(NoBroker):
    """A broker that runs each task at once.

    Django Q2's own `sync` starts a worker, which needs the main thread's signals and lets a failure reach the request.
    """

    def enqueue(self, task: Any) -> str:
        """Run a task, and return its id."""
        return _run(task)


ASKING = (
    *("enqueue", "dequeue", "acknowledge", "fail", "delete", "delete_queue", "purge_queue"),
    *("queue_size", "lock_size", "ping", "info", "set_stat", "get_stat", "get_stats"),
)
"""A broker's methods that reach its server."""


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""
    own = RunningBroker if eager else NoBroker
    methods = {name: getattr(own, name) for name in ASKING}
    connection = instead_of(NoServer("Django Q2"), "connection")
    with (
        replaced(Conf, BROKER_CLASS=f"{__name__}.{own.__name__}"),  # of all brokers that come later
        replaced_everywhere(Broker, connection=connection, **methods),  # and of those that the project has
        replaced(tasks, _sync=_run),
        replaced(monitor, close_old_django_connections=lambda: None),  # it would end the interaction's transaction
    ):
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
