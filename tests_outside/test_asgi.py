"""The project's ASGI application: what a request has only there."""

from tests_outside.documented import snippet
from tests_outside.project import Project, interaction, proved

VIEWS = """
from collections.abc import AsyncIterator

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse


async def scope(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"type": request.scope["type"]})


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"parts": '
        yield b"2}"

    return StreamingHttpResponse(parts(), content_type="application/json")
"""
URLS = """
from django.urls import path

from chat import views

urlpatterns = [path("scope", views.scope), path("stream", views.stream)]
"""


def test_asgi(bare_project: Project) -> None:
    project = bare_project
    project.start("chat")
    project.append("config/settings.py", snippet("ASGI", "docs/howto/asgi.md"))
    project.write("chat/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.pact(
        interaction("a scope", "GET /scope", response={"type": "http"}),
        interaction("a stream", "GET /stream", response={"parts": 2}),
    )
    proved(
        project,
        breaking=("chat/views.py", 'b"2}"', 'b"3}"'),
        shows="# $.parts: 3 (a whole number) came, and the contract has 2 (a whole number)",
    )
