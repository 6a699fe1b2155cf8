"""Health checks for load balancers and container platforms."""

from django.db import connection
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from products.schema import errors

STATUS = inline_serializer("Health", {"status": serializers.CharField(default="ok")})


@extend_schema(summary="Does the process answer?", auth=[], responses={200: STATUS, **errors(401)})
@api_view(["GET", "HEAD"])
def live(request: Request) -> Response:
    return Response({"status": "ok"})


@extend_schema(summary="Does the database answer?", auth=[], responses={200: STATUS, **errors(401, 503)})
@api_view(["GET", "HEAD"])
def ready(request: Request) -> Response:
    with connection.cursor() as cursor:  # an error here is a 503, as in every view
        cursor.execute("SELECT 1")
    return Response({"status": "ok"})
