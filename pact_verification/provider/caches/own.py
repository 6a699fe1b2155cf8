"""Gives the project the run's caches, and takes them back."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from inspect import iscoroutinefunction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from asgiref.local import Local
from django.conf import settings
from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.provider.caches.keys import Keys
from pact_verification.provider.caches.kinds import DUMMY, MEMORY, REDIS, Server, kind_of, servers_of, why_unusable
from pact_verification.provider.caches.redis_commands import Judge, refusing_foreign_keys
from pact_verification.provider.caches.replaced import ReplacedCache


class OwnCaches:
    """The caches of a run.

    Attributes:
        reasons: why the run replaces a cache, by its alias and settings; None for one that keeps its backend.
        replaced: the caches in memory that the project has got.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.reasons: dict[tuple[str, str], str | None] = {}
        self.replaced: list[ReplacedCache] = []

    def why_replaced(self, alias: str, config: Mapping[str, Any]) -> str | None:
        """Return why the run replaces a cache; None if it does not.

        Raises CannotVerify if PACT_CACHES asks for a backend that can't be used.
        """
        key = alias, repr(config)
        if key not in self.reasons:
            wish = conf.PACT_CACHES.get(alias)
            reason = "PACT_CACHES says so."
            if wish != "memory":
                reason = why_unusable(alias, config, asked=wish == "project") or self._why_not_apart(config) or ""
            if reason and wish == "project":
                raise CannotVerify(
                    f"PACT_CACHES asks for the project's cache {alias!r}, and the run can't use it: {reason} Mend "
                    'that, or set it to "memory".'
                )
            self.reasons[key] = reason or None
        return self.reasons[key]

    def make(self, handler: CacheHandler, alias: str) -> BaseCache:
        """Make a cache, as Django's handler does for each thread."""
        config = handler.settings[alias]
        if reason := self.why_replaced(alias, config):
            self.replaced.append(ReplacedCache(alias, reason, config))
            return self.replaced[-1]
        return self._make(config)

    @contextmanager
    def replacing(self, taken: BaseCache, alias: str) -> Iterator[None]:
        """Replace a cache that a module has taken at its import, such as `sessions = caches["sessions"]`."""
        config = settings.CACHES[alias]
        backend, attributes = type(taken), dict(vars(taken))
        if reason := self.why_replaced(alias, config):
            taken.__class__ = ReplacedCache
            vars(taken).clear()
            ReplacedCache.__init__(taken, alias, reason, config)  # type: ignore[arg-type]  # it has become one
            self.replaced.append(taken)  # type: ignore[arg-type]  # as above
        else:
            taken.__class__ = self.keys.own_class(backend, config)
        try:
            yield
        finally:
            taken.__class__ = backend
            if reason:
                self.replaced.remove(taken)  # type: ignore[arg-type]  # as above
                vars(taken).clear()
                vars(taken).update(attributes)

    @contextmanager
    def in_use(self, judge: Judge) -> Iterator[None]:
        """Give the project these caches until the block ends.

        Args:
            judge: see redis_commands.
        """
        with ExitStack() as cleanup:
            handler: Any = caches  # the stubs do not know where it keeps a thread's caches
            cleanup.callback(setattr, handler, "_connections", handler._connections)
            cleanup.callback(setattr, self.keys, "in_use", False)
            self.keys.in_use = True
            for alias, config in settings.CACHES.items():
                self.why_replaced(alias, config)  # before the project's code runs: it may end the run
            for alias in caches:
                taken = getattr(handler._connections, alias, None)
                if taken is not None:
                    cleanup.enter_context(self.replacing(taken, alias))
            handler._connections = Local(caches.thread_critical)

            def create_connection(handler: CacheHandler, alias: str) -> BaseCache:
                return self.make(handler, alias)

            cleanup.enter_context(patch.object(CacheHandler, "create_connection", create_connection))
            if any(_is_redis(config) for config in settings.CACHES.values()):  # also one that is replaced
                cleanup.enter_context(refusing_foreign_keys(self.keys.token, judge))
            _running.append(self)
            cleanup.callback(_running.pop)
            yield

    @property
    def notes(self) -> tuple[str, ...]:
        """A note for each cache that is in memory though PACT_CACHES does not say so."""
        return tuple(
            f"The cache {alias!r} ({config['BACKEND']}) is in memory in this run: {reason} PACT_CACHES accepts that by "
            f'"memory", and refuses it by "project".'
            for alias, config in settings.CACHES.items()
            if alias not in conf.PACT_CACHES and (reason := self.why_replaced(alias, config))
        )

    def _make(self, config: Mapping[str, Any]) -> BaseCache:
        params = {key: value for key, value in config.items() if key not in {"BACKEND", "LOCATION"}}
        own_class: Any = self.keys.own_class(import_string(config["BACKEND"]), config)
        cache: BaseCache = own_class(config.get("LOCATION", ""), params)
        return cache

    def _why_not_apart(self, config: Mapping[str, Any]) -> str | None:
        """Return a sentence if keys of a backend don't begin with its prefix; None if they do."""
        if _kind(config) == DUMMY:
            return None
        cache: Any = self._make(config)
        made = [cache.make_key("key")]
        if hasattr(cache, "client"):  # django-redis and django-valkey have a client class, which may be the project's
            made += [cache.client.make_key("key"), cache.client.make_pattern("*")]
        if all(self.keys.token in str(key) for key in made):
            return None
        if "KEY_FUNCTION" in config:
            return f"its KEY_FUNCTION leaves out the prefix ({config['KEY_FUNCTION']!r})."
        return "its keys leave out the prefix."


_running: list[OwnCaches] = []
"""The caches of the run in this process, while there is one."""


@contextmanager
def run_caches(token: str, folder: Path | None = None) -> Iterator[OwnCaches]:
    """Make the caches of a run, and delete what they hold at its end.

    Args:
        token: part of all keys, from `new_token()`.
        folder: where a new folder for caches in files is made; by default the system's folder for temporary files.

    Raises:
        CannotVerify: PACT_CACHES names an unknown alias.
    """
    for alias in conf.PACT_CACHES.keys() - settings.CACHES.keys():
        known = ", ".join(map(repr, settings.CACHES))
        raise CannotVerify(
            f"PACT_CACHES names {alias!r}, and CACHES has no such alias. Use one of {known}, or remove it."
        )
    with TemporaryDirectory(prefix="verify_pacts", dir=folder) as files:
        try:
            yield OwnCaches(Keys(token, Path(files)))
        finally:
            forget_keys(token)


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
    """Return the servers of the caches that PACT_CACHES does not put into memory."""
    found: set[Server] = set()
    for alias, config in settings.CACHES.items():
        if conf.PACT_CACHES.get(alias) != "memory":
            with suppress(ImportError):
                found |= {*servers_of(config)}
    return found


def forget_keys(token: str) -> None:
    """Delete the keys of a run from Redis, and from the memory of this process.

    Other caches drop them by themselves: memcached when it needs the memory, the others with the run.
    """
    done = []
    for alias, config in settings.CACHES.items():
        place = config["BACKEND"], config.get("LOCATION")
        with suppress(Exception):  # a server that can't be reached drops them when their time is over
            if (kind := _kind(config)) in {MEMORY, REDIS} and place not in done:
                done.append(place)
                with closing(CacheHandler(settings.CACHES).create_connection(alias)) as cache:
                    (_forget_in_memory if kind == MEMORY else _forget_in_redis)(cache, token)


def _kind(config: Mapping[str, Any]) -> str | None:
    return kind_of(import_string(config["BACKEND"]))


def _is_redis(config: Mapping[str, Any]) -> bool:
    with suppress(ImportError):
        return _kind(config) == REDIS
    return False


def _forget_in_memory(cache: Any, token: str) -> None:
    for key in [key for key in cache._cache if token in key]:
        cache._delete(key)


def _forget_in_redis(cache: Any, token: str) -> None:
    if iscoroutinefunction(cache.get):
        return
    client = cache.client if hasattr(cache, "client") else cache._cache
    shards = getattr(client, "_serverdict", None)
    for server in list(shards.values()) if shards else [client.get_client(write=True)]:
        for key in server.scan_iter(match=f"*{token}.*", count=1000):
            server.unlink(key)
        server.connection_pool.disconnect()
