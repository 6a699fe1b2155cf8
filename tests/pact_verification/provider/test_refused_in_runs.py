"""What a run reports of connections that it refused."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.provider.small_project import Project, small_project
from tests.pact_verification.running import has

URLS = """
import asyncio
import os
import socket
import threading
from contextlib import suppress
from urllib.request import urlopen

from django.conf import settings
from django.http import JsonResponse
from django.urls import path

PORT = int(os.environ["FOREIGN_PORT"])
attempts = 0


def connect(port=PORT):
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def fails(request):
    connect()


def goes_on(request):
    for _ in range(2):
        with suppress(OSError):
            connect()
        with suppress(OSError):
            urlopen("https://api.example.com/orders")
    return JsonResponse({})


async def goes_on_async(request):
    with suppress(OSError):
        await asyncio.open_connection("127.0.0.1", PORT)
    with suppress(OSError):
        await asyncio.open_connection("api.example.com", 443)  # asyncio looks the name up on a thread
    return JsonResponse({})


def in_background():
    with suppress(OSError):
        connect()


def background(request):
    thread = threading.Thread(target=in_background)
    thread.start()
    thread.join()
    return JsonResponse({})


def waits(request):
    # As pymongo does: a thread of the library's tries, and the view waits for it.
    threading.Thread(target=in_background).start()
    threading.Event().wait()


def many(request):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(30):
            with suppress(OSError):
                client.sendto(b"metric", ("127.0.0.1", PORT))
            with suppress(OSError):
                connect()
    return JsonResponse({})


def forever(request):
    while True:
        with suppress(OSError):
            with socket.socket() as client:
                client.connect(("127.0.0.1", PORT))


def stub(request):
    with urlopen(settings.STUB) as response:
        return JsonResponse({"stub": response.read().decode()})


def fine(request):
    return JsonResponse({})


urlpatterns = [
    path(view.__name__, view) for view in (fails, goes_on, goes_on_async, background, forever, waits, many, stub, fine)
]
"""
STATES = """
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

from django.conf import settings

from pact_verification import provider_state
from shop import urls


class Stub(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a stub")

    def log_message(self, *args):
        pass


@provider_state("a stub answers")
def stub_answers():
    with HTTPServer(("127.0.0.1", 0), Stub) as server:
        threading.Thread(target=server.serve_forever).start()
        settings.STUB = f"http://127.0.0.1:{server.server_port}"
        yield
        del settings.STUB
        server.shutdown()


def send_metrics():
    with suppress(OSError):
        socket.getaddrinfo("metrics.example.com", 8125)


@provider_state("metrics are sent")
def metrics_are_sent():
    thread = threading.Thread(target=send_metrics)
    thread.start()
    thread.join()


@provider_state("the search is filled")
def search_is_filled():
    urls.connect()
"""
CALLED = """
import sys

import django
from django.core.management import CommandError, call_command

django.setup()
try:
    call_command("verify_pacts", *sys.argv[1:])
except CommandError as error:
    sys.exit(print(error, file=sys.stderr) or error.returncode)
"""

pytestmark = [pytest.mark.no_database, pytest.mark.measured]  # a database changes nothing here


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server of another process."""
    code = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    command = [sys.executable, "-c", f"{code}; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield int(server.stdout.readline())
        server.communicate("")


@pytest.fixture
def project(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("FOREIGN_PORT", str(port))
    with small_project(tmp_path, "SQLite") as project:
        project.write("shop/urls.py", URLS)
        project.write("shop/pact_states.py", STATES)
        project.write("called.py", CALLED)
        yield project


def expect(project: Project, *interactions: Any) -> None:
    write_pact(project.folder / "pacts" / "web.json", *interactions, provider="shop", consumer="web")


def asks(name: str, *states: str, body: Any = None) -> Any:
    return interaction(name, f"/{name}", states=list(states), response={"body": body or {}})


def refused(server: str) -> str:
    return (
        f"The run refused a connection to {server}, since nothing of a run may leave this process. Mock it in the "
        "provider state, or name the host in PACT_ALLOWED_HOSTS."
    )


def outcomes(project: Project) -> list[str]:
    report = json.loads((project.folder / "report.json").read_text())
    return [each["outcome"] for pact in report["pacts"] for each in pact["interactions"]]


@pytest.mark.parametrize("how", [["django", "verify_pacts"], ["django", "verify_pacts", "--parallel=2"], ["called"]])
def test_the_reason_of_a_failure_in_every_report(project: Project, port: int, how: list[str]) -> None:
    expect(project, asks("fails"), asks("fine", "the search is filled"), asks("fine"))
    options = ["--json", "report.json", "--junit", "report.xml", "--html", "report.html", "--github"]
    ran = project.run(*how, *options)
    assert ran.exit_code == 1, ran.out + ran.err
    reason = refused(f"127.0.0.1:{port}")
    assert f"  ✗ fails  cause 1\n      {reason}\n" in ran.out
    assert f"The state 'the search is filled' raised ConnectionRefused: {reason} (shop/urls.py:18)" in ran.out
    assert f"warning: {reason}" not in ran.out
    assert any(line.startswith("::error") and reason in unquote(line) for line in ran.out.splitlines())
    assert outcomes(project) == ["mismatch", "state_error", "verified"]
    for report in ("report.json", "report.xml", "report.html"):
        assert reason in (project.folder / report).read_text().replace("<wbr>", "")


def test_a_view_that_goes_on_is_warned_of_once_for_each_server(project: Project, port: int) -> None:
    expect(project, asks("goes_on"), asks("goes_on_async"), asks("fine"))
    ran = project.verify()
    assert ran.exit_code == 0, ran.out + ran.err
    warning = f"      warning: {refused(f'127.0.0.1:{port}')}\n"
    other = f"      warning: {refused('api.example.com:443')}\n"
    assert f"✓ 3 verified\n  ✓ goes_on\n{warning}{other}  ✓ goes_on_async\n{warning}{other}\n" in ran.out


def test_a_thread_in_the_background_is_one_note(project: Project, port: int) -> None:
    expect(project, asks("background", "metrics are sent"), asks("fine"), asks("background"))
    ran = project.verify("--json", "report.json")
    assert ran.exit_code == 0, ran.out + ran.err
    note = (
        f"Beside the interactions the run refused connections to metrics.example.com:8125, 127.0.0.1:{port}, since "
        "nothing of a run may leave this process. PACT_ALLOWED_HOSTS names hosts that it may reach."
    )
    assert ran.out.count(note) == 1
    assert json.loads((project.folder / "report.json").read_text())["notes"] == [note]
    assert "warning" not in ran.out


def test_a_view_that_goes_on_after_many_refusals(project: Project, port: int) -> None:
    expect(project, asks("many"), asks("fine"))
    ran = project.verify()
    assert ran.exit_code == 0, ran.out + ran.err
    assert ran.out.count(refused(f"127.0.0.1:{port}")) == 1


def test_a_view_that_waits_for_a_library_that_was_refused(project: Project, port: int) -> None:
    expect(project, asks("waits"), asks("fine"))
    ran = project.verify("--request-timeout", "0.3")
    assert ran.exit_code == 1, ran.out + ran.err
    has(
        ran,
        "It did not come back in 1.2 s, so the run was stopped: GET /waits, in shop.urls.waits, to which the run "
        f"refused a connection to 127.0.0.1:{port}.",
    )


def test_a_client_that_tries_forever_ends_its_interaction_alone(project: Project, port: int) -> None:
    expect(project, asks("forever"), asks("fine"))
    ran = project.verify("--json", "report.json", "--request-timeout", "2")
    assert ran.exit_code == 1, ran.out + ran.err
    has(ran, "and may take 2 s (--request-timeout).", refused(f"127.0.0.1:{port}"))
    failed, then = outcomes(project)
    assert failed != "verified"
    assert then == "verified"


@pytest.mark.parametrize("how", [["django", "verify_pacts"], ["called"]])
def test_a_stub_server_of_the_project_and_an_allowed_server(project: Project, port: int, how: list[str]) -> None:
    settings = (project.folder / "project_settings.py").read_text()
    project.write("project_settings.py", f'{settings}\nPACT_ALLOWED_HOSTS = ["localhost:{port}"]\n')
    expect(project, asks("stub", "a stub answers", body={"stub": "a stub"}), asks("fine", "the search is filled"))
    ran = project.run(*how)
    assert ran.exit_code == 0, ran.out + ran.err
    assert "refused" not in ran.out


MIGRATION = """
from django.db import migrations
from shop.urls import connect


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_kettle")]
    operations = [migrations.RunPython(lambda apps, schema_editor: connect())]
"""


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("shop/migrations/0003_search.py", MIGRATION),
        ("shop/pact_states.py", "from shop.urls import connect\n\nconnect()\n"),
    ],
)
@pytest.mark.parametrize("how", [["django", "verify_pacts"], ["called"]])
def test_a_connection_before_the_first_interaction(
    project: Project, port: int, file: str, content: str, how: list[str]
) -> None:
    project.write(file, content)
    expect(project, asks("fine"))
    ran = project.run(*how)
    assert ran.exit_code == 2, ran.out + ran.err
    has(ran, refused(f"127.0.0.1:{port}"))


AT_EXIT = """
import atexit
from pathlib import Path

from shop.urls import connect


def flush():
    try:
        connect()
    except OSError as error:
        Path("flushed").write_text(str(error))


atexit.register(flush)
"""


def test_what_is_sent_when_the_process_ends(project: Project, port: int) -> None:
    project.write("shop/pact_states.py", AT_EXIT)
    expect(project, asks("fine"))
    ran = project.verify()
    assert ran.exit_code == 0, ran.out + ran.err
    assert (project.folder / "flushed").read_text() == refused(f"127.0.0.1:{port}")


@pytest.mark.parametrize("hosts", ["7", "None", "'localhost'", "['two hosts']"])
def test_a_setting_that_is_no_list_of_hosts(project: Project, hosts: str) -> None:
    settings = (project.folder / "project_settings.py").read_text()
    project.write("project_settings.py", f"{settings}\nPACT_ALLOWED_HOSTS = {hosts}\n")
    expect(project, asks("fine"))
    ran = project.verify()
    assert ran.exit_code == 2, ran.out + ran.err
    has(ran, f"(pact_verification.E013) PACT_ALLOWED_HOSTS is {hosts}, not a list of hosts.")


OTHER_TEST = """
from shop.urls import connect


def test_that_is_none_of_ours():
    connect()
"""


def test_pytest(project: Project, port: int) -> None:
    expect(project, asks("fails"), asks("goes_on"), asks("background"))
    project.write("test_other.py", OTHER_TEST)
    ran = project.run("pytest", "-p", "pact_verification.pytest_plugin", "pacts", "test_other.py", "-Wdefault")
    assert "1 failed, 3 passed" in ran.out, ran.out + ran.err
    reason = refused(f"127.0.0.1:{port}")
    assert f"      {reason}\n" in ran.out
    assert f"PactWarning: 'goes_on': {reason}" in ran.out
    assert f"Beside the interactions the run refused connections to 127.0.0.1:{port}, " in ran.out
