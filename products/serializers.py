from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from products.models import Product

ID_PATTERN = r"[A-Za-z0-9._~-]{1,64}"


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product as consumers see it. `id` may be chosen when it is created; afterwards it stays as it is."""

    id = serializers.CharField(
        required=False,
        max_length=64,
        validators=[
            RegexValidator(
                rf"\A{ID_PATTERN}\Z", "An id is made of letters, digits and . _ ~ - so that a URL can hold it."
            )
        ],
        help_text="Made up by the service when it isn't given.",
    )
    price = serializers.DecimalField(max_digits=10, decimal_places=2, min_value=0, allow_null=True, required=False)

    class Meta:
        model = Product
        fields = ("id", "type", "name", "version", "price")

    def validate_id(self, value: str) -> str:
        if self.instance is not None:
            if value != self.instance.pk:
                raise serializers.ValidationError("The id of a product can't be changed.")
        elif Product.objects.filter(pk=value).exists():
            raise serializers.ValidationError(f"There is a product with id {value} already.")
        return value


class ProductQuery(serializers.Serializer[Any]):
    type = serializers.CharField(
        required=False, allow_blank=True, max_length=50, help_text="Only products of this type."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error but a 400 for a field: what went wrong, in a sentence."""

    detail = serializers.CharField()
