from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def ping(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"pong": True})


urlpatterns = [path("ping", ping)]
