from django.urls import path, register_converter

from products import views
from products.models import ID_PATTERN


class IdConverter:
    """An id that a product can have; any other is a 404 before the database hears of it."""

    regex = ID_PATTERN

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(IdConverter, "product_id")

urlpatterns = [
    path("products", views.ProductList.as_view(), name="products"),
    path("products/<product_id:pk>", views.ProductDetail.as_view(), name="product"),
    path("product/<product_id:pk>", views.ProductAlias.as_view(), name="product-alias"),
]
