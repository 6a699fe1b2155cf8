"""acting_as() and login_as(): the user of Django's request, of a session and of DRF, with no token to make."""

import pytest

from tests_outside.project import Project, interaction, proved

SETTINGS = """
INSTALLED_APPS += ["rest_framework"]
REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"]}
AUTH_USER_MODEL = "notes.Member"
"""
MODELS = """
from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    nickname = models.CharField(max_length=20)
"""
VIEWS = """
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response


@login_required
def me(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"nickname": request.user.nickname})


@login_required
def rename(request: HttpRequest) -> JsonResponse:
    request.user.nickname = "Annie"
    request.user.save()
    return JsonResponse({"nickname": request.user.nickname})


@api_view(["GET", "POST"])
def drf(request: Request) -> Response:
    return Response({"nickname": request.user.nickname})
"""
URLS = """
from django.urls import path

from notes import views

urlpatterns = [path("me", views.me), path("rename", views.rename), path("drf", views.drf)]
"""
STATES = """
from notes.models import Member
from pact_verification import {name}, provider_state


@provider_state("{{nickname}} is asking")
def asking(nickname: str) -> None:
    {name}(Member.objects.create_user(nickname, nickname=nickname))
"""
ANN = ["Ann is asking"]


@pytest.mark.parametrize("name", ["acting_as", "login_as"])
def test_who_is_asking(project: Project, name: str) -> None:
    project.start("notes")
    project.append("config/settings.py", SETTINGS)
    project.write("notes/models.py", MODELS)
    project.write("notes/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.write("notes/pact_states.py", STATES.format(name=name))
    project.do("python", "manage.py", "makemigrations", "notes")
    project.pact(
        interaction("nobody", "GET /me", status=302),
        interaction("Ann", "GET /me", states=ANN, response={"nickname": "Ann"}),
        interaction("nobody once more", "GET /me", status=302),
        interaction("Ann writes", "POST /rename", states=ANN, response={"nickname": "Annie"}),
        interaction("nobody in DRF", "GET /drf", status=403),
        interaction("Ann in DRF", "GET /drf", states=ANN, response={"nickname": "Ann"}),
        interaction("Ann writes in DRF", "POST /drf", states=ANN, body={}, response={"nickname": "Ann"}),
    )
    proved(
        project,
        breaking=("notes/views.py", "return Response({", "return Response({} and {"),
        shows="# $: missing: nickname",
    )
