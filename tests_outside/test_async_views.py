"""Async views and the async ORM."""

from tests_outside.project import Project, interaction, proved

MODELS = """
from django.db import models


class Message(models.Model):
    text = models.CharField(max_length=100)
"""
VIEWS = """
import asyncio
import json

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse

from chat.models import Message


async def messages(request: HttpRequest) -> JsonResponse:
    return JsonResponse([message.text async for message in Message.objects.order_by("pk")], safe=False)


@sync_to_async
def add(text: str) -> Message:
    with transaction.atomic():
        return Message.objects.create(text=text)


async def post(request: HttpRequest) -> JsonResponse:
    message, _ = await asyncio.gather(add(json.loads(request.body)["text"]), asyncio.sleep(0))
    return JsonResponse({"text": message.text}, status=201)
"""
URLS = """
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from chat import views

urlpatterns = [path("messages", views.messages), path("post", csrf_exempt(views.post))]
"""
STATES = """
from chat.models import Message
from pact_verification import provider_state


@provider_state("somebody has said {text}")
def said(text: str) -> None:
    Message.objects.create(text=text)
"""


def test_async_views(bare_project: Project) -> None:
    project = bare_project
    project.start("chat")
    project.write("chat/models.py", MODELS)
    project.write("chat/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.write("chat/pact_states.py", STATES)
    project.do("python", "manage.py", "makemigrations")
    project.pact(
        interaction("what was said", "GET /messages", states=["somebody has said hello"], response=["hello"]),
        interaction("a message", "POST /post", body={"text": "hi"}, status=201, response={"text": "hi"}),
        interaction("silence", "GET /messages", response=[]),
    )
    proved(
        project,
        breaking=("chat/views.py", '{"text": message.text}', '{"said": message.text}'),
        shows="# $: missing: text",
    )
