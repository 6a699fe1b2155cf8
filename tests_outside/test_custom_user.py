"""A user model of the project's own, without a username."""

from tests_outside.project import Project, interaction, proved

MODELS = """
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models


class MemberManager(BaseUserManager["Member"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "Member":
        member = self.model(email=self.normalize_email(email), **fields)
        member.set_password(password)
        member.save()
        return member


class Member(AbstractUser):
    username = None
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = MemberManager()
"""
VIEWS = """
import json

from django.contrib.auth import authenticate
from django.http import HttpRequest, JsonResponse

from people.models import Member


def members(request: HttpRequest) -> JsonResponse:
    return JsonResponse([member.email for member in Member.objects.order_by("email")], safe=False)


def check(request: HttpRequest) -> JsonResponse:
    member = authenticate(request, **json.loads(request.body))
    return JsonResponse({"id": member.id if member else None})
"""
URLS = """
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from people import views

urlpatterns = [path("members", views.members), path("check", csrf_exempt(views.check))]
"""
STATES = """
from django.contrib.auth import get_user_model

from pact_verification import provider_state


@provider_state("a member {email} with the password {password}")
def member(email: str, password: str) -> None:
    get_user_model().objects.create_user(email=email, password=password)
"""
ANN = ["a member ann@example.org with the password swordfish"]
WRONG = {"email": "ann@example.org", "password": "shark"}


def test_a_custom_user_model(bare_project: Project) -> None:
    project = bare_project
    project.start("people")
    project.append("config/settings.py", 'AUTH_USER_MODEL = "people.Member"\n')
    project.write("people/models.py", MODELS)
    project.write("people/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.write("people/pact_states.py", STATES)
    project.do("python", "manage.py", "makemigrations", "people")
    project.pact(
        interaction("no members", "GET /members", response=[]),
        interaction("a member", "GET /members", states=ANN, response=["ann@example.org"]),
        interaction("a wrong password", "POST /check", states=ANN, body=WRONG, response={"id": None}),
    )
    proved(
        project,
        breaking=("people/views.py", "member.email for", "member.first_name for"),
        shows="""# $[0]: '' (text) came, and the contract has 'ann@example.org' (text)""",
    )
