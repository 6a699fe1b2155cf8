"""A pact file (specification V1 to V4), read into frozen values: what we need to know of it before the core runs it."""

import json
import os
import re
from base64 import b64decode
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Self
from urllib.parse import parse_qsl

from pact_verification.errors import CannotVerify, UnreadablePact
from pact_verification.pacts.matching_rules import MatchingRules, read_rules
from pact_verification.pacts.plugins import missing_plugin
from pact_verification.pacts.schema import HTTP, Misshapen, check, shown

KEY_LENGTH = 10

UNKNOWN_CONSUMER, UNREADABLE = "(unknown consumer)", "unreadable"

UNKNOWN_STATE = "unknown provider states"
"""The core's name for a state that it can't read."""

PART_BYTES = 2_000_000
"""About how large a part may be, unless one interaction is larger: the core copies all of it for each interaction."""

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
"""What gives JSON its structure: texts, and the beginnings and ends of objects and lists."""


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
    """The request that the pact describes, with the example values that generators replace.

    Attributes:
        path: as the pact writes it, percent-encoded or not.
        query: the values of each parameter, in their order.
        headers: one text for each name.
        body: JSON as Python has it, or text; None also when the pact has none.
        generators: by part (path, query, header, body); those of a part by name or by path such as `$.id`.
        unreadable: members whose type is none that the specification knows, with their values.
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
    """The response that a consumer expects, as its test had it: what may differ from it is in the rules.

    Attributes:
        body: JSON as Python has it, or text; None also when the pact expects nothing of it.
        generators: the parts that should have got another value than the example's, such as "body $.id".
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    rules: MatchingRules = field(default_factory=MatchingRules)
    generators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and the response that the consumer expects, or a message.

    Attributes:
        kind: V4's type; in earlier versions an interaction is Synchronous/HTTP, and V3's messages are "Message".
        pending: its failure doesn't fail the run yet: marked so in a V4 pact, or the broker says it of the whole pact.
        place: its index in the pact's list.
        id: the broker's; results that are published name it.
        key: what --interaction takes: it stays the same while provider, consumer, description and states do.
        unverifiable: why it can't be verified at all; None when the core can try.
        notes: what the core makes of a form that the specification doesn't know.
        test_name: the consumer's test that wrote it, as V4 has it.
        comments: V4's other comments, one text for each.
    """

    description: str
    states: tuple[ProviderState, ...] = ()
    kind: str = HTTP
    pending: bool = False
    place: int = 0
    id: str = ""
    key: str = ""
    unverifiable: str | None = None
    notes: tuple[str, ...] = ()
    test_name: str = ""
    comments: tuple[str, ...] = ()
    request: Request = field(default_factory=Request, hash=False, repr=False)
    expected: Expected = field(default_factory=Expected, hash=False, repr=False)

    @property
    def title(self) -> str:
        """Its description with its states, for a line of a report."""
        states = ", ".join(map(str, self.states))
        return f"{self.description} [{states}]" if states else self.description


@dataclass(frozen=True, slots=True)
class AtBroker:
    """What a broker says of a pact that it selected.

    Attributes:
        url: the pact's own.
        reason: why, such as "deployed to production, latest from main branch".
        pending: no version of the provider's branch has verified it yet, so its failure doesn't fail the run.
        wip: work in progress: pending, and selected for no other reason than that it is new.
        notices: what it wants said, each with when: "before_verification", "after_verification:success_true_…".
        results_url: where results are published.
        latest_result_url: where the latest result is read.
    """

    url: str
    consumer_version: str
    reason: str
    results_url: str
    latest_result_url: str
    pending: bool = False
    wip: bool = False
    notices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pact:
    """A pact, and where it came from.

    Attributes:
        path: of a part, the file for the core to read; of a pact, None.
        source: how to name it to a person.
        at_broker: None for a file.
        content: the bytes that were read; of a part, they stand in its file.
        held: how many interactions are in the content, V3's messages aside.
    """

    consumer: str
    provider: str
    interactions: tuple[Interaction, ...]
    path: Path | None
    source: str
    at_broker: AtBroker | None = None
    content: bytes = field(default=b"", repr=False)
    held: int = 0

    @property
    def is_unreadable(self) -> bool:
        """Whether it stands in for a pact that can't be read."""
        return any(each.kind == UNREADABLE for each in self.interactions)

    @property
    def name(self) -> str:
        """To tell it from the others of a run."""
        return f"{self.consumer} ({self.source})" if self.at_broker else self.source


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interactions to verify. Regular expressions are Python's, found anywhere in the text, case-sensitive.

    The core's own are Rust's, a panic answers an invalid one (F17), and two dialects would select differently. So the
    choice is made here, once; the core is given a copy of the pact that holds what was chosen (`in_parts`).
    """

    description: re.Pattern[str] | None = None
    state: re.Pattern[str] | None = None
    no_state: bool = False
    keys: frozenset[str] = frozenset()
    last_failed: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        description: str | None = None,
        state: str | None = None,
        *,
        no_state: bool = False,
        keys: Sequence[str] = (),
        last_failed: frozenset[str] | None = None,
    ) -> Self:
        """Compile a filter. Raises CannotVerify for a regular expression that isn't one."""
        return cls(
            _compile("--description", description) if description is not None else None,
            _compile("--state", state) if state is not None else None,
            no_state,
            frozenset(keys),
            last_failed,
        )

    def __bool__(self) -> bool:
        return self != type(self)()

    @property
    def by_key(self) -> bool:
        """Whether it names interactions, rather than to describe them."""
        return bool(self.keys) or self.last_failed is not None

    def __str__(self) -> str:
        parts = [
            f"--description {self.description.pattern!r}" if self.description else "",
            f"--state {self.state.pattern!r}" if self.state else "",
            "--no-state" if self.no_state else "",
            *(f"--interaction {key}" for key in sorted(self.keys)),
            "--last-failed" if self.last_failed is not None else "",
        ]
        return " ".join(part for part in parts if part)

    def matches(self, interaction: Interaction) -> bool:
        if self.keys and interaction.key not in self.keys:
            return False
        if self.last_failed is not None and interaction.key not in self.last_failed:
            return False
        if self.no_state and interaction.states:
            return False
        if self.state and not any(self.state.search(state.name) for state in interaction.states):
            return False
        return not self.description or bool(self.description.search(interaction.description))

    def select(self, interactions: Sequence[Interaction]) -> tuple[Interaction, ...]:
        return tuple(filter(self.matches, interactions)) if self else tuple(interactions)


def in_parts(pact: Pact, size: int, directory: Path) -> Iterator[Pact]:
    """The interactions that the core can try, at most so many in each part, which is a pact and a file of its own.

    The file is a copy of the bytes that were read: should the pact's own change meanwhile, nothing here does.

    Args:
        directory: for the files, one of the run's own.
    """
    whole = [interaction for interaction in pact.interactions if interaction.unverifiable is None]
    if not whole:
        return
    size = max(1, min(size, PART_BYTES * pact.held // max(1, len(pact.content))))
    shares = [whole[start : start + size] for start in range(0, len(whole), size)]
    # The core takes a pact with an empty list of messages for one of messages, and runs nothing of it.
    as_it_is = len(shares) == 1 and len(whole) == pact.held and b'"messages"' not in pact.content
    for each in [pact] if as_it_is else _parts(pact, shares):
        descriptor, path = mkstemp(suffix=".json", dir=directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(each.content)
        yield replace(each, path=Path(path), content=b"")


def _parts(pact: Pact, shares: Sequence[Sequence[Interaction]]) -> Iterator[Pact]:
    document = json.loads(pact.content)
    document.pop("messages", None)
    whole = document.get("interactions", [])
    for share in shares:
        document["interactions"] = [whole[interaction.place] for interaction in share]
        yield replace(pact, interactions=tuple(share), content=json.dumps(document).encode())


def _compile(option: str, expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise CannotVerify(
            f"{option} {expression!r} is not a regular expression: {error}. To find the text itself, use "
            f"{re.escape(expression)!r}."
        ) from error


def read_pact(path: Path, source: str | None = None, *, provider: str | None = None) -> Pact | None:
    """Read a pact file.

    Args:
        path: a JSON file.
        source: how to name it to a person; by default the path.
        provider: of a pact of another provider, only the names are read.

    Returns:
        The pact, or None when the file holds JSON that is no pact.

    Raises:
        UnreadablePact: the file can't be read, isn't JSON, or is a pact with parts of the wrong shape.
    """
    source = source or str(path)
    try:
        if path.exists() and not path.is_file():
            raise UnreadablePact(f"{source} can't be read: it is not a regular file.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadablePact(f"{source} can't be read: {reason}.") from error
    return parse_pact(content, source, provider=provider)


def parse_pact(content: bytes, source: str, *, provider: str | None = None) -> Pact | None:
    """Read a pact from its bytes. Arguments and errors are those of `read_pact`."""
    twice: list[str] = []

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            twice.extend(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        return members

    try:
        document = json.loads(content.decode(), object_pairs_hook=to_object)
    except (ValueError, RecursionError) as error:
        bom = content.startswith(BOM_UTF8)
        reason = "it begins with a byte order mark, which JSON has not" if bom else f"it is not JSON: {error}"
        raise UnreadablePact(f"{source} can't be read: {reason}.") from error
    if not isinstance(document, dict) or not {"consumer", "provider"} <= document.keys():
        for role in ("consumer", "provider"):
            if isinstance(document, dict) and role in document and "interactions" in document:
                other = "provider" if role == "consumer" else "consumer"
                raise UnreadablePact(f"{source}: it has a {role} and interactions, and no {other}.")
        return None
    consumer, named = (_name(document, role, source) for role in ("consumer", "provider"))
    if provider is not None and named != provider:
        return Pact(consumer, named, (), None, source)
    if twice:
        raise UnreadablePact(
            f"{source}: the member {twice[0]!r} stands twice in one object, and readers differ about which one counts. "
            "Remove one of them.",
            consumer,
        )
    try:
        check(document)
    except Misshapen as error:
        raise UnreadablePact(f"{source}: {error}", consumer) from error
    held = len(document.get("interactions", ()))
    return Pact(consumer, named, tuple(_keyed(document)), None, source, content=content, held=held)


def unreadable(error: UnreadablePact, source: str, provider: str) -> Pact:
    """Stand in for a pact that can't be read, with one interaction that can't be verified."""
    whole = Interaction("the whole pact", kind=UNREADABLE, unverifiable=str(error))
    return Pact(error.consumer or UNKNOWN_CONSUMER, provider, (whole,), None, source)


def provider_named(content: bytes) -> str:
    """Find the provider's name in JSON that can't be read as a whole.

    It is empty where the outermost object does not plainly have one.
    """
    parts = [match[0] for match in TOKENS.finditer(content.decode(errors="replace"))]
    names, depth = set(), 0
    for place, part in enumerate(parts):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(part, 0)
        if depth == 1 and parts[place : place + 3] == ['"provider"', "{", '"name"']:
            names.update(parts[place + 3 : place + 4])
    with suppress(ValueError):
        name = str(json.loads(*names)) if len(names) == 1 else ""
        return "" if "\ufffd" in name else name
    return ""


def _name(document: Mapping[str, Any], role: str, source: str) -> str:
    pacticipant = document[role]
    if not isinstance(pacticipant, Mapping):
        raise UnreadablePact(f"{source}: {role} is {shown(pacticipant)}, and should be an object.")
    name = pacticipant.get("name")
    if not isinstance(name, str):
        raise UnreadablePact(f"{source}: {role}.name is {shown(name)}, and should be a text.")
    return name


def _keyed(document: Mapping[str, Any]) -> Iterator[Interaction]:
    """The interactions with their keys. Those that share description and states are told apart by their order."""
    names = [document[role]["name"] for role in ("provider", "consumer")]
    seen: Counter[str] = Counter()
    why_not = missing_plugin(document)
    found = [_interaction(data, number) for number, data in enumerate(document.get("interactions", ()))]
    found += [_message(data, number) for number, data in enumerate(document.get("messages", ()))]
    for interaction in found:
        states = [(state.name, state.params) for state in interaction.states]
        identity = json.dumps([*names, interaction.description, states], sort_keys=True)
        seen[identity] += 1
        key = sha256(f"{identity}#{seen[identity]}".encode()).hexdigest()[:KEY_LENGTH]
        yield replace(interaction, key=key, unverifiable=interaction.unverifiable if why_not is None else why_not)


def _message(data: Mapping[str, Any], number: int, kind: str = "Message") -> Interaction:
    states, notes = _states(data)
    test_name, comments = _comments(data)
    return Interaction(
        _description(data, number),
        states,
        kind,
        data.get("pending") is True,
        number,
        str(data.get("_id") or ""),
        unverifiable=f"It is a message ({kind}), and only HTTP interactions can be verified so far.",
        notes=notes,
        test_name=test_name,
        comments=comments,
    )


def _interaction(data: Mapping[str, Any], number: int) -> Interaction:
    interaction = _message(data, number, data.get("type", HTTP))
    if interaction.kind != HTTP:
        return interaction
    response = data.get("response") or {}
    rules = read_rules(response.get("matchingRules"))
    return replace(
        interaction,
        unverifiable=None,
        request=_request(data.get("request") or {}, wrapped="type" in data),
        expected=Expected(
            response["status"] if isinstance(response.get("status"), int) else 200,
            _headers(response.get("headers")),
            _body(response.get("body"), wrapped="type" in data),  # since specification 4
            rules,
            tuple(_compared_with_example(response.get("generators"), rules)),
        ),
    )


def _compared_with_example(generators: Any, rules: MatchingRules) -> Iterator[str]:
    """The parts of a response whose generator decides what is right; most only make examples for the consumer."""
    for part, found in (generators if isinstance(generators, Mapping) else {}).items():
        whole = isinstance(found, Mapping) and "type" in found  # a status has one generator, a body one for each path
        for place, generator in {"": found}.items() if whole else found.items() if isinstance(found, Mapping) else ():
            of_state = isinstance(generator, Mapping) and generator.get("type") == "ProviderState"
            if of_state or not rules.of(part, place):
                yield f"{part} {place}".strip()


def _request(data: Mapping[str, Any], *, wrapped: bool) -> Request:
    query, headers, body = data.get("query"), data.get("headers"), data.get("body")
    readable = {
        "query": query is None or isinstance(query, str | Mapping),
        "headers": headers is None or isinstance(headers, Mapping),
    }
    if wrapped and isinstance(body, Mapping) and (not body or "content" in body):
        body = body.get("content")  # as it is written, since only the core decides how it is encoded
    return Request(
        str(data.get("method", "GET")),
        str(data.get("path", "/")),
        read_query(query),
        {name: ", ".join(_texts(value)) for name, value in (headers if isinstance(headers, Mapping) else {}).items()},
        body,
        {part: each for part, each in (data.get("generators") or {}).items() if isinstance(each, Mapping)},
        {name: data[name] for name, is_readable in readable.items() if not is_readable},
    )


def read_query(data: Any) -> dict[str, list[str]]:
    """Read a query: text in specification 1 and 2, later an object. A parameter without a value has an empty one."""
    query: dict[str, list[str]] = {}
    if isinstance(data, Mapping):
        return {name: _texts(values) for name, values in data.items()}
    # Bytes that are no UTF-8 stay distinct.
    pairs = parse_qsl(data, keep_blank_values=True, errors="surrogateescape") if isinstance(data, str) else ()
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query


def _texts(data: Any) -> list[str]:
    """The texts of a header or a parameter, which has one value or a list of them."""
    values = data if isinstance(data, list) else [data]
    return [value if isinstance(value, str) else "" if value is None else json.dumps(value) for value in values]


def _headers(data: Any) -> dict[str, str]:
    """One text a header: from specification 4 on they are lists."""
    if not isinstance(data, Mapping):
        return {}
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in data.items()}


def _body(data: Any, *, wrapped: bool) -> Any:
    """A body as the consumer wrote it."""
    if not wrapped or not isinstance(data, Mapping):
        return data
    content = data.get("content")
    with suppress(ValueError, TypeError):  # the core will complain
        if str(data.get("encoded")).lower() == "base64":
            content = b64decode(content or "").decode(errors="replace")
        if data.get("encoded") and "json" in str(data.get("contentType")).lower():
            content = json.loads(content or "")
    return content


def _states(data: Mapping[str, Any]) -> tuple[tuple[ProviderState, ...], tuple[str, ...]]:
    """Read states as the core does, with what to know where the specification has no such form.

    Of three members it takes the first that is there, even if it is null or empty.
    """
    if "providerStates" not in data:
        name = data["providerState"] if "providerState" in data else data.get("provider_state")
        name = "" if name is None else _core_text(name)
        return ((ProviderState(name),) if name else ()), ()
    states = data["providerStates"] or ()
    if isinstance(states, str):
        return (), (f"The pact's providerStates is the text {states!r}. The Pact core takes that for no state.",)
    texts = [state for state in states if isinstance(state, str)]
    found = tuple(
        ProviderState(UNKNOWN_STATE)
        if isinstance(state, str)
        else ProviderState(state["name"], dict(state.get("params") or {}))
        for state in states
    )
    why = "The Pact core can't read their names, so nothing is set up for them."
    return found, (f"The pact's providerStates holds texts, not objects: {', '.join(texts)}. {why}",) if texts else ()


def _comments(data: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The name of the consumer's test, and the other comments, of a V4 interaction."""
    comments = data.get("comments")
    if not isinstance(comments, Mapping):
        return "", ()
    texts = comments.get("text") or ()
    test_name = comments.get("testname")
    others = [f"{name}: {_core_text(value)}" for name, value in comments.items() if name not in {"text", "testname"}]
    known = [texts] if isinstance(texts, str) else texts if isinstance(texts, list) else [texts]
    return "" if test_name is None else _core_text(test_name), (*map(_core_text, known), *others)


def _core_text(value: Any) -> str:
    """A text, or the JSON of another value, as the core writes it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _description(data: Mapping[str, Any], number: int) -> str:
    """A description as the core reads it: what is no text is its JSON, and one that is missing has a number."""
    if "description" not in data:
        return f"Interaction {number}"
    return _core_text(data["description"])
