"""A message as a producer returns it, and its encoding as bytes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pact_verification.errors import ProducerError
from pact_verification.pacts.pact import CONTENT_TYPE_NAMES
from pact_verification.results.exchange import RecordedMessage
from pact_verification.text import shown

JSON, TEXT, BINARY = "application/json", "text/plain", "application/octet-stream"
"""The content types of JSON values, of text and of bytes that come without one."""

CONTENT_TYPE = re.compile(r"[!-.0-~]+/[ -~]+")


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the project publishes.

    Args:
        content: a dict, a list or another JSON value; or text or bytes, which are sent as they are. None is an empty
            message.
        content_type: by default `application/json` for JSON values, `text/plain` for text, and
            `application/octet-stream` for bytes.
        metadata: what the transport carries beside the content, such as headers, a topic or a routing key. Its values
            are JSON.
    """

    content: Any
    content_type: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def encoded(message: Message) -> RecordedMessage:
    """Return a message with its content as bytes.

    Raises:
        ProducerError: the content or the metadata can't be encoded, or the content does not fit its type.
    """
    if not isinstance(message.metadata, Mapping) or not all(isinstance(name, str) for name in message.metadata):
        kind = type(message.metadata).__name__
        raise ProducerError(f"The message's metadata is of type {kind}. It has to be a dict with texts as keys.")
    metadata = json.loads(_as_json("metadata", dict(message.metadata)))
    named = next((value for name, value in metadata.items() if name.lower() in CONTENT_TYPE_NAMES), None)
    if message.content_type and isinstance(named, str) and _base_type(named) != _base_type(message.content_type):
        raise ProducerError(
            f"The message's content type is {shown(message.content_type)}, and its metadata says {shown(named)}."
        )
    content_type = message.content_type or named
    if content_type is not None and not isinstance(content_type, str):
        raise ProducerError(f"The message's content type is {shown(content_type)}. It is a text such as {JSON!r}.")
    if content_type is not None and not CONTENT_TYPE.fullmatch(content_type):
        raise ProducerError(
            f"The message's content type is {shown(content_type)}. It is printable ASCII, such as {JSON!r}."
        )
    match message.content:
        case None:
            return RecordedMessage(b"", content_type or "", metadata)
        case bytes() | bytearray() | memoryview():
            return RecordedMessage(bytes(message.content), content_type or BINARY, metadata)
        case str():
            return RecordedMessage(_encoded_text(message.content, content_type), content_type or TEXT, metadata)
    if content_type is not None and not is_json(content_type):
        raise ProducerError(
            f"The message's content, of type {type(message.content).__name__}, is sent as JSON, and its content type "
            f"is {content_type!r}. Give its content as text or bytes."
        )
    return RecordedMessage(_as_json("content", message.content).encode(), content_type or JSON, metadata)


def is_json(content_type: str) -> bool:
    """Tell whether a content type is JSON, such as application/vnd.api+json."""
    subtype = _base_type(content_type).partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def _base_type(content_type: Any) -> str:
    """Return a content type without its parameters, in lower case."""
    return str(content_type).partition(";")[0].strip().lower()


def _encoded_text(text: str, content_type: str | None) -> bytes:
    """Encode a text as its content type says, by default in UTF-8."""
    _, _, charset = (content_type or "").lower().partition("charset=")
    encoding = charset.partition(";")[0].strip(' "') or "utf-8"
    try:
        return text.encode(encoding)
    except (LookupError, UnicodeEncodeError) as error:
        raise ProducerError(f"The message's text can't be encoded as {content_type or TEXT!r}: {error}.") from error


def _as_json(what: str, value: Any) -> str:
    from django.core.serializers.json import DjangoJSONEncoder  # here, since production imports this module

    try:
        return json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        # Not the value: it may be long, or hold secrets.
        raise ProducerError(f"The message's {what} is not JSON: {error}. Give plain values.") from error
