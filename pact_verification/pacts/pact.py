"""A pact as frozen values.

`reading` makes them of a file, `filters` and `parts` choose among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pact_verification.pacts.matching_rules import MatchingRules
from pact_verification.pacts.schema import ASYNCHRONOUS, HTTP, MESSAGE, SYNCHRONOUS

CONTENT_TYPE_NAMES = ("contenttype", "content-type")
"""Names of a content type in a message's metadata, in lower case. The Pact core knows both."""

UNKNOWN_CONSUMER = "(unknown consumer)"
UNREADABLE = "unreadable"

UNKNOWN_STATE = "unknown provider states"
"""The name that the core sends in place of a state's that it can't read."""


@dataclass(frozen=True, slots=True)
class ProviderState:
    name: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name} ({', '.join(f'{key}={value!r}' for key, value in self.params.items())})"


@dataclass(frozen=True, slots=True)
class Request:
    """The pact's request, with the example values that generators replace.

    Attributes:
        path: as the pact writes it, percent-encoded or not.
        query: each parameter's values, in order.
        headers: one text for each name.
        body: JSON as Python has it, or text. None also where the pact has no body.
        generators: by part (path, query, header, body), then by name or by path such as `$.id`.
        unreadable: members of a type that the specification doesn't know, with their values.
    """

    method: str = "GET"
    path: str = "/"
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    generators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unreadable: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """The response that the consumer's test had.

    The rules say what may differ from it.

    Attributes:
        body: JSON as Python has it, or text. None also where the pact expects no body.
        generators: the places, such as "body $.id", whose generator the core ignores.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    rules: MatchingRules = field(default_factory=MatchingRules)
    generators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PactMessage:
    """A message that the consumer's test had.

    The rules say what may differ from it.

    Attributes:
        body: the contents: JSON as Python has it, text, or bytes. None also where the pact has no contents.
        content_type: as the contents or the metadata name it, else empty.
        rules: `headers` is empty.
        generators: the places, such as "content $.id", whose generator the core ignores.
        all_generators: by part (content, metadata), then by name or by path such as `$.id`.
        has_contents: whether the pact says what the contents are, even if that is null.
    """

    body: Any = None
    content_type: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    rules: MatchingRules = field(default_factory=MatchingRules)
    generators: tuple[str, ...] = ()
    all_generators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    has_contents: bool = True

    @property
    def says_nothing(self) -> bool:
        """Whether the pact has neither contents nor metadata, apart from a content type."""
        return not self.has_contents and all(name.lower() in CONTENT_TYPE_NAMES for name in self.metadata)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and the response that the consumer expects, or a message.

    A message is asynchronous, or synchronous with a message as request and one or more as responses.

    Attributes:
        kind: the type as V4 names it. Earlier versions have Synchronous/HTTP, and V3's messages are "Message".
        pending: a failure does not fail the run. A V4 pact marks an interaction so, or a broker the whole pact.
        place: the index in the pact's list, which is "messages" for V3's.
        id: the broker's. Published results name it.
        key: what --interaction takes. It depends on provider, consumer, description and states alone.
        unverifiable: why it can't be verified at all. None when the core can try.
        warnings: what the core makes of a form that the specification doesn't know.
        test_name: the consumer's test that wrote it, from V4's comments.
        comments: V4's other comments, one text for each.
        expected: the response. Messages have none.
        messages: the message, or the responses of a synchronous message.
        message_request: the request of a synchronous message.
        response: which response the core compares, from 0. The core takes one at a time.
    """

    description: str
    states: tuple[ProviderState, ...] = ()
    kind: str = HTTP
    pending: bool = False
    place: int = 0
    id: str | None = None
    key: str = ""
    unverifiable: str | None = None
    warnings: tuple[str, ...] = ()
    test_name: str | None = None
    comments: tuple[str, ...] = ()
    request: Request = field(default_factory=Request, hash=False, repr=False)
    expected: Expected = field(default_factory=Expected, hash=False, repr=False)
    messages: tuple[PactMessage, ...] = field(default=(), hash=False, repr=False)
    message_request: PactMessage | None = field(default=None, hash=False, repr=False)
    response: int = 0

    @property
    def is_message(self) -> bool:
        return self.kind in {MESSAGE, ASYNCHRONOUS, SYNCHRONOUS}

    @property
    def wanted(self) -> Expected | PactMessage:
        """What the consumer expects: the response, or the message that the core compares now."""
        return self.expected_message if self.messages else self.expected

    @property
    def expected_message(self) -> PactMessage:
        """The message that the core compares now. Only a message interaction has one."""
        return self.messages[self.response]

    @property
    def title(self) -> str:
        """The description with the states, for a line of a report."""
        states = ", ".join(map(str, self.states))
        return f"{self.description} [{states}]" if states else self.description


@dataclass(frozen=True, slots=True)
class AtBroker:
    """What a broker says of a pact that it selected.

    Attributes:
        url: the pact's own.
        reason: why the broker selected it, such as "deployed to production, latest from main branch".
        pending: no version of the provider's branch has verified the pact yet, so a failure does not fail the run.
        wip: work in progress. It is pending, and selected only because it is new.
        notices: texts to show, each with its moment: "before_verification", "after_verification:success_true_…".
        results_url: takes results. None when the broker gives no such link.
        latest_result_url: has the latest result. None when the broker gives no such link.
    """

    url: str
    consumer_version: str
    reason: str
    results_url: str | None
    latest_result_url: str | None
    pending: bool = False
    wip: bool = False
    notices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pact:
    """A pact, and where it came from.

    Attributes:
        path: the file that the core reads. Only a part has one.
        source: names the pact to a person.
        at_broker: None for a file.
        content: the bytes that were read. A part's are in its file.
        size: how many interactions the content has, with V3's messages.
        plugins: names and versions of the Pact plugins that it needs.
    """

    consumer: str
    provider: str
    interactions: tuple[Interaction, ...]
    path: Path | None
    source: str
    at_broker: AtBroker | None = None
    content: bytes = field(default=b"", repr=False)
    size: int = 0
    plugins: tuple[str, ...] = ()

    @property
    def is_unreadable(self) -> bool:
        """Whether the pact stands in for one that can't be read."""
        return any(each.kind == UNREADABLE for each in self.interactions)

    def with_unverifiable_messages(self, reason: str) -> Self:
        """Return the pact with messages that can't be verified, for a reason."""
        interactions = tuple(
            replace(each, unverifiable=each.unverifiable or reason) if each.is_message else each
            for each in self.interactions
        )
        return replace(self, interactions=interactions)

    @property
    def name(self) -> str:
        """A name that tells the pact from the others of a run."""
        return f"{self.consumer} ({self.source})" if self.at_broker else self.source
