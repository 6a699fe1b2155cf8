"""Celery: tasks run in the request, or wait in memory. All apps of the process, also later ones, are replaced.

The classes are changed and not the apps' settings: the environment wins over those, and apps keep pools and backends.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from celery import signals
from celery.app.amqp import AMQP
from celery.app.base import Celery
from celery.app.task import Task
from celery.app.utils import Settings
from celery.backends.base import Backend
from celery.backends.cache import _DUMMY_CLIENT_CACHE, CacheBackend
from celery.exceptions import TimeoutError as ResultTimeout
from kombu import Connection, pools
from kombu.transport.memory import Channel

from pact_verification.provider.services.attributes import replaced, subclasses_with
from pact_verification.provider.services.failures import note_failure

MEMORY = "memory://localhost/"

_sending: ContextVar[bool] = ContextVar("pact_celery_sending", default=False)
"""Whether a task is sent to the broker in memory, because it has a delay or no code here."""


class MemoryBackend(CacheBackend):  # type: ignore[misc]  # Celery ships no types
    """Keeps results in this process."""

    def wait_for(self, task_id: str, *args: Any, **options: Any) -> Any:
        """Return a result that is there. Raise the exception of a time limit at once, since no worker runs."""
        meta = self.get_task_meta(task_id)
        if meta["status"] in self.READY_STATES:
            return meta
        raise ResultTimeout(f"No worker runs during a verification, so the task {task_id} gets no result.")


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace.

    A task that fails does not raise in the request, as `task_eager_propagates` would make it: in production the
    response does not depend on it.
    """
    with ExitStack() as cleanup:
        for owner, attributes in _attributes(eager=eager):
            cleanup.enter_context(replaced(owner, **attributes))
        signals.task_failure.connect(_note_failure)
        cleanup.callback(signals.task_failure.disconnect, _note_failure)
        yield _empty


def _attributes(*, eager: bool) -> Iterator[tuple[type, dict[str, Any]]]:
    backends: dict[int, MemoryBackend] = {}  # each keeps its app, so that no other app gets the id
    own_backend, send_task, apply_async = Celery.backend, Celery.send_task, Task.apply_async

    def backend(app: Celery) -> Any:
        configured = str(app.backend_cls or app.conf.result_backend or "")
        if configured.startswith("django-"):  # results in the project's database or cache, which are the run's own
            return own_backend.fget(app)
        if id(app) not in backends:
            backends[id(app)] = MemoryBackend(app=app, backend="memory")
        return backends[id(app)]

    def send(app: Celery, name: str, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """Run a task that is sent by its name, if its code is here."""
        if eager and not _sending.get() and not more and "task_type" not in options and name in app.tasks:
            return app.tasks[name].apply_async(args, kwargs, **options)
        return _to_memory(send_task, app, name, args, kwargs, *more, **options)

    def apply(task: Task, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """Keep a task with a delay: in production it runs after the response."""
        delayed = options.get("countdown") or options.get("eta")
        return (_to_memory if delayed else _call)(apply_async, task, args, kwargs, *more, **options)

    yield (
        Settings,
        {
            "task_always_eager": property(lambda settings: eager and not _sending.get()),
            "task_eager_propagates": property(lambda settings: False),
        },
    )
    yield (
        Celery,
        {
            "backend": property(backend),
            "pool": property(lambda app: pools.connections[Connection(MEMORY)]),
            "_connection": lambda app, *args, **options: Connection(MEMORY),
            "send_task": send,
        },
    )
    yield Backend, {"_ensure_not_eager": lambda backend: None}  # it would warn of what is no fault in production
    yield AMQP, {"producer_pool": property(lambda amqp: pools.producers[Connection(MEMORY)])}
    yield Task, {"apply_async": apply}
    stores = property(_stores)  # each task's class has copied the setting
    for owner in {Task, *subclasses_with(Task, "store_eager_result")}:
        yield owner, {"store_eager_result": stores}


def _stores(task: Task) -> bool:
    """Tell whether a task that runs in the request stores its result. In memory it does, as a worker would."""
    return isinstance(task.backend, MemoryBackend) or task.app.conf.task_store_eager_result


def _call(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    return function(*args, **options)


def _to_memory(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    token = _sending.set(True)
    try:
        return function(*args, **options)
    finally:
        _sending.reset(token)


def _note_failure(sender: Any, exception: BaseException, **more: Any) -> None:
    note_failure(sender.name, exception)


def _empty() -> None:
    for queue in Channel.queues.values():
        queue.queue.clear()
    _DUMMY_CLIENT_CACHE.clear()
