"""Replaces the services of the libraries that the project has loaded."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module

from pact_verification.conf import conf
from pact_verification.provider.services import settings

Empty = Callable[[], None]
"""Removes what an interaction has left in a service."""

Replace = Callable[[bool], AbstractContextManager[Empty]]
"""Replaces the services of one library until the block ends. The argument is whether tasks run in the request."""

FILES = {
    "celery.app.base": "celery",
    "channels.layers": "channels",
    "django.tasks": "django_tasks",
    "django_q.tasks": "django_q",
    "django_tasks": "django_tasks",
    "dramatiq.broker": "dramatiq",
    "huey.api": "huey",
    "rq.queue": "rq",
}
"""The module here that replaces a library's services, by a module that the library always loads."""

UNSEEN = {
    "confluent_kafka": "Kafka (confluent_kafka)",
    "grpc": "gRPC (grpc)",
    "proton": "AMQP (proton)",
    "pulsar": "Pulsar (pulsar)",
    "pycurl": "HTTP (pycurl)",
    "uvloop": "asyncio (uvloop)",
    "zmq": "ZeroMQ (zmq)",
}
"""Libraries that send through sockets of their own in C, by their modules."""


class Services:
    """The services that are replaced while a run goes on."""

    def __init__(self, cleanup: ExitStack, *, eager: bool) -> None:
        self.cleanup = cleanup
        self.eager = eager
        self.emptying: dict[str, Empty] = {}

    def replace_loaded(self) -> None:
        """Replace the services of each library that has been loaded since the last call."""
        for module, file in FILES.items():
            if module not in self.emptying and module in sys.modules:
                # Imported here, since it imports the library.
                replace: Replace = import_module(f"{__package__}.{file}").replace
                self.emptying[module] = self.cleanup.enter_context(replace(self.eager))


_running: list[Services] = []


@contextmanager
def own_services() -> Iterator[None]:
    """Give the project services of the run's own until the block ends.

    Settings are replaced at once, before the project's modules load. Libraries are replaced by `replace_services`.
    """
    eager = conf.PACT_TASKS == "eager"
    with ExitStack() as cleanup:
        cleanup.enter_context(settings.replaced_settings(eager=eager))
        _running.append(Services(cleanup, eager=eager))
        cleanup.callback(_running.pop)
        replace_services()
        yield


def replace_services() -> None:
    """Replace the services of libraries that the project has loaded. A view may load one late."""
    for services in _running[-1:]:
        services.replace_loaded()


def empty_services() -> None:
    """Remove the tasks and messages of the interaction before."""
    replace_services()
    for services in _running[-1:]:
        for empty in services.emptying.values():
            empty()


def note_unseen() -> tuple[str, ...]:
    """Return a note on the libraries whose connections a run can't see; none if the project has loaded none."""
    loaded = [name for module, name in UNSEEN.items() if module in sys.modules]
    if not loaded:
        return ()
    note = (
        f"The run does not see what the project sends through {', '.join(loaded)}: the library does not use Python's "
        "sockets. Mock it in the provider states."
    )
    return (note,)
