"""Asking a producer for the messages of an interaction."""

import inspect
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

from pact_verification.errors import ProducerError
from pact_verification.messages.captured import Captured
from pact_verification.messages.message import Message, encoded
from pact_verification.pacts.matching_rules import steps
from pact_verification.pacts.pact import CONTENT_TYPE_NAMES, Interaction, PactMessage
from pact_verification.results.exchange import RecordedMessage
from pact_verification.states.handlers import Match, signature
from pact_verification.text import counted, shown

RETURNS = "A producer returns a dict or list, text, bytes, or a Message"

EMPTY = (None, "", b"")
"""Contents of a pact that stand for an empty message, or for JSON's null."""

MISSING: Any = object()
"""Stands for a value that no provider state gave."""

VALUE_OF_STATE = re.compile(r"\$\{([^}]*)\}")

SCHEMA_REGISTRY = re.compile(r"application/vnd\.schemaregistry\b.*\+json", re.IGNORECASE)
"""The content type of JSON in the wire format of Kafka's schema registry.

That format begins with a zero, and four bytes that name a schema.
"""

WIRE_FORMAT_BYTES = 5

JSON = re.compile(r"[/+]json\b", re.IGNORECASE)
"""What the content type of JSON has."""


def arguments_of(match: Match, values: Mapping[str, Any], request: Message | None) -> dict[str, Any]:
    """Return the keyword arguments for a producer, of those that it accepts.

    They are the provider states' values, the values in the description, and the request. Later ones win.

    Args:
        values: the states' params, and what the states returned.

    Raises:
        ProducerError: the producer needs an argument that is not among them.
    """
    # PactNet sends the pattern itself as the name, so a value in it may be a placeholder.
    named = {name: value for name, value in match.values.items() if name not in values or value != f"{{{name}}}"}
    available: dict[str, Any] = {**values, **named}
    if request is not None:
        available["request"] = request
    parameters = signature(match.handler.function).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return available
    for each in parameters:
        if each.kind is each.VAR_POSITIONAL:
            continue
        if each.default is each.empty and each.name not in available:
            if each.name == "request":
                raise ProducerError(
                    f"{match.handler} needs 'request', which only a synchronous message has. ({match.handler.location})"
                )
            known = f"give {', '.join(available)}" if available else "give no values"
            raise ProducerError(
                f"{match.handler} needs {each.name!r}, and the interaction's description and provider states {known}. "
                f"A state handler returns such values in a dict. ({match.handler.location})"
            )
    return {each.name: available[each.name] for each in parameters if each.name in available}


def request_of(interaction: Interaction, values: Mapping[str, Any]) -> Message | None:
    """Return the request of a synchronous message, with the values of provider states in it.

    The core sends the request without them.

    Args:
        values: what the states returned, and their params.
    """
    if (wanted := interaction.message_request) is None:
        return None
    content, metadata = deepcopy(wanted.body), dict(wanted.metadata)
    for part, found in wanted.all_generators.items():
        for place, generator in found.items():
            if not isinstance(generator, Mapping) or generator.get("type") != "ProviderState":
                continue
            value = _from_states(str(generator.get("expression", "")), values)
            if value is MISSING:
                continue
            value = _of_type(generator.get("dataType"), value)
            if part == "metadata":
                metadata[place] = value
            else:
                content = _with_value(content, steps(place), value)
    return Message(content, wanted.content_type or None, metadata)


def messages_of(returned: Any, producer: str) -> list[RecordedMessage]:
    """Return the messages that a producer has returned, encoded.

    Raises:
        ProducerError: it returned something else than messages, or one that can't be encoded.
    """
    if returned is None:
        raise ProducerError(f"{producer} returned None. {RETURNS}; an empty message is Message(None).")
    if isinstance(returned, Message):
        return [encoded(returned)]
    if isinstance(returned, Sequence) and returned and all(isinstance(each, Message) for each in returned):
        return [encoded(each) for each in returned]
    if isinstance(returned, Captured):
        raise ProducerError(
            f"{producer} captured no message: its code published none, or none of those chosen, through "
            f"{returned.description}."
        )
    if isinstance(returned, list) and not returned:
        raise ProducerError(
            f"{producer} returned an empty list, so it has chosen no message. An empty JSON array is Message([])."
        )
    if isinstance(returned, dict | list | str | bytes | bytearray | memoryview):
        return [encoded(Message(returned))]
    raise ProducerError(f"{producer} returned {shown(returned)}, of type {type(returned).__name__}. {RETURNS}.")


def chosen(messages: Sequence[RecordedMessage], interaction: Interaction, producer: str) -> RecordedMessage:
    """Return the message that the core is about to compare.

    Raises:
        ProducerError: there are more or fewer messages than the pact has, or only one of message and pact is empty.
    """
    wanted = len(interaction.messages)
    if len(messages) != wanted:
        has = counted(wanted, "response" if interaction.message_request else "message")
        advice = "Choose one, such as messages[0]." if wanted == 1 else "Return a list with a Message for each."
        raise ProducerError(
            f"{producer} returned {counted(len(messages), 'message')}, and the pact has {has}. {advice}"
        )
    message, expected = messages[interaction.response], interaction.expected_message
    if not message.body and expected.body not in EMPTY:
        raise ProducerError(f"{producer} returned an empty message, and the pact's has contents.")
    # The core accepts any contents of another type where the pact's are empty.
    if expected.has_contents and expected.body in EMPTY:
        is_null = message.body == b"null" and JSON.search(message.content_type or "application/json")
        if message.body and not is_null:
            raise ProducerError(f"{producer} returned a message with contents, and the pact's is empty.")
        came, named = _media_type(message), _media_type(expected)
        if came and named and came != named:  # nor does it compare the types of empty ones
            raise ProducerError(f"{producer} returned an empty message of type {came}, and the pact's is {named}.")
    return message


def _media_type(message: RecordedMessage | PactMessage) -> str:
    return message.content_type.partition(";")[0].strip().lower()


def for_core(message: RecordedMessage, expected: PactMessage) -> tuple[bytes, dict[str, Any]]:
    """Return body and metadata as the core compares them.

    A pact may name the content type in the metadata, in one of two spellings. The core has no notion of the wire format
    of Kafka's schema registry, so its prefix is left out.
    """
    metadata = dict(message.metadata)
    for name in expected.metadata:
        if name.lower() in CONTENT_TYPE_NAMES and message.content_type:
            metadata.setdefault(name, message.content_type)
    return without_wire_format(message).body, metadata


def without_wire_format(message: RecordedMessage) -> RecordedMessage:
    """Return a message without the prefix of Kafka's schema registry, if it has it."""
    if SCHEMA_REGISTRY.match(message.content_type) and message.body[:1] == b"\0":
        return replace(message, body=message.body[WIRE_FORMAT_BYTES:])
    return message


def _from_states(expression: str, values: Mapping[str, Any]) -> Any:
    """Return the value of a generator's expression: `${id}` alone keeps its type. MISSING if a value is unknown."""
    names = VALUE_OF_STATE.findall(expression) or [expression]
    if any(name not in values for name in names):
        return MISSING
    if expression in {names[0], f"${{{names[0]}}}"}:
        return values[names[0]]
    return VALUE_OF_STATE.sub(lambda match: str(values[match[1]]), expression)


def _of_type(data_type: Any, value: Any) -> Any:
    """Return a value as the dataType of a generator; the value itself where it can't be that."""
    types: dict[Any, type] = {"STRING": str, "INTEGER": int, "DECIMAL": float, "FLOAT": float}
    with suppress(ValueError, TypeError):
        if data_type == "BOOLEAN":
            return str(value).lower() == "true"
        if data_type in types:
            return types[data_type](value)
    return value


def _with_value(content: Any, path: Sequence[str], value: Any) -> Any:
    """Return JSON with a value at a path. A path that is not there changes nothing."""
    if not path:
        return value
    step, *others = path
    if isinstance(content, dict) and step in content:
        content[step] = _with_value(content[step], others, value)
    elif isinstance(content, list):
        for index in range(len(content)):
            if step in {"*", str(index)}:
                content[index] = _with_value(content[index], others, value)
    return content
