"""Reading one interaction or message of a pact document, as the core reads it."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from pact_verification.pacts.matching_rules import MatchingRules, read_rules
from pact_verification.pacts.messages import read_contents
from pact_verification.pacts.pact import UNKNOWN_STATE, Expected, Interaction, PactMessage, ProviderState, Request
from pact_verification.pacts.schema import ASYNCHRONOUS, HTTP, MESSAGE, SYNCHRONOUS


def read_interaction(data: Mapping[str, Any], number: int) -> Interaction:
    """Read an entry of a document's interactions. In V4 it may be a message."""
    is_v4 = "type" in data
    match data.get("type", HTTP):
        case str(kind) if kind == ASYNCHRONOUS:
            return _with_messages(_common(data, number, kind), [read_contents(data, is_v4=True)])
        case str(kind) if kind == SYNCHRONOUS:
            request = read_contents(data["request"], is_v4=True)
            responses = [read_contents(each, is_v4=True) for each in data["response"]]
            return _with_messages(replace(_common(data, number, kind), message_request=request), responses)
    response = data.get("response") or {}
    rules = read_rules(response.get("matchingRules"))
    return replace(
        _common(data, number, HTTP),
        request=_request(data.get("request") or {}, is_v4=is_v4),
        expected=Expected(
            response["status"] if isinstance(response.get("status"), int) else 200,
            _response_headers(response.get("headers")),
            _response_body(response.get("body"), is_v4=is_v4),
            rules,
            tuple(_compared_with_example(response.get("generators"), rules)),
        ),
    )


def read_message(data: Mapping[str, Any], number: int) -> Interaction:
    """Read an entry of the messages that a V3 document has."""
    return _with_messages(_common(data, number, MESSAGE), [read_contents(data, is_v4=False)])


def _common(data: Mapping[str, Any], number: int, kind: str) -> Interaction:
    """Read what every interaction has."""
    states, warnings = _states(data)
    test_name, comments = _comments(data)
    return Interaction(
        _description(data, number, "Message" if kind == MESSAGE else "Interaction"),
        states,
        kind,
        data.get("pending") is True,
        number,
        str(data.get("_id") or "") or None,
        warnings=warnings,
        test_name=test_name,
        comments=comments,
    )


def _with_messages(interaction: Interaction, messages: list[PactMessage]) -> Interaction:
    """Return the interaction with its messages. One that says nothing of them can't be verified."""
    reason = None
    if not messages:
        reason = "The pact expects no response to this message, so there is nothing to compare."
    elif any(each.says_nothing for each in messages):
        reason = "The pact says nothing of the message but its type at most, so there is nothing to compare."
    elif any(each.content_type.lower().startswith("multipart/") for each in messages):
        reason = "The message is multipart. The Pact core can't compare such a message, and would end the whole run."
    return replace(interaction, messages=tuple(messages), unverifiable=reason)


def read_query(data: Any) -> dict[str, list[str]]:
    """Read a query, which is text in V1 and V2 and an object since V3.

    A parameter without a value has an empty one.
    """
    query: dict[str, list[str]] = {}
    if isinstance(data, Mapping):
        return {name: _texts(values) for name, values in data.items()}
    # Two byte sequences that are no UTF-8 must not become the same text.
    pairs = parse_qsl(data, keep_blank_values=True, errors="surrogateescape") if isinstance(data, str) else ()
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query


def _description(data: Mapping[str, Any], number: int, noun: str) -> str:
    """Read a description.

    The core numbers an interaction without one, and takes the JSON of other types.
    """
    if "description" not in data:
        return f"{noun} {number}"
    return _core_text(data["description"])


def _states(data: Mapping[str, Any]) -> tuple[tuple[ProviderState, ...], tuple[str, ...]]:
    """Read the provider states, and warn of forms that the specification doesn't have.

    Of three members the core takes the first that is there, even if it is null or empty.
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
    reason = "The Pact core can't read their names, so nothing is set up for them."
    warning = f"The pact's providerStates holds texts, not objects: {', '.join(texts)}. {reason}"
    return found, (warning,) if texts else ()


def _comments(data: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Read V4's comments: the name of the consumer's test, and all others."""
    comments = data.get("comments")
    if not isinstance(comments, Mapping):
        return None, ()
    texts = comments.get("text") or []
    test_name = comments.get("testname")
    others = [f"{name}: {_core_text(value)}" for name, value in comments.items() if name not in {"text", "testname"}]
    known = [texts] if isinstance(texts, str) else texts if isinstance(texts, list) else [texts]
    return None if test_name is None else _core_text(test_name), (*map(_core_text, known), *others)


def _core_text(value: Any) -> str:
    """Return a text, or another value's JSON as the core writes it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _request(data: Mapping[str, Any], *, is_v4: bool) -> Request:
    query, headers, body = data.get("query"), data.get("headers"), data.get("body")
    readable = {
        "query": query is None or isinstance(query, str | Mapping),
        "headers": headers is None or isinstance(headers, Mapping),
    }
    if is_v4 and isinstance(body, Mapping) and (not body or "content" in body):
        body = body.get("content")  # not decoded: only the core decides how the body is encoded
    return Request(
        str(data.get("method", "GET")),
        str(data.get("path", "/")),
        read_query(query),
        {name: ", ".join(_texts(value)) for name, value in (headers if isinstance(headers, Mapping) else {}).items()},
        body,
        {part: each for part, each in (data.get("generators") or {}).items() if isinstance(each, Mapping)},
        {name: data[name] for name, is_readable in readable.items() if not is_readable},
    )


def _texts(data: Any) -> list[str]:
    """Return the texts of a header or parameter, which has one value or a list."""
    values = data if isinstance(data, list) else [data]
    return [value if isinstance(value, str) else "" if value is None else json.dumps(value) for value in values]


def _response_headers(data: Any) -> dict[str, str]:
    """Join the values of each header, which are a list in V4."""
    if not isinstance(data, Mapping):
        return {}
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in data.items()}


def _response_body(data: Any, *, is_v4: bool) -> Any:
    """Return the body as the consumer wrote it.

    V4 wraps the body in an object that says how it is encoded.
    """
    if not is_v4 or not isinstance(data, Mapping):
        return data
    content = data.get("content")
    with suppress(ValueError, TypeError):  # the core reports a body that it can't decode
        if str(data.get("encoded")).lower() == "base64":
            content = b64decode(content or "").decode(errors="replace")
        if data.get("encoded") and "json" in str(data.get("contentType")).lower():
            content = json.loads(content or "")
    return content


def _compared_with_example(generators: Any, rules: MatchingRules) -> Iterator[str]:
    """Yield the places whose generator should have decided what is right.

    Most generators of a response only make examples for the consumer's test.
    """
    for part, found in (generators if isinstance(generators, Mapping) else {}).items():
        if not isinstance(found, Mapping):
            continue
        # A status has one generator. Other parts have one for each place.
        for place, generator in ({"": found} if "type" in found else found).items():
            of_state = isinstance(generator, Mapping) and generator.get("type") == "ProviderState"
            if of_state or not rules.of(part, place):
                yield f"{part} {place}".strip()
