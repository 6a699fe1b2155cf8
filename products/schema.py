"""What the OpenAPI description says beyond what drf-spectacular reads from the views."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers

from products.serializers import STORED, ProductSerializer


class ErrorSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField()


ERRORS = {
    400: OpenApiResponse(OpenApiTypes.OBJECT, "The messages for each field that is wrong, or `detail`."),
    401: OpenApiResponse(ErrorSerializer, "The token is missing or not valid."),
    404: OpenApiResponse(ErrorSerializer, "There is no such product or page."),
    409: OpenApiResponse(OpenApiTypes.OBJECT, "The id is taken, or it differs from the id in the URL."),
    415: OpenApiResponse(ErrorSerializer, "The body is not `application/json`."),
    503: OpenApiResponse(ErrorSerializer, "The database does not answer."),
}


def errors(*statuses: int) -> dict[int, Any]:
    return {status: ERRORS[status] for status in statuses}


ID = OpenApiParameter("id", location="path", examples=[OpenApiExample("A product of the catalogue", STORED["id"])])
LINK = OpenApiParameter("Link", location="header", response=[200], description="The other pages, as in RFC 8288.")
LOCATION = OpenApiParameter("Location", location="header", response=[201], description="The product's URL.")
LIST = {200: ProductSerializer(many=True), **errors(400, 401, 404)}
CREATE = {201: ProductSerializer, **errors(400, 401, 409, 415)}
READ = {200: ProductSerializer, **errors(401, 404)}
CHANGE = {200: ProductSerializer, **errors(400, 401, 404, 409, 415)}

describe_products = extend_schema_view(
    list=extend_schema(summary="List products", auth=[], parameters=[LINK], responses=LIST),
    create=extend_schema(summary="Create a product", parameters=[LOCATION], responses=CREATE),
    retrieve=extend_schema(summary="Get a product", auth=[], parameters=[ID], responses=READ),
    update=extend_schema(summary="Replace a product", parameters=[ID], responses=CHANGE),
    partial_update=extend_schema(summary="Change a product", parameters=[ID], responses=CHANGE),
    destroy=extend_schema(summary="Delete a product", parameters=[ID], responses={204: None, **errors(401, 404)}),
)


def responses_have_every_field(result: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Promise every field in responses, as DRF sends them. drf-spectacular promises only those that requests need."""
    for name, schema in result["components"]["schemas"].items():
        if "properties" in schema and not name.endswith("Request"):  # COMPONENT_SPLIT_REQUEST names them so
            schema["required"] = sorted(schema["properties"])
    return result
