"""What the live server saw of an interaction: states, request, response or message, and what the project did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pact_verification.pacts.pact import ProviderState
from pact_verification.results.crash import Crash
from pact_verification.text import Place, described_binary

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


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message that a producer returned, or the request of a synchronous message that the producer got.

    Attributes:
        content_type: empty for an empty message without one.
        metadata: what the transport carries beside the content, as JSON values.
    """

    body: bytes = b""
    content_type: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_request(cls, content: Any, content_type: str | None, metadata: Mapping[str, Any]) -> Self:
        """Return the request that a producer gets. Unlike its answer, it may fit no content type."""
        if isinstance(content, str | bytes):
            body = content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
        else:
            body = b"" if content is None else json.dumps(content, default=str).encode()
        return cls(body, content_type or "", dict(metadata))

    @property
    def headline(self) -> str:
        """The content type."""
        return self.content_type or "no content type"

    @property
    def headers(self) -> dict[str, str]:
        """The metadata as texts."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in self.metadata.items()
        }

    def cut(self) -> Self:
        """Return the message with its body cut to the length that reports show."""
        return replace(self, body=_cut(self.body))


def _cut(body: bytes) -> bytes:
    if len(body) <= MAX_SHOWN_BODY:
        return body
    if binary := described_binary(body):
        return binary.encode()
    return body[:MAX_SHOWN_BODY] + b"\n(cut: %d bytes in all)" % len(body)


Recorded = RecordedRequest | RecordedResponse | RecordedMessage


@dataclass(frozen=True, slots=True)
class SetUpState:
    """A provider state that was set up.

    Attributes:
        handler: the function, with file and line.
        values: what the handler returned, for the pact's generators.
    """

    state: ProviderState
    handler: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Producer:
    """The function that gave a message."""

    name: str
    location: Place


NEAREST = "The nearest"
"""How a text begins that names URL patterns which are near to a path."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers a URL.

    Attributes:
        route: the URL pattern, as in the URLconf.
        view: dotted, with the method of a class.
        location: of its code; None if the source is not installed.
        own: whether the view is the project's, not a library's.
        reached: whether the view answered, and not a middleware before it.
    """

    route: str
    view: str
    location: Place | None = None
    own: bool = True
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """An SQL query.

    Attributes:
        sql: with its values, if the database's driver tells them.
        database: its alias.
        seconds: how long it took.
    """

    sql: str
    database: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Serializer:
    """A serializer class of Django REST framework.

    Attributes:
        name: dotted.
        place: where the class is; None if its source is not known.
        fields: their names, in order.
    """

    name: str
    place: Place | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SerializedMember:
    """A member of a JSON body, and the serializer field that wrote it.

    Attributes:
        steps: names of members, and None for every item of a list.
        serializer: the serializer's name.
    """

    steps: tuple[str | None, ...]
    serializer: str
    field: str


@dataclass(frozen=True, slots=True)
class Serialized:
    """The members of a response that serializers wrote, and these serializers.

    Attributes:
        problem: why they can't be told.
    """

    members: tuple[SerializedMember, ...] = ()
    serializers: tuple[Serializer, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the live server saw of one interaction.

    Attributes:
        arrived: the request before the request filters, its target as it was sent. A result has it only if it differs
            from the pact's request.
        request: the request after the request filters.
        states: the provider states that were set up.
        endpoint: the view that answered; None if no URL pattern matches.
        no_route: that no URL pattern matches, with the nearest patterns, or that Django was not asked; None if a
            pattern matches.
        message: what the producer gave.
        message_request: the request of a synchronous message, as the producer got it.
        producer: the function that was called for the message.
        queries: how many SQL queries the request or the producer took, on all databases; None for a server that already
            runs.
        sql: the first of these queries, if the run records them (--debug-sql).
        serialized: what serializers wrote of the response, if the run records that (--serializers).
        request_seconds: how long the request or the producer took.
        state_error: why a provider state could not be set up. The core then sends no request.
        producer_error: why there is no message.
        crash: the exception behind a state error, a producer error or a 500.
        refusal: the exception that Django or Django REST framework turned into another response, such as a 403.
        log: what the project logged meanwhile, a line for each record.
        self_call: the requests that the project sent to its own server, in words.
        refused: why each of the connections to other servers was refused, in words.
        refused_elsewhere: the servers that the run has refused to other threads since the last interaction.
        left_alone: that the project asked for a database which the run leaves alone. The interaction then fails.
        over_limit: the limit that was exceeded: of time, of size, or of HTTP. The interaction then fails.
        unanswered: why there is no response, such as the end of the process that ran the project.
        warnings: problems that did not change the outcome, such as a teardown that failed.
        seconds: how long the states, the request and the teardown took together.
    """

    request: RecordedRequest | None = None
    response: RecordedResponse | None = None
    arrived: RecordedRequest | None = None
    states: tuple[SetUpState, ...] = ()
    endpoint: Endpoint | None = None
    no_route: str | None = None
    message: RecordedMessage | None = None
    message_request: RecordedMessage | None = None
    producer: Producer | None = None
    queries: int | None = 0
    sql: tuple[Query, ...] = ()
    serialized: Serialized = Serialized()
    request_seconds: float = 0.0
    state_error: str | None = None
    producer_error: str | None = None
    crash: Crash | None = None
    refusal: Crash | None = None
    log: tuple[str, ...] = ()
    self_call: str | None = None
    refused: tuple[str, ...] = ()
    refused_elsewhere: tuple[str, ...] = ()
    left_alone: str | None = None
    over_limit: str | None = None
    unanswered: str | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def sent(self) -> RecordedRequest | RecordedMessage | None:
        """The request to the project: that of HTTP, or of a synchronous message."""
        return self.request or self.message_request

    @property
    def state_values(self) -> dict[str, Any]:
        """The provider states' params, and over them what the states returned."""
        values: dict[str, Any] = {}
        for state in self.states:
            values |= state.state.params
        for state in self.states:
            values |= state.values
        return values

    @property
    def came(self) -> RecordedResponse | RecordedMessage | None:
        """The project's answer: a response, or a message."""
        return self.response or self.message
