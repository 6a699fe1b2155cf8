"""Messages as reports keep them."""

import gzip
import zlib
from io import BytesIO
from typing import Any

import pytest

from pact_verification.provider.http_connection import LEFT_OUT, request_headers
from pact_verification.provider.recorded_http import (
    arrived_request,
    recorded_request,
    recorded_response,
)
from pact_verification.results.compression import MAX_RECORDED_BODY
from pact_verification.results.exchange import RecordedRequest, RecordedResponse

pytestmark = pytest.mark.no_database

ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "POST",
    "RAW_URI": "/a%20b?c=%20d",
    "QUERY_STRING": "c=%20d",
    "CONTENT_TYPE": "text/plain",
    "CONTENT_LENGTH": "",
    "HTTP_X_NAME": "1",
    "SERVER_NAME": "127.0.0.1",
    "wsgi.input": BytesIO(),
    LEFT_OUT: {"x_other": "2"},
}


def test_headers_of_an_environment() -> None:
    assert request_headers(ENVIRON) == {"Content-Type": "text/plain", "X-Name": "1"}


def test_a_request_as_the_filters_left_it() -> None:
    meta = {"QUERY_STRING": "e=1", "HTTP_X_NAME": "filtered"}
    body = b"x" * (MAX_RECORDED_BODY + 1)
    recorded = recorded_request(ENVIRON, meta, body)
    assert recorded == RecordedRequest("POST", "/a b?e=1", {"X-Name": "filtered"}, body[:-1])


def test_a_request_as_it_arrived() -> None:
    headers = {"Content-Type": "text/plain", "X-Name": "1", "X_Other": "2"}
    body = b"x" * (MAX_RECORDED_BODY + 1)
    assert arrived_request(ENVIRON, body) == RecordedRequest("POST", "/a%20b?c=%20d", headers, body)


RAW = zlib.compressobj(wbits=-15)
GZIPPED = gzip.compress(b"body", mtime=0)


@pytest.mark.parametrize(
    ("coding", "body", "read"),
    [
        pytest.param("gzip", gzip.compress(b"body"), b"body", id="gzip"),
        pytest.param(" gzip ", gzip.compress(b"body"), b"body", id="with spaces"),
        pytest.param("GZIP", GZIPPED, GZIPPED, id="a spelling that the core does not know"),
        pytest.param("deflate", zlib.compress(b"body"), b"body", id="deflate"),
        pytest.param("deflate", RAW.compress(b"body") + RAW.flush(), b"body", id="deflate without its header"),
        pytest.param("gzip", b"not compressed", b"not compressed", id="not compressed"),
        pytest.param("gzip", gzip.compress(b"body")[:-9], b"body", id="without its end"),
        pytest.param("gzip", b"", b"", id="empty"),
        pytest.param("gzip", gzip.compress(b"bo") + gzip.compress(b"dy"), b"body", id="two members"),
        pytest.param("gzip", gzip.compress(b"body") + b"rest", b"body", id="with a rest"),
        pytest.param("br", b"\x0b\x01", b"\x0b\x01", id="unknown"),
        pytest.param("gzip", gzip.compress(bytes(MAX_RECORDED_BODY + 1)), bytes(MAX_RECORDED_BODY), id="too long"),
    ],
)
def test_a_body_that_was_compressed(coding: str, body: bytes, read: bytes) -> None:
    recorded = recorded_response(("200 OK", [("Content-Encoding", coding)], body))
    assert recorded == RecordedResponse(200, "OK", {"Content-Encoding": coding}, read)


def test_a_header_that_comes_twice() -> None:
    response = recorded_response(("200 Very OK", [("Set-Cookie", "a"), ("X", "1"), ("Set-Cookie", "b")], b"body"))
    assert response == RecordedResponse(200, "Very OK", {"Set-Cookie": "a, b", "X": "1"}, b"body")
