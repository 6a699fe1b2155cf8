"""Which serializer field wrote which member of a response, by what Django REST framework leaves on the response.

This package does not import the framework. DRF's data carries its serializer in the attribute `serializer`.
"""

import inspect
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.http.response import HttpResponseBase

from pact_verification.results.compression import coding_of, decompressed
from pact_verification.results.exchange import Serialized, SerializedMember, Serializer
from pact_verification.text import Place

OTHER_BODY = (
    "The body does not have the members of the response's data, so no serializer field is named for them. A renderer "
    "may have renamed them."
)
NOT_JSON = "The body is not JSON, so no serializer field is named for its members."

Steps = tuple[str | None, ...]


def serialized(response: HttpResponseBase) -> Serialized:
    """Return the members that serializers wrote, or why they can't be told.

    It reads attributes that DRF has read for the response, and evaluates nothing again.
    """
    data = getattr(response, "data", None)
    if not data or response.streaming or not _is_written(data):
        return Serialized()
    try:
        body = json.loads(decompressed(getattr(response, "content", b""), coding_of(response.headers)))
    except ValueError:
        return Serialized(problem=NOT_JSON)
    if (steps := _place_of(data, body)) is None:
        return Serialized(problem=OTHER_BODY)
    for step in steps:
        body = body[step]
    reading = _Reading()
    reading.read(data, body, steps)
    return Serialized(
        tuple(reading.members),
        tuple(dict.fromkeys(reading.serializers.values())),
        OTHER_BODY if reading.differs else None,
    )


class _Reading:
    """What serializers wrote, found by reading a response's data beside its body.

    Attributes:
        serializers: by the id of DRF's object, which the response keeps alive.
        differs: whether an object that a serializer wrote has other members in the body.
    """

    def __init__(self) -> None:
        self.members: dict[SerializedMember, None] = {}
        self.serializers: dict[int, Serializer] = {}
        self.differs = False

    def read(self, data: Any, body: Any, steps: Steps, writer: Any = None) -> None:
        """Read one value.

        Args:
            steps: its place in the body.
            writer: the serializer or field that wrote it, unless the data names its own.
        """
        if (own := getattr(data, "serializer", None)) is not None:
            if _are_errors(data, own):
                return
            writer = own
        if isinstance(data, Mapping) and isinstance(body, dict):
            self._read_object(data, body, steps, writer)
        elif isinstance(data, list | tuple) and isinstance(body, list) and len(data) == len(body):
            child = getattr(writer, "child", None)
            for item, other in zip(data, body, strict=True):
                self.read(item, other, (*steps, None), child)
        else:
            self.differs |= _is_written(data, writer)

    def _read_object(self, data: Mapping[Any, Any], body: dict[str, Any], steps: Steps, writer: Any) -> None:
        if (names := _names(data, body)) is None:
            self.differs |= _is_written(data, writer)
            return
        fields = _fields(writer)
        named = None if fields is None else self._named(writer, fields)
        for name, value in data.items():
            field = None if fields is None else fields.get(name)  # to_representation() may have added the member
            in_body = names[str(name)]
            here = (*steps, in_body)
            if named and field is not None:
                self.members[SerializedMember(here, named.name, str(name))] = None
            self.read(value, body[in_body], here, field)

    def _named(self, writer: Any, fields: Mapping[str, Any]) -> Serializer:
        if (named := self.serializers.get(id(writer))) is None:
            kind = type(writer)
            place = _place(kind)  # type: ignore[arg-type]  # a class is hashable, which mypy does not see
            named = Serializer(f"{kind.__module__}.{kind.__qualname__}", place, tuple(map(str, fields)))
            self.serializers[id(writer)] = named
        return named


def _fields(writer: Any) -> Mapping[str, Any] | None:
    """Return the fields of a serializer; None for a field of another kind."""
    fields = getattr(writer, "fields", None)
    return fields if isinstance(fields, Mapping) else None


def _is_written(data: Any, writer: Any = None) -> bool:
    """Return whether a serializer wrote an object, anywhere in a value."""
    if (own := getattr(data, "serializer", None)) is not None:
        if _are_errors(data, own):
            return False
        writer = own
    if isinstance(data, Mapping):
        return _fields(writer) is not None or any(map(_is_written, data.values()))
    if isinstance(data, list | tuple):
        child = getattr(writer, "child", None)
        return any(_is_written(item, child) for item in data)
    return False


def _are_errors(data: Any, serializer: Any) -> bool:
    """Return whether data is the errors of its serializer. They have its fields' names, and name it as data does."""
    errors = getattr(serializer, "_errors", None)
    return bool(errors) and bool(data == errors)


def _place_of(data: Any, body: Any) -> Steps | None:
    """Return where a response's data stands in its body: at the root, or in an envelope.

    None if it is not there, or may be in several places.
    """
    if _are_alike(data, body):
        return ()
    if isinstance(body, dict):
        places = [name for name, value in body.items() if _are_alike(data, value)]
        if len(places) == 1:
            return (places[0],)
    return None


def _are_alike(data: Any, body: Any) -> bool:
    """Return whether two values have the same shape: the members of an object, or of a list's first item."""
    if isinstance(data, Mapping) and isinstance(body, dict):
        return _names(data, body) is not None
    if isinstance(data, list | tuple) and isinstance(body, list):
        return len(data) == len(body) and (not data or _are_alike(data[0], body[0]))
    return not isinstance(data, Mapping | list | tuple) and not isinstance(body, dict | list)


def _names(data: Mapping[Any, Any], body: dict[str, Any]) -> dict[str, str] | None:
    """Return the names that an object's members have in the body, by their names in the data.

    A renderer may write `unit_price` as `unitPrice` or `unit-price`, in any order. None if it has other members.
    """
    names = list(map(str, data))
    if set(names) == set(body):
        return {name: name for name in names}
    by_letters = {_letters(name): name for name in body}
    found = {name: by_letters[_letters(name)] for name in names if _letters(name) in by_letters}
    return found if len(set(found.values())) == len(names) == len(body) else None


def _letters(name: str) -> str:
    """Return a name without what naming styles differ in."""
    return re.sub(r"[\W_]", "", name).lower()


@cache
def _place(kind: type) -> Place | None:
    """Return where a class is. Python parses the whole file for that, so each class is looked up once."""
    try:
        return Place(inspect.getfile(kind), inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):  # there is no source file
        return None
