"""Errors in JSON, for what goes wrong outside DRF's own views. config/urls.py names them."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response


@extend_schema(exclude=True)
@api_view(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@permission_classes([AllowAny])
def not_found(request: Request) -> Response:
    """What no URL matches; a view of its own, so that a token that isn't valid is a 401 here as well."""
    raise NotFound(f"There is nothing at {request.path}. See /docs.")


def _error(status: HTTPStatus, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status, content_type="application/json; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _error(HTTPStatus.BAD_REQUEST, "Bad request.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _error(HTTPStatus.NOT_FOUND, "Not found.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here. It has been logged.")
