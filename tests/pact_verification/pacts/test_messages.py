"""Messages of pact documents, as values."""

import json
from typing import Any

import pytest

from pact_verification.errors import UnreadablePact
from pact_verification.pacts.pact import Pact
from pact_verification.pacts.reading import parse_pact

pytestmark = pytest.mark.no_database


def read(version: str | None, **lists: list[Any]) -> Pact:
    document = {
        "consumer": {"name": "c"},
        "provider": {"name": "p"},
        "metadata": {"pactSpecification": {"version": version}} if version else {},
        **lists,
    }
    pact = parse_pact(json.dumps(document).encode(), "a pact")
    assert pact
    return pact


def question(contents: dict[str, Any]) -> dict[str, Any]:
    response = {"contents": {"content": 1}}
    return {
        "type": "Synchronous/Messages",
        "description": "m",
        "request": {"contents": contents},
        "response": [response],
    }


@pytest.mark.parametrize(
    ("content_type", "content", "expected"),
    [
        ("application/x-protobuf", "CgNBZGE=", b"\n\x03Ada"),
        ("application/octet-stream", "QWRh", b"Ada"),
        ("text/plain", "QWRh", "Ada"),
        ("text/plain;charset=iso-8859-1", "5A==", "ä"),
        ("application/json", "eyJhIjogMX0=", {"a": 1}),
        ("application/xml", "PGEvPg==", "<a/>"),
    ],
)
def test_what_base64_is_depends_on_the_type_alone(content_type: str, content: str, expected: Any) -> None:
    contents = {"content": content, "contentType": content_type, "encoded": "base64"}
    (interaction,) = read("4.0", interactions=[question(contents)]).interactions
    assert interaction.message_request
    assert interaction.message_request.body == expected


@pytest.mark.parametrize("version", ["3.0.0", "2.0.0", "5.0", None])
def test_a_type_of_v4_in_another_pact(version: str | None) -> None:
    with pytest.raises(UnreadablePact, match="needs version 4 of the specification, and the pact names"):
        read(version, interactions=[{"type": "Asynchronous/Messages", "description": "m", "contents": {"content": 1}}])


@pytest.mark.parametrize("version", ["4.0", "2.0.0"])
def test_a_list_of_messages_in_a_pact_of_another_version(version: str) -> None:
    with pytest.raises(UnreadablePact, match="only version 3 of the specification has them"):
        read(version, messages=[{"description": "m", "contents": 1}])
    assert read(version, interactions=[], messages=[]).interactions == ()


def test_members_that_are_near_to_contents() -> None:
    with pytest.raises(UnreadablePact, match=r"has no contents\. Is 'content' a misspelling of it"):
        read("3.0.0", messages=[{"description": "m", "content": 1, "comments": {}}])
