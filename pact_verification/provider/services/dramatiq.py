"""Dramatiq: messages run in the request, or go no further. All brokers of the process are replaced.

Of the middleware only pipelines, callbacks and results take part. The other classes expect a worker's thread, and
django_dramatiq's would close the interaction's database connections.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dramatiq.broker import Broker, MessageProxy
from dramatiq.message import Message
from dramatiq.middleware import Callbacks, Pipelines
from dramatiq.results import Missing, ResultBackend, Results

from pact_verification.provider.services.attributes import replaced, replaced_everywhere, subclasses_with
from pact_verification.provider.services.failures import note_failure
from pact_verification.provider.services.refusing import NoServer, instead_of

NO_BROKER = NoServer("Dramatiq")

SERVERS: dict[str, Any] = {
    "connection": instead_of(NO_BROKER, "connection"),
    "channel": instead_of(NO_BROKER, "channel"),
    "_ensure_queue": lambda broker, queue: None,
    "get_queue_message_counts": lambda broker, queue: (0, 0, 0),
}
"""The further attributes of a broker that reach its server."""


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

    results: dict[str, Any] = {}
    get_result = ResultBackend.get_result

    def get(backend: ResultBackend, message: "Message[Any]", **options: Any) -> Any:
        """Return a result that is there. Don't wait for another, since no worker runs."""
        return get_result(backend, message, block=False)

    def store(backend: ResultBackend, key: str, result: Any, ttl: int) -> None:
        results[key] = result

    in_memory = {"get_result": get, "_get": lambda backend, key: results.get(key, Missing), "_store": store}
    nothing = {name: lambda broker, *args, **options: None for name in ("flush", "flush_all", "join")}
    with ExitStack() as cleanup:
        cleanup.enter_context(replaced_everywhere(Broker, enqueue=enqueue, **nothing))
        for name, server in SERVERS.items():
            for owner in subclasses_with(Broker, name):
                cleanup.enter_context(replaced(owner, **{name: server}))
        if redis := sys.modules.get("dramatiq.brokers.redis"):
            cleanup.enter_context(
                replaced(redis.RedisBroker, client=instead_of(NO_BROKER, "client"), _dispatch=_refuse)
            )
        cleanup.enter_context(replaced_everywhere(ResultBackend, **in_memory))
        yield results.clear


def _refuse(broker: Broker, command: str) -> Callable[..., Any]:
    """Return what refuses a command of the broker's: `do_purge` and its like run a script in Redis."""
    return lambda *args: getattr(NO_BROKER, command)()


def _run(broker: Broker, message: "Message[Any]") -> None:
    actor = broker.get_actor(message.actor_name)
    result = exception = None
    try:
        result = actor(*message.args, **message.kwargs)
    except Exception as error:  # noqa: BLE001  # the task may raise anything
        exception = error
        note_failure(message.actor_name, error)
    done = MessageProxy(message)
    for middleware in broker.middleware:
        if isinstance(middleware, Callbacks | Pipelines | Results):
            middleware.after_process_message(broker, done, result=result, exception=exception)
        if exception and isinstance(middleware, Results):
            done.stuff_exception(exception)
            done.fail()
            middleware.after_nack(broker, done)
