"""A broker behind a proxy that serves it below a path, as nginx does with `location /broker/`."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tests.broker_double import BrokerDouble
from tests.pact_verification.pact_files import GREEN, document
from tests.pact_verification.running import Verify, has, run

pytestmark = pytest.mark.no_database


@pytest.fixture
def broker() -> Iterator[BrokerDouble]:
    with BrokerDouble() as double:
        double.create_pacticipant("testapp", main_branch="main")
        double.create_environment("production", production=True)
        double.publish(document(GREEN), version="c1", branch="main")
        yield double


@pytest.fixture
def address(broker: BrokerDouble) -> Iterator[str]:
    """The broker's address at the proxy, with a slash at its end."""

    class Proxy(BaseHTTPRequestHandler):
        def answer(self) -> None:
            if not self.path.startswith("/broker/"):
                self.send_response(301 if self.path == "/broker" else 404)
                self.send_header("Location", at)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name in {"Accept", "Content-Type"}}
            url = broker.url + self.path.removeprefix("/broker")
            passed = requests.request(self.command, url, data=body, headers=headers, timeout=30)
            content = passed.content.replace(broker.url.encode(), at.rstrip("/").encode())
            self.send_response(passed.status_code)
            self.send_header("Content-Type", passed.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    at = f"http://127.0.0.1:{server.server_port}/broker/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield at
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_address_is_used_as_it_is_configured(verify: Verify, address: str, broker: BrokerDouble) -> None:
    here: dict[str, Any] = {"PACT_BROKER_BASE_URL": address, "GIT_COMMIT": "p1", "GIT_BRANCH": "main"}
    ran = verify("--publish", **here)
    assert ran.exit_code == 0, ran
    has(ran, f"Published 1 result for version p1 of branch main to {address}, and read back.")
    ran = run("can_i_deploy", "--to-environment", "production", **here)
    assert ran.exit_code == 0, ran
    ran = run("record_deployment", "--environment", "production", **here)
    assert ran.exit_code == 0, ran
    assert ("testapp", "p1") in broker.deployed("production")
    ran = run("pact_broker", "list-environments", **here)
    assert ran.exit_code == 0, ran


def test_without_the_slash_the_error_names_the_address(verify: Verify, address: str) -> None:
    ran = verify(PACT_BROKER_BASE_URL=address.rstrip("/"))
    assert ran.exit_code == 2
    has(
        ran,
        f"It redirects to {address}, which is not followed",
        "Set PACT_BROKER_BASE_URL to the broker's final address.",
    )
