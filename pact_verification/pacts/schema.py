"""The shape of a pact document.

It is strict about members that the specification knows, and tolerant of others.

The core does not report a member of the wrong shape. It accepts every answer where a pact has no response, and drops
headers that are a list. So a document is checked before the core gets it. The check accepts forms that the core reads
as they are meant, and an empty list for an empty object, which PHP writes. See docs/explanation/pact-core.md, Pact
files.
"""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

HTTP, ASYNCHRONOUS, SYNCHRONOUS = "Synchronous/HTTP", "Asynchronous/Messages", "Synchronous/Messages"
MESSAGE = "Message"
"""The kind of a message in the list "messages" of a V3 pact, which names no type."""

MISSPELT = 0.75
"""How much alike two names of members are, of 1, if one may be a misspelling."""

STATUSES = range(100, 1000)
BODY_MEMBERS = {"content", "contentType", "contentTypeHint", "encoded"}
"""The members of an object that holds a body of V4."""

MESSAGE_MEMBERS = {"comments", "description", "generators", "matchingRules", "metadata", "metaData"}
"""Members of a message that are no misspelling of its contents."""

Shape = Callable[[Any, str], None]
"""Raises Misshapen for a value at a place."""


class Misshapen(Exception):
    """A value of the wrong shape. The text names its place."""


def check(document: Mapping[str, Any]) -> None:
    """Raise Misshapen where the core would not read the document as it is meant."""
    for name in ("interactions", "messages"):
        if name not in document:
            continue
        _list(document[name], name)
        if name == "messages" and document[name] and not (_version(document) or "3").startswith("3"):
            raise Misshapen(
                f"messages: only version 3 of the specification has them, and the pact names version "
                f"{_version(document)}. Version 4 has messages among its interactions."
            )
        for number, interaction in enumerate(document[name], start=1):
            place = f"{name.removesuffix('s')} {number}"
            _object(interaction, place)
            if "description" in interaction:
                place += f" ({interaction['description']!r})"
            shape = _V3_MESSAGE if name == "messages" else _shape(interaction, place, version=_version(document))
            shape(interaction, place)


def _shape(interaction: Mapping[str, Any], place: str, *, version: str | None) -> Shape:
    """Return the shape that an interaction of this type has."""
    is_v4 = (version or "").startswith("4")
    if "type" not in interaction and not is_v4:
        return _HTTP
    if (found := interaction.get("type")) not in _BY_TYPE:
        raise Misshapen(f"{place}: type is {shown(found)}, and should be one of {', '.join(map(repr, _BY_TYPE))}.")
    if not is_v4 and found != HTTP:  # the core would send it as a request
        named = f"names version {version}" if version else "names no version"
        raise Misshapen(f"{place}: type {found!r} needs version 4 of the specification, and the pact {named}.")
    return _BY_TYPE[found]


def _version(document: Mapping[str, Any]) -> str | None:
    """Return the version of the specification that the document names, or None."""
    metadata = document.get("metadata")
    for name in ("pactSpecification", "pact-specification"):
        of = metadata.get(name) if isinstance(metadata, Mapping) else None
        if isinstance(of, Mapping) and "version" in of:
            return str(of["version"])
    return None


def shown(value: Any) -> str:
    """Name a value for a message: its type, and a short value itself."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) <= 40 else "a text"  # noqa: PLR2004  # what a line has room for
        case list():
            return "a list"
        case _:
            return "an object"


def _refuse(value: Any, place: str, what: str) -> None:
    raise Misshapen(f"{place} is {shown(value)}, and should be {what}.")


def _is(what: str, *types: type) -> Shape:
    def shape(value: Any, place: str) -> None:
        if type(value) not in types:  # a bool is an int to isinstance
            _refuse(value, place, what)

    return shape


_text = _is("a text", str)
_list = _is("a list", list)
_flag = _is("true or false", bool, type(None))


def _object(value: Any, place: str) -> None:
    if not isinstance(value, Mapping) and value not in ([], None):
        _refuse(value, place, "an object")


def _required_object(value: Any, place: str) -> None:
    if not isinstance(value, Mapping):
        _refuse(value, place, "an object")


def _status(value: Any, place: str) -> None:
    if type(value) is not int or value not in STATUSES:
        _refuse(value, place, "a whole number from 100 to 999")


def _headers(value: Any, place: str) -> None:
    _object(value, place)
    for name, each in (value or {}).items():
        for part in each if isinstance(each, list) else [each]:
            if not isinstance(part, str | int | float):
                _refuse(part, f"{place}.{name}", "a text or a list of texts")


def _states(value: Any, place: str) -> None:
    if value is None or isinstance(value, str):  # the core takes a text for no state
        return
    if not isinstance(value, list):
        _refuse(value, place, "a list of objects")
    for number, state in enumerate(value, start=1):
        if isinstance(state, str):  # the core goes on without the state's name
            continue
        _members({"name": _text}, {"params": _object})(state, f"{place} {number}")


def _responses(value: Any, place: str) -> None:
    _list(value, place)
    for number, each in enumerate(value, start=1):
        _V4_CONTENTS(each, f"{place} {number}")


def _contents(value: Any, place: str) -> None:
    """Refuse contents of V4 that the core would take for none at all, or for a text."""
    if value is None:
        return
    _required_object(value, place)
    if "content" not in value and not value.keys() <= BODY_MEMBERS:
        raise Misshapen(f"{place} has no content.{_misspelt('content', [*value])}")


def _with_contents(shape: Shape) -> Shape:
    """Refuse a message without contents that has a misspelling of them."""

    def checked(value: Any, place: str) -> None:
        shape(value, place)
        others = [name for name in value if name not in MESSAGE_MEMBERS]
        if "contents" not in value and (near := _misspelt("contents", others)):
            raise Misshapen(f"{place} has no contents.{near}")

    return checked


def _without_misspellings(known: Collection[str], shape: Shape) -> Shape:
    """Refuse a member that the core would drop, if it may be meant as a known one that is not there."""

    def checked(value: Any, place: str) -> None:
        shape(value, place)
        absent = [name for name in known if name not in value]
        for name in value:
            if name in known or name == "comments":  # which is near to contents
                continue
            near = [each for each in absent if each.lower() == name.lower()]
            near = near or difflib.get_close_matches(name, absent, n=1, cutoff=MISSPELT)
            if near:
                raise Misshapen(f"{place} has {name!r}, which pacts don't have. Is it a misspelling of {near[0]!r}?")

    return checked


def _members(required: Mapping[str, Shape], known: Mapping[str, Shape]) -> Shape:
    def shape(value: Any, place: str) -> None:
        _required_object(value, place)
        for name in required:
            if name not in value:
                raise Misshapen(f"{place} has no {name}.{_misspelt(name, [*value])}")
        for name, member in value.items():
            if of := required.get(name) or known.get(name):
                of(member, f"{place}: {name}" if place.endswith(")") or place[-1:].isdigit() else f"{place}.{name}")

    return shape


def _misspelt(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" Is {near[0]!r} a misspelling of it?" if near else ""


_RULES: Mapping[str, Shape] = {"matchingRules": _object, "generators": _object}
_EVERY: Mapping[str, Shape] = {
    "providerStates": _states,
    "pending": _flag,
    "comments": _object,
}
_REQUEST = _members({}, _RULES)  # request_check compares the rest with the request that arrives
_RESPONSE = _without_misspellings(
    ("status", "headers", "body", *_RULES), _members({}, {"status": _status, "headers": _headers, **_RULES})
)
_HTTP = _members({"request": _REQUEST, "response": _RESPONSE}, _EVERY)
_V3_MESSAGE = _with_contents(_members({}, {**_EVERY, **_RULES, "metadata": _object, "metaData": _object}))
_CONTENTS: Mapping[str, Shape] = {**_RULES, "metadata": _object, "contents": _contents}
_V4_CONTENTS = _without_misspellings(_CONTENTS.keys(), _with_contents(_members({}, _CONTENTS)))
_BY_TYPE: Mapping[Any, Shape] = {
    HTTP: _HTTP,
    ASYNCHRONOUS: _without_misspellings(_CONTENTS.keys(), _with_contents(_members({}, {**_EVERY, **_CONTENTS}))),
    SYNCHRONOUS: _members({"request": _V4_CONTENTS, "response": _responses}, _EVERY),
}
