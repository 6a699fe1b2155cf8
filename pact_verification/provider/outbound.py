"""Refuses connections to other servers: nothing of a run may leave this process.

Python reports each connection and look-up to an audit hook, which can refuse it by an exception. The hook sees every
library that uses Python's sockets, and asyncio. It does not see libraries that use sockets in C, such as libpq.
"""

import asyncio
import errno
import re
import socket
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from configparser import Error as ConfigParserError
from configparser import RawConfigParser
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pact_verification.conf import conf
from pact_verification.errors import ConnectionRefused, StillRefused
from pact_verification.provider.caches.own import cache_servers
from pact_verification.system import clock

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "oracle": 1521}
"""The ports of databases whose PORT is empty. Other vendors may use any port of their host."""

OF_MULTIPROCESSING = re.compile(r"/pymp-[^/]+/listener-[^/]+$")
"""The Unix sockets of Python's multiprocessing. Each process chooses a folder of its own."""

answering: ContextVar[bool] = ContextVar("pact_answering", default=False)
"""Whether this code belongs to the interaction that runs. asyncio and asgiref hand it on to other threads."""


@dataclass
class Refusals:
    """The servers that the run refused, with the time of the first attempt, until the request handler takes them.

    Attributes:
        of_interaction: those of the interaction that runs, as texts for the report.
        elsewhere: those of other threads, such as one that reports errors to a service.
        patience: how many seconds a library may try one server. It then gets an exception that is no OSError, and so
            ends its retries. By then the interaction has exceeded its time, so that changes no outcome.
        announce: takes each server at its first attempt. If the project waits for it without an end, nothing else
            tells which one it was.
    """

    of_interaction: dict[str, float] = field(default_factory=dict)
    elsewhere: dict[str, float] = field(default_factory=dict)
    patience: float = 5.0
    announce: Callable[[str], None] = lambda server: None

    def note(self, server: str, text: str) -> float:
        """Note an attempt, and the text that a report shows. Returns the seconds since the first one."""
        known, name = (self.of_interaction, text) if answering.get() else (self.elsewhere, server)
        if name not in known:
            known[name] = clock.seconds()
            self.announce(server)
        return clock.seconds() - known[name]


refusals = Refusals()


def taken(servers: dict[str, float]) -> tuple[str, ...]:
    """Return the refused servers, and forget them."""
    names = tuple(servers)
    servers.clear()
    return names


def refusal_text(server: str) -> str:
    """Return what a report says of a refused server."""
    return (
        f"The run refused a connection to {server}, since nothing of a run may leave this process. Mock it in the "
        "provider state, or name the host in PACT_ALLOWED_HOSTS."
    )


def elsewhere_text(servers: Iterable[str]) -> str:
    """Return the note on servers that the run refused to other threads than the live server's."""
    return (
        f"Beside the interactions the run refused connections to {', '.join(servers)}, since nothing of a run may "
        "leave this process. PACT_ALLOWED_HOSTS names hosts that it may reach."
    )


@contextmanager
def refusing_connections(*more: str) -> Iterator["Outbound"]:
    """Refuse connections from this process to servers that are not allowed, until the block ends.

    Args:
        more: further servers that are allowed, as PACT_ALLOWED_HOSTS names them.
    """
    global _outbound  # noqa: PLW0603  # a process has one audit hook, which can't be removed
    before = _outbound
    outbound = Outbound()
    outbound.allow(*conf.PACT_ALLOWED_HOSTS, *database_servers(), *_cache_servers(), *more)
    _install()
    _outbound = outbound
    try:
        with patch.object(asyncio.BaseEventLoop, "getaddrinfo", _look_up_in_context):
            yield outbound
    finally:
        _outbound = before


async def _look_up_in_context(loop: asyncio.BaseEventLoop, host: Any, port: Any, **options: Any) -> Any:
    """Look a name up on another thread, as asyncio does, but in the context of the interaction that asks."""
    look_up = partial(copy_context().run, socket.getaddrinfo, host, port, **options)
    return await loop.run_in_executor(None, look_up)


def refuse_foreign_key(command: str, host: str, port: int | None) -> str | None:
    """Refuse a command for a key that is not the run's, to the Redis of a cache.

    Returns:
        Why it is refused; None if PACT_ALLOWED_HOSTS names the server, or this process has started it.
    """
    hosts, paths = conf.PACT_ALLOWED_HOSTS, host.startswith("/")
    if host in hosts if paths else any(Allowed.read(each).matches(host, port) for each in hosts if each[:1] != "/"):
        return None
    if _is_own_path(host) if paths else _is_own(_shortest(host), port or 0):
        return None
    server = host if port is None else _joined(host, port)
    text = (
        f"The run refused {command} at {server}: a key is not the run's, and the server is the Redis of a cache. Mock "
        "it in the provider state. Or let the run's settings name a Redis of its own, and name that in "
        "PACT_ALLOWED_HOSTS."
    )
    refusals.note(server, text)
    return text


def database_servers() -> Iterator[str]:
    """Yield the servers of DATABASES, as PACT_ALLOWED_HOSTS names them."""
    for alias in connections:
        with suppress(ImproperlyConfigured):  # its driver is missing, and making its database says so
            yield from _servers_of(connections[alias])


def _cache_servers() -> Iterator[str]:
    """Yield the servers of the caches that keep their backends in this run."""
    for server in cache_servers():
        yield server if isinstance(server, str) else _joined(*server)


def _servers_of(connection: BaseDatabaseWrapper) -> Iterator[str]:
    if connection.vendor in {"sqlite", "unknown"}:  # Django's dummy, or an alias that the run leaves alone
        return
    settings = {**connection.settings_dict, **connection.settings_dict["OPTIONS"]}
    if connection.vendor == "oracle" and not settings["HOST"] and (servers := _read_oracle_name(settings["NAME"])):
        yield from servers
        return
    file = _read_option_file(settings) if "read_default_file" in settings else {}
    if path := settings.get("unix_socket") or file.get("socket"):
        yield str(path)
    port = settings.get("port") or settings["PORT"] or file.get("port") or DEFAULT_PORTS.get(connection.vendor, "")
    hosts = str(settings.get("host") or settings["HOST"] or file.get("host") or "localhost").split(",")
    ports = str(port).split(",")
    for number, host in enumerate(hosts):
        port = ports[number] if len(ports) == len(hosts) else ports[0]
        yield host if host.startswith("/") or not port else _joined(host, port)


def _read_oracle_name(name: str) -> list[str]:
    """Return the servers in a NAME that is a complete address, such as "db.example.com:1521/shop"."""
    found = re.findall(r"\(\s*HOST\s*=\s*([^)\s]+)\s*\)\s*\(\s*PORT\s*=\s*([0-9]+)", name, re.IGNORECASE)
    found += re.findall(r"^(?:[a-z]+:)?(?://)?([^/:()]+)(?::([0-9]+))?/", name, re.IGNORECASE)
    return [_joined(host, port or DEFAULT_PORTS["oracle"]) for host, port in found]


def _read_option_file(settings: Mapping[str, Any]) -> Mapping[str, str | None]:
    """Return the options in a file of MySQL's, which its drivers read."""
    parser = RawConfigParser(allow_no_value=True, strict=False)
    with suppress(ConfigParserError, UnicodeError):  # the driver says what is wrong with it
        parser.read(Path(str(settings["read_default_file"])).expanduser())
    group = str(settings.get("read_default_group", "client"))
    return parser[group] if parser.has_section(group) else {}


@dataclass(frozen=True, slots=True)
class Allowed:
    """A member of PACT_ALLOWED_HOSTS.

    Attributes:
        host: a name in lower case, an address, ".example.com" for a domain and its subdomains, or "*".
        port: None means all.
    """

    host: str
    port: int | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read "host", "host:port" or an address. An IPv6 address with a port stands in brackets."""
        host, port = text.lower().strip(), ""
        if host.startswith("["):
            host, _, port = host[1:].partition("]")
            port = port.removeprefix(":")
        elif host.count(":") == 1:
            host, _, port = host.partition(":")
        return cls(_shortest(host), int(port) if port.isdecimal() else None)

    @property
    def is_name(self) -> bool:
        """Whether the host is a name that can be looked up."""
        return self.host != "*" and not self.host.startswith(".") and _address(self.host) is None

    def matches(self, host: str, port: int | None) -> bool:
        """Tell whether this allows a host. The port is None where a look-up names none."""
        if self.port is not None and port is not None and self.port != port:
            return False
        if self.host.startswith("."):
            return host == self.host[1:] or host.endswith(self.host)
        return self.host in {"*", host}


class Outbound:
    """The servers that this process may reach."""

    def __init__(self) -> None:
        self._allowed: list[Allowed] = []
        self._paths: list[str] = []
        self._unresolved: set[str] = set()
        self._names: dict[str, set[str]] = {}

    def allow(self, *servers: str) -> None:
        """Allow further servers, as PACT_ALLOWED_HOSTS names them: hosts, or the paths of Unix sockets."""
        for text in servers:
            if text.startswith(("/", "\0")):
                self._paths.append(text)
                continue
            self._allowed.append(allowed := Allowed.read(text))
            if allowed.is_name:
                self._unresolved.add(allowed.host)

    def check_connection(self, connection: socket.socket, address: Any) -> None:
        """Raise ConnectionRefused for a connection, or a datagram, to a server that is not allowed."""
        if connection.family not in _JUDGED or address is None:
            return
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            host, port = _text(address[0]), int(address[1])
            if not (self._allows(host, port) or _is_own(host, port)):
                self._refuse(_joined(min(self._names.get(host, {host})), port))
            return
        path = _text(address)
        if not (self._allows_path(path) or _is_own_path(path)):
            self._refuse(path.replace("\0", "@"))

    def check_look_up(self, host: Any, port: Any = None, *rest: Any) -> None:
        """Raise ConnectionRefused for the look-up of a name that is not allowed: it would ask a name server."""
        name = _text(host)
        if name in _LOCAL_NAMES or _address(name) or name == socket.gethostname().lower():
            return
        number = _port_number(port)
        if not self._allows_name(name, number):
            self._refuse(name if port is None else _joined(name, _text(port)))
        self._look_up(name)

    def _allows(self, host: str, port: int) -> bool:
        if self._allows_name(host, port):
            return True
        address = "127.0.0.1" if host in _LOCAL_NAMES else host
        if address != host and self._allows_name(address, port):
            return True
        while self._unresolved:
            self._look_up(self._unresolved.pop())
        return any(self._allows_name(name, port) for name in self._names.get(address, ()))

    def _allows_name(self, host: str, port: int | None) -> bool:
        return any(allowed.matches(host, port) for allowed in self._allowed)

    def _allows_path(self, path: str) -> bool:
        return any(allowed.host == "*" for allowed in self._allowed) or any(
            path == known or path.startswith(f"{known.rstrip('/')}/") for known in self._paths
        )

    def _look_up(self, name: str) -> None:
        """Remember the addresses of a name that is allowed. A server's load balancer may return others each time."""
        self._unresolved.discard(name)
        with suppress(OSError, UnicodeError):
            for *_, address in socket.getaddrinfo(name, None):
                self._names.setdefault(_shortest(str(address[0])), set()).add(name)

    def _refuse(self, server: str) -> None:
        text = refusal_text(server)
        tried = refusals.note(server, text)
        waits = answering.get() or threading.current_thread() is threading.main_thread()
        if waits and tried > refusals.patience:
            raise StillRefused(text)
        raise ConnectionRefused(errno.ECONNREFUSED, text)


_LOCAL_NAMES = {"", "localhost"}
_JUDGED = {socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", socket.AF_INET)}

_outbound: Outbound | None = None
_bound: "list[weakref.ref[socket.socket]]" = []
"""The sockets that this process has bound: a provider state may have started a server."""

_checking = threading.local()
_installed = False


def _install() -> None:
    global _installed  # noqa: PLW0603  # a hook can't be removed, so a process gets one
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    # Python calls it for each import, each file that is opened, and more. So most calls have to end here.
    if event not in _CHECKS:
        if event == "socket.bind":
            _note_bound(arguments[0])
        return
    if _outbound is not None and not getattr(_checking, "now", False):
        _checking.now = True  # the hook itself looks names up
        try:
            _CHECKS[event](_outbound, *arguments)
        except (TypeError, ValueError, IndexError):
            return  # the arguments are no address, and the call itself says so
        finally:
            _checking.now = False


def _note_bound(bound: socket.socket) -> None:
    with suppress(TypeError):  # a socket without Python's class around it
        _bound[:] = [each for each in _bound if each() is not None]
        _bound.append(weakref.ref(bound))


_CHECKS: Mapping[str, Callable[..., None]] = {
    "socket.connect": Outbound.check_connection,
    "socket.sendto": Outbound.check_connection,
    "socket.sendmsg": Outbound.check_connection,
    "socket.getaddrinfo": Outbound.check_look_up,
    "socket.gethostbyname": Outbound.check_look_up,
    "socket.gethostbyaddr": Outbound.check_look_up,
}


def _own_names() -> Iterator[Any]:
    """Yield the addresses of the sockets that this process has bound and not closed."""
    for each in tuple(_bound):  # another thread may bind one meanwhile
        with suppress(OSError, AttributeError):
            yield each().getsockname()  # type: ignore[union-attr]  # AttributeError: it is gone


def _is_own(host: str, port: int) -> bool:
    address = _address("127.0.0.1" if host in _LOCAL_NAMES else host)
    for name in _own_names():
        if isinstance(name, tuple) and name[1] == port and address:
            bound = ip_address(name[0].partition("%")[0])
            if bound == address or (bound.is_unspecified and address.is_loopback):
                return True
    return False


def _is_own_path(path: str) -> bool:
    """Tell whether this process has bound a Unix socket, or multiprocessing names its sockets like this one."""
    return bool(OF_MULTIPROCESSING.search(path)) or any(
        not isinstance(name, tuple) and _text(name) == path for name in _own_names()
    )


def _text(value: Any) -> str:
    """Return a host, a service or a path as text. Hosts are compared in their shortest form."""
    if value is None:
        return ""
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes | bytearray) else str(value)
    return text if text.startswith(("/", "\0")) else _shortest(text.lower())


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _shortest(host: str) -> str:
    """Return an address in its shortest form, and a name without the dot at its end."""
    address = _address(host)
    return str(address) if address else host if host == "." else host.rstrip(".")


def _joined(host: str, port: int | str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port_number(port: Any) -> int | None:
    """Return the number of a port, which a look-up may also name as a service."""
    text = _text(port)
    if text.isdecimal():
        return int(text) or None
    with suppress(OSError):
        return socket.getservbyname(text)
    return None
