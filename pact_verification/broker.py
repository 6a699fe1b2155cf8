"""The Pact Broker over HTTP: a few HAL reads, and the results. Errors say what was refused, and what mends it.

The core could fetch and publish by itself, but takes refused credentials for "no pacts" (F34) and a refused result for
a published one (F33), waits 127 seconds for a server error, follows a link to any host with the token in hand (F36),
and publishes before anybody has looked at what the server saw.
"""

import base64
import queue
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests

from pact_verification.errors import BrokerError

ANSWER_SECONDS = 7
"""How long an answer may take. Two of them have to fit into the 15 seconds in which a run must know where it is."""

ATTEMPTS = 3
PAUSE_SECONDS = 0.5
PORTS = {"http": 80, "https": 443}
SERVER_ERRORS = range(500, 600)
REDIRECTS = range(300, 400)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A bearer token, or a user name and a password; all empty for a broker that wants none."""

    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        if self.token:
            return f"Bearer {self.token}"
        if self.username:
            return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        return ""

    @property
    def named(self) -> str:
        """Where they come from; empty when there are none."""
        if self.token:
            return "PACT_BROKER_TOKEN"
        return "PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD" if self.username else ""

    def hidden_in(self, text: str) -> str:
        """The text without the secrets, should a broker or a library have quoted them."""
        for secret in filter(None, (self.header.partition(" ")[2], self.token, self.password)):
            text = text.replace(secret, "(hidden)")
        return text


class _Credentialed(requests.auth.AuthBase):
    """Our header or none. (With no auth of its own, requests would look into ~/.netrc.)"""

    def __init__(self, header: str) -> None:
        self.header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.header:
            request.headers["Authorization"] = self.header
        return request


class Broker:
    """A broker at a URL.

    Args:
        url: its address. Nothing is ever sent to another origin.
        credentials: sent with every request.
        answer_seconds: how long an answer may take, from the first byte sent to the last received.

    Every method raises BrokerError.
    """

    def __init__(self, url: str, credentials: Credentials, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.url = url.rstrip("/")
        self.credentials = credentials
        self.answer_seconds = answer_seconds
        self._session = requests.Session()
        self._session.auth = _Credentialed(credentials.header)
        self._index: Json = {}

    # --- what is asked

    def link(self, *relations: str, **names: str) -> str:
        """A URL from the broker's index, its {placeholders} filled in."""
        if not self._index:
            try:
                self._index = self.get(self.url)
            except NotFound as error:
                raise self._no_broker("has nothing there (404)") from error
        for relation in relations:
            if href := linked(self._index, relation):
                for name, value in names.items():
                    href = href.replace(f"{{{name}}}", quote(value, safe=""))
                return href
        raise self._no_broker(f"has no link {relations[0]!r} in what it answers")

    def _no_broker(self, why: str) -> BrokerError:
        return BrokerError(
            f"{self.url} is no Pact Broker that we can use: it {why}. PACT_BROKER_BASE_URL must be the address of the "
            "broker's own start page."
        )

    def main_branch(self, provider: str) -> str:
        """The provider's main branch; empty when the broker wasn't told of one."""
        try:
            return str(self.get(self.link("pb:pacticipant", pacticipant=provider)).get("mainBranch") or "")
        except NotFound as error:
            raise self.unknown_provider(provider) from error

    def for_verification(self, provider: str, query: Json) -> Sequence[Json]:
        """The pacts that selectors select, as the broker lists them."""
        url = self.link("pb:provider-pacts-for-verification", "beta:provider-pacts-for-verification", provider=provider)
        try:
            answer = self._ask("POST", url, query)
        except NotFound as error:
            raise self.unknown_provider(provider) from error
        pacts = answer.get("_embedded", {}).get("pacts") if isinstance(answer.get("_embedded"), Mapping) else None
        if not isinstance(pacts, list):
            raise BrokerError(f"{self.url} answered the selectors with something that is no list of pacts.")
        return pacts

    def get(self, url: str) -> Json:
        """A resource."""
        return self._ask("GET", url)

    def content(self, url: str) -> bytes:
        """A resource as its bytes: a number that has been read and written again is another number."""
        return self._send("GET", url).content

    def put(self, url: str, document: Json) -> None:
        self._send("PUT", url, document, attempts=ATTEMPTS)

    def post(self, url: str, document: Json) -> Json:
        return self._ask("POST", url, document, attempts=ATTEMPTS)

    def unknown_provider(self, provider: str) -> BrokerError:
        return BrokerError(
            f"{self.url} knows no provider {provider!r}. {self._known_names()}Is PACT_PROVIDER_NAME (or "
            "--provider-name) what consumers write in their pacts, and has one of them published?"
        )

    def _known_names(self) -> str:
        try:
            embedded = self.get(self.link("pb:pacticipants"))["_embedded"]["pacticipants"]
            names = [repr(entry["name"]) for entry in embedded]
        except (BrokerError, KeyError, TypeError):
            return ""
        return f"It knows {', '.join(names[:20])}{' and others' if len(names) > 20 else ''}. " if names else ""  # noqa: PLR2004

    # --- how it is asked

    def _ask(self, method: str, url: str, document: Json | None = None, attempts: int = 1) -> Json:
        answer = self._send(method, url, document, attempts)
        try:
            read = answer.json()
        except ValueError:
            read = None
        if not isinstance(read, dict):
            kind = answer.headers.get("Content-Type", "no content type")
            raise BrokerError(
                f"{_named(method, url)} was answered with {answer.status_code} and something that is not JSON "
                f"({kind}). Is PACT_BROKER_BASE_URL, {self.url}, the address of a Pact Broker?"
            )
        return read

    def _send(self, method: str, url: str, document: Json | None = None, attempts: int = 1) -> requests.Response:
        if origin(url) != origin(self.url):
            raise BrokerError(
                f"{self.url} links to {url}, which is another origin; nothing is sent there. Set PACT_BROKER_BASE_URL "
                "to the address that the broker gives itself, or the broker's base URL to this one."
            )
        while True:
            attempts -= 1
            answer = self._once(method, url, document)
            if answer.status_code not in SERVER_ERRORS or not attempts:
                break
            threading.Event().wait(PAUSE_SECONDS)
        if not answer.ok or answer.status_code in REDIRECTS:
            raise self._refused(answer, method, url)
        return answer

    def _once(self, method: str, url: str, document: Json | None) -> requests.Response:
        """One request, on a thread: requests' time-outs are for each byte, and a broker may send one now and then."""
        answers: queue.SimpleQueue[requests.Response | Exception] = queue.SimpleQueue()

        def send() -> None:
            try:
                answers.put(
                    self._session.request(
                        method,
                        url,
                        json=document,
                        headers={"Accept": "application/hal+json, application/json"},
                        timeout=self.answer_seconds,
                        allow_redirects=False,
                    )
                )
            except Exception as error:  # noqa: BLE001  # raised below, where somebody waits for it
                answers.put(error)

        threading.Thread(target=send, name="pact-broker", daemon=True).start()
        try:
            answer = answers.get(timeout=self.answer_seconds)
        except queue.Empty:
            answer = requests.Timeout()
        if isinstance(answer, Exception):
            raise self._unreachable(answer, method, url) from answer
        return answer

    def _unreachable(self, error: Exception, method: str, url: str) -> BrokerError:
        cause = self.credentials.hidden_in(_cause(error))
        if isinstance(error, requests.Timeout):
            reason = (
                f"did not answer {_named(method, url)} within {self.answer_seconds:g} s. Is it overloaded, or behind a "
                "VPN? One that has to wake up first needs a longer --broker-timeout."
            )
        elif isinstance(error, requests.exceptions.SSLError):
            reason = f"can't be asked over https: {cause}. REQUESTS_CA_BUNDLE names certificates to trust."
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = f"can't be reached through the proxy: {cause}. HTTP_PROXY, HTTPS_PROXY and NO_PROXY choose it."
        elif isinstance(error, requests.ConnectionError) and cause:
            reason = f"can't be reached: {cause}. Is it running, and is PACT_BROKER_BASE_URL its address?"
        elif isinstance(error, requests.ConnectionError):
            reason = f"closed the connection over {_named(method, url)}. Does its log say why?"
        else:
            text = self.credentials.hidden_in(f"{type(error).__name__}: {error}")
            reason = f"can't be asked: {text}. PACT_BROKER_BASE_URL has to be its address."
        return Unreachable(f"The broker {self.url} {reason}")

    def _refused(self, answer: requests.Response, method: str, url: str) -> BrokerError:
        status, names = answer.status_code, self.credentials.named
        writes = method != "GET" and not url.endswith("/for-verification")
        said = self.credentials.hidden_in(_said(answer))
        if status in REDIRECTS:
            target = self.credentials.hidden_in(urljoin(url, answer.headers.get("Location", "")))
            remedy = (
                f"It redirects to {target}, which is not followed: credentials go to the configured broker only. Set "
                "PACT_BROKER_BASE_URL to the broker's final address."
            )
        elif status == requests.codes.bad_request and self.credentials.token and not answer.content:
            remedy = (
                "A broker with basic authentication answers a token so: set PACT_BROKER_USERNAME and "
                "PACT_BROKER_PASSWORD in place of PACT_BROKER_TOKEN."
            )
        elif status in {requests.codes.unauthorized, requests.codes.forbidden} and not names:
            remedy = "It wants credentials: set PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD."
        elif status == requests.codes.unauthorized and not writes:
            remedy = f"It does not accept {names}. Are they for {self.url}, and current?"
        elif status in {requests.codes.unauthorized, requests.codes.forbidden}:
            remedy = f"{names} may not {'write' if writes else 'read'} there: use credentials that may."
        elif status == requests.codes.not_found:
            return NotFound(
                f"{_named(method, url)} was answered with 404{f' ({said})' if said else ''}: it is not there."
            )
        elif status == requests.codes.conflict:
            remedy = "It conflicts with what the broker holds: was this version published differently before?"
        elif status in SERVER_ERRORS:
            remedy = "That is the broker's own trouble: its log says more. Try again."
        else:
            remedy = ""
        reason = f"{status} {answer.reason}{f' ({said})' if said else ''}"
        return BrokerError(f"{_named(method, url)} was answered with {reason}. {remedy}".rstrip())


class NotFound(BrokerError):
    """404."""


class Unreachable(BrokerError):
    """No answer at all: there is no use in asking for the next thing."""


def linked(document: Any, relation: str, key: str = "href") -> str:
    """What a HAL document's link says; empty when it has no such link."""
    links = document.get("_links") if isinstance(document, Mapping) else None
    link = links.get(relation) if isinstance(links, Mapping) else None
    return str(link.get(key) or "") if isinstance(link, Mapping) else ""


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. A URL that has none is its own only one."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return url, "", None


def _named(method: str, url: str) -> str:
    return f"{method} {urlsplit(url)._replace(query='', fragment='').geturl()}"


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


def _said(answer: requests.Response) -> str:
    """What the broker says of a refusal, in one line."""
    try:
        document = answer.json()
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors") or document.get("error") or document.get("message") or ""
    return " ".join(_words(errors))[:500]


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {' '.join(_words(part))}" for key, part in value.items()]
    if isinstance(value, list):
        return [word for part in value for word in _words(part)]
    return [str(value)] if value else []
