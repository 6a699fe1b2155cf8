"""Plain views, and the pact_states.py of docs/howto/provider-states.md as it stands there."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests_outside.documented import snippet
from tests_outside.project import Project, interaction, proved

MODELS = """
from django.db import models


class Product(models.Model):
    id = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=100)
"""
VIEWS = """
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404

from shop import prices
from shop.models import Product


def product(request: HttpRequest, id: str) -> JsonResponse:
    found = get_object_or_404(Product, id=id)
    return JsonResponse({"id": found.id, "name": found.name})


def products(request: HttpRequest) -> JsonResponse:
    return JsonResponse(list(Product.objects.order_by("id").values()), safe=False)


def price(request: HttpRequest, id: str) -> JsonResponse:
    try:
        return JsonResponse({"price": prices.fetch(id)})
    except ConnectionError:
        return JsonResponse({"detail": "no price"}, status=503)


def account(request: HttpRequest) -> JsonResponse:
    if request.headers.get("Authorization") != "Bearer valid":
        return JsonResponse({"detail": "no token"}, status=401)
    return JsonResponse({"owner": "Zoë"})
"""
URLS = """
from django.urls import path

from shop import views

urlpatterns = [
    path("products", views.products),
    path("products/<id>", views.product),
    path("products/<id>/price", views.price),
    path("account", views.account),
]
"""
PRICES = """
def fetch(id: str) -> str:
    raise NotImplementedError("asks another service")
"""
FIXTURE = [{"model": "shop.product", "pk": "7", "fields": {"name": "28 Degrees"}}]
GREEN = (
    interaction("no products", "GET /products", response=[]),
    interaction("all", "GET /products", states=["products exist"], response=[{"id": "7", "name": "28 Degrees"}]),
    interaction("one", "GET /products/9", states=["there is a product 9"], response={"id": "9", "name": "28 Degrees"}),
    interaction(
        "a named one",
        "GET /products/9",
        states=[("a product with ID 9 exists", {"name": "Credit"})],
        response={"name": "Credit"},
    ),
    interaction("none", "GET /products/9", status=404),
    interaction("no price", "GET /products/9/price", states=["the price service is down"], status=503),
    interaction("no token", "GET /account", status=401),
    interaction("a token", "GET /account", headers={"Authorization": "Bearer any"}, response={"owner": "Zoë"}),
)


@pytest.fixture
def shop(bare_project: Project) -> Project:
    """Return the project that the page's pact_states.py is about, in an environment without DRF."""
    bare_project.start()
    add_shop(bare_project)
    bare_project.do("python", "manage.py", "makemigrations")
    bare_project.pact(*GREEN)
    return bare_project


def add_shop(project: Project) -> None:
    project.add_apps("shop")
    project.write("shop/models.py", MODELS)
    project.write("shop/views.py", VIEWS)
    project.write("shop/prices.py", PRICES)
    project.write("shop/fixtures/catalogue.json", json.dumps(FIXTURE))
    project.write("config/urls.py", URLS)
    project.write("shop/pact_states.py", snippet("Writing provider states", "docs/howto/provider-states.md"))
    project.append("shop/pact_states.py", 'def token_for_a_test_user() -> str:\n    return "valid"\n')


def test_plain_views(shop: Project) -> None:
    proved(
        shop,
        breaking=("shop/views.py", '"name": found.name', '"title": found.name'),
        shows="""
              200 OK
              Content-Type: application/json
            # $: missing: name
            ! {
                "id": "9",
                "title": "28 Degrees"
            -   "name": "28 Degrees"
              }
        """,
    )
    assert (shop.folder / "db.sqlite3").stat().st_size == 0  # makemigrations has made it; the run leaves it alone


def test_the_line_that_runs_a_failure_again(shop: Project) -> None:
    shop.replace("shop/prices.py", 'NotImplementedError("asks another service")', "ConnectionError")
    shop.pact(interaction("a price", "GET /products/9/price"))
    ran = shop.verify()
    assert ran.exit_code == 1, ran.out
    line, of_the_cause = re.findall(r"^ *again +(.*)$", ran.out, re.MULTILINE)
    assert line == of_the_cause
    program, *arguments = shlex.split(line)
    assert Path(shop.folder, program).samefile(shop.program("python"))
    again = shop.run("python", *arguments)
    assert again.exit_code == 1, again.out
    assert again.out.count("✗ a price") == 1


def test_a_stub_is_code_to_paste(shop: Project) -> None:
    shop.pact(interaction("closed", "GET /products", states=[("the shop is closed", {"day": "Sunday"})], response=[]))
    ran = shop.verify()
    assert ran.exit_code == 2, ran.out
    _, _, stub = ran.out.partition("Add to shop/pact_states.py, and fill in:\n")
    shop.append("shop/pact_states.py", stub)
    ran = shop.verify()
    assert ran.exit_code == 1, ran.out
    ran.has("NotImplementedError: bring the database into this state")
    shop.replace("shop/pact_states.py", 'raise NotImplementedError("bring the database into this state")', "...")
    ran = shop.verify()
    assert ran.exit_code == 0, ran.out
