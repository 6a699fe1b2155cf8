"""The members of a response or message that a change may concern."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pact_verification.pacts.matching_rules import STEP, escaped
from pact_verification.pacts.pact import CONTENT_TYPE_NAMES, Expected, PactMessage
from pact_verification.results.exchange import RecordedMessage, RecordedResponse
from pact_verification.results.impact import Kind, Member

Recorded = RecordedResponse | RecordedMessage

Steps = tuple[str | None, ...]
"""A place in a JSON document: names of members, and None for every item of a list."""

CONTENT_TYPE = "contentType"
"""The name in a message's metadata that stands for its content type."""

OF_THE_CONNECTION = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
"""Headers that the server adds for each response, in lower case."""

OF_THE_SERVER = OF_THE_CONNECTION | {"date", "server"}
"""These, and headers that the server adds where the project has not set them. So none of them can be removed."""

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

TYPE_NAMES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "decimal",
    str: "text",
    list: "list",
    dict: "object",
}
"""What each type of JSON is called. A boolean is an int too, so it comes first."""

OPAQUE: Any = object()
"""Stands for a body that is not JSON, or can't be read."""


OPAQUE_BODY = Member("body")
"""The only member of a body that is not JSON."""


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member that a response or message has.

    Attributes:
        steps: its place in a JSON body; empty for the whole body, and in other parts.
        kinds: the changes that make sense for its values.
        type_name: what its values are, such as text or integer.
        is_named: whether the pact's example has it too.
    """

    member: Member
    kinds: tuple[Kind, ...]
    steps: Steps = ()
    type_name: str = ""
    is_named: bool = False

    @property
    def is_in_body(self) -> bool:
        """Whether it is the body, or a part of it."""
        return self.member.part == "body"


def find_members(
    recorded: Recorded, wanted: Expected | PactMessage, shown: Mapping[str, str] | None = None
) -> tuple[FoundMember, ...]:
    """Return the members of a response or message: status, headers or metadata, and the body from top to bottom.

    Args:
        wanted: what the consumer expects. It decides only which members are named.
        shown: what stands in a path for a member's name that is secret.
    """
    try:
        in_body = tuple(_in_body(read_body(recorded), wanted.body, shown or {}))
    except RecursionError:  # it is deeper than Python reads
        in_body = tuple(_in_body(OPAQUE, wanted.body, {}))
    return (*_around(recorded, wanted), *in_body)


def read_body(recorded: Recorded) -> Any:
    """Return the JSON document of a body. OPAQUE if it has none, or another content type."""
    content_type = content_type_of(recorded)
    if not recorded.body or (content_type and "json" not in content_type.lower()):
        return OPAQUE if recorded.body else None
    try:
        return json.loads(recorded.body)
    except (ValueError, RecursionError):
        return OPAQUE


def is_json(recorded: Recorded) -> bool:
    """Return whether the content type is JSON's, or one that is built on it such as application/problem+json."""
    return bool(re.match(r"[^;]*[/+]json\s*(;|$)", content_type_of(recorded), re.IGNORECASE))


def content_type_of(recorded: Recorded) -> str:
    """Return the content type; empty if there is none."""
    if isinstance(recorded, RecordedMessage):
        return recorded.content_type
    return next((value for name, value in recorded.headers.items() if name.lower() == "content-type"), "")


def path_of(steps: Sequence[str | None]) -> str:
    """Return the JSON path of a place: `$.items[*].name`."""
    return "$" + "".join(
        "[*]" if step is None else f".{step}" if PLAIN.fullmatch(step) else f"['{escaped(step)}']" for step in steps
    )


def read_path(path: str) -> Steps:
    """Return the place of a JSON path. An index means every item of a list, as `[*]` does."""
    found = STEP.findall(path.strip().removeprefix("$"))
    return tuple(None if index else re.sub(r"\\(.)", r"\1", quoted) or name for quoted, index, name in found)


def is_path(path: str) -> bool:
    """Return whether all of a text is a JSON path of members and items. Filters and `..` are none."""
    return bool(re.fullmatch(rf"\$(?:{STEP.pattern})*", path.strip()))


def normal_path(path: str) -> str:
    """Return a JSON path as `path_of` writes it."""
    return path_of(read_path(path))


def _around(recorded: Recorded, wanted: Expected | PactMessage) -> Iterator[FoundMember]:
    """Yield status and headers of a response, or metadata of a message."""
    if isinstance(recorded, RecordedResponse):
        yield FoundMember(
            Member("status"), (Kind.TYPE, Kind.VALUE), type_name=f"{recorded.status // 100}xx", is_named=True
        )
        part, names = "header", [name for name in recorded.headers if name.lower() not in OF_THE_SERVER]
    else:
        part, names = "metadata", list(recorded.metadata)
        if recorded.content_type and not any(name.lower() in CONTENT_TYPE_NAMES for name in names):
            names.insert(0, CONTENT_TYPE)
    known = {name.lower() for name in (wanted.headers if isinstance(wanted, Expected) else wanted.metadata)}
    for name in names:
        yield FoundMember(
            Member(part, name), (Kind.REMOVED, Kind.VALUE), type_name="text", is_named=name.lower() in known
        )


def _in_body(document: Any, example: Any, shown: Mapping[str, str]) -> Iterator[FoundMember]:
    """Yield the members of a body. One that is not JSON is one member."""
    if document is OPAQUE:
        yield FoundMember(OPAQUE_BODY, (Kind.REMOVED, Kind.VALUE), type_name="text", is_named=example is not None)
        return
    if document is None:  # no body, or JSON's null
        return
    named = {steps for steps, _ in _places(example, ())}
    found: dict[Steps, list[Any]] = {}
    for steps, value in _places(document, ()):
        found.setdefault(steps, []).append(value)
    for steps, values in found.items():
        kinds = tuple(_kinds(steps, values))
        path = path_of([step and shown.get(step, step) for step in steps])
        yield FoundMember(Member("body", path), kinds, steps, _type_name(values), steps in named)


def _places(value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    """Yield every value of a JSON document with its place."""
    yield steps, value
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _places(member, (*steps, name))
    elif isinstance(value, list):
        for item in value:
            yield from _places(item, (*steps, None))


def _kinds(steps: Steps, values: Sequence[Any]) -> Iterator[Kind]:
    """Yield the changes that make sense for the values of a place."""
    if not steps or steps[-1] is not None:
        yield Kind.REMOVED
    if any(value is not None for value in values):
        yield Kind.NULL
    yield Kind.TYPE
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        yield Kind.NUMBER
    if any(isinstance(value, str | int | float) for value in values):
        yield Kind.VALUE
    if any(isinstance(value, list) and value for value in values):
        yield Kind.EMPTY
    if any(isinstance(value, list) and len(value) > 1 for value in values):
        yield Kind.FEWER


def _type_name(values: Sequence[Any]) -> str:
    names = dict.fromkeys(map(_name, values))
    return " or ".join(name for name in names if name != "null" or len(names) == 1)


def _name(value: Any) -> str:
    return next(name for kind, name in TYPE_NAMES.items() if isinstance(value, kind))
