"""Dramatiq: messages run in the request, or go no further. All brokers of the process are replaced.

Of the middleware only pipelines and callbacks take part: the other classes expect a worker's thread, and
django_dramatiq's would close the interaction's database connections.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dramatiq.broker import Broker, MessageProxy
from dramatiq.message import Message
from dramatiq.middleware import Callbacks, Pipelines

from pact_verification.provider.services.attributes import replaced, subclasses_with
from pact_verification.provider.services.failures import note_failure


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""

    def enqueue(broker: Broker, message: "Message[Any]", *, delay: int | None = None) -> "Message[Any]":
        broker.emit_before("enqueue", message, delay)
        sent = Message.decode(message.encode())  # what a worker would get
        broker.emit_after("enqueue", message, delay)
        if eager and not delay:  # with a delay it runs after the response, in production
            _run(broker, sent)
        return message

    with ExitStack() as cleanup:
        for owner in subclasses_with(Broker, "enqueue"):
            cleanup.enter_context(replaced(owner, enqueue=enqueue))
        yield lambda: None


def _run(broker: Broker, message: "Message[Any]") -> None:
    actor = broker.get_actor(message.actor_name)
    result = exception = None
    try:
        result = actor(*message.args, **message.kwargs)
    except Exception as error:  # noqa: BLE001  # the task may raise anything
        exception = error
        note_failure(message.actor_name, error)
    for middleware in broker.middleware:
        if isinstance(middleware, Callbacks | Pipelines):
            middleware.after_process_message(broker, MessageProxy(message), result=result, exception=exception)
