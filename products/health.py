"""For whoever runs the service: does it live, and can it work?"""

import logging
from http import HTTPStatus

from django.db import DatabaseError, connection
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from products.serializers import ErrorSerializer

logger = logging.getLogger(__name__)
UNAUTHORIZED = OpenApiResponse(ErrorSerializer, "A token that is not valid; none is needed.")
STATUS = inline_serializer("Health", {"status": serializers.CharField()})


@extend_schema(summary="Does the process answer?", responses={200: STATUS, 401: UNAUTHORIZED}, tags=["health"])
@api_view(["GET", "HEAD"])
def live(request: Request) -> Response:
    return Response({"status": "ok"})


@extend_schema(
    summary="Does the database answer?", responses={200: STATUS, 401: UNAUTHORIZED, 503: STATUS}, tags=["health"]
)
@api_view(["GET", "HEAD"])
def ready(request: Request) -> Response:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.exception("The database does not answer.")
        return Response({"status": "the database does not answer"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return Response({"status": "ok"})
