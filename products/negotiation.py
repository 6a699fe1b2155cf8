"""JSON in, JSON out, whatever the Accept header says."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import IO, Any

from django.conf import settings
from rest_framework import renderers
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JSONRenderer(renderers.JSONRenderer):
    """DRF's, but it names its charset: consumers of this API ask for it to the letter."""

    charset = "utf-8"

    def get_indent(self, accepted_media_type: str, renderer_context: Mapping[str, Any]) -> None:
        """No indent, ever: AlwaysJSON leaves no media type with parameters, so there is none to look for."""


class PayloadTooLarge(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "payload_too_large"


class JSONParser(BaseParser):
    """Reads a JSON body of a bounded size.

    DRF's own takes a body of any size, decodes it with whatever charset the request names (some are no text encodings
    at all) and lets the RecursionError of a deeply nested one through. JSON is UTF-8 (RFC 8259, section 8.1).

    Raises:
        PayloadTooLarge: over DATA_UPLOAD_MAX_MEMORY_SIZE bytes.
        ParseError: it isn't JSON.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 2**31
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge(f"The body has more than {limit} bytes.")
        try:
            return json.loads(body.decode(), parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        except (ValueError, RecursionError) as error:  # not UTF-8, NaN, too many digits or brackets
            raise ParseError("The body is not JSON that can be read.") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class AlwaysJSON(BaseContentNegotiation):
    """Each view has one renderer, and uses it whatever the Accept header says."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        # The charset parameter of a JSON type has no meaning (RFC 8259, section 11).
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""
