"""Changes to the members of a response or message."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from http.client import responses
from typing import Any

from pact_verification.impact.members import OPAQUE, FoundMember, Recorded, Steps, read_body
from pact_verification.pacts.pact import CONTENT_TYPE_NAMES
from pact_verification.results.exchange import RecordedMessage
from pact_verification.results.impact import Kind

TEXT = "pact_impact"
"""A text in place of another one. It is no number, no date and no UUID."""

NUMBER = 7
"""A number in place of a text."""

OTHER_CONTENT_TYPE = "application/x-pact-impact"

OTHER_STATUSES = {200: 201, 201: 200, 204: 200, 301: 302, 302: 301, 400: 422, 404: 410, 500: 503}
"""A status of the same class, for those that are common."""

STYLES: tuple[dict[str, Any], ...] = (
    {},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"separators": (",", ":")},
    {"ensure_ascii": False},
)
"""How JsonResponse, Django REST framework and others write JSON: arguments of `json.dumps`."""

MAX_EXACT = 2**53
"""Where integers begin that have the same decimal as their neighbour, which the core may compare."""

GONE: Any = object()
"""Stands for the value of a member that is removed."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change to one member.

    Attributes:
        new_name: what a renamed member is called; empty for the changes of `kind`.
    """

    found: FoundMember
    kind: Kind = Kind.REMOVED
    new_name: str = ""


def changed(recorded: Recorded, changes: Sequence[Change]) -> Recorded:
    """Return the response or message with all the changes.

    A change to a JSON member concerns it in every item of the lists that hold it. If a changed member holds another
    one, the inner one has to come first.
    """
    in_body = [change for change in changes if change.found.is_in_body]
    for change in changes:
        if not change.found.is_in_body:
            recorded = _changed_around(recorded, change)
    return replace(recorded, body=_changed_body(recorded, in_body))


def _changed_around(recorded: Recorded, change: Change) -> Recorded:
    """Change the status, a header or metadata."""
    name = change.found.member.path
    if isinstance(recorded, RecordedMessage):
        if name.lower() in CONTENT_TYPE_NAMES:  # the metadata may have it too, or that alone
            recorded = replace(recorded, content_type="" if change.kind is Kind.REMOVED else OTHER_CONTENT_TYPE)
        metadata = _with(recorded.metadata, change) if name in recorded.metadata else recorded.metadata
        return replace(recorded, metadata=metadata)
    if change.found.member.part == "status":
        status = _other_status(recorded.status, change.kind)
        return replace(recorded, status=status, reason=responses.get(status, ""))
    return replace(recorded, headers=_with(recorded.headers, change))


def _with(values: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Change a header or metadata by name."""
    name = change.found.member.path
    if change.new_name:
        return {change.new_name if key == name else key: value for key, value in values.items()}
    if change.kind is Kind.REMOVED:
        return {key: value for key, value in values.items() if key != name}
    if name.lower() in CONTENT_TYPE_NAMES:
        return {**values, name: OTHER_CONTENT_TYPE}
    other = _other_value(values[name])
    return {**values, name: TEXT if other == values[name] else other}


def _other_status(status: int, kind: Kind) -> int:
    if kind is Kind.TYPE:
        return 200 if status >= 400 else 500  # noqa: PLR2004  # the classes of HTTP
    first = status // 100 * 100
    return OTHER_STATUSES.get(status, first if status != first else first + 1)


def _changed_body(recorded: Recorded, changes: Sequence[Change]) -> bytes:
    if not recorded.body:
        return b""
    document = read_body(recorded)
    if document is OPAQUE:
        kinds = {change.kind for change in changes}
        return b"" if Kind.REMOVED in kinds else TEXT.encode() if kinds else recorded.body
    for change in changes:
        if not change.found.steps:
            document = _edited(change, document)
        elif change.new_name:
            _rename(document, change.found.steps, change.new_name)
        else:
            _edit(document, change.found.steps, partial(_edited, change))
    return b"" if document is GONE else _written_like(recorded.body, document)


def _written_like(body: bytes, document: Any) -> bytes:
    """Return JSON in the style of a body, so that only what has changed differs."""
    return _encoded(document, STYLES[_style_of(body)])


@lru_cache(maxsize=16)
def _style_of(body: bytes) -> int:
    """Return which of STYLES a body has; JsonResponse's if it has none of them. Each change of a body asks for it."""
    known = json.loads(body)
    return next((number for number, each in enumerate(STYLES) if _encoded(known, each) == body), 0)


def _encoded(document: Any, style: Mapping[str, Any]) -> bytes:
    return json.dumps(document, **style).encode("utf-8", "surrogatepass")


def _edit(holder: Any, steps: Steps, edit: Callable[[Any], Any]) -> None:
    """Edit each value at a place. One that is GONE then leaves its object."""
    step, *others = steps
    if step is None:
        if not isinstance(holder, list):
            return
        if others:
            for item in holder:
                _edit(item, tuple(others), edit)
        else:
            holder[:] = map(edit, holder)
    elif isinstance(holder, dict) and step in holder:
        if others:
            _edit(holder[step], tuple(others), edit)
        elif (value := edit(holder[step])) is GONE:
            del holder[step]
        else:
            holder[step] = value


def _rename(document: Any, steps: Steps, new_name: str) -> None:
    """Rename a member in each object at a place."""
    *holder, name = steps

    def renamed(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {new_name if key == name else key: member for key, member in value.items()}

    if holder:
        _edit(document, tuple(holder), renamed)
    elif isinstance(document, dict):
        members = renamed(document)
        document.clear()
        document.update(members)


def _edited(change: Change, value: Any) -> Any:
    """Return a JSON value after a change of a kind. A value that the kind does not fit stays."""
    match change.kind, value:
        case Kind.REMOVED, _:
            return GONE
        case Kind.NULL, _:
            value = None
        case Kind.TYPE, None if change.found.type_name != "null":
            pass  # the change is about the other values of the place
        case Kind.TYPE, _:
            value = NUMBER if isinstance(value, str) else TEXT
        case Kind.NUMBER, int() | float() if not isinstance(value, bool):
            value = 0.5 if isinstance(value, int) else 1
        case Kind.VALUE, _:
            value = _other_value(value)
        case Kind.EMPTY, list():
            value = []
        case Kind.FEWER, [_, _, *_]:
            value = value[:-1]
    return value


def _other_value(value: Any) -> Any:
    """Return another value of the same type; the same for an object, a list and null."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if abs(value) < MAX_EXACT else NUMBER
    if isinstance(value, float):
        return 1.5 if value != 1.5 else 2.5  # noqa: PLR2004  # any two that differ
    return (TEXT if value != TEXT else f"{TEXT} 2") if isinstance(value, str) else value
