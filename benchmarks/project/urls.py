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


def ten_members(request: HttpRequest, id: str) -> JsonResponse:
    found = get_object_or_404(Product, id=id)
    return JsonResponse({f"member {number}": f"{found.name} {number}" for number in range(10)})


urlpatterns = [path("product/<str:id>", product), path("ten/<str:id>", ten_members)]
