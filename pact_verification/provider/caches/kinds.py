"""Which cache backends a run can use, and which servers they need."""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import CacheHandler
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string

CONNECT_SECONDS = 1.0
"""How long a cache server may take to accept a connection."""

DUMMY, MEMORY, FILES, TABLE, MEMCACHED, REDIS = "dummy", "memory", "files", "table", "memcached", "redis"

KINDS = {
    "django.core.cache.backends.dummy.DummyCache": DUMMY,
    "django.core.cache.backends.locmem.LocMemCache": MEMORY,
    "django.core.cache.backends.filebased.FileBasedCache": FILES,
    "django.core.cache.backends.db.DatabaseCache": TABLE,  # in the test database
    "django.core.cache.backends.memcached.BaseMemcachedCache": MEMCACHED,
    "django.core.cache.backends.redis.RedisCache": REDIS,
    "django_redis.cache.RedisCache": REDIS,
    "django_valkey.base.BaseValkeyCache": REDIS,
}
"""The backends whose keys a run can keep apart. A subclass is of the same kind."""

PORTS = {MEMCACHED: 11211, REDIS: 6379}
"""The default ports of the kinds that need a server."""

Server = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""


def kind_of(backend: type[BaseCache]) -> str | None:
    """Return the kind of a backend's nearest known base class; None if it has none."""
    names = (f"{each.__module__}.{each.__qualname__}" for each in backend.__mro__)
    return next((KINDS[name] for name in names if name in KINDS), None)


def servers_of(config: Mapping[str, Any]) -> Iterator[Server]:
    """Yield the servers that the settings of a cache name."""
    kind = kind_of(import_string(config["BACKEND"]))
    if kind not in PORTS:
        return
    location = config.get("LOCATION") or ()
    locations = location.replace(";", ",").split(",") if isinstance(location, str) else location
    for each in config.get("OPTIONS", {}).get("SENTINELS") or locations:
        if not isinstance(each, str):
            yield str(each[0]), int(each[1])
        elif each.startswith(("/", "unix:")):
            yield urlsplit(each).path
        else:
            parts = urlsplit(each if "://" in each else f"//{each}")
            yield parts.hostname or "localhost", parts.port or PORTS[kind]


def why_unusable(alias: str, config: Mapping[str, Any], *, asked: bool) -> str | None:
    """Return in a sentence why a run can't use the backend of a cache; None if it can.

    A process asks a server once: pytest does it for each interaction.

    Args:
        asked: whether PACT_CACHES asks for it. Then its kind need not be known.
    """
    question = alias, repr(config), asked
    if question not in _answers:
        _answers[question] = _ask(alias, config, asked=asked)
    return _answers[question]


_answers: dict[tuple[str, str, bool], str | None] = {}


def _ask(alias: str, config: Mapping[str, Any], *, asked: bool) -> str | None:
    try:
        kind = kind_of(import_string(config["BACKEND"]))
    except ImportError as error:
        return f"its backend can't be imported ({error})."
    if kind is None and not asked:
        return "the run does not know how to keep the keys of this backend apart."
    if kind == DUMMY:
        return None
    return _why_no_answer(alias, config, kind)


def _why_no_answer(alias: str, config: Mapping[str, Any], kind: str | None) -> str | None:
    for server in servers_of(config):
        if problem := _connection_error(server):
            name = server if isinstance(server, str) else "{}:{}".format(*server)
            return f"its server {name} can't be reached ({problem})."
    options = repr(config.get("OPTIONS", {}))
    if kind == REDIS and ("entinel" in options or "luster" in options):
        return "it uses Redis Sentinel or Cluster, which the run does not support."
    if kind == REDIS and not iscoroutinefunction(import_string(config["BACKEND"]).get):
        try:
            with closing(CacheHandler({alias: config}).create_connection(alias)) as cache:
                cache.get("pact_verification")
        except Exception as error:  # noqa: BLE001  # a missing library, a wrong password: each client has exceptions of its own
            return f"it can't be used ({type(error).__name__}: {error})."
    return None


def _connection_error(server: Server) -> str | None:
    try:
        if isinstance(server, str):
            if sys.platform == "win32":
                return "Python has no Unix sockets on Windows"
            with closing(socket.socket(socket.AF_UNIX)) as connection:
                connection.settimeout(CONNECT_SECONDS)
                connection.connect(server)
        else:
            socket.create_connection(server, timeout=CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
