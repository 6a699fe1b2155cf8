"""The request and the response of an interaction as reports keep them, read from a WSGI environment and a response."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from pact_verification.provider.http_connection import LEFT_OUT, Response, request_headers
from pact_verification.results.compression import MAX_RECORDED_BODY, coding_of, decompressed
from pact_verification.results.exchange import RecordedRequest, RecordedResponse


def recorded_request(environ: WSGIEnvironment, meta: Mapping[str, Any], body: bytes) -> RecordedRequest:
    """Return a request as reports show it.

    Args:
        environ: what the server received.
        meta: Django's META, as the request filters left it.
        body: the whole body.
    """
    query = f"?{meta['QUERY_STRING']}" if meta.get("QUERY_STRING") else ""
    path = unquote_to_bytes(environ["RAW_URI"].partition("?")[0].encode("latin-1")).decode(errors="replace")
    return RecordedRequest(environ["REQUEST_METHOD"], f"{path}{query}", request_headers(meta), body[:MAX_RECORDED_BODY])


def arrived_request(environ: WSGIEnvironment, body: bytes) -> RecordedRequest:
    """Return a request as it arrived, with an undecoded target and the whole body."""
    left_out = {name.title(): value for name, value in environ.get(LEFT_OUT, {}).items()}
    return RecordedRequest(
        environ["REQUEST_METHOD"], environ["RAW_URI"], {**request_headers(environ), **left_out}, body
    )


def recorded_response(response: Response) -> RecordedResponse:
    """Return a response as reports show it, with its body as it was before compression.

    A header that came several times, such as Set-Cookie, becomes one text.
    """
    status, headers, body = response
    by_name: dict[str, str] = {}
    for name, value in headers:
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    number, _, reason = status.partition(" ")
    body = decompressed(body, coding_of(by_name))
    return RecordedResponse(int(number), reason, by_name, body[:MAX_RECORDED_BODY])
