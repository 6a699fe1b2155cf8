"""HAL resources over HTTP, from one origin only.

Errors name what the server refused and how to mend it.
"""

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
from requests.adapters import HTTPAdapter
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

from pact_verification.errors import BrokerError
from pact_verification.system.certificates import certificate_hint, trust_named
from pact_verification.system.credentials import Credentials, hide_credentials
from pact_verification.text import printable

ANSWER_SECONDS = 7
"""How long an answer may take, and how long all answers before the first pact may take together.

Twice this time is less than the 15 seconds within which a run has to report its first progress."""

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
    """The server answered with 404."""


class Invalid(BrokerError):
    """The server answered with 400: it understands the request, and refuses a value in it."""


class Unreachable(BrokerError):
    """The server did not answer. Another request would fail as well."""


class ServerFailure(BrokerError):
    """The server answered with 500 or more. Another request may succeed."""


@dataclass(frozen=True, slots=True)
class HalResponse:
    """The server's answer to a request."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the body's JSON, or None when the body is no JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def reason_given(self) -> str | None:
        """The server's reason for a refusal, in one line."""
        document = self.json()
        if not isinstance(document, dict):
            return None
        try:
            words = " ".join(_words(document.get("errors") or document.get("error") or document.get("message")))
        except RecursionError:
            return None
        # Secrets are hidden before the cut, since half a secret would not be found.
        return printable(hide_credentials(words)[:MAX_TEXT]) or None


class Client:
    """A client for the resources of one origin. Every method raises BrokerError.

    Args:
        url: the address of the first resource, which links are relative to. A proxy may tell it from the same address
            with or without a slash at its end, so it stays as it is. The client sends nothing to another origin.
        credentials: sent with every request.
        answer_seconds: how long an answer may take, from the first byte sent to the last received.
    """

    def __init__(self, url: str, credentials: Credentials, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.url = url
        self.credentials = credentials
        self.answer_seconds = answer_seconds
        self._deadline = math.inf
        self._session = requests.Session()
        self._session.auth = _Header(credentials.header)
        if url.startswith("https:"):
            self._session.mount("https://", _TrustingAdapter())

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let all answers within the block together take no longer than one."""
        self._deadline = time.monotonic() + self.answer_seconds
        try:
            yield
        finally:
            self._deadline = math.inf

    def get(self, url: str) -> Json:
        """Return a resource."""
        return self._ask("GET", url)

    def content(self, url: str) -> bytes:
        """Return a resource's bytes.

        Reading and writing JSON again could change its numbers.
        """
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

    def _absolute(self, url: str) -> str:
        return urljoin(self.url if self.url.endswith("/") else f"{self.url}/", url)

    def _send(self, method: str, url: str, document: Json | None = None, attempts: int = 1) -> HalResponse:
        try:
            url = self._absolute(url)
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

    def _once(self, method: str, url: str, document: Json | None) -> HalResponse:
        """Send one request on a thread.

        The timeouts of requests start anew with every byte, so they are no limit.
        """
        answers: queue.SimpleQueue[HalResponse | Exception] = queue.SimpleQueue()
        given_up = threading.Event()

        def send() -> None:
            try:
                answers.put(self._receive(method, url, document, given_up))
            except Exception as error:  # noqa: BLE001  # raised below, on the caller's thread
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

    def _receive(self, method: str, url: str, document: Json | None, given_up: threading.Event) -> HalResponse:
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
            return HalResponse(response.status_code, response.reason, response.headers, bytes(content))

    def _unreachable(self, error: Exception, method: str, url: str) -> BrokerError:
        cause = _cause(error)
        if isinstance(error, requests.Timeout):
            reason = (
                f"did not answer {_named(method, url)} within {self.answer_seconds:g} s. Is it overloaded, or behind a "
                "VPN? One that has to wake up first needs a longer --broker-timeout, and a weak one fewer "
                "PACT_BROKER_CONNECTIONS."
            )
        elif isinstance(error, requests.exceptions.SSLError):
            reason = f"can't be asked over https: {cause}. {certificate_hint()}"
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = f"can't be reached through the proxy: {cause}. HTTP_PROXY, HTTPS_PROXY and NO_PROXY choose it."
        elif isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
            reason = f"broke off, or garbled, its answer to {_named(method, url)}. Does its log say why?"
        elif isinstance(error, requests.ConnectionError) and cause:
            reason = f"can't be reached: {cause}. Is it running, and is PACT_BROKER_BASE_URL its address?"
        elif isinstance(error, requests.ConnectionError):
            reason = f"closed the connection over {_named(method, url)}. Does its log say why?"
        elif isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            reason = f"can't be asked over https. {certificate_hint()}"  # requests found no certificates
        else:  # the error's text may quote a proxy's URL with its password
            reason = (
                f"can't be asked ({type(error).__name__}). Is PACT_BROKER_BASE_URL its address, and are HTTP_PROXY and "
                "HTTPS_PROXY, where they are set, URLs?"
            )
        return Unreachable(f"The broker {self.url} {reason}")

    def _refused(self, answer: HalResponse, method: str, url: str) -> BrokerError:
        status, names = answer.status, self.credentials.named
        writes = method != "GET" and not url.endswith("/for-verification")
        reason_given = f" ({answer.reason_given})" if answer.reason_given else ""
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
            return NotFound(f"{_named(method, url)} was answered with 404{reason_given}: it is not there.")
        elif status == requests.codes.conflict:
            remedy = "It conflicts with what the broker holds: was this version published differently before?"
        elif status in SERVER_ERRORS:
            remedy = "That is the broker's own trouble: its log says more. Try again."
        else:
            remedy = ""
        kind = Invalid if status == requests.codes.bad_request else BrokerError
        kind = ServerFailure if status in SERVER_ERRORS else kind
        return kind(
            f"{_named(method, url)} was answered with {status} {answer.reason}{reason_given}. {remedy}".rstrip()
        )


class _TrustingAdapter(HTTPAdapter):
    """Trusts the certificates of all variables. requests reads some of them itself."""

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, ssl_context=trust_named(create_urllib3_context()), **settings)


class _Header(requests.auth.AuthBase):
    """Sends the given header or none.

    Without an auth object, requests would read ~/.netrc.
    """

    def __init__(self, header: str) -> None:
        self.header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.header:
            request.headers["Authorization"] = self.header
        return request


def linked(document: Any, relation: str, key: str = "href") -> str | None:
    """Return a HAL document's link, or None when there is no such link."""
    links = document.get("_links") if isinstance(document, Mapping) else None
    link = links.get(relation) if isinstance(links, Mapping) else None
    return (str(link.get(key) or "") or None) if isinstance(link, Mapping) else None


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port as urllib3 will use them.

    Parsers may read different hosts from a URL with a backslash or a user name. The origin of such a URL is the URL
    itself, so that it equals no other origin.
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
    """Return the URL without query and fragment, which may hold anything."""
    return re.split("[?#]", url)[0]


def _cause(error: BaseException) -> str | None:
    """Return the text of the system's or TLS' error that requests has wrapped.

    None for a connection that the server closed, since the text for that varies.
    """
    seen: object = error
    while isinstance(seen, BaseException):
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message
        if isinstance(seen, OSError) and seen.strerror and not isinstance(seen, ConnectionResetError | BrokenPipeError):
            return seen.strerror
        inner = [getattr(seen, "reason", None), *seen.args, seen.__cause__, seen.__context__]
        seen = next((each for each in inner if isinstance(each, BaseException)), None)
    return None


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {' '.join(_words(part))}" for key, part in value.items()]
    if isinstance(value, list):
        return [word for part in value for word in _words(part)]
    return [str(value)] if value else []
