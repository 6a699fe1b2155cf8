"""What keeps a run from its verdict is exit code 2, with the cause; what keeps a report from being written is not."""

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.faults.harness import (
    HANG_SECONDS,
    MISMATCH,
    NOT_VERIFIED,
    OK,
    RED,
    VERIFIED,
    Fault,
    Place,
    Ran,
    Running,
    check,
    table,
)
from tests.pact_verification.pact_files import document, interaction
from tests.pact_verification.running import on_postgresql

pytestmark = pytest.mark.unmeasured

SOUND: dict[str, Any] = document(OK, provider="faults")


def pact(name: str, content: str | bytes, *says: str | tuple[str, ...]) -> Fault:
    """A pact that can't be read beside one that can: the output names the file, and what is wrong."""

    def arrange(place: Place) -> None:
        (place.pacts / "odd.json").write_bytes(content.encode() if isinstance(content, str) else content)

    outcomes = (NOT_VERIFIED, VERIFIED, VERIFIED)
    return Fault(name, outcomes=outcomes, arrange=arrange, says=("odd.json", *says), never_says=("Traceback",))


def shaped(name: str, *says: str | tuple[str, ...], **members: Any) -> Fault:
    """A pact whose only interaction has other members: the output names the interaction too."""
    changed = {key: value for key, value in {**OK, **members}.items() if value is not ...}
    return pact(name, json.dumps({**SOUND, "interactions": [changed]}), OK["description"], *says)


TEXT = json.dumps(SOUND)


@table(
    pact("truncated", TEXT[: len(TEXT) // 2], "JSON"),
    pact("empty", "", "JSON"),
    pact("a byte order mark", b"\xef\xbb\xbf" + TEXT.encode(), ("BOM", "byte order mark", "JSON")),
    pact("UTF-16", TEXT.encode("utf-16"), ("UTF-8", "utf-8", "JSON")),
    pact("nested too deep", '{"a":' * 100_000, "JSON"),
    pact("NaN", TEXT.replace("200", "NaN"), ("NaN", "JSON")),
    pact("interactions twice", TEXT[:-1] + ', "interactions": []}', "interactions", ("twice", "two members")),
    pact(
        "a duplicate key",
        TEXT.replace('"status": 200', '"status": 200, "status": 500'),
        "status",
        ("twice", "two members"),
    ),
    pact("interactions that are no list", json.dumps({**SOUND, "interactions": {"a": OK}}), "interactions"),
    pact("a consumer without a name", json.dumps({**SOUND, "consumer": {}}), "name"),
    shaped("no response", "response", response=...),
    shaped("a response that is misspelt", "response", response=..., reponse=OK["response"]),
    shaped("no request", "request", request=...),
    shaped("only a description", "request", request=..., response=..., providerStates=...),
    shaped("response headers as a list", "headers", response={"status": 200, "headers": [{"X": "a"}]}),
    shaped("response headers as a text", "headers", response={"status": 200, "headers": "X: a"}),
    shaped("a status that is a text", "status", response={"status": "200"}),
)
def test_a_pact(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def sent_otherwise(name: str, *says: str, **request: Any) -> Fault:
    """A request that the core sends otherwise than the pact has it: refused, or not verified."""
    fault = shaped(name, *says, request={"method": "GET", "path": "/items", **request})
    return replace(fault, exit_code=(1, 2), never_says=("The contracts hold",))


@table(
    sent_otherwise("request headers as a list", "headers", headers=["X"]),
    sent_otherwise("a query that is a number", "query", query=5),
    sent_otherwise("a query of numbers", "query", query={"a": 5}),
    sent_otherwise("a method that is none", "DE LETE", method="DE LETE"),
    sent_otherwise("a path that is a list", "path", path=["items"]),
    sent_otherwise("a path with two slashes", "//items", path="//items"),
)
def test_a_request(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def states(text: str) -> Any:
    """Another app with provider states."""

    def arrange(place: Place) -> None:
        folder = place.shadow / "more_states"
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "pact_states.py").write_text(f"from pact_verification import *\n{text}")

    return arrange


UNKNOWN_STATE = (OK, interaction("a", states=["what nobody wrote"]))
MORE_STATES = {"INSTALLED_APPS": ["tests.faults.project", "pact_verification", "more_states"]}
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "NAME": "x"}
UNREACHABLE = {"default": {**POSTGRESQL, "PORT": 9}}


def refused(name: str, *says: str | tuple[str, ...], **more: Any) -> Fault:
    return Fault(name, exit_code=2, says=says, never_says=("Traceback", "verified, in"), **more)


@table(
    refused("no handler for a state", "no handler", "what nobody wrote", interactions=UNKNOWN_STATE),
    refused(
        "two handlers for a state",
        "an item {name} exists",
        arrange=states('@provider_state("an item {name} exists")\ndef two(name: str) -> None: ...\n'),
        settings=MORE_STATES,
    ),
    refused("states that can't be imported", "no_such_module", arrange=states("import no_such_module\n"),
            settings=MORE_STATES),
    refused("a syntax error in the states", "SyntaxError", arrange=states("def\n"), settings=MORE_STATES),
    refused("a database server that refuses", "does the server answer", settings={"DATABASES": UNREACHABLE}),
    Fault("middleware that can't be loaded", exit_code=2, says=("No module named 'no'",),
          settings={"MIDDLEWARE": ["no.such.middleware"]}),
    Fault("a URLconf that can't be imported", exit_code=2, says=("No module named 'no_such_urls'",),
          settings={"ROOT_URLCONF": "no_such_urls"}),
    refused("an unknown option", "--no-such-option", options=("--no-such-option",)),
    refused("a timeout of 0", "--request-timeout", options=("--request-timeout", "0")),
    refused("a timeout without end", "--request-timeout", options=("--request-timeout", "inf")),
    refused("no workers", "--parallel", options=("--parallel", "0")),
    refused("a share that is none", "--shard", options=("--shard", "3/2")),
    refused("an isolation that is none", "--isolation", options=("--isolation", "hope")),
    refused("an isolation of the settings that is none", "PACT_ISOLATION", settings={"PACT_ISOLATION": "hope"}),
    refused("a limit that is none", "PACT_MAX_RESPONSE_BYTES", settings={"PACT_MAX_RESPONSE_BYTES": "much"}),
    refused("an invalid regular expression", "--description", options=("--description", "(")),
    refused("a pact that is not there", "no-such.json", pacts=("{pacts}/no-such.json",)),
    refused("a report in a folder that is not there", "no-such-folder", options=("--html", "{out}/no-such-folder/r")),
    refused("a report that is a folder", "out", options=("--html", "{out}")),
    refused("two reports in one file", "one file", options=("--html", "{out}/r", "--junit", "{out}/r")),
)  # fmt: skip
def test_it_can_not_run(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def the_pact_is_whole(ran: Ran) -> Iterator[str]:
    found = json.loads((ran.place.pacts / "shop.json").read_text() or "null")
    if not found or len(found["interactions"]) != 2:
        yield "The report was written onto the pact."


def shadow_pact(place: Place) -> None:
    (place.shadow / "pact.py").write_text("raise ImportError('libpact_ffi.so: cannot open shared object file')\n")


def shadow_pact_that_exits(place: Place) -> None:
    (place.shadow / "pact.py").write_text("import os\nos._exit(0)\n")


def shadow_pact_that_hangs(place: Place) -> None:
    (place.shadow / "pact.py").write_text("import threading\nthreading.Event().wait()\n")


@table(
    refused("a report onto the pact", "shop.json", options=("--html", "{pacts}/shop.json"),
            afterwards=the_pact_is_whole),
    refused("pact-python can't be imported", "pact-python can't be imported", "libpact_ffi.so", arrange=shadow_pact),
    Fault("the verifier ends at its start", exit_code=(1, 2), says=("verifier",), arrange=shadow_pact_that_exits),
    Fault("the verifier hangs at its start", exit_code=(1, 2), says=("verifier",), arrange=shadow_pact_that_hangs,
          options=("--request-timeout", "0.5")),
)  # fmt: skip
def test_what_it_verifies_with(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def through_manage(name: str, *says: str, **environment: str | None) -> Fault:
    """Settings that can't be loaded: Django itself would exit with 1."""
    return Fault(name, exit_code=2, says=says, environment=environment, manage=True)


def broken_settings(place: Place) -> None:
    (place.shadow / "raising_settings.py").write_text("raise RuntimeError('no such vault')\n")
    (place.shadow / "exiting_settings.py").write_text("raise SystemExit(0)\n")


@table(
    through_manage(
        "no SECRET_KEY in production", "SECRET_KEY", DJANGO_SETTINGS_MODULE="config.settings", DJANGO_DEBUG="false"
    ),
    through_manage("settings that are not there", "no_such_settings", DJANGO_SETTINGS_MODULE="no_such_settings"),
    Fault(
        "settings that raise",
        exit_code=2,
        says=("no such vault",),
        environment={"DJANGO_SETTINGS_MODULE": "raising_settings"},
        arrange=broken_settings,
        manage=True,
    ),
)
def test_settings(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


FULL = "No space left on device"
GREEN: dict[str, Any] = {"exit_code": 0, "outcomes": (VERIFIED, VERIFIED)}
BROKEN: dict[str, Any] = {"interactions": (OK, RED), "exit_code": 1, "outcomes": (VERIFIED, MISMATCH)}


@table(
    Fault("stdout closed, green", **GREEN, redirect=">&-"),
    Fault("stdout closed, red", **BROKEN, redirect=">&-"),
    Fault("stderr closed, green", **GREEN, redirect="2>&-"),
    Fault("stderr closed, red", **BROKEN, redirect="2>&-", says=("The contracts are broken",)),
    Fault("both closed, green", **GREEN, redirect=">&- 2>&-"),
    Fault("both closed, red", **BROKEN, redirect=">&- 2>&-"),
    Fault("all three closed, red", **BROKEN, redirect="<&- >&- 2>&-"),
    Fault("stderr closed, it can't run", UNKNOWN_STATE, 2, redirect="2>&-"),
    Fault("both closed, it can't run", UNKNOWN_STATE, 2, redirect=">&- 2>&-"),
    Fault("stderr closed, an unknown option", exit_code=2, redirect="2>&-", options=("--no-such-option",)),
    Fault("stdout full, green", **GREEN, redirect=">/dev/full", says=(FULL,)),
    Fault("stdout full, red", **BROKEN, redirect=">/dev/full", says=(FULL,)),
    Fault("both full, red", **BROKEN, redirect=">/dev/full 2>/dev/full"),
    Fault("stderr full, it can't run", UNKNOWN_STATE, 2, redirect="2>/dev/full"),
    Fault("a report full, green", exit_code=0, options=("--html", "/dev/full"), says=("/dev/full", FULL, "2 verified")),
    Fault("a report full, red", (OK, RED), options=("--html", "/dev/full"), says=("/dev/full", FULL, "1 failed")),
)
def test_where_it_writes(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def a_file(place: Place) -> None:
    place.cache.rmdir()
    place.cache.write_text("no folder")


NOT_MADE = {"PACT_CACHE_DIR": "/proc/no-such"}


def gitignore(place: Place) -> None:
    (place.cache / ".gitignore").write_text("my own\n")


def gitignore_is_mine(ran: Ran) -> Iterator[str]:
    if (ran.place.cache / ".gitignore").read_text() != "my own\n":
        yield "The .gitignore that was there was overwritten."


@table(
    Fault("the cache's folder is a file, green", **GREEN, arrange=a_file),
    Fault("the cache's folder is a file, red", **BROKEN, arrange=a_file, says=("PACT_CACHE_DIR",)),
    Fault("the cache's folder can't be made, green", **GREEN, settings=NOT_MADE),
    Fault("the cache's folder can't be made, red", **BROKEN, settings=NOT_MADE, says=("/proc/no-such",)),
    Fault("the cache's folder is somebody's", **BROKEN, arrange=gitignore, afterwards=gitignore_is_mine),
)  # fmt: skip
def test_where_it_remembers(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@pytest.mark.no_database
def test_a_database_server_that_never_answers(tmp_path: Path) -> None:
    """libpq waits as long as its connect_timeout says, so the project's own setting bounds it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        database = {**POSTGRESQL, "PORT": listener.getsockname()[1], "OPTIONS": {"connect_timeout": 2}}
        check(refused("", "does the server answer", settings={"DATABASES": {"default": database}}), tmp_path)


@pytest.mark.no_database
def test_a_signal_while_the_database_server_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def meanwhile(running: Running) -> None:
            listener.settimeout(HANG_SECONDS)
            accepted, _ = listener.accept()
            with accepted:
                running.interrupt()
                with suppress(subprocess.TimeoutExpired):
                    running.process.wait(HANG_SECONDS)

        database = {**POSTGRESQL, "PORT": listener.getsockname()[1]}
        fault = Fault("", exit_code=130, settings={"DATABASES": {"default": database}}, meanwhile=meanwhile)
        check(fault, tmp_path)


@pytest.mark.skipif(not on_postgresql(), reason="SQLite has no users; the suite runs on PostgreSQL too")
def test_a_user_without_the_right_to_create_databases(tmp_path: Path) -> None:
    server = os.environ["DATABASE_URL"]
    role = f"faults_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'none'".encode())
        try:
            parts = urlsplit(server)
            url = urlunsplit(parts._replace(netloc=f"{role}:none@{parts.hostname}:{parts.port or 5432}", path="/none"))
            fault = refused("", "permission denied", "right to create one", environment={"FAULTS_DATABASE_URL": url})
            check(fault, tmp_path)
        finally:
            connection.execute(f"DROP ROLE {role}".encode())
