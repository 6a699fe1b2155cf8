"""Errors in JSON: DRF's exception handler, and Django's handler400, handler404 and handler500."""

import logging
from functools import partial
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from rest_framework import views
from rest_framework.exceptions import APIException
from rest_framework.response import Response

logger = logging.getLogger(__name__)
json_response = partial(JsonResponse, content_type="application/json; charset=utf-8")


class Conflict(APIException):
    """A valid request that contradicts a stored product."""

    status_code = HTTPStatus.CONFLICT


class DatabaseUnavailable(APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database does not answer."


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer 503 if the database is away; DRF handles every other error."""
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database does not answer.", exc_info=error)
        error = DatabaseUnavailable()
    return views.exception_handler(error, context)


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    return json_response({"detail": "Bad request."}, status=HTTPStatus.BAD_REQUEST)


def page_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return json_response({"detail": "Not found. The API's description is at /docs."}, status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> JsonResponse:
    return json_response({"detail": "Internal server error."}, status=HTTPStatus.INTERNAL_SERVER_ERROR)
