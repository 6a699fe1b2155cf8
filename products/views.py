from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.serializers import BaseSerializer

from products.errors import Conflict
from products.models import Product
from products.pagination import LinkHeaderPagination, PageQuery
from products.serializers import ErrorSerializer, ProductQuery, ProductSerializer

BAD_REQUEST = OpenApiResponse(
    OpenApiTypes.OBJECT, "A list of what is wrong for each field, or `detail` when it can't be read at all."
)
UNAUTHORIZED = OpenApiResponse(ErrorSerializer, "No token, or one that is not valid.")
CONFLICT = OpenApiResponse(OpenApiTypes.OBJECT, "What is wrong with the id: it is taken, or the product has another.")
NOT_FOUND = OpenApiResponse(ErrorSerializer, "There is no such product.")
UNREADABLE = {
    413: OpenApiResponse(ErrorSerializer, "The body is too large."),
    415: OpenApiResponse(ErrorSerializer, "The body is not application/json."),
}
LINK = OpenApiParameter(
    "Link", str, OpenApiParameter.HEADER, response=[200], description="RFC 8288: first, prev, next, last."
)
LOCATION = OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201], description="The product's URL.")
represented = ProductSerializer().to_representation
"""A product as consumers see it. The serializer is kept, since one that is made for a request builds its fields anew:
that took longer than the whole rest of a view. Nothing of a request stays in it."""

READ = {200: ProductSerializer, 401: UNAUTHORIZED, 404: NOT_FOUND}
CHANGE = {200: ProductSerializer, 400: BAD_REQUEST, 401: UNAUTHORIZED, 404: NOT_FOUND, 409: CONFLICT, **UNREADABLE}


@extend_schema_view(
    get=extend_schema(
        summary="List products",
        parameters=[ProductQuery, PageQuery, LINK],
        responses={200: ProductSerializer(many=True), 400: BAD_REQUEST, 401: UNAUTHORIZED},
    ),
    post=extend_schema(
        summary="Create a product",
        parameters=[LOCATION],
        responses={201: ProductSerializer, 400: BAD_REQUEST, 401: UNAUTHORIZED, 409: CONFLICT, **UNREADABLE},
    ),
)
class ProductList(generics.ListCreateAPIView[Product]):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    pagination_class = LinkHeaderPagination

    def filter_queryset(self, queryset: QuerySet[Product, Any]) -> QuerySet[Product, Any]:
        if not self.request.query_params:  # nothing to validate
            return queryset
        query = ProductQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data.get("type")
        return queryset.filter(type=wanted) if wanted else queryset

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or ()
        return self.get_paginated_response([represented(product) for product in page])

    def perform_create(self, serializer: BaseSerializer[Product]) -> None:
        try:
            with transaction.atomic():
                serializer.save()
        except IntegrityError as error:
            raise Conflict({"id": ["There is a product with this id already."]}) from error

    def get_success_headers(self, data: Any) -> dict[str, str]:
        return {"Location": reverse("product", args=[data["id"]], request=self.request)}


@extend_schema_view(
    get=extend_schema(summary="Get a product", responses=READ),
    put=extend_schema(summary="Replace a product", responses=CHANGE),
    patch=extend_schema(summary="Change a product", responses=CHANGE),
    delete=extend_schema(summary="Delete a product", responses={204: None, 401: UNAUTHORIZED, 404: NOT_FOUND}),
)
class ProductDetail(generics.RetrieveUpdateDestroyAPIView[Product]):
    """A change holds its product from reading it to writing it: none is lost to another, and none brings one back."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(represented(self.get_object()))

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.queryset = Product.objects.select_for_update()
        return super().update(request, *args, **kwargs)

    def perform_update(self, serializer: BaseSerializer[Product]) -> None:
        if serializer.validated_data.get("id", self.kwargs["pk"]) != self.kwargs["pk"]:
            raise Conflict({"id": ["The id of a product can't be changed."]})
        serializer.save()

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.queryset = Product.objects.select_for_update()
        return super().destroy(request, *args, **kwargs)


@extend_schema_view(
    get=extend_schema(summary="Get a product", description="The same as /products/{id}.", responses=READ)
)
class ProductAlias(generics.RetrieveAPIView[Product]):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(represented(self.get_object()))
