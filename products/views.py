from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.serializers import BaseSerializer

from products.errors import Conflict
from products.events import announce
from products.models import ID_PATTERN, Product
from products.pagination import LinkHeaderPagination
from products.schema import describe_products
from products.serializers import ProductSerializer


@extend_schema(tags=["products"])
@describe_products
class ProductViewSet(viewsets.ModelViewSet[Product]):
    """The product catalogue. Reading it is public; changing it takes a token."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    pagination_class = LinkHeaderPagination
    filterset_fields = ("type",)
    lookup_value_regex = ID_PATTERN

    def get_queryset(self) -> QuerySet[Product]:
        """Lock the row during an update, which writes every field."""
        queryset = super().get_queryset()
        return queryset.select_for_update() if self.action in {"update", "partial_update"} else queryset

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().update(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Product]) -> None:
        try:
            with transaction.atomic():
                announce("created", serializer.save())
        except IntegrityError as error:
            raise Conflict({"id": ["A product with this id exists already."]}) from error

    def perform_update(self, serializer: BaseSerializer[Product]) -> None:
        announce("changed", serializer.save())

    @transaction.atomic
    def perform_destroy(self, instance: Product) -> None:
        announce("deleted", instance)  # now, since a deleted instance has no id
        instance.delete()

    def get_success_headers(self, data: Any) -> dict[str, str]:
        return {"Location": reverse("product-detail", args=[data["id"]], request=self.request)}
