"""Connections that a run refuses, in this process."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.utils import ConnectionHandler
from django.test import override_settings

from pact_verification.errors import ConnectionRefused, StillRefused
from pact_verification.provider import outbound
from pact_verification.provider.outbound import refusals, refusing_connections
from tests.pact_verification.running import Run, run_code

SERVER = """
import socket, sys

servers = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
servers[1].bind(sys.argv[1])
servers[1].listen()
print(servers[0].getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _no_refusals() -> Iterator[None]:
    yield
    refusals.of_interaction.clear()
    refusals.elsewhere.clear()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sockets") / "server.sock"


@pytest.fixture(scope="module")
def port(path: Path) -> Iterator[int]:
    """The port of a server in another process, such as a developer's Redis. It also listens at the path."""
    command = [sys.executable, "-c", SERVER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield int(server.stdout.readline())
        server.communicate("")


def connect(port: int, host: str = "127.0.0.1") -> None:
    socket.create_connection((host, port), timeout=5).close()


def connect_to_path(path: Path | str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))


def text(server: str) -> str:
    return (
        f"The run refused a connection to {server}, since nothing of a run may leave this process. Mock it in the "
        "provider state, or name the host in PACT_ALLOWED_HOSTS."
    )


def connect_with_asyncio(port: int) -> None:
    async def open_and_close() -> None:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 5)
        writer.close()
        await writer.wait_closed()

    asyncio.run(open_and_close())


def connect_without_exception(port: int) -> None:
    with socket.socket() as connection:
        connection.connect_ex(("127.0.0.1", port))


def connect_raw(port: int) -> None:
    import _socket

    connection = _socket.socket()
    try:
        connection.connect(("127.0.0.1", port))
    finally:
        connection.close()


def send_datagram(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection:
        connection.sendto(b"counter:1|c", ("127.0.0.1", port))


def send_message(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection:
        connection.sendmsg([b"counter:1|c"], [], 0, ("127.0.0.1", port))


def connect_by_mapped_address(port: int) -> None:
    with socket.socket(socket.AF_INET6) as connection:
        connection.connect(("::ffff:127.0.0.1", port))


@pytest.mark.parametrize(
    "act",
    [
        connect,
        connect_raw,
        connect_with_asyncio,
        connect_without_exception,
        connect_by_mapped_address,
        send_datagram,
        send_message,
    ],
)
def test_a_server_on_loopback_is_refused(act: Callable[[int], None], port: int) -> None:
    with refusing_connections(), pytest.raises(ConnectionRefused) as error:
        act(port)
    assert str(error.value) == text(f"127.0.0.1:{port}")
    assert list(refusals.elsewhere) == [f"127.0.0.1:{port}"]
    with suppress(ConnectionRefusedError):
        act(port)  # after the block
    assert list(refusals.elsewhere) == [f"127.0.0.1:{port}"]


@pytest.mark.parametrize(
    ("look_up", "server"),
    [
        (lambda: socket.getaddrinfo("api.example.com", 443), "api.example.com:443"),
        (lambda: socket.getaddrinfo(b"API.example.com.", "https"), "api.example.com:https"),
        (lambda: socket.getaddrinfo("redis", None), "redis"),
        (lambda: socket.gethostbyname("api.example.com"), "api.example.com"),
        (lambda: socket.gethostbyname_ex("api.example.com"), "api.example.com"),
        (lambda: socket.gethostbyaddr("api.example.com"), "api.example.com"),
        (lambda: connect(443, "api.example.com"), "api.example.com:443"),
        (lambda: asyncio.run(asyncio.open_connection("api.example.com", 443)), "api.example.com:443"),
    ],
)
def test_a_look_up_is_refused(look_up: Callable[[], object], server: str) -> None:
    with refusing_connections(), pytest.raises(ConnectionRefused) as error:
        look_up()
    assert str(error.value) == text(server)


def test_names_of_this_machine_can_be_looked_up() -> None:
    with refusing_connections():
        for name in ("localhost", "127.0.0.1", "::1", "", None, socket.gethostname()):
            with suppress(socket.gaierror):
                socket.getaddrinfo(name, 80)
        socket.gethostbyname("localhost")
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("127.0.0.1", "no-such-service")
    assert refusals.elsewhere == {}


@pytest.mark.parametrize(
    "allowed",
    ["127.0.0.1", "127.0.0.1:{port}", "localhost", "LOCALHOST:{port}", "localhost.", "*", "*:{port}", "::ffff:7f00:1"],
)
def test_a_server_is_allowed(allowed: str, port: int) -> None:
    with override_settings(PACT_ALLOWED_HOSTS=[allowed.format(port=port)]), refusing_connections():
        connect(port)
        connect(port, "localhost")
        connect_raw(port)
    assert refusals.elsewhere == {}


@pytest.mark.parametrize("allowed", ["localhost:1", "127.0.0.2", ".localhost.example", "[::1]:{port}", "/localhost"])
def test_another_server_is_allowed(allowed: str, port: int) -> None:
    with (
        override_settings(PACT_ALLOWED_HOSTS=[allowed.format(port=port)]),
        refusing_connections(),
        pytest.raises(ConnectionRefused),
    ):
        connect(port)


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        (".invalid", "shop.invalid"),
        (".shop.invalid", "shop.invalid"),
        ("shop.invalid", "SHOP.invalid."),
        ("shop.invalid:443", "shop.invalid"),
    ],
)
def test_a_name_is_allowed(allowed: str, name: str) -> None:
    with override_settings(PACT_ALLOWED_HOSTS=[allowed]), refusing_connections():
        with pytest.raises(socket.gaierror):  # the name server knows none of these
            socket.getaddrinfo(name, 443)
        with pytest.raises(ConnectionRefused):
            socket.getaddrinfo("myshop.invalid" if allowed != ".invalid" else "invalid.example", 443)


def test_unix_sockets(path: Path, port: int) -> None:
    with refusing_connections():
        with pytest.raises(ConnectionRefused) as error:
            connect_to_path(path)
        assert str(error.value) == text(str(path))
        with pytest.raises(ConnectionRefused, match="to @abstract,"):
            connect_to_path("\0abstract")
    for allowed in (str(path), str(path.parent), "*"):
        with override_settings(PACT_ALLOWED_HOSTS=[allowed]), refusing_connections():
            connect_to_path(path)


def test_servers_of_this_process(tmp_path: Path) -> None:
    """A provider state may start a stub of another service."""
    with refusing_connections():
        with socket.create_server(("127.0.0.1", 0)) as stub:
            connect(stub.getsockname()[1])
            connect(stub.getsockname()[1], "localhost")
        with pytest.raises(ConnectionRefused):
            connect(stub_port := closed_port())
        with socket.create_server(("0.0.0.0", 0)) as stub:
            connect(stub.getsockname()[1])
        with socket.socket(socket.AF_UNIX) as stub:
            stub.bind(str(tmp_path / "stub"))
            stub.listen()
            connect_to_path(tmp_path / "stub")
    assert set(refusals.elsewhere) == {f"127.0.0.1:{stub_port}"}


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_multiprocessing_reaches_its_own_processes() -> None:
    code = """
from multiprocessing import get_context

import django

django.setup()
from pact_verification.provider.outbound import refusing_connections

if __name__ == "__main__":
    with refusing_connections(), get_context("fork").Manager() as manager:
        shared = manager.dict()
        shared["a"] = 1
        print(shared)
"""
    assert run_code(code) == Run(0, "{'a': 1}\n", "")


DATABASES: list[tuple[Mapping[str, Any], list[str]]] = [
    ({"ENGINE": "postgresql"}, ["localhost:5432"]),
    ({"ENGINE": "postgresql", "HOST": "db.example"}, ["db.example:5432"]),
    ({"ENGINE": "postgresql", "HOST": "::1", "PORT": 5433}, ["[::1]:5433"]),
    ({"ENGINE": "postgresql", "HOST": "one,two", "PORT": "5433,5434"}, ["one:5433", "two:5434"]),
    ({"ENGINE": "postgresql", "HOST": "one,two"}, ["one:5432", "two:5432"]),
    ({"ENGINE": "postgresql", "HOST": "/run/postgresql"}, ["/run/postgresql"]),
    ({"ENGINE": "mysql", "OPTIONS": {"unix_socket": "/run/my.sock"}}, ["/run/my.sock", "localhost:3306"]),
    ({"ENGINE": "sqlite3", "NAME": "db"}, []),
    ({"ENGINE": "dummy"}, []),
]


@pytest.mark.parametrize(("config", "servers"), DATABASES)
def test_the_servers_of_databases(
    config: Mapping[str, Any], servers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = {"default": {**config, "ENGINE": f"django.db.backends.{config['ENGINE']}"}}
    monkeypatch.setattr(outbound, "connections", ConnectionHandler(databases))
    with suppress(ImportError):
        import pymysql

        pymysql.install_as_MySQLdb()
    assert list(outbound.database_servers()) == servers


def test_more_servers_can_be_allowed(port: int) -> None:
    with refusing_connections("127.0.0.1:1") as allowed:
        with pytest.raises(ConnectionRefused):
            connect(port)
        allowed.allow(f"localhost:{port}")
        connect(port)


def test_a_library_that_tries_again_and_again_is_stopped(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only once the interaction has exceeded its time: a fallback after many attempts works."""
    monkeypatch.setattr(refusals, "patience", 0.2)
    attempts = []

    def try_forever() -> None:
        while True:
            attempts.append(1)
            with suppress(OSError), socket.socket() as connection:
                connection.connect(("127.0.0.1", port))

    with refusing_connections(), pytest.raises(StillRefused) as error:
        try_forever()
    assert len(attempts) > 50
    assert str(error.value) == text(f"127.0.0.1:{port}")


def test_the_option_file_of_a_mysql(tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text("[client]\nhost = db.example.com\nport = 3307\nssl\n")
    settings = {"HOST": "", "PORT": "", "OPTIONS": {"read_default_file": str(file)}}
    connection: Any = SimpleNamespace(vendor="mysql", settings_dict=settings)
    assert list(outbound._servers_of(connection)) == ["db.example.com:3307"]
    file.write_text("[client]\nsocket = /run/mysql.sock\n")
    assert list(outbound._servers_of(connection)) == ["/run/mysql.sock", "localhost:3306"]


DESCRIPTOR = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={})(PORT={}))(CONNECT_DATA=(SERVICE_NAME=shop)))"


@pytest.mark.parametrize(
    ("name", "host", "servers"),
    [
        ("db.example.com:1522/shop", "", ["db.example.com:1522"]),
        ("//db.example.com/shop", "", ["db.example.com:1521"]),
        ("tcps://db.example.com:1522/shop", "", ["db.example.com:1522"]),
        (DESCRIPTOR.format("db.example.com", 1522), "", ["db.example.com:1522"]),
        ("shop", "db.example.com", ["db.example.com:1521"]),
        ("shop", "", ["localhost:1521"]),
    ],
)
def test_the_address_of_an_oracle_in_its_name(name: str, host: str, servers: list[str]) -> None:
    settings = {"HOST": host, "PORT": "", "NAME": name, "OPTIONS": {}}
    connection: Any = SimpleNamespace(vendor="oracle", settings_dict=settings)
    assert list(outbound._servers_of(connection)) == servers


def test_a_thread_in_the_background_goes_on(port: int) -> None:
    refused: list[BaseException] = []

    def report() -> None:
        for _ in range(30):
            try:
                connect(port)
            except OSError as error:
                refused.append(error)

    with refusing_connections():
        thread = threading.Thread(target=report)
        thread.start()
        thread.join()
    assert len(refused) == 30
    assert list(refusals.elsewhere) == [f"127.0.0.1:{port}"]


def test_an_address_that_is_none_is_the_projects_own_mistake() -> None:
    with refusing_connections(), closing(socket.socket()) as connection:
        with pytest.raises(TypeError):
            connection.connect("127.0.0.1:80")
        with pytest.raises(OverflowError):
            connection.connect(("127.0.0.1", 70_000))
