from django.contrib import admin

from products.models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes its argument in the stubs only
    list_display = ("id", "type", "name", "version", "price")
    list_filter = ("type",)
    search_fields = ("id", "name")
