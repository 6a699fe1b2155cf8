"""HAL resources over HTTP, from one origin only. Errors say what was refused, and what mends it."""

import json
import math
import queue
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from pact_verification.credentials import Credentials, hide_credentials
from pact_verification.errors import BrokerError
from pact_verification.text import printable

ANSWER_SECONDS = 7
"""How long an answer may take, and how long all may that come before the first pact: with a pact's own, that is less
than the 15 seconds after which a run has to know where it is."""

ANSWER_BYTES = 50_000_000
MAX_TEXT = 500
ATTEMPTS = 3
PAUSE_SECONDS = 0.5
PORTS = {"http": 80, "https": 443}
SERVER_ERRORS = range(500, 600)
REDIRECTS = range(300, 400)
REFUSED = {401, 403}

Json = Mapping[str, Any]


class NotFound(BrokerError):
    """404."""


class Unreachable(BrokerError):
    """No answer at all: there is no use in asking for the next thing."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Its document; None when it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def said(self) -> str:
        """What it says of a refusal, in one line."""
        document = self.json()
        if not isinstance(document, dict):
            return ""
        try:
            words = " ".join(_words(document.get("errors") or document.get("error") or document.get("message")))
        except RecursionError:
            return ""
        return printable(hide_credentials(words)[:MAX_TEXT])  # hidden first: half a secret is not found any more


class Client:
    """Resources of one origin.

    Args:
        url: the address of the first. Nothing is ever sent to another origin.
        credentials: sent with every request.
        answer_seconds: how long an answer may take, from the first byte sent to the last received.

    Every method raises BrokerError.
    """

    def __init__(self, url: str, credentials: Credentials, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.url = url.rstrip("/")
        self.credentials = credentials
        self.answer_seconds = answer_seconds
        self._deadline = math.inf
        self._session = requests.Session()
        self._session.auth = _Header(credentials.header)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All answers within the block together may take no longer than one."""
        self._deadline = time.monotonic() + self.answer_seconds
        try:
            yield
        finally:
            self._deadline = math.inf

    def get(self, url: str) -> Json:
        """A resource."""
        return self._ask("GET", url)

    def content(self, url: str) -> bytes:
        """A resource as its bytes: a number that has been read and written again is another number."""
        return self._send("GET", url).content

    def put(self, url: str, document: Json) -> Json:
        return self._ask("PUT", url, document, attempts=ATTEMPTS)

    def post(self, url: str, document: Json, *, attempts: int = ATTEMPTS) -> Json:
        return self._ask("POST", url, document, attempts)

    def _ask(self, method: str, url: str, document: Json | None = None, attempts: int = 1) -> Json:
        answer = self._send(method, url, document, attempts)
        read = answer.json()
        if not isinstance(read, dict):
            kind = answer.headers.get("Content-Type", "no content type")
            raise BrokerError(
                f"{_named(method, url)} was answered with {answer.status} and something that is not JSON ({kind}). "
                f"Is PACT_BROKER_BASE_URL, {self.url}, the address of a Pact Broker?"
            )
        return read

    def _send(self, method: str, url: str, document: Json | None = None, attempts: int = 1) -> Answer:
        try:
            url = urljoin(f"{self.url}/", url)
        except ValueError as error:
            raise BrokerError(f"{self.url} links to {url!r}, which is no URL.") from error
        if origin(url) != origin(self.url):
            raise BrokerError(
                f"{self.url} links to {url}, which is another origin; nothing is sent there. Set PACT_BROKER_BASE_URL "
                "to the address that the broker gives itself, or the broker's base URL to this one."
            )
        while True:
            attempts -= 1
            answer = self._once(method, url, document)
            if answer.status not in SERVER_ERRORS or not attempts:
                break
            time.sleep(PAUSE_SECONDS)
        if answer.status not in range(200, 300):
            raise self._refused(answer, method, url)
        return answer

    def _once(self, method: str, url: str, document: Json | None) -> Answer:
        """One request, on a thread: requests' time-outs are for each byte, and a broker may send one now and then."""
        answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        given_up = threading.Event()

        def send() -> None:
            try:
                answers.put(self._receive(method, url, document, given_up))
            except Exception as error:  # noqa: BLE001  # raised below, where somebody waits for it
                answers.put(error)

        threading.Thread(target=send, name="pact-broker", daemon=True).start()
        seconds = max(min(self.answer_seconds, self._deadline - time.monotonic()), 0)
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            answer = requests.Timeout()
        finally:
            given_up.set()
        if isinstance(answer, BrokerError):
            raise answer
        if isinstance(answer, Exception):
            raise self._unreachable(answer, method, url) from answer
        return answer

    def _receive(self, method: str, url: str, document: Json | None, given_up: threading.Event) -> Answer:
        with self._session.request(
            method,
            url,
            json=document,
            headers={"Accept": "application/hal+json, application/json"},
            timeout=self.answer_seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(65_536):
                content += chunk
                if len(content) > ANSWER_BYTES:
                    raise BrokerError(f"{_named(method, url)} was answered with more than {ANSWER_BYTES:,} bytes.")
                if given_up.is_set():
                    break
            return Answer(response.status_code, response.reason, response.headers, bytes(content))

    def _unreachable(self, error: Exception, method: str, url: str) -> BrokerError:
        cause = _cause(error)
        if isinstance(error, requests.Timeout):
            reason = (
                f"did not answer {_named(method, url)} within {self.answer_seconds:g} s. Is it overloaded, or behind a "
                "VPN? One that has to wake up first needs a longer --broker-timeout."
            )
        elif isinstance(error, requests.exceptions.SSLError):
            reason = f"can't be asked over https: {cause}. REQUESTS_CA_BUNDLE names certificates to trust."
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = f"can't be reached through the proxy: {cause}. HTTP_PROXY, HTTPS_PROXY and NO_PROXY choose it."
        elif isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
            reason = f"broke off, or garbled, its answer to {_named(method, url)}. Does its log say why?"
        elif isinstance(error, requests.ConnectionError) and cause:
            reason = f"can't be reached: {cause}. Is it running, and is PACT_BROKER_BASE_URL its address?"
        elif isinstance(error, requests.ConnectionError):
            reason = f"closed the connection over {_named(method, url)}. Does its log say why?"
        else:  # without the text: that of a proxy's URL may hold a password
            reason = (
                f"can't be asked ({type(error).__name__}). Is PACT_BROKER_BASE_URL its address, and are HTTP_PROXY and "
                "HTTPS_PROXY, where they are set, URLs?"
            )
        return Unreachable(f"The broker {self.url} {reason}")

    def _refused(self, answer: Answer, method: str, url: str) -> BrokerError:
        status, names = answer.status, self.credentials.named
        writes = method != "GET" and not url.endswith("/for-verification")
        said = f" ({answer.said})" if answer.said else ""
        if status in REDIRECTS:
            remedy = (
                f"It redirects to {_bare(answer.headers.get('Location', ''))}, which is not followed: "
                "credentials go to the configured broker only. Set PACT_BROKER_BASE_URL to the broker's final address."
            )
        elif status == requests.codes.bad_request and self.credentials.token and not answer.content:
            remedy = (
                "A broker with basic authentication answers a token so: set PACT_BROKER_USERNAME and "
                "PACT_BROKER_PASSWORD in place of PACT_BROKER_TOKEN."
            )
        elif status in REFUSED and not names:
            remedy = "It wants credentials: set PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD."
        elif status == requests.codes.unauthorized and not writes:
            remedy = f"It does not accept {names}: is that for {self.url}, and current?"
        elif status in REFUSED:
            remedy = f"{names} may not {'write' if writes else 'read'} there: use credentials that may."
        elif status == requests.codes.not_found:
            return NotFound(f"{_named(method, url)} was answered with 404{said}: it is not there.")
        elif status == requests.codes.conflict:
            remedy = "It conflicts with what the broker holds: was this version published differently before?"
        elif status in SERVER_ERRORS:
            remedy = "That is the broker's own trouble: its log says more. Try again."
        else:
            remedy = ""
        return BrokerError(f"{_named(method, url)} was answered with {status} {answer.reason}{said}. {remedy}".rstrip())


class _Header(requests.auth.AuthBase):
    """Our header or none. (With no auth of its own, requests would look into ~/.netrc.)"""

    def __init__(self, header: str) -> None:
        self.header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.header:
            request.headers["Authorization"] = self.header
        return request


def linked(document: Any, relation: str, key: str = "href") -> str:
    """What a HAL document's link says; empty when it has no such link."""
    links = document.get("_links") if isinstance(document, Mapping) else None
    link = links.get(relation) if isinstance(links, Mapping) else None
    return str(link.get(key) or "") if isinstance(link, Mapping) else ""


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, read as the connection will be made.

    Two parsers may read two hosts out of one URL with a backslash or a user name in it. Such a URL has no origin but
    itself, so that it equals no other's.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        return url, "", None
    if parts.auth is not None or "\\" in url or re.search(r"[\x00-\x20\x7f]", url):
        return url, "", None
    return parts.scheme or "", parts.host or "", parts.port or PORTS.get(parts.scheme or "")


def _named(method: str, url: str) -> str:
    return f"{method} {_bare(url)}"


def _bare(url: str) -> str:
    """Without what comes after the path: it is long, and may quote anything."""
    return re.split("[?#]", url)[0]


def _cause(error: BaseException) -> str:
    """What the operating system or TLS said, from within what requests and urllib3 wrap around it.

    Empty where the other side closed the connection: the words for that differ with the moment.
    """
    seen: object = error
    while isinstance(seen, BaseException):
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message
        if isinstance(seen, OSError) and seen.strerror and not isinstance(seen, ConnectionResetError | BrokenPipeError):
            return seen.strerror
        inner = [getattr(seen, "reason", None), *seen.args, seen.__cause__, seen.__context__]
        seen = next((each for each in inner if isinstance(each, BaseException)), None)
    return ""


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {' '.join(_words(part))}" for key, part in value.items()]
    if isinstance(value, list):
        return [word for part in value for word in _words(part)]
    return [str(value)] if value else []
