"""What a producer gets, and what becomes of what it returns."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from pact_verification import Message
from pact_verification.errors import ProducerError
from pact_verification.messages.producing import arguments_of, chosen, for_core, messages_of, request_of
from pact_verification.pacts.pact import Interaction, PactMessage, ProviderState
from pact_verification.pacts.reading import parse_pact
from pact_verification.results.exchange import Exchange, RecordedMessage, SetUpState
from pact_verification.states.handlers import Match
from pact_verification.states.registry import Registry
from tests.pact_verification.messages.project import asynchronous, contents, synchronous, v3_message

pytestmark = pytest.mark.no_database

RETURNS = "A producer returns a dict or list, text, bytes, or a Message"


def match(function: Callable[..., Any], pattern: str = "{colour} order {id:d}") -> Match:
    registry = Registry()
    registry.message_producer(pattern)(function)
    found = registry.producers.find("red order 7")
    assert found
    return found


def set_up(params: Mapping[str, Any], values: Mapping[str, Any]) -> SetUpState:
    return SetUpState(ProviderState("a state", params), "a_state()", values)


def read(interaction: Mapping[str, Any]) -> Interaction:
    """Read an interaction as a pact has it."""
    is_v4 = "type" in interaction
    document = {
        "consumer": {"name": "mailer"},
        "provider": {"name": "shop"},
        "interactions" if is_v4 else "messages": [interaction],
        "metadata": {"pactSpecification": {"version": "4.0" if is_v4 else "3.0.0"}},
    }
    pact = parse_pact(json.dumps(document).encode(), "a pact")
    assert pact
    return pact.interactions[0]


class TestArguments:
    VALUES: ClassVar = Exchange(
        states=(
            set_up({"name": "of params", "age": 3}, {"name": "of values"}),
            set_up({"age": 4, "id": "of params"}, {}),
        )
    ).state_values

    def test_a_pattern_in_place_of_a_name_gives_no_value(self) -> None:
        """PactNet writes the pattern itself into the pact."""
        found = replace(match(lambda **values: None), values={"colour": "{colour}", "id": "{id}"})
        assert arguments_of(found, {"colour": "red"}, None) == {"colour": "red", "id": "{id}"}

    def test_all_of_them(self) -> None:
        """The values of the description win over what states returned, and those over all states' params."""

        def every(**values: Any) -> None: ...

        request = Message({})
        assert arguments_of(match(every), self.VALUES, request) == {
            "name": "of values",
            "age": 4,
            "id": 7,
            "colour": "red",
            "request": request,
        }

    def test_only_what_it_accepts(self) -> None:
        def some(name: str, *, age: int = 0, size: int = 1) -> None: ...

        assert arguments_of(match(some), self.VALUES, Message({})) == {"name": "of values", "age": 4}

    def test_none(self) -> None:
        def none() -> None: ...

        assert arguments_of(match(none), {}, None) == {}

    def test_what_is_not_there(self) -> None:
        def wants(size: int, request: Message) -> None: ...

        found = match(wants)
        with pytest.raises(ProducerError) as raised:
            arguments_of(found, self.VALUES, None)
        assert str(raised.value) == (
            "wants() needs 'size', and the interaction's description and provider states give name, age, id, colour. A "
            f"state handler returns such values in a dict. ({found.handler.location})"
        )

    def test_a_request_that_an_asynchronous_message_has_not(self) -> None:
        def wants(request: Message) -> None: ...

        found = match(wants, "red order 7")
        with pytest.raises(ProducerError) as raised:
            arguments_of(found, {}, None)
        assert str(raised.value) == (
            f"wants() needs 'request', which only a synchronous message has. ({found.handler.location})"
        )


class TestRequest:
    def request(self, content: Any, generators: Mapping[str, Any], **more: Any) -> Interaction:
        interaction = synchronous("a question", content, {})
        interaction["request"] |= {"generators": generators, **more}
        return read(interaction)

    @staticmethod
    def of_state(expression: str) -> dict[str, str]:
        return {"type": "ProviderState", "expression": expression}

    def test_an_asynchronous_message_has_none(self) -> None:
        assert request_of(read(asynchronous("a", {})), {}) is None

    def test_values_of_states_in_content_and_metadata(self) -> None:
        generators = {
            "body": {
                "$.id": self.of_state("${id}"),
                "$.items[*].of": self.of_state("id"),
                "$.items[1].name": self.of_state("item ${id} of ${name}"),
                "$.unknown": self.of_state("${nothing}"),
                "$.not.there": self.of_state("${id}"),
                "$.random": {"type": "RandomInt"},
            },
            "metadata": {"key": self.of_state("order-${id}"), "number": self.of_state("${id}")},
        }
        items = [{"of": 0, "name": "a"}, {"of": 0, "name": "b"}]
        content = {"id": 0, "items": items, "unknown": "example", "random": 5}
        interaction = self.request(content, generators, metadata={"key": "order-0", "topic": "orders"})
        assert request_of(interaction, {"id": 7, "name": "Ada"}) == Message(
            {
                "id": 7,
                "items": [{"of": 7, "name": "a"}, {"of": 7, "name": "item 7 of Ada"}],
                "unknown": "example",
                "random": 5,
            },
            "application/json",
            {"key": "order-7", "number": 7, "topic": "orders"},
        )
        assert interaction.message_request
        assert interaction.message_request.body["id"] == 0  # the pact's own stays as it is

    def test_a_value_for_the_whole_content(self) -> None:
        interaction = self.request("example", {"content": {"$": self.of_state("${id}")}})
        assert request_of(interaction, {"id": 7}) == Message(7, "application/json", {})

    def test_without_generators(self) -> None:
        interaction = synchronous("a question", None, {})
        interaction["request"] = {"contents": contents("AAEC/f7/", "application/octet-stream", "base64")}
        assert request_of(read(interaction), {}) == Message(bytes([0, 1, 2, 253, 254, 255]), "application/octet-stream")

    def test_empty(self) -> None:
        interaction = {**synchronous("a question", None, {}), "request": {}}
        assert request_of(read(interaction), {}) == Message(None, None)


class TestMessages:
    @pytest.mark.parametrize(
        ("returned", "bodies"),
        [
            ({"a": 1}, [b'{"a": 1}']),
            ([{"a": 1}], [b'[{"a": 1}]']),
            (Message([]), [b"[]"]),
            ("text", [b"text"]),
            (b"bytes", [b"bytes"]),
            (memoryview(b"bytes"), [b"bytes"]),
            (Message(5), [b"5"]),
            ([Message(1), Message(2)], [b"1", b"2"]),
            ((Message(1),), [b"1"]),
        ],
    )
    def test_what_may_be_returned(self, returned: Any, bodies: Sequence[bytes]) -> None:
        assert [each.body for each in messages_of(returned, "f()")] == bodies

    @pytest.mark.parametrize(
        ("returned", "error"),
        [
            (None, f"f() returned None. {RETURNS}; an empty message is Message(None)."),
            (5, f"f() returned 5, of type int. {RETURNS}."),
            (True, f"f() returned True, of type bool. {RETURNS}."),
            ([], "f() returned an empty list, so it has chosen no message. An empty JSON array is Message([])."),
            ((1, 2), f"f() returned (1, 2), of type tuple. {RETURNS}."),
            ({1}, f"f() returned {{1}}, of type set. {RETURNS}."),
            (
                [Message(1), {"a": 1}],
                (
                    "The message's content is not JSON: Object of type Message is not JSON serializable. "
                    "Give plain values."
                ),
            ),
        ],
    )
    def test_what_may_not(self, returned: Any, error: str) -> None:
        with pytest.raises(ProducerError) as raised:
            messages_of(returned, "f()")
        assert str(raised.value) == error

    def test_what_compares_oddly(self) -> None:
        class Array:
            def __eq__(self, other: object) -> bool:
                raise ValueError("The truth value of an array is ambiguous.")

            def __hash__(self) -> int:
                return 1

        with pytest.raises(ProducerError, match="of type Array"):
            messages_of(Array(), "f()")


class TestChosen:
    ONE, TWO = RecordedMessage(b"1"), RecordedMessage(b"2")

    def test_the_response_that_is_compared(self) -> None:
        interaction = Interaction("a", messages=(PactMessage(1), PactMessage(2)), response=1)
        assert chosen([self.ONE, self.TWO], interaction, "f()") is self.TWO

    @pytest.mark.parametrize(
        ("messages", "pact", "error"),
        [
            (
                [ONE, TWO],
                asynchronous("a", {}),
                "f() returned 2 messages, and the pact has 1 message. Choose one, such as messages[0].",
            ),
            (
                [ONE],
                synchronous("a", {}, {}, {}),
                "f() returned 1 message, and the pact has 2 responses. Return a list with a Message for each.",
            ),
            (
                [ONE, TWO],
                synchronous("a", {}, {}),
                "f() returned 2 messages, and the pact has 1 response. Choose one, such as messages[0].",
            ),
            (
                [RecordedMessage()],
                asynchronous("a", {}),
                "f() returned an empty message, and the pact's has contents.",
            ),
            (
                [RecordedMessage()],
                asynchronous("a", 0),
                "f() returned an empty message, and the pact's has contents.",
            ),
            (
                [ONE],
                asynchronous("a", "", "text/plain"),
                "f() returned a message with contents, and the pact's is empty.",
            ),
            (
                [RecordedMessage(b"null", "text/plain")],
                asynchronous("a", "", "text/plain"),
                "f() returned a message with contents, and the pact's is empty.",
            ),
            (
                [RecordedMessage(b"", "image/png")],
                asynchronous("a", "", "text/csv"),
                "f() returned an empty message of type image/png, and the pact's is text/csv.",
            ),
            ([ONE], v3_message("a", None), "f() returned a message with contents, and the pact's is empty."),
        ],
    )
    def test_errors(self, messages: Sequence[RecordedMessage], pact: Mapping[str, Any], error: str) -> None:
        with pytest.raises(ProducerError) as raised:
            chosen(messages, read(pact), "f()")
        assert str(raised.value) == error

    @pytest.mark.parametrize("body", [b"", b"null"])
    @pytest.mark.parametrize("pact", [v3_message("a", None), asynchronous("a", None), asynchronous("a", "")])
    def test_empty_as_the_pact_says(self, body: bytes, pact: Mapping[str, Any]) -> None:
        message = RecordedMessage(body)
        assert chosen([message], read(pact), "f()") is message

    def test_any_contents_where_the_pact_names_none(self) -> None:
        metadata_alone = {"description": "a", "metadata": {"topic": "orders"}}
        assert chosen([self.ONE], read(metadata_alone), "f()") is self.ONE


class TestForCore:
    FRAMED = b"\0\0\0\0\x02{}"
    KAFKA = "application/vnd.schemaregistry.v1+json"

    @pytest.mark.parametrize("name", ["contentType", "content-type", "Content-Type"])
    def test_the_content_type_as_the_pact_spells_it(self, name: str) -> None:
        message = RecordedMessage(b"{}", "text/plain", {"topic": "a"})
        assert for_core(message, PactMessage(metadata={name: "application/json"})) == (
            b"{}",
            {"topic": "a", name: "text/plain"},
        )

    def test_the_producers_own_wins(self) -> None:
        message = RecordedMessage(b"{}", "text/plain", {"contentType": "text/html"})
        assert for_core(message, PactMessage(metadata={"contentType": "a/b"}))[1] == {"contentType": "text/html"}

    def test_no_content_type_is_added_that_the_pact_does_not_name(self) -> None:
        assert for_core(RecordedMessage(b"{}", "text/plain"), PactMessage()) == (b"{}", {})

    @pytest.mark.parametrize(
        ("body", "content_type", "came"),
        [
            (FRAMED, KAFKA, b"{}"),
            (FRAMED, "Application/vnd.schemaregistry+json; a=b", b"{}"),
            (b"{}", KAFKA, b"{}"),
            (FRAMED, "application/json", FRAMED),
            (FRAMED, "application/vnd.schemaregistry.v1+avro", FRAMED),
        ],
    )
    def test_the_framing_of_kafkas_schema_registry(self, body: bytes, content_type: str, came: bytes) -> None:
        assert for_core(RecordedMessage(body, content_type), PactMessage())[0] == came
