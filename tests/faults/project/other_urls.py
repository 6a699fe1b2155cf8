"""Another URLconf, which a state may leave in place of the project's."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def items(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"urlconf": "another"})


urlpatterns = [path("items", items)]
