"""What is endless, huge or malformed: its interaction fails with the cause, and the others are verified."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import (
    ANY,
    FAILED,
    HANG_SECONDS,
    MISMATCH,
    NOT_VERIFIED,
    OK,
    OK_TOO,
    QUICK,
    VERIFIED,
    Fault,
    Place,
    Ran,
    Running,
    check,
    table,
)
from tests.pact_verification.pact_files import interaction

pytestmark = pytest.mark.unmeasured

LIMIT = "PACT_MAX_RESPONSE_BYTES"


def odd(response: str, *says: str | tuple[str, ...], outcome: str = FAILED, **more: Any) -> Fault:
    """A response that fails its own interaction."""
    description = f"a response: {response}"
    fault: dict[str, Any] = {
        "name": response,
        "interactions": (OK, interaction(description, f"/odd/{response}"), OK_TOO),
        "outcomes": (VERIFIED, outcome, VERIFIED),
        "says": (description, *says),
    }
    return Fault(**(fault | more))


@table(
    odd("endless", LIMIT, ("64 MB", "64,000,000"), options=("--request-timeout", "20")),
    odd("endless", LIMIT, name="endless, a limit of 1 MB", settings={LIMIT: 1_000_000}),
    odd("large", LIMIT, settings={LIMIT: 1_000_000}),
    odd("endless-drip", "did not come back", options=QUICK, outcomes=(ANY, NOT_VERIFIED, NOT_VERIFIED)),
    odd("endless-empty", "did not come back", options=QUICK, outcomes=(ANY, NOT_VERIFIED, NOT_VERIFIED)),
    odd("status-100", "100"),
    odd("status-0", "0"),
    odd("status-99", "99"),
    odd("status-1000", "1000"),
    odd("reason-lines", ("reason", "header", "status")),
    odd("length-long", "Content-Length"),
    odd("length-short", "Content-Length"),
    odd("length-text", "Content-Length"),
    odd("nothing", "didn't return an HttpResponse object", outcome=MISMATCH),
    odd("text", "'str' object has no attribute", outcome=MISMATCH),
    odd("header-lines", "BadHeaderError", outcome=MISMATCH),
    odd("header-lines-unchecked", ("X-Odd", "header")),
    odd("header-name", ("X Odd", "header")),
)  # fmt: skip
def test_a_response(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def _large(name: str) -> Fault:
    """A limit that is not reached keeps nothing from being verified."""
    large = interaction(name, "/odd/large")
    return Fault(name, (OK, large, OK_TOO), exit_code=0, outcomes=(VERIFIED,) * 3, settings={LIMIT: 3_000_000})


BODY = "x" * 5_000_000


@table(
    _large("a response of just the limit"),
    Fault(
        "a request of 5 MB",
        (
            OK,
            interaction(
                "large",
                "/echo",
                method="POST",
                request={"headers": {"Content-Type": "text/plain"}, "body": BODY},
                response={"body": {"bytes": len(BODY)}},
            ),
            OK_TOO,
        ),
        exit_code=0,
        outcomes=(VERIFIED,) * 3,
        settings={"DATA_UPLOAD_MAX_MEMORY_SIZE": None},
    ),
    Fault(
        "an endless request target",
        (OK, interaction("long", "/items/" + "x" * 100_000), OK_TOO),
        outcomes=(VERIFIED, FAILED, VERIFIED),
        says=("long",),
    ),
    Fault(
        "2 000 interactions",
        [interaction(f"number {n}", "/items", response={"body": []}) for n in range(2_000)],
        exit_code=0,
        says=("2000 verified",),
        seconds=90,
    ),
)
def test_what_is_large(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def fifo(place: Place) -> None:
    os.mkfifo(place.pacts / "fifo.json")


def dangling(place: Place) -> None:
    (place.pacts / "dangling.json").symlink_to("no such file")


def link_up(place: Place) -> None:
    (place.pacts / "folder.json").symlink_to(place.pacts)


def unix_socket(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(place.pacts)  # a socket's path may have 107 bytes
        try:
            listener.bind("socket.json")
        finally:
            os.chdir(here)


@table(
    # Whether it is left out or refused: it is named.
    Fault("a FIFO in the folder of pacts", exit_code=(0, 2), says=("fifo.json",), arrange=fifo),
    Fault("a FIFO as a pact", exit_code=2, says=("fifo.json",), arrange=fifo, pacts=("{pacts}/fifo.json",)),
    Fault("a device as a pact", exit_code=2, says=("/dev/zero",), pacts=("/dev/zero",)),
    Fault("a socket in the folder of pacts", exit_code=(0, 2), says=("socket.json",), arrange=unix_socket),
    Fault("a dangling link", exit_code=1, says=("dangling.json",), arrange=dangling),
    Fault("a link to the folder itself", exit_code=0, outcomes=(VERIFIED,) * 2, arrange=link_up),
)
def test_a_folder_of_pacts(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


PORT = interaction("it tells the port", "/port")


def client(running: Running) -> socket.socket:
    """A connection to the live server, while a view waits."""
    return socket.create_connection(("127.0.0.1", int(running.wait_for("port"))))


def drip(running: Running) -> None:
    """Send a byte now and then, for as long as the run lasts."""
    with client(running) as stray:
        running.release()
        for byte in b"GET /items HTTP/1.1\r\nX-Long: " + b"x" * 60:
            with suppress(OSError):  # the server may have had enough of it
                stray.send(bytes([byte]))
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(0.2)
                return


def silent(running: Running) -> None:
    """Begin a request, and never end it."""
    with client(running) as stray:
        stray.send(b"GET /items HTTP/1.1\r\n")
        running.release()
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(HANG_SECONDS)


def many_connections(running: Running) -> None:
    with client(running) as first:
        connections = [socket.create_connection(first.getpeername()) for _ in range(50)]
        running.release()
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(HANG_SECONDS)
        for each in connections:
            each.close()


def garbage(running: Running) -> None:
    with client(running) as stray:
        stray.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n")
        running.release()
        with suppress(OSError):
            stray.recv(65536)


def ask(request: bytes) -> Any:
    """Send a request that is none of the verifier's, and expect a refusal."""

    def meanwhile(running: Running) -> None:
        with client(running) as stray:
            stray.settimeout(10)
            stray.send(request)
            running.release()
            answer = stray.recv(65536)
        status = answer.split(b" ", 2)[1:2]
        assert status in ([b"401"], [b"403"], [b"404"]), f"A stray request was answered with {answer!r}."

    return meanwhile


def not_reached(ran: Ran) -> Iterator[str]:
    if "reached" in ran.heard:
        yield "A stray request reached the project."


GET = b"GET /reached HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def disturbed(name: str, meanwhile: Any) -> Fault:
    return Fault(
        name,
        (OK, PORT, OK_TOO, OK),
        exit_code=0,
        outcomes=(VERIFIED,) * 4,
        meanwhile=meanwhile,
        afterwards=not_reached,
    )


@table(
    disturbed("a client that drips", drip),
    disturbed("a client that falls silent", silent),
    disturbed("50 clients that say nothing", many_connections),
    disturbed("a client that speaks TLS", garbage),
    disturbed("a request without the secret", ask(GET + b"\r\n")),
    disturbed("a request with other credentials", ask(GET + b"Authorization: Bearer guessed\r\n\r\n")),
    disturbed(
        "a state call without the secret",
        ask(
            b"POST / HTTP/1.1\r\nContent-Length: 62\r\n\r\n"
            b'{"action": "setup", "state": "the state does hang", "p": null}'
        ),
    ),
    disturbed("a request that is larger than memory", ask(GET + b"Content-Length: 99999999999\r\n\r\n")),
)
def test_other_clients_of_the_live_server(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)
