"""django-ninja: schemas, a bearer token, and validation."""

from tests_outside.project import Project, interaction, proved

MODELS = """
from django.db import models


class Song(models.Model):
    title = models.CharField(max_length=100)
    seconds = models.PositiveIntegerField()
"""
API = """
from django.http import HttpRequest
from ninja import ModelSchema, NinjaAPI, Status
from ninja.security import HttpBearer

from songs.models import Song


class Token(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        return token if token == "valid" else None


class SongOut(ModelSchema):
    class Meta:
        model = Song
        fields = ["title", "seconds"]


api = NinjaAPI()


@api.get("/songs", response=list[SongOut])
def songs(request: HttpRequest, longer_than: int = 0) -> object:
    return Song.objects.filter(seconds__gt=longer_than)


@api.post("/songs", response={201: SongOut}, auth=Token())
def add(request: HttpRequest, song: SongOut) -> Status:
    return Status(201, Song.objects.create(**song.dict()))
"""
URLS = """
from django.urls import path

from songs.api import api

urlpatterns = [path("api/", api.urls)]
"""
STATES = """
from django.http import HttpRequest

from pact_verification import provider_state, request_filter
from songs.models import Song


@provider_state("a song {title} of {seconds:d} seconds")
def song(title: str, seconds: int) -> None:
    Song.objects.create(title=title, seconds=seconds)


@request_filter
def valid_token(request: HttpRequest) -> None:
    if "Authorization" in request.headers:
        request.META["HTTP_AUTHORIZATION"] = "Bearer valid"
"""
BOTH = ["a song Aria of 90 seconds", "a song Largo of 400 seconds"]
SONG = {"title": "Aria", "seconds": 90}
LARGO = {"title": "Largo", "seconds": 400}
TOKEN = {"Authorization": "Bearer of-the-consumer"}


def test_django_ninja(project: Project) -> None:
    project.start("songs")
    project.write("songs/models.py", MODELS)
    project.write("songs/api.py", API)
    project.write("config/urls.py", URLS)
    project.write("songs/pact_states.py", STATES)
    project.do("python", "manage.py", "makemigrations")
    project.pact(
        interaction("long ones", "GET /api/songs?longer_than=100", states=BOTH, response=[LARGO]),
        interaction("not a number", "GET /api/songs?longer_than=long", status=422),
        interaction("no token", "POST /api/songs", body=SONG, status=401, response={"detail": "Unauthorized"}),
        interaction("a new song", "POST /api/songs", headers=TOKEN, body=SONG, status=201, response=SONG),
        interaction("not the new song", "GET /api/songs", response=[]),
    )
    proved(
        project,
        breaking=("songs/api.py", '"title", "seconds"', '"title"'),
        shows="# $[0]: missing: seconds",
    )
