"""The shop whose provider states the pages show, and for each recipe the interactions that prove it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.pact_verification.pact_files import interaction

STATES = "docs/howto/provider-states.md"

SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "for the tests of the documentation"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "shop", "pact_verification"]
MIDDLEWARE = ["django.contrib.auth.middleware.AuthenticationMiddleware"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PACT_PROVIDER_NAME = "shop"
"""
MODELS = """
from django.db import models


class Product(models.Model):
    name = models.CharField(max_length=40)


class Tenant(models.Model):
    host = models.CharField(max_length=40)
    name = models.CharField(max_length=40)
"""
VIEWS = """
from datetime import date

from django.contrib.auth.decorators import permission_required
from django.core.files.storage import default_storage
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from shop import prices
from shop.models import Product, Tenant


def products(request):
    return JsonResponse(list(Product.objects.order_by("pk").values_list("name", flat=True)), safe=False)


def product(request, id):
    return JsonResponse({"name": get_object_or_404(Product, id=id).name})


def price(request, id):
    try:
        return JsonResponse({"price": prices.fetch(id)})
    except ConnectionError:
        return JsonResponse({}, status=503)


def today(request):
    return JsonResponse({"today": date.today()})


def manual(request, id):
    return HttpResponse(default_storage.open(f"manuals/{id}.txt").read(), content_type="text/plain")


def tenant(request):
    return JsonResponse({"name": get_object_or_404(Tenant, host=request.get_host()).name})


def tenants(request):
    return JsonResponse(list(Tenant.objects.values_list("name", flat=True)), safe=False)


@permission_required("shop.change_product", raise_exception=True)
def edit(request):
    return JsonResponse({"editor": request.user.username})


def account(request):
    if request.headers.get("Authorization") != "Bearer valid":
        return JsonResponse({}, status=401)
    return JsonResponse({"owner": "Ada"})


def currency(request):
    return JsonResponse({"symbol": prices.symbol()})


urlpatterns = [
    path("products", products),
    path("products/<id>", product),
    path("products/<id>/price", price),
    path("today", today),
    path("manuals/<id>", manual),
    path("tenant", tenant),
    path("tenants", tenants),
    path("edit", edit),
    path("account", account),
    path("currency", currency),
]
"""
PRICES = """
from functools import cache

CURRENCY = "EUR"


def fetch(id):
    raise AssertionError("a state has to answer for it")


@cache
def symbol():
    return {"EUR": "€", "GBP": "£"}[CURRENCY]
"""
TASKS = """
from celery import shared_task

from shop.models import Product


@shared_task
def import_catalogue():
    Product.objects.create(name="Teapot")
"""
FILES: Mapping[str, str] = {
    "shop_settings.py": SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/urls.py": VIEWS,
    "shop/prices.py": PRICES,
    "shop/tasks.py": TASKS,
    "shop/fixtures/catalogue.json": json.dumps([{"model": "shop.product", "pk": 1, "fields": {"name": "Teapot"}}]),
}


@dataclass(frozen=True)
class Recipe:
    """The code below a heading, and interactions that need it.

    Attributes:
        more: what the page leaves to the reader, to add to a file.
    """

    page: str
    heading: str
    interactions: Sequence[Mapping[str, Any]]
    more: Mapping[str, str] = field(default_factory=dict)


def get(path: str, expected: Any = None, *, state: Any = None, status: int = 200, **request: Any) -> dict[str, Any]:
    """Return an interaction: a GET, and the JSON or the text that has to come."""
    return interaction(
        f"GET {path} with {state}, {request}",
        path,
        states=[state] if state else [],
        status=status,
        request=request,
        response={} if expected is None else {"body": expected},
    )


TOKEN = 'def token_for_a_test_user() -> str:\n    return "valid"\n'
RECIPES = (
    Recipe(
        STATES,
        "Writing provider states",
        [
            get("/products", ["Teapot"], state="products exist"),
            get("/products/9", {"name": "28 Degrees"}, state="there is a product 9"),
            get("/products/9", {"name": "Cup"}, state=("a product with ID 9 exists", {"name": "Cup"})),
            get("/products/9/price", status=503, state="the price service is down"),
            get("/account", status=401),
            get("/account", {"owner": "Ada"}, headers={"Authorization": "Bearer any"}),
        ],
        {"shop/pact_states.py": TOKEN},
    ),
    Recipe(
        STATES,
        "Factories",
        [
            get("/products", ["Cup", "Cup"], state=("2 products exist", {"name": "Cup"})),
        ],
    ),
    Recipe(
        STATES,
        "Frozen time",
        [
            get("/today", {"today": "2024-02-29"}, state="it is 2024-02-29 12:00"),
            get("/today", {"today": "2031-01-01"}, state="it is 2031-01-01 12:00"),
        ],
    ),
    Recipe(
        STATES,
        "Mocks",
        [
            get("/products/9/price", {"price": 12}, state="the price service answers 12"),
            get("/products/9/price", status=503, state="the price service is down"),
        ],
    ),
    Recipe(STATES, "Files", [get("/manuals/7", "Boil water first.", state="the manual of product 7 is uploaded")]),
    Recipe(
        STATES,
        "Celery",
        [get("/products", ["Teapot"], state="the nightly import has run"), get("/products", [])],
    ),
    Recipe(STATES, "Tenants", [get("/tenant", {"name": "Acme"}), get("/tenants", ["Acme"])]),
    Recipe(
        "docs/howto/authentication.md",
        "Authentication: whose request it is",
        [get("/edit", {"editor": "Ada"}, state="Ada may edit products"), get("/edit", status=403)],
    ),
    Recipe("docs/howto/databases.md", "Data for the whole run", [get("/tenants", ["Acme"]), get("/tenants", ["Acme"])]),
    Recipe(
        "docs/howto/isolation.md",
        "Put back by yourself",
        [
            get("/currency", {"symbol": "€"}),
            get("/currency", {"symbol": "£"}, state="prices are in GBP"),
            get("/currency", {"symbol": "€"}, headers={"X-Again": "yes"}),
        ],
    ),
    Recipe(
        "docs/howto/moving-here.md",
        "From a LiveServerTestCase",
        [get("/products/7", {"name": "Cup"}, state=("a product exists", {"id": 7, "name": "Cup"}))],
    ),
)
