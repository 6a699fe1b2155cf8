"""Reading the messages of a pact document: contents, metadata and rules."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pact_verification.pacts.matching_rules import MatchingRules, read_rules
from pact_verification.pacts.pact import CONTENT_TYPE_NAMES, PactMessage

TEXT_TYPE = re.compile(r"^text/|[/+](json|xml|x-www-form-urlencoded|yaml|csv)\b", re.IGNORECASE)
"""Content types whose contents are text."""


def read_contents(data: Mapping[str, Any], *, is_v4: bool) -> PactMessage:
    """Read a message, or one side of a synchronous message.

    Args:
        data: the object that holds contents, metadata and matching rules.
        is_v4: V4 wraps the contents in an object that says how they are encoded.
    """
    metadata = data.get("metadata") or (None if is_v4 else data.get("metaData")) or {}
    contents = data.get("contents")
    rules = read_rules(data.get("matchingRules"))
    generators = data.get("generators") or {}
    body, content_type = _unwrapped(contents) if is_v4 and isinstance(contents, Mapping) else (contents, "")
    named = next((str(value) for name, value in metadata.items() if name.lower() in CONTENT_TYPE_NAMES), "")
    return PactMessage(
        body,
        content_type or named,
        dict(metadata),
        rules,
        tuple(_compared_with_example(generators, rules)),
        {part: each for part, each in generators.items() if isinstance(each, Mapping)},
        has_contents="contents" in data and not (is_v4 and isinstance(contents, Mapping) and "content" not in contents),
    )


def _unwrapped(contents: Mapping[str, Any]) -> tuple[Any, str]:
    """Return V4's contents and their content type. Base64 of a type that is no text is bytes."""
    content, content_type = contents.get("content"), str(contents.get("contentType") or "")
    encoded = contents.get("encoded")
    with suppress(ValueError, TypeError, LookupError):  # the core reports contents that it can't decode
        if str(encoded).lower() == "base64":
            content = b64decode(content or "", validate=True)
            if not content_type or TEXT_TYPE.search(content_type):
                content = content.decode(_charset(content_type))
        if encoded and "json" in content_type.lower() and not isinstance(content, bytes):
            content = json.loads(content or "")
    return content, content_type


def _charset(content_type: str) -> str:
    """Return the charset that a content type names, by default UTF-8."""
    return content_type.lower().partition("charset=")[2].partition(";")[0].strip(' "') or "utf-8"


def _compared_with_example(generators: Mapping[str, Any], rules: MatchingRules) -> Iterator[str]:
    """Yield the places whose generator should have decided what is right."""
    for part, found in generators.items():
        name = "body" if part == "content" else part
        for place, generator in (found if isinstance(found, Mapping) else {}).items():
            of_state = isinstance(generator, Mapping) and generator.get("type") == "ProviderState"
            if of_state or not rules.of(name, place):
                yield f"{part} {place}"
