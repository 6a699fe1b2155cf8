from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tests.faults.project import acts


class Door:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        acts.at("middleware")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if act := request.headers.get("X-Middleware"):
            acts.do(act)
        return self.get_response(request)
