"""Captures the tasks that the project sends through Celery.

A task is made, routed and encoded as ever, and Celery's signals about it are sent. Only its last step is replaced: no
producer puts it into a queue. During a run this stands on top of what `provider/services/celery.py` has replaced.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from celery.app.amqp import AMQP
from celery.app.base import Celery
from celery.app.utils import Settings
from celery.backends.cache import CacheBackend
from celery.exceptions import TimeoutError as ResultTimeout
from kombu.serialization import dumps, loads

from pact_verification.messages.message import Message

_sender = vars(AMQP)["send_task_message"]
"""The property that makes an app's function which sends a task."""


class NoResults(CacheBackend):  # type: ignore[misc]  # Celery ships no types
    """Stands in for the results' backend, since a captured task has no result."""

    def wait_for(self, task_id: str, *args: Any, **options: Any) -> Any:
        """Return a result that is there. Otherwise raise the exception of a time limit at once."""
        meta = self.get_task_meta(task_id)
        if meta["status"] in self.READY_STATES:
            return meta
        raise ResultTimeout(f"The task {task_id} was captured and does not run, so it gets no result.")


class _Producer:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[Any, dict[str, Any]]] = []

    def publish(self, body: Any, **options: Any) -> None:
        self.published.append((body, options))


@contextmanager
def captured_tasks(publish: Callable[[Message], None]) -> Iterator[None]:
    """Capture each task that any app sends within the block."""

    def send(amqp: AMQP, producer: Any, name: str, message: Any, **options: Any) -> None:
        own_headers = set(message.headers)
        into = _Producer()
        _sender.__get__(amqp, AMQP)(into, name, message, **options)
        body, published = into.published[0]  # an event for monitors may follow
        content = _as_received(body, published["serializer"])
        headers = {key: value for key, value in published["headers"].items() if key not in own_headers}
        places = _places(options, amqp.app.conf.task_default_queue)
        publish(Message(content, metadata={"task": name, **places, **({"headers": headers} if headers else {})}))

    with (
        patch.object(AMQP, "send_task_message", property(lambda amqp: partial(send, amqp))),
        patch.object(Celery, "backend", property(lambda app: NoResults(app=app, backend="memory"))),
        patch.object(Settings, "task_always_eager", property(lambda settings: False), create=True),
    ):
        yield


def _as_received(body: Any, serializer: str | None) -> dict[str, Any]:
    """Return a task's arguments as a worker would get them. Raises Celery's EncodeError if they can't be sent."""
    content_type, encoding, data = dumps(body, serializer)
    received = loads(data, content_type, encoding, accept={content_type})
    args, kwargs = (received["args"], received["kwargs"]) if isinstance(received, dict) else received[:2]
    return {"args": list(args), "kwargs": dict(kwargs)}


def _places(options: dict[str, Any], default_queue: str) -> dict[str, str]:
    """Return the queue, exchange and routing key that a task is sent to, by their names.

    A task that names an exchange does not go to the default queue, though Celery adds it.
    """
    named = {key: options.get(key) for key in ("queue", "exchange", "routing_key")}
    texts = {key: str(getattr(value, "name", value)) for key, value in named.items() if value}
    if "exchange" in texts and texts.get("queue") == default_queue:
        del texts["queue"]
    return texts
