"""The double itself: real HTTP, faults, credentials, and the API that tests use."""

import base64
import copy
import json
import re
import socket
import ssl
import threading
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.broker_double import webhooks
from tests.broker_double.bodies import Bodies
from tests.broker_double.resources import Answer, Call, Later, dispatch
from tests.broker_double.store import Json, Result, Store, Version, Webhook

READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # with the query
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request: an answer of the test's own, or one of the kinds below."""

    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "answer"
    reason: str | None = None

    @classmethod
    def close(cls) -> Self:
        return cls(kind="close")

    @classmethod
    def malformed(cls) -> Self:
        return cls(200, b'{"_links": {"self": ', {"Content-Type": "application/hal+json;charset=utf-8"})

    @classmethod
    def redirect(cls, url: str) -> Self:
        return cls(302, b"", {"Location": url})

    @classmethod
    def hang(cls) -> Self:
        return cls(kind="hang")

    @classmethod
    def drip(cls) -> Self:
        return cls(kind="drip")

    @classmethod
    def drop(cls) -> Self:
        return cls(kind="drop")

    @classmethod
    def lie(cls) -> Self:
        return cls(kind="lie")


@dataclass
class _Armed:
    method: str
    path: re.Pattern[str]
    fault: Fault
    times: int | None


class BrokerDouble:
    def __init__(
        self,
        *,
        basic: tuple[str, str] | None = None,
        read_only: tuple[str, str] | None = None,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        latency: float = 0,
        pactflow: bool = False,
    ) -> None:
        """Bind to a free port of the loopback interface.

        `latency` is the number of seconds that every answer takes. Requests wait side by side, not one after another.
        """
        self.requests: list[Request] = []
        self.closed = threading.Event()
        self.latency = latency
        self._writers = [_basic(basic)] if basic else [f"Bearer {token}"] if token else []
        self._readers = [*self._writers, *([_basic(read_only)] if read_only else [])]
        self._scheme = "basic" if basic else "bearer"
        self._faults: list[_Armed] = []
        self._store = Store(is_pactflow=pactflow)
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.double = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What tests put in

    def publish(self, pact: Json, version: str = "c1", branch: str | None = "main", tags: Iterable[str] = ()) -> str:
        """The sha of the pact version. Calls no webhook: for these, post to /contracts/publish."""
        with self._lock:
            return self._store.publish(pact, version, branch, tags).sha

    def create_environment(self, name: str, *, production: bool = False) -> None:
        with self._lock:
            self._store.add_environment(name, None, production=production)

    def create_pacticipant(self, name: str, main_branch: str | None = None) -> None:
        with self._lock:
            self._store.pacticipant(name).main_branch = main_branch

    def record_deployment(self, pacticipant: str, version: str, environment: str) -> None:
        with self._lock:
            made = self._store.make_version(pacticipant, version)
            self._store.record(made, self._store.environment(environment))

    def publish_result(
        self,
        consumer: str,
        consumer_version: str,
        provider: str,
        provider_version: str,
        branch: str | None = "main",
        *,
        success: bool = True,
    ) -> None:
        with self._lock:
            pact = self._store.pact(consumer, provider, consumer_version)
            assert pact, f"no pact of {consumer} {consumer_version} with {provider}"
            version = self._store.make_version(provider, provider_version)
            if branch:
                self._store.add_branch(version, branch)
            body = {"providerApplicationVersion": provider_version, "success": success, "testResults": []}
            self._store.add_result(pact, provider_version, body, success=success)

    def create_webhook(
        self,
        provider: str,
        event: str = "contract_requiring_verification_published",
        *,
        enabled: bool = True,
        url: str = "http://127.0.0.1:9/dispatches",
    ) -> str:
        body = {
            "description": f"{event} for {provider}",
            "events": [{"name": event}],
            "provider": {"name": provider},
            "enabled": enabled,
            "request": {
                "method": "POST",
                "url": url,
                "headers": {"Content-Type": "application/json"},
                "body": {"pact_url": "${pactbroker.pactUrl}", "sha": "${pactbroker.providerVersionNumber}"},
            },
        }
        with self._lock:
            self._store.pacticipant(provider)
            identifier = f"00000000-0000-4000-8000-{len(self._store.webhooks) + 1:012}"
            self._store.webhooks[identifier] = Webhook(identifier, body)
        return identifier

    def fault(self, method: str, path: str, fault: Fault, times: int | None = None) -> None:
        with self._lock:
            self._faults.append(_Armed(method, re.compile(path), fault, times))

    # What tests look at

    def pact_url(self, consumer: str, consumer_version: str) -> str:
        with self._lock:
            pact = next(
                each
                for each in self._store.pacts
                if (each.consumer, each.version.number) == (consumer, consumer_version)
            )
            return webhooks.pact_url(Bodies(self.url, self._store), pact)

    @property
    def results(self) -> list[Result]:
        with self._lock:
            return list(self._store.results)

    def versions(self, pacticipant: str) -> dict[str, Version]:
        with self._lock:
            return {each.number: each for each in self._store.versions(pacticipant)}

    def deployed(self, environment: str) -> list[tuple[str, str]]:
        with self._lock:
            there = self._store.current(self._store.environment(environment))
            return [(each.version.pacticipant, each.version.number) for each in there]

    @property
    def provider_contracts(self) -> list[Json]:
        with self._lock:
            return list(self._store.provider_contracts)

    @property
    def webhooks(self) -> dict[str, Json]:
        with self._lock:
            return {identifier: each.body for identifier, each in self._store.webhooks.items()}

    # What the handler asks for

    def arrived(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            for armed in self._faults:
                if armed.method == request.method and armed.path.search(request.path) and armed.times != 0:
                    armed.times = armed.times and armed.times - 1
                    return armed.fault
        return None

    def refusal(self, request: Request) -> Answer | None:
        given = request.headers.get("authorization", "")
        reads = request.method in READING or urlsplit(request.path).path.endswith("/for-verification")
        if not self._writers or given in (self._readers if reads else self._writers):
            return None
        if self._scheme == "basic" and given.startswith("Bearer "):
            return Answer(400, "", "text/plain")
        challenge = {"WWW-Authenticate": 'Basic realm="Restricted area"'} if self._scheme == "basic" else {}
        return Answer(401, "", "text/plain", challenge)

    def answer(self, request: Request, fault: Fault | None = None) -> Answer:
        with self._lock:
            if fault is None:
                answer = self._answer_from(self._store, request)
            else:
                answer = self._answer_from(copy.deepcopy(self._store), request)
                if fault.kind == "lie":
                    self._record_the_opposite(request)
        made = answer if isinstance(answer, Answer) else answer()
        if fault is None:
            for call in made.calls:
                webhooks.execute(call, Bodies(self.url, self._store))
        return made

    def _answer_from(self, store: Store, request: Request) -> Answer | Later:
        target = urlsplit(request.path)
        return dispatch(request.method, target.path, Call(Bodies(self.url, store), target.query, request.body))

    def _record_the_opposite(self, request: Request) -> None:
        lie = {**request.body, "success": not request.body["success"]}
        self._answer_from(self._store, replace(request, body=lie))
        self._store.results[-1].body = request.body


def _basic(credentials: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(credentials).encode()).decode()


class _Server(ThreadingHTTPServer):
    double: BrokerDouble
    request_queue_size = 128  # the default of five refuses connections when many clients arrive at once


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def serve(self) -> None:
        double = self.server.double
        request = self._request()
        fault = double.arrived(request)
        double.closed.wait(double.latency)  # the state is not locked here: other requests go on
        if fault is None or fault.kind in ("drop", "lie"):
            answer = double.refusal(request) or self._answered(request, fault)
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, ensure_ascii=False)
            content_type = {"Content-Type": answer.content_type} if answer.content_type else {}
            self._send(answer.status, {**content_type, **answer.headers}, body.encode())
        elif fault.kind == "answer":
            self._send(fault.status, fault.headers, fault.body, fault.reason)
        else:
            self._misbehave(fault.kind, double.closed)

    def _answered(self, request: Request, fault: Fault | None) -> Answer:
        try:
            return self.server.double.answer(request, fault)
        except Exception:  # noqa: BLE001 - so does the broker, whatever it was
            traceback.print_exc()
            return Answer(500, {"error": {"message": "An error has occurred."}})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve  # noqa: N815 - the names that http.server wants

    def _request(self) -> Request:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        try:
            body = json.loads(raw)
        except ValueError:
            body = raw
        return Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes, reason: str | None = None) -> None:
        self.send_response(status, reason)
        # One request a connection: nothing is left open when the double closes.
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _misbehave(self, kind: str, closed: threading.Event) -> None:
        self.close_connection = True
        if kind == "hang":
            closed.wait()
        elif kind == "drip":
            self.send_response(200)
            self.send_header("Content-Type", "application/hal+json;charset=utf-8")
            self.send_header("Connection", "close")
            self.end_headers()
            self._drip(closed)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _drip(self, closed: threading.Event) -> None:
        try:
            while not closed.wait(0.05):
                self.wfile.write(b" ")
        except OSError:
            return  # the other side has had enough

    def log_message(self, format: str, *arguments: Any) -> None:  # the server's log would disturb the tests'
        pass
