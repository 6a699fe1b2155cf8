"""Two databases and a router that sends an app to each."""

from tests_outside.project import Project, interaction, proved

SETTINGS = """
DATABASES["log"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "log.sqlite3"}
DATABASE_ROUTERS = ["config.routers.Log"]
"""
ROUTERS = """
class Log:
    def db_for_read(self, model, **hints):
        return "log" if model._meta.app_label == "log" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "log") == (app_label == "log")
"""
SHOP_MODELS = """
from django.db import models


class Order(models.Model):
    item = models.CharField(max_length=100)
"""
LOG_MODELS = """
from django.db import models


class Entry(models.Model):
    text = models.CharField(max_length=100)
"""
VIEWS = """
from django.http import HttpRequest, JsonResponse

from log.models import Entry
from shop.models import Order


def orders(request: HttpRequest, item: str) -> JsonResponse:
    order = Order.objects.create(item=item)
    Entry.objects.create(text=f"ordered {order.item}")
    return JsonResponse({"orders": Order.objects.count(), "log": list(Entry.objects.values_list("text", flat=True))})
"""
URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("orders/<item>", views.orders)]
"""
STATES = """
from log.models import Entry
from pact_verification import provider_state


@provider_state("the log has {text}")
def logged(text: str) -> None:
    Entry.objects.create(text=text)
"""


def test_two_databases(bare_project: Project) -> None:
    project = bare_project
    project.start("shop", "log")
    project.append("config/settings.py", SETTINGS)
    project.write("config/routers.py", ROUTERS)
    project.write("config/urls.py", URLS)
    project.write("shop/models.py", SHOP_MODELS)
    project.write("shop/views.py", VIEWS)
    project.write("shop/pact_states.py", STATES)
    project.write("log/models.py", LOG_MODELS)
    project.do("python", "manage.py", "makemigrations")
    project.pact(
        interaction("an order", "GET /orders/cup", response={"orders": 1, "log": ["ordered cup"]}),
        interaction("the same order", "GET /orders/cup", response={"orders": 1, "log": ["ordered cup"]}),
        interaction(
            "an order after a start",
            "GET /orders/cup",
            states=["the log has started"],
            response={"orders": 1, "log": ["started", "ordered cup"]},
        ),
    )
    proved(
        project,
        breaking=("shop/views.py", 'f"ordered {', 'f"order of {'),
        shows="# $.log[0]: 'order of cup' (text) came, and the contract has 'ordered cup' (text)",
    )
