"""Stands where a library keeps its connection to a server, and refuses what the library asks of it."""

import errno
from typing import Any

from pact_verification.errors import ConnectionRefused
from pact_verification.provider.services.failures import warn


class NoServer:
    """Refuses every command. A replaced library must not reach its server, also where the run allows that server.

    Args:
        library: whose server it stands for.
    """

    def __init__(self, library: str) -> None:
        self._library = library

    def __getattr__(self, command: str) -> Any:
        if command.startswith("__"):  # Python asks for these, such as a copy
            raise AttributeError(command)
        text = (
            f"{self._library} was refused `{command}`: its tasks stay in this process, and it reaches no server. "
            "Mock it in the provider state."
        )
        warn(text)
        raise ConnectionRefused(errno.ECONNREFUSED, text)


def instead_of(server: Any, name: str) -> property:
    """Return an attribute that is always the given server. An instance keeps its own value, for after the run."""

    def keep(instance: Any, value: Any) -> None:
        vars(instance)[name] = value

    return property(lambda instance: server, keep)
