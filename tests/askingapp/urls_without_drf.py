from django.http import HttpRequest, HttpResponse
from django.urls import path


def static_who(request: HttpRequest) -> HttpResponse:
    return HttpResponse("it does not matter")


urlpatterns = [path("static-who", static_who)]
