"""Commands to the Redis of a cache. It is the project's, so a run sends only those for keys of its own."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import Any
from unittest.mock import patch

KEYLESS = frozenset(
    [
        "ASKING",
        "AUTH",
        "CLIENT",
        "CLUSTER",
        "COMMAND",
        "DBSIZE",
        "DISCARD",
        "ECHO",
        "EXEC",
        "HELLO",
        "INFO",
        "MULTI",
        "PING",
        "QUIT",
        "READONLY",
        "READWRITE",
        "ROLE",
        "SCRIPT",
        "SELECT",
        "SENTINEL",
        "TIME",
        "UNWATCH",
    ]
)
"""Commands that neither read nor change a key."""

ONE_PATTERN = frozenset({"SCAN"})
TWO_KEYS = frozenset(["BLMOVE", "BRPOPLPUSH", "COPY", "LMOVE", "RENAME", "RENAMENX", "RPOPLPUSH", "SMOVE"])
ALL_KEYS = frozenset(
    [
        "DEL",
        "EXISTS",
        "MGET",
        "PFCOUNT",
        "PFMERGE",
        "SDIFF",
        "SDIFFSTORE",
        "SINTER",
        "SINTERSTORE",
        "SUNION",
        "SUNIONSTORE",
        "TOUCH",
        "UNLINK",
        "WATCH",
    ]
)
KEYS_AND_VALUES = frozenset({"MSET", "MSETNX"})
COUNTED_KEYS = frozenset(["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO"])
"""Commands by where their keys are. All others have one key, which is the first argument."""

LIBRARIES = ("redis", "valkey")

Judge = Callable[[str, str, int | None], str | None]
"""Returns why a command is refused, by its name and the server's host and port; None if the server may get all."""


@contextmanager
def refusing_foreign_keys(token: str, judge: Judge) -> Iterator[None]:
    """Refuse commands for keys that are not the run's, until the block ends.

    A prefix can't hold back what goes around Django's cache: a client of the project's own, a queue in the same Redis,
    `flushall`. The exception is the one that a Redis with access rules raises.

    Args:
        token: part of the run's keys.
    """
    with ExitStack() as cleanup:
        for library in LIBRARIES:
            with suppress(ImportError):
                error = import_module(f"{library}.exceptions").NoPermissionError
                for module in (f"{library}.connection", f"{library}.asyncio.connection"):
                    connection = import_module(module).AbstractConnection
                    send, pack = _checking(connection, token.encode(), judge, error)
                    cleanup.enter_context(patch.object(connection, "send_command", send))
                    cleanup.enter_context(patch.object(connection, "pack_commands", pack))
        yield


def _checking(connection: Any, token: bytes, judge: Judge, error: type[Exception]) -> tuple[Any, Any]:
    """Return the methods of a connection that send one command and several, which check them before."""
    original_send, original_pack = connection.send_command, connection.pack_commands

    def check(to: Any, command: tuple[Any, ...]) -> None:
        name = str(command[0]).upper() if command else ""
        if _is_own(name, command, token):
            return
        reason = judge(name, str(getattr(to, "host", getattr(to, "path", ""))), getattr(to, "port", None))
        if reason is not None:
            raise error(reason)

    def send_command(to: Any, *command: Any, **options: Any) -> Any:
        check(to, command)
        return original_send(to, *command, **options)

    def pack_commands(to: Any, commands: Iterable[Iterable[Any]]) -> Any:
        several = [tuple(command) for command in commands]
        for command in several:
            check(to, command)
        return original_pack(to, several)

    return send_command, pack_commands


def _is_own(name: str, command: tuple[Any, ...], token: bytes) -> bool:
    words = name.split()
    if words and words[0] in KEYLESS:
        return "FLUSH" not in (words[1:] or [str(each).upper() for each in command[1:2]])
    if name in ONE_PATTERN:
        return any(token in _bytes(each) for each in command[1:])
    keys = _keys_of(name, command[1:])
    return bool(keys) and all(token in _bytes(each) for each in keys)


def _keys_of(name: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    if name in COUNTED_KEYS:
        count = str(arguments[1]) if len(arguments) > 1 else ""
        return arguments[2 : 2 + int(count)] if count.isdecimal() else ()
    if name in ALL_KEYS:
        return arguments
    if name in KEYS_AND_VALUES:
        return arguments[::2]
    return arguments[: 2 if name in TWO_KEYS else 1]


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else str(value).encode(errors="replace")
