"""MariaDB or MySQL, by PyMySQL: a server whose database the run has to make and drop."""

import secrets

import pytest

from tests_outside.project import Project, interaction, proved
from tests_outside.services import MYSQL, database, service

MODELS = """
from django.db import models


class Seat(models.Model):
    row = models.CharField(max_length=1)
    number = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["row", "number"], name="one_of_each")]
"""
VIEWS = """
from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse

from theatre.models import Seat


def seats(request: HttpRequest) -> JsonResponse:
    return JsonResponse([f"{seat.row}{seat.number}" for seat in Seat.objects.order_by("row", "number")], safe=False)


@transaction.non_atomic_requests
def take(request: HttpRequest, row: str, number: int) -> JsonResponse:
    try:
        with transaction.atomic():
            Seat.objects.create(row=row, number=number)
    except IntegrityError:
        return JsonResponse({"detail": "taken"}, status=409)
    return JsonResponse({"row": row}, status=201)
"""
URLS = """
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from theatre import views

urlpatterns = [path("seats", views.seats), path("seats/<row>/<int:number>", csrf_exempt(views.take))]
"""
STATES = """
from pact_verification import provider_state
from theatre.models import Seat


@provider_state("seat {row:l}{number:d} is taken")
def taken(row: str, number: int) -> None:
    Seat.objects.create(row=row, number=number)
"""


@pytest.mark.parametrize("isolation", ["transaction", "flush"])
def test_mariadb(project: Project, isolation: str) -> None:
    server = service(*MYSQL)
    name = f"outside_{secrets.token_hex(4)}"
    project.start("theatre")
    project.append("config/settings.py", database(server, "django.db.backends.mysql", name))
    project.append("config/__init__.py", "import pymysql\n\npymysql.install_as_MySQLdb()\n")
    project.write("theatre/models.py", MODELS)
    project.write("theatre/views.py", VIEWS)
    project.write("config/urls.py", URLS)
    project.write("theatre/pact_states.py", STATES)
    project.do("python", "-W", "ignore", "manage.py", "makemigrations")
    project.pact(
        interaction("all", "GET /seats", states=["seat B7 is taken", "seat A3 is taken"], response=["A3", "B7"]),
        interaction("a free seat", "POST /seats/A/3", status=201, response={"row": "A"}),
        interaction("a seat that is taken", "POST /seats/A/3", states=["seat A3 is taken"], status=409),
        interaction("none", "GET /seats", response=[]),
    )
    proved(
        project,
        "--isolation",
        isolation,
        breaking=("theatre/views.py", "status=409", "status=400"),
        shows="- 409 Conflict + 400 Bad Request",
    )
    ran = project.run("python", "-c", DATABASES.format(name=name), DJANGO_SETTINGS_MODULE="config.settings")
    assert (ran.exit_code, ran.out) == (0, "[]\n")


DATABASES = """
import django
from django.conf import settings
import pymysql
server = settings.DATABASES["default"]
with pymysql.connect(host=server["HOST"], port=server["PORT"], user=server["USER"], password=server["PASSWORD"]) as c:
    with c.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE '{name}%'")
        print(list(cursor))
"""
