from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from products.errors import Conflict
from products.models import Product, validate_id

# `manage.py seed_catalogue` loads the first; the second can be created.
STORED = {"id": "11", "type": "PERSONAL_LOAN", "name": "MyFlexiPay", "version": "v2", "price": None}
NEW = {"type": "CREDIT_CARD", "name": "28 Degrees", "version": "v1", "price": 49.5}


@extend_schema_serializer(
    examples=[OpenApiExample("Stored", STORED, response_only=True), OpenApiExample("New", NEW, request_only=True)]
)
class ProductSerializer(serializers.ModelSerializer[Product]):
    class Meta:
        model = Product
        fields = ("id", "type", "name", "version", "price")
        extra_kwargs: ClassVar = {
            # No UniqueValidator, which answers 400: the view answers 409 if the id is taken.
            "id": {"validators": [validate_id], "help_text": "Generated if the request has none."},
            # PUT resets these fields if the request leaves them out.
            "version": {"default": ""},
            "price": {"default": None},
        }

    def validate_id(self, value: str) -> str:
        if self.instance is not None and value != self.instance.pk:
            raise Conflict({"id": ["The id of a product can't be changed."]})
        return value
