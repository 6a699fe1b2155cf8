from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from products.models import Product, validate_id


class Text(serializers.CharField):
    """DRF's, but for text alone: it would take 7 for "7"."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Number(serializers.DecimalField):
    """DRF's, but for JSON numbers alone: it would take "1_0" for 10, and "" for null."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        if isinstance(data, str | bool):
            self.fail("invalid")
        return super().validate_empty_values(data)


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product as consumers see it. `id` may be chosen when it is created; afterwards it stays as it is."""

    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.DecimalField: Number,
    }

    class Meta:
        model = Product
        fields = ("id", "type", "name", "version", "price")
        extra_kwargs: ClassVar = {
            "id": {
                "required": False,
                "validators": [validate_id],  # not that it is unique: the view answers a taken id with a 409
                "help_text": "Made up by the service when it isn't given.",
            },
            "version": {"default": ""},  # what PUT leaves out goes back to this
            "price": {"default": None},
        }


class ProductQuery(serializers.Serializer[Any]):
    type = serializers.CharField(
        required=False, allow_blank=True, max_length=50, help_text="Only products of this type."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error but a 400 for a field: what went wrong, in a sentence."""

    detail = serializers.CharField()
