"""Django REST Framework with its tokens."""

from tests_outside.project import Project, interaction, proved

SETTINGS = """
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
"""
MODELS = """
from django.conf import settings
from django.db import models


class Note(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.CharField(max_length=100)
"""
VIEWS = """
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet

from notes.models import Note


class NoteSerializer(ModelSerializer):
    class Meta:
        model = Note
        fields = ["text"]


class Notes(ModelViewSet):
    serializer_class = NoteSerializer

    def get_queryset(self):
        return Note.objects.filter(owner=self.request.user)

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)
"""
URLS = """
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from notes.views import Notes

router = DefaultRouter()
router.register("notes", Notes, basename="note")
urlpatterns += [path("", include(router.urls))]
"""
STATES = """
from django.contrib.auth.models import User
from django.http import HttpRequest
from rest_framework.authtoken.models import Token

from notes.models import Note
from pact_verification import base_state, provider_state, request_filter


@base_state
def ann() -> None:
    Token.objects.create(user=User.objects.create_user("ann"), key="anns")


@provider_state("{name} has a note {text}")
def note(name: str, text: str) -> None:
    owner, _ = User.objects.get_or_create(username=name)
    Note.objects.create(owner=owner, text=text)


@request_filter
def anns_token(request: HttpRequest) -> None:
    if "Authorization" in request.headers and request.path.startswith("/notes"):
        request.META["HTTP_AUTHORIZATION"] = "Token anns"
"""
TOKEN = {"Authorization": "Token of-the-consumer"}
NOTES = ["ann has a note milk", "ben has a note honey"]


GREEN = (
    interaction("no token", "GET /notes/", states=NOTES, status=401, response_headers={"WWW-Authenticate": "Token"}),
    interaction("her notes", "GET /notes/", headers=TOKEN, states=NOTES, response=[{"text": "milk"}]),
    interaction("a new one", "POST /notes/", headers=TOKEN, body={"text": "tea"}, status=201, response={"text": "tea"}),
    interaction("no text", "POST /notes/", headers=TOKEN, body={}, status=400),
)


def add_notes(project: Project) -> None:
    project.add_apps("notes")
    project.append("config/settings.py", SETTINGS)
    project.write("notes/models.py", MODELS)
    project.write("notes/views.py", VIEWS)
    project.append("config/urls.py", URLS)
    project.write("notes/pact_states.py", STATES)


def test_drf_with_tokens(project: Project) -> None:
    project.start()
    add_notes(project)
    project.do("python", "manage.py", "makemigrations")
    project.pact(*GREEN)
    proved(
        project,
        breaking=("notes/views.py", "Note.objects.filter(owner=self.request.user)", "Note.objects.all()"),
        shows="# $: 2 elements came, and the contract has 1",
    )
