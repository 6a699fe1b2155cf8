"""What the live server saw of an interaction: states, request, response, and what the project did."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pact_verification.pacts.pact import ProviderState
from pact_verification.results.crash import Crash
from pact_verification.text import Place

MAX_SHOWN_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request that the live server received.

    Attributes:
        target: path and query.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def headline(self) -> str:
        """Method and target: GET /items?a=1."""
        return f"{self.method} {self.target}"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def cut(self) -> Self:
        """Return the message with its body cut to the length that reports show."""
        return replace(self, body=_cut(self.body))


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """A response that the project gave."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def headline(self) -> str:
        """Status and reason: 200 OK."""
        return f"{self.status} {self.reason}".rstrip()

    def cut(self) -> Self:
        """Return the message with its body cut to the length that reports show."""
        return replace(self, body=_cut(self.body))


def _cut(body: bytes) -> bytes:
    if len(body) <= MAX_SHOWN_BODY:
        return body
    return body[:MAX_SHOWN_BODY] + b"\n(cut: %d bytes in all)" % len(body)


@dataclass(frozen=True, slots=True)
class SetUpState:
    """A provider state that was set up.

    Attributes:
        handler: the function, with file and line.
        values: what it gave to the pact's generators.
    """

    state: ProviderState
    handler: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers a URL.

    Attributes:
        route: the URL pattern, as in the URLconf.
        view: dotted, with the method of a class.
        location: of its code; None where its source is not there.
        own: whether the view is the project's, not a library's.
        reached: whether it was the view that answered, and not a middleware before it.
    """

    route: str
    view: str
    location: Place | None = None
    own: bool = True
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the live server saw of one interaction.

    Attributes:
        arrived: the request before the request filters, its target as it was sent. The verdict leaves it out unless it
            differs from the pact's.
        request: as it was after the request filters.
        states: those that were set up.
        endpoint: what answered; None when no URL pattern was meant for the URL.
        no_route: then, what looks like it.
        queries: how many SQL queries the request took, on all databases; None of a server that already runs.
        request_seconds: how long the request took.
        state_error: why a provider state could not be set up; no request follows then.
        crash: the exception behind a state error or a 500.
        refusal: the exception of which Django, or Django REST framework, made another response, such as a 403.
        log: what the project logged meanwhile, a line for each record.
        self_call: which requests the project sent to its own server, in words.
        over_limit: which limit it exceeded: of time, of size, or of what HTTP allows. It fails then.
        unanswered: why no answer came: the process that ran the project ended, or a server elsewhere did not answer.
        warnings: what did not change the outcome, such as a teardown that failed.
        seconds: how long the states, the request and the teardown took together.
    """

    request: RecordedRequest | None = None
    response: RecordedResponse | None = None
    arrived: RecordedRequest | None = None
    states: tuple[SetUpState, ...] = ()
    endpoint: Endpoint | None = None
    no_route: str | None = None
    queries: int | None = 0
    request_seconds: float = 0.0
    state_error: str | None = None
    crash: Crash | None = None
    refusal: Crash | None = None
    log: tuple[str, ...] = ()
    self_call: str | None = None
    over_limit: str | None = None
    unanswered: str | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
