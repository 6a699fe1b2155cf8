"""Errors in JSON, whoever raises them. config/ names what stands here."""

import logging
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework import views
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from products.negotiation import JSONRenderer

logger = logging.getLogger(__name__)


class Unavailable(APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database does not answer."
    default_code = "unavailable"


class Conflict(ValidationError):
    """A valid request that the stored products don't allow."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's, in JSON also where a view renders something else; a database that is away is a 503."""
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database does not answer.", exc_info=error)
        error = Unavailable()
    context["request"].accepted_renderer = JSONRenderer()
    return views.exception_handler(error, context)


@extend_schema(exclude=True)
class Nothing(views.APIView):
    """What no URL matches; a view of its own, so that a token that isn't valid is a 401 here as well."""

    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(f"There is nothing at {request.path}. See /docs.")

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}  # no Allow: nothing is allowed


def _error(status: HTTPStatus, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status, content_type="application/json; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _error(HTTPStatus.BAD_REQUEST, "Bad request.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _error(HTTPStatus.NOT_FOUND, "Not found.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here. It has been logged.")
