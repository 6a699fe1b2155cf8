"""Gives the project the run's caches, and takes them back."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from asgiref.local import Local
from django.conf import settings
from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.provider.caches.keys import Keys
from pact_verification.provider.caches.kinds import MEMORY, REDIS, Server, kind_of, servers_of, why_unusable
from pact_verification.provider.caches.replaced import ReplacedCache


class OwnCaches:
    """The caches of a run.

    Attributes:
        reasons: why the run replaces a cache, by alias; None for one that keeps its backend.
        replaced: the caches in memory that the project has got.
    """

    def __init__(self, keys: Keys, reasons: Mapping[str, str | None]) -> None:
        self.keys = keys
        self.reasons = reasons
        self.replaced: list[ReplacedCache] = []

    def make(self, handler: CacheHandler, alias: str) -> BaseCache:
        """Make a cache, as Django's handler does for each thread."""
        config = handler.settings[alias]
        if reason := self.reasons.get(alias):
            self.replaced.append(ReplacedCache(alias, reason, config))
            return self.replaced[-1]
        params = {key: value for key, value in config.items() if key not in {"BACKEND", "LOCATION"}}
        own_class: Any = self.keys.own_class(import_string(config["BACKEND"]), config)
        cache: BaseCache = own_class(config.get("LOCATION", ""), params)
        return cache

    @property
    def notes(self) -> tuple[str, ...]:
        """A note for each cache that is in memory though PACT_CACHES does not say so."""
        return tuple(
            f"The cache {alias!r} ({settings.CACHES[alias]['BACKEND']}) is in memory in this run: {reason}"
            for alias, reason in self.reasons.items()
            if reason and alias not in conf.PACT_CACHES
        )


_running: list[OwnCaches] = []
"""The caches of the run in this process, while there is one."""


@contextmanager
def own_caches(token: str, folder: Path) -> Iterator[OwnCaches]:
    """Give the project caches with keys of the run's own until the block ends.

    Args:
        token: part of all keys, from `new_token()`.
        folder: for caches in files.

    Raises:
        CannotVerify: PACT_CACHES names an unknown alias, or asks for a backend that can't be used.
    """
    for alias in conf.PACT_CACHES.keys() - settings.CACHES.keys():
        known = ", ".join(map(repr, settings.CACHES))
        raise CannotVerify(f"PACT_CACHES names {alias!r}, and CACHES has no such alias. It has {known}.")
    keys = Keys(token, folder)
    run = OwnCaches(keys, {alias: _why_replaced(alias) for alias in settings.CACHES})
    with ExitStack() as cleanup:
        handler: Any = caches  # the stubs do not know where it keeps a thread's caches
        cleanup.callback(setattr, handler, "_connections", handler._connections)
        # A module may have taken a reference at its import, such as `sessions = caches["sessions"]`.
        for alias in caches:
            taken = getattr(handler._connections, alias, None)
            if taken is not None and not run.reasons[alias]:
                cleanup.callback(setattr, taken, "__class__", type(taken))
                taken.__class__ = keys.own_class(type(taken), settings.CACHES[alias])
        handler._connections = Local(caches.thread_critical)
        cleanup.callback(forget_keys, token)

        def create_connection(handler: CacheHandler, alias: str) -> BaseCache:
            return run.make(handler, alias)

        cleanup.enter_context(patch.object(CacheHandler, "create_connection", create_connection))
        if any(not reason and _kind(alias) == REDIS for alias, reason in run.reasons.items()):
            cleanup.enter_context(_refusing_to_flush())
        _running.append(run)
        cleanup.callback(_running.pop)
        yield run


def open_caches() -> None:
    """Make the caches of this thread. Otherwise each interaction would make and connect its own."""
    for alias in settings.CACHES:
        with suppress(Exception):  # a request that uses it reports the error
            caches[alias]


def empty_caches() -> None:
    """Empty the run's caches, for the next interaction."""
    for run in _running[-1:]:
        run.keys.forget_all()
        for cache in run.replaced:
            cache.clear()


def cache_servers() -> set[Server]:
    """Return the servers of the caches that keep their backends in this run."""
    reasons = _running[-1].reasons if _running else {}
    return {server for alias, reason in reasons.items() if not reason for server in servers_of(settings.CACHES[alias])}


def forget_keys(token: str) -> None:
    """Delete the keys of a run from Redis, and from the memory of this process.

    Other caches drop them by themselves: memcached when it needs the memory, the others with the run.
    """
    for alias in settings.CACHES:
        with suppress(Exception):  # a server that can't be reached drops them when their time is over
            if (kind := _kind(alias)) in {MEMORY, REDIS}:
                with closing(CacheHandler(settings.CACHES).create_connection(alias)) as cache:
                    (_forget_in_memory if kind == MEMORY else _forget_in_redis)(cache, token)


def _why_replaced(alias: str) -> str | None:
    """Return why the run replaces a cache; None if it does not."""
    wish = conf.PACT_CACHES.get(alias)
    if wish == "memory":
        return "PACT_CACHES says so."
    reason = why_unusable(alias, settings.CACHES[alias], asked=wish == "project")
    if reason and wish == "project":
        raise CannotVerify(f"PACT_CACHES asks for the project's cache {alias!r}, and the run can't use it: {reason}")
    return reason


def _kind(alias: str) -> str | None:
    return kind_of(import_string(settings.CACHES[alias]["BACKEND"]))


def _forget_in_memory(cache: Any, token: str) -> None:
    for key in [key for key in cache._cache if token in key]:
        cache._delete(key)


def _forget_in_redis(cache: Any, token: str) -> None:
    client = (cache.client if hasattr(cache, "client") else cache._cache).get_client(write=True)
    for key in client.scan_iter(match=f"*{token}.*", count=1000):
        client.unlink(key)
    client.connection_pool.disconnect()


@contextmanager
def _refusing_to_flush() -> Iterator[None]:
    """Refuse the commands that would empty a Redis of the project's, which no prefix can hold back."""
    with ExitStack() as cleanup:
        for library in ("redis", "valkey"):
            with suppress(ImportError):
                commands = import_module(f"{library}.commands.core").ManagementCommands
                for name in ("flushdb", "flushall"):
                    cleanup.enter_context(patch.object(commands, name, _refusal(name)))
        yield


def _refusal(name: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise CannotVerify(
            f"The run refused {name}(), which would empty a Redis of the project's. Django's cache is empty at the "
            "beginning of each interaction. For other keys, delete each by its name."
        )

    return refuse
