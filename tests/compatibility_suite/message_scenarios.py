"""The 20 scenarios of Pact's compatibility suite for providers of messages, as data.

The suite is https://github.com/pact-foundation/pact-compatibility-suite, in `features/V3/message_provider.feature` and
`features/V4/message_provider.feature`. The pacts here are those that the suite's implementation in Rust writes.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pact_verification.messages.message import Message

CONSUMER, PROVIDER = "message consumer", "message provider"

Body = tuple[bytes, str]
"""A message's bytes and its content type."""


@dataclass(frozen=True)
class Scenario:
    """What a provider publishes, what its consumers expect, and what the verification shows.

    Args:
        messages: what the provider publishes, by the interactions' descriptions.
        pacts: the documents.
        successful: whether the verification succeeds.
        difference: the part of the message that differs. It differs also where a pending interaction succeeds.
        pending: whether the difference belongs to a pending interaction.
        state_calls: actions and names of the calls that the provider's state handlers get, in order.
        comments: texts that the console shows.
        test_name: the consumer's test, which the console shows too.
    """

    name: str
    specification: Literal["V3", "V4"]
    messages: Mapping[str, Message]
    pacts: tuple[Mapping[str, Any], ...]
    successful: bool = True
    difference: Literal["body", "metadata"] | None = None
    pending: bool = False
    state_calls: tuple[tuple[Literal["setup", "teardown"], str], ...] = ()
    comments: tuple[str, ...] = ()
    test_name: str | None = None


@dataclass(frozen=True)
class Expected:
    """An interaction as a consumer describes it."""

    description: str
    body: Body
    metadata: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def v3(self) -> dict[str, Any]:
        """Return the V3 pact of this message alone."""
        message = self._message() | {"contents": self._content()[0]}
        return _pact("3.0.0", {"messages": [message]})

    def v4(self) -> dict[str, Any]:
        """Return the V4 pact of this message alone."""
        content, encoded = self._content()
        contents = {"content": content, "contentType": self.body[1], "encoded": encoded}
        message = {"type": "Asynchronous/Messages", "pending": False} | self._message() | {"contents": contents}
        return _pact("4.0", {"interactions": [message]})

    def _message(self) -> dict[str, Any]:
        metadata = {"contentType": self.body[1], **self.metadata}
        return {"description": self.description, "metadata": metadata, **self.more}

    def _content(self) -> tuple[Any, Literal["base64", False]]:
        """Return the content as a pact holds it, and how V4 calls its encoding."""
        content, content_type = self.body
        if content_type.endswith("json"):
            return json.loads(content), False
        if content_type.startswith("image/"):
            return b64encode(content).decode(), "base64"
        return content.decode(), False


def _pact(version: str, interactions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "consumer": {"name": CONSUMER},
        "provider": {"name": PROVIDER},
        **interactions,
        "metadata": {"pactSpecification": {"version": version}},
    }


def _jpeg(scan: str) -> bytes:
    """Return a picture of 8 by 8 pixels in one shade of grey, which the scan's hexadecimal digits hold."""
    quantization = "ffdb0043" + "00" + "08" * 64
    frame = "ffc0000b" + "0800080008" + "01011100"
    dc_codes = "ffc40015" + "00" + "0002" + "00" * 14 + "0007"
    ac_codes = "ffc40014" + "10" + "01" + "00" * 15 + "00"
    header = "ffda0008" + "010100003f00"
    return bytes.fromhex(f"ffd8{quantization}{frame}{dc_codes}{ac_codes}{header}{scan}ffd9")


def _message(body: Body, metadata: Mapping[str, Any] | None = None) -> Message:
    return Message(*body, metadata or {})


def _rule(**matcher: str) -> dict[str, Any]:
    return {"combine": "AND", "matchers": [matcher]}


JSON_BODY = b'{"one": "a", "two": "b"}', "application/json"
JSON_OF_A_CAT = b'{"one": "cat", "two": "b"}', "application/json"
JSON_OF_A_DOG = b'{"one": "dog", "two": "b"}', "application/json"
OTHER_JSON = b'{"one": "a", "two": "c"}', "application/json"
HELLO_WORLD = b"Hello World", "text/plain"
HELLO_JUPITER = b"Hello Jupiter", "text/plain"
XML = b'<?xml version="1.0" encoding="UTF-8" ?>\n<values><one>A</one><two>B</two></values>', "application/xml"
OTHER_XML = b'<?xml version="1.0" encoding="UTF-8" ?>\n<values><one>C</one><two>D</two></values>', "application/xml"
DARK, LIGHT = (_jpeg("1f"), "image/jpeg"), (_jpeg("723f"), "image/jpeg")
SCHEMA_REGISTRY = "application/vnd.schemaregistry.v1+json"
KAFKA_JSON = b'{"one": "a",  "two": "b"}', SCHEMA_REGISTRY
KAFKA_MESSAGE = b"\x00\x00\x00\x00\x02" + b'{"one": "a", "two": "b"}', SCHEMA_REGISTRY
"""A zero byte, the number of the schema in four bytes, and JSON."""

INCLUDES_A = {"matchingRules": {"body": {"$.one": _rule(match="include", value="a")}}}
ORIGIN_IS_LETTERS_AND_NUMBER = {"matchingRules": {"metadata": {"Origin": _rule(match="regex", regex=r"\w{3}-\d+")}}}


def _tags(origin: str, tag: str = "123") -> dict[str, Any]:
    return {"Origin": origin, "TagData": {"ID": tag, "weight": 100.5}}


def _basic(body: Body, metadata: Mapping[str, Any] | None = None) -> dict[str, Message]:
    return {"basic": _message(body, metadata)}


SCENARIOS = (
    Scenario("Verifying a simple message", "V3", _basic(JSON_BODY), (Expected("basic", JSON_BODY).v3(),)),
    Scenario(
        "Verifying multiple Pact files",
        "V3",
        {"basic": _message(JSON_BODY), "xml": _message(XML)},
        (Expected("basic", JSON_BODY).v3(), Expected("xml", XML).v3()),
    ),
    Scenario(
        "Incorrect message is generated by the provider",
        "V3",
        {"json": _message(OTHER_JSON)},
        (Expected("json", JSON_BODY).v3(),),
        successful=False,
        difference="body",
    ),
    Scenario(
        "Verifying an interaction with a defined provider state",
        "V3",
        _basic(JSON_BODY),
        (Expected("basic", JSON_BODY, more={"providerStates": [{"name": "state one"}]}).v3(),),
        state_calls=(("setup", "state one"), ("teardown", "state one")),
    ),
    Scenario(
        "Verifies the message metadata",
        "V3",
        _basic(JSON_BODY, _tags("Some Text", "sjhdjkshsdjh")),
        (Expected("basic", JSON_BODY, _tags("Some Text", "100")).v3(),),
        successful=False,
        difference="metadata",
    ),
    Scenario(
        "Message with plain text body (positive case)",
        "V3",
        _basic(HELLO_WORLD),
        (Expected("basic", HELLO_WORLD).v3(),),
    ),
    Scenario(
        "Message with plain text body (negative case)",
        "V3",
        _basic(HELLO_WORLD),
        (Expected("basic", HELLO_JUPITER).v3(),),
        successful=False,
        difference="body",
    ),
    Scenario("Message with JSON body (positive case)", "V3", _basic(JSON_BODY), (Expected("basic", JSON_BODY).v3(),)),
    Scenario(
        "Message with JSON body (negative case)",
        "V3",
        {"json": _message(OTHER_JSON)},
        (Expected("json", JSON_BODY).v3(),),
        successful=False,
        difference="body",
    ),
    Scenario("Message with XML body (positive case)", "V3", {"xml": _message(XML)}, (Expected("xml", XML).v3(),)),
    Scenario(
        "Message with XML body (negative case)",
        "V3",
        {"xml": _message(XML)},
        (Expected("xml", OTHER_XML).v3(),),
        successful=False,
        difference="body",
    ),
    Scenario(
        "Message with binary body (positive case)", "V3", {"image": _message(DARK)}, (Expected("image", DARK).v3(),)
    ),
    Scenario(
        "Message with binary body (negative case)",
        "V3",
        {"image": _message(DARK)},
        (Expected("image", LIGHT).v3(),),
        successful=False,
        difference="body",
    ),
    Scenario(
        "Supports matching rules for the message metadata (positive case)",
        "V3",
        _basic(JSON_BODY, _tags("AAA-123")),
        (Expected("basic", JSON_BODY, _tags("AXP-1000"), ORIGIN_IS_LETTERS_AND_NUMBER).v3(),),
    ),
    Scenario(
        "Supports matching rules for the message metadata (negative case)",
        "V3",
        _basic(JSON_BODY, _tags("AAAB-123")),
        (Expected("basic", JSON_BODY, _tags("AXP-1000"), ORIGIN_IS_LETTERS_AND_NUMBER).v3(),),
        successful=False,
        difference="metadata",
    ),
    Scenario(
        "Supports matching rules for the message body (positive case)",
        "V3",
        _basic(JSON_OF_A_CAT),
        (Expected("basic", JSON_BODY, more=INCLUDES_A).v3(),),
    ),
    Scenario(
        "Supports matching rules for the message body (negative case)",
        "V3",
        _basic(JSON_OF_A_DOG),
        (Expected("basic", JSON_BODY, more=INCLUDES_A).v3(),),
        successful=False,
        difference="body",
    ),
    Scenario(  # the suite marks it as unfinished (@wip)
        "Supports messages with body formatted for the Kafka schema registry",
        "V3",
        {"kafka": _message(KAFKA_MESSAGE)},
        (Expected("kafka", KAFKA_JSON).v3(),),
    ),
    Scenario(
        "Verifying a pending message interaction",
        "V4",
        _basic(JSON_OF_A_CAT),
        (Expected("basic", JSON_BODY, more={"pending": True}).v4(),),
        difference="body",
        pending=True,
    ),
    Scenario(
        "Verifying a message interaction with comments",
        "V4",
        _basic(JSON_BODY),
        (
            Expected(
                "basic",
                JSON_BODY,
                more={"comments": {"text": ["comment one", "comment two"], "testname": "compatibility-suite"}},
            ).v4(),
        ),
        comments=("comment one", "comment two"),
        test_name="compatibility-suite",
    ),
)
