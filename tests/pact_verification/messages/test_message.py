"""Encoding what a producer returns."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from pact_verification import Message
from pact_verification.errors import ProducerError
from pact_verification.messages.message import encoded, is_json
from pact_verification.results.exchange import RecordedMessage

pytestmark = pytest.mark.no_database

JSON = "application/json"


@pytest.mark.parametrize(
    ("message", "body", "content_type"),
    [
        (Message({"a": [1, None]}), b'{"a": [1, null]}', JSON),
        (Message([]), b"[]", JSON),
        (Message(5), b"5", JSON),
        (Message(False), b"false", JSON),
        (Message({"a": 1}, "application/vnd.api+json; v=1"), b'{"a": 1}', "application/vnd.api+json; v=1"),
        (Message({"on": date(2026, 1, 2), "price": Decimal("2.50")}), b'{"on": "2026-01-02", "price": "2.50"}', JSON),
        (Message({"id": UUID(int=7)}), b'{"id": "00000000-0000-0000-0000-000000000007"}', JSON),
        (Message({"ü": "\ud800"}), b'{"\\u00fc": "\\ud800"}', JSON),
        (Message("käse"), "käse".encode(), "text/plain"),
        (Message('{"a": 1}', JSON), b'{"a": 1}', JSON),
        (Message("käse", "text/plain; charset=ISO-8859-1"), b"k\xe4se", "text/plain; charset=ISO-8859-1"),
        (Message("käse", 'text/csv; charset="utf-16-le"; header=present'), "käse".encode("utf-16-le"), None),
        (Message(b"\0\xff"), b"\0\xff", "application/octet-stream"),
        (Message(bytearray(b"a"), "image/png"), b"a", "image/png"),
        (Message(memoryview(b"a")), b"a", "application/octet-stream"),
        (Message(None), b"", ""),
        (Message(None, "text/xml"), b"", "text/xml"),
        (Message("<a/>", metadata={"Content-Type": "text/xml"}), b"<a/>", "text/xml"),
        (Message("<a/>", metadata={"contentType": "text/xml"}), b"<a/>", "text/xml"),
        (Message("<a/>", "text/xml;charset=utf-8", {"contentType": "text/xml"}), b"<a/>", "text/xml;charset=utf-8"),
    ],
)
def test_contents(message: Message, body: bytes, content_type: str | None) -> None:
    came = encoded(message)
    assert came.body == body
    assert came.content_type == (message.content_type if content_type is None else content_type)


def test_metadata_is_json() -> None:
    metadata = {"on": date(2026, 1, 2), "tags": ("a", "b"), "weight": 1.5, "none": None}
    assert encoded(Message({}, metadata=metadata)) == RecordedMessage(
        b"{}", JSON, {"on": "2026-01-02", "tags": ["a", "b"], "weight": 1.5, "none": None}
    )


LOOP: dict[str, Any] = {}
LOOP["itself"] = LOOP


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (
            Message({"a": ...}),
            ("The message's content is not JSON: Object of type ellipsis is not JSON serializable. Give plain values."),
        ),
        (
            Message({"a": float("nan")}),
            "The message's content is not JSON: Out of range float values are not JSON compliant",
        ),
        (
            Message(LOOP),
            ("The message's content is not JSON: Circular reference detected. Give plain values."),
        ),
        (
            Message({}, metadata={"a": {1}}),
            ("The message's metadata is not JSON: Object of type set is not JSON serializable. Give plain values."),
        ),
        (
            Message({}, metadata="topic"),  # type: ignore[arg-type]  # what the error is about
            "The message's metadata is of type str. It has to be a dict with texts as keys.",
        ),
        (
            Message({}, metadata={1: "topic"}),  # type: ignore[dict-item]  # what the error is about
            "The message's metadata is of type dict. It has to be a dict with texts as keys.",
        ),
        (
            Message("<a/>", "text/html", {"contentType": "text/xml"}),
            "The message's content type is 'text/html', and its metadata says 'text/xml'.",
        ),
        (
            Message({}, 5),  # type: ignore[arg-type]  # what the error is about
            "The message's content type is 5. It is a text such as 'application/json'.",
        ),
        (
            Message({}, metadata={"contentType": 5}),
            "The message's content type is 5. It is a text such as 'application/json'.",
        ),
        *(
            (
                Message("", content_type),
                f"The message's content type is {content_type!r}. It is printable ASCII, such as 'application/json'.",
            )
            for content_type in ("json", "/json", "text/", "text/plain\n", "text/€", " text/plain")
        ),
        (
            Message({"a": 1}, "application/xml"),
            (
                "The message's content, of type dict, is sent as JSON, and its content type is "
                "'application/xml'. Give its "
                "content as text or bytes."
            ),
        ),
        (
            Message("käse", "text/plain; charset=ascii"),
            (
                "The message's text can't be encoded as 'text/plain; charset=ascii': 'ascii' codec "
                "can't encode character "
                "'\\xe4' in position 1: ordinal not in range(128)."
            ),
        ),
        (
            Message("a", "text/plain; charset=klingon"),
            "The message's text can't be encoded as 'text/plain; charset=klingon': unknown encoding: klingon.",
        ),
        (
            Message("\ud800"),
            (
                "The message's text can't be encoded as 'text/plain': 'utf-8' codec can't encode "
                "character '\\ud800' in "
                "position 0: surrogates not allowed."
            ),
        ),
    ],
)
def test_errors(message: Message, error: str) -> None:
    with pytest.raises(ProducerError) as raised:
        encoded(message)
    assert str(raised.value).startswith(error)


@pytest.mark.parametrize(
    ("content_type", "is_so"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.api+json", True),
        ("application/jsonp", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_is_json(content_type: str, is_so: bool) -> None:
    assert is_json(content_type) is is_so
