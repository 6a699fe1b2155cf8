from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from benchmarks.project.models import Product


def product(request: HttpRequest, id: str) -> JsonResponse:
    found = get_object_or_404(Product, id=id)
    return JsonResponse(
        {
            "id": found.id,
            "type": found.type,
            "name": found.name,
            "version": found.version,
            "price": found.price,
        }
    )


urlpatterns = [path("product/<str:id>", product)]
