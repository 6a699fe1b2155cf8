from django.contrib import admin
from django.http import HttpRequest

from products.models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes its argument in the stubs only
    list_display = ("id", "type", "name", "version", "price")
    list_filter = ("type",)
    search_fields = ("id", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        return ("id",) if obj else ()  # another id would be another product
