"""Exchanges with a broker, a real one or the double, and what differs between them."""

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.broker_double import metadata
from tests.broker_double.store import Json


def exchange(url: str, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Json:
    """Send a request; the status, the headers with lower-case names, and the body, parsed if it is JSON."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path, body.encode(), headers)
        response = connection.getresponse()
        answered: Any = response.read().decode()
    finally:
        connection.close()
    got = {name.lower(): value for name, value in response.getheaders()}
    if answered and "json" in got.get("content-type", ""):
        answered = json.loads(answered)
    return {"status": response.status, "headers": got, "body": answered}


@contextmanager
def receiver() -> Iterator[tuple[str, list[Json]]]:
    """Listen to webhooks; where, and what they have sent."""
    received: list[Json] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = [[name, value] for name, value in self.headers.items()]
            received.append({"method": self.command, "path": self.path, "headers": headers, "body": body})
            self.send_response(204)
            self.end_headers()
            self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def normal(value: Any, places: Mapping[str, str]) -> Any:
    """Replace what differs from run to run: addresses, times, identifiers, and the numbers that a broker counts up.

    `places` has patterns of addresses, and the names that stand for them.
    """
    text = json.dumps(value)
    for pattern, name in places.items():
        text = re.sub(pattern, name, text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00|Z)", r"TIME\1", text)
    text = re.sub(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "HTTP-TIME", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r":0x[0-9a-f]+>", ":0x>", text)
    text = re.sub(r"(verification-results/|Verification result )\d+", r"\1N", text)
    text = re.sub(r"Python/3[.\d]+", "Python/3", text)
    # It counts the digits of the ports, too.
    text = re.sub(r"(content-length(\W+| ))\d+", r"\1N", text, flags=re.IGNORECASE)
    return json.loads(re.sub(r"/metadata/([\w-]+)", _readable, text))


def _readable(found: re.Match[str]) -> str:
    pairs = metadata.decode(found[1])
    assert pairs, f"no metadata: {found[1]}"
    return "/metadata/" + urlencode([(key, "ID" if key in ("cv", "s[][cv]") else value) for key, value in pairs])


def differences(want: Any, got: Any, pointer: str = "") -> Iterator[str]:
    """Each difference, with the JSON pointer of the value."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            yield from differences(want.get(key, "(absent)"), got.get(key, "(absent)"), f"{pointer}/{key}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, (one, other) in enumerate(zip(want, got, strict=True)):
            yield from differences(one, other, f"{pointer}/{index}")
    elif want != got:
        yield f"{pointer}\n  recorded: {want!r}\n  double:   {got!r}"
