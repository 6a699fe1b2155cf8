"""What stands around the API: its description, health, the admin, and the settings for production."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import schemathesis
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from products.models import Product

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_wsgi("/openapi.json", application)


@schema.parametrize()
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.django_db(transaction=True)  # a server closes connections; one in a transaction would be lost
def test_every_answer_is_in_the_schema(case: Case[Any], product: Product, token: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        case.call_and_validate(checks=CHECKS, headers=headers)


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in schema.raw_schema["paths"].items()
        for method, operation in methods.items()
    }


def test_only_what_needs_a_token_has_a_lock() -> None:
    locked = {method for (method, path), operation in operations().items() if operation.get("security")}
    assert locked == {"post", "put", "patch", "delete"}
    for (method, path), operation in operations().items():
        assert operation.get("security", []) == ([{"tokenAuth": []}] if method in locked else []), (method, path)


def test_a_response_has_every_field_and_a_request_only_what_is_needed() -> None:
    components = schema.raw_schema["components"]["schemas"]
    assert components["Product"]["required"] == sorted(components["Product"]["properties"])
    assert components["ProductRequest"]["required"] == ["name", "type"]
    assert components["Health"]["required"] == ["status"]


def test_the_description_says_how_to_get_a_token() -> None:
    assert "drf_create_token" in schema.raw_schema["info"]["description"]


def test_the_operations_are_in_reading_order() -> None:
    assert [tag["name"] for tag in schema.raw_schema["tags"]] == ["products", "health"]
    assert list(operations()) == [
        ("get", "/products"),
        ("post", "/products"),
        ("get", "/products/{id}"),
        ("put", "/products/{id}"),
        ("patch", "/products/{id}"),
        ("delete", "/products/{id}"),
        ("get", "/product/{id}"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
    ]
    assert {tag for operation in operations().values() for tag in operation["tags"]} == {"products", "health"}


@pytest.mark.django_db
def test_the_examples_are_products_that_exist(client: APIClient, writer: APIClient) -> None:
    call_command("seed_catalogue")
    get = operations()["get", "/products/{id}"]
    (stored,) = get["responses"]["200"]["content"]["application/json"]["examples"].values()
    (key,) = next(each for each in get["parameters"] if each["name"] == "id")["examples"].values()
    assert client.get(f"/products/{key['value']}").json() == stored["value"]
    (new,) = operations()["post", "/products"]["requestBody"]["content"]["application/json"]["examples"].values()
    assert writer.post("/products", new["value"]).status_code == 201


def test_the_schema_holds_every_route() -> None:
    paths = {path: set(operations) for path, operations in schema.raw_schema["paths"].items()}
    assert paths == {
        "/products": {"get", "post"},
        "/products/{id}": {"get", "put", "patch", "delete"},
        "/product/{id}": {"get"},
        "/health/live": {"get"},
        "/health/ready": {"get"},
    }


@pytest.mark.django_db
def test_the_docs_load_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page.content.decode()
    assert "//cdn" not in page.content.decode()
    assert "https://" not in page.content.decode()


@pytest.mark.django_db
def test_the_admin_is_there(client: Client, admin_client: Client, product: Product) -> None:
    assert client.get("/admin")["Location"] == "/admin/"
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert "28 Degrees" in admin_client.get("/admin/products/product/").content.decode()
    assert 'name="id"' in admin_client.get("/admin/products/product/add/").content.decode()
    assert 'name="id"' not in admin_client.get("/admin/products/product/7/change/").content.decode()


@pytest.mark.django_db
def test_the_admin_has_its_protection(admin_user: Any, product: Product) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/admin/login/")
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    login = {"username": "admin", "password": "password", "next": "/admin/"}
    assert client.post("/admin/login/", login).status_code == 403
    token = {"csrfmiddlewaretoken": page.cookies["csrftoken"].value}
    welcome = client.post("/admin/login/", {**login, **token})
    assert (welcome.status_code, welcome["Location"]) == (302, "/admin/")
    assert welcome.cookies["sessionid"]["httponly"]
    change = {"type": "LOAN", "name": "changed", "version": "", "price": ""}
    assert client.post("/admin/products/product/7/change/", change).status_code == 403
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    done = client.post("/admin/products/product/7/change/", {**change, **token}, follow=True)
    assert "was changed successfully" in done.content.decode()
    product.refresh_from_db()
    assert product.name == "changed"


@pytest.mark.django_db
def test_the_api_has_its_protection(admin_client: Client, product: Product) -> None:
    response = admin_client.get("/products/7")
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert not response.cookies


@pytest.mark.django_db
def test_a_browser_sees_the_browsable_api(client: Client, admin_client: Client, product: Product) -> None:
    for path in ("/products", "/products/7"):
        page = client.get(path, headers={"accept": "text/html"})
        assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "28 Degrees" in page.content.decode()
        assert "<textarea" not in page.content.decode()
        assert "<textarea" in admin_client.get(path, headers={"accept": "text/html"}).content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin_client.cookies
    assert strict.delete("/products/7").status_code == 403


@pytest.mark.skipif(connection.vendor != "sqlite", reason="they are SQLite's")
def test_sqlite_is_set_for_concurrent_use(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.db import connection, transaction\n"
        "with connection.cursor() as cursor:\n"
        "    for name in ('journal_mode', 'synchronous', 'busy_timeout'):\n"
        "        print(cursor.execute(f'PRAGMA {name}').fetchone()[0])\n"
        "from django.test.utils import CaptureQueriesContext\n"
        "with CaptureQueriesContext(connection) as queries, transaction.atomic(): pass\n"
        "print(queries[0]['sql'])\n"
    )
    run = python(
        *("-c", code),
        DJANGO_SETTINGS_MODULE="config.settings",
        DJANGO_SECRET_KEY="x" * 60,
        DATABASE_URL=f"sqlite:///{tmp_path / 'catalogue.sqlite3'}",
    )
    assert run.stdout.split("\n")[:4] == ["wal", "1", "20000", "BEGIN IMMEDIATE"], run.stderr


@pytest.mark.django_db
def test_errors_outside_the_apis_own_views_are_json_too(admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    with patch("products.views.ProductViewSet.filter_queryset", side_effect=RuntimeError("secret")):
        answers = {
            500: admin_client.get("/products"),
            404: admin_client.get("/admin/nothing"),
            400: admin_client.get("/products", headers={"host": "evil.example.com"}),
        }
    for status, answer in answers.items():
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/json; charset=utf-8")
        assert "secret" not in answer.json()["detail"]


@pytest.mark.django_db
def test_health(client: APIClient) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}


@pytest.mark.django_db
def test_it_lives_but_is_not_ready_when_the_database_does_not_answer(client: APIClient) -> None:
    with patch("products.health.connection.cursor", side_effect=OperationalError("gone")):
        assert client.get("/health/live").status_code == 200
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert "gone" not in response.content.decode()


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.django_db
def test_a_database_that_is_away_is_a_503(client: APIClient) -> None:
    with patch("products.views.ProductViewSet.filter_queryset", side_effect=OperationalError("host db1 is gone")):
        response = client.get("/products")
    assert (response.status_code, response.json()) == (503, {"detail": "The database does not answer."})


def test_nothing_is_deployed_that_the_admin_could_spoil() -> None:
    """The API could not serve it: the model itself refuses it."""
    for pk, price in (("a/b", 1), ("..", 1), ("é", 1), ("a", -1)):
        with pytest.raises(ValidationError):
            Product(id=pk, type="a", name="b", price=price).full_clean(validate_unique=False)


def test_in_development_every_request_is_logged() -> None:
    """runserver logs them with django.server."""
    code = "import django, logging; django.setup(); logging.getLogger('django.server').info('\"GET / HTTP/1.1\" 302')"
    run = python("-c", code, DJANGO_SETTINGS_MODULE="config.settings", DJANGO_DEBUG="true")
    assert run.stderr.endswith(' INFO django.server: "GET / HTTP/1.1" 302\n')
    assert run.stderr.count("GET") == 1


class TestProduction:
    def test_without_a_secret_key_it_does_not_start(self) -> None:
        run = python("-c", "import config.wsgi")
        assert run.returncode == 1
        assert "DJANGO_SECRET_KEY is not set, and production has no default for it" in run.stderr

    def test_with_one_it_passes_djangos_check_for_deployment(self) -> None:
        run = python(
            *("manage.py", "check", "--deploy", "--fail-level", "INFO"),
            DJANGO_DEBUG="false",
            DJANGO_SECRET_KEY="correct horse battery staple, and fifty characters long at least",
        )
        assert run.returncode == 0, run.stderr

    def test_a_500_is_logged_where_a_container_shows_it(self) -> None:
        code = (
            "import io, config.wsgi\n"
            "import products.health\n"
            "def broken(*a, **k): raise LookupError('the reason')\n"
            "products.health.live.cls.get = broken\n"
            "list(config.wsgi.application({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/health/live', 'SERVER_NAME': 'x',"
            " 'SERVER_PORT': '80', 'wsgi.input': io.BytesIO(), 'wsgi.url_scheme': 'http', 'HTTP_HOST': 'localhost'},"
            " lambda *a: print(a[0])))\n"
        )
        run = python("-c", code, DJANGO_SECRET_KEY="x" * 60, DJANGO_DEBUG="false", DJANGO_HTTPS="false")
        assert run.stdout.startswith("500 ")
        assert "Traceback" in run.stderr
        assert "LookupError: the reason" in run.stderr

    def test_it_has_neither_the_browsable_api_nor_its_sessions(self) -> None:
        code = "import config.wsgi; from django.conf import settings; print(settings.REST_FRAMEWORK)"
        run = python("-c", code, DJANGO_SECRET_KEY="x" * 60, DJANGO_DEBUG="false")
        assert "'DEFAULT_RENDERER_CLASSES': ['products.renderers.JSONRenderer']" in run.stdout, run.stderr
        assert "'DEFAULT_AUTHENTICATION_CLASSES': ['products.authentication.BearerTokenAuthentication']" in run.stdout

    def test_it_knows_nothing_of_pact(self) -> None:
        """Neither the core nor the project's states are loaded in a server."""
        code = (
            "import io, sys, config.wsgi\n"
            "list(config.wsgi.application({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/health/live', 'SERVER_NAME': 'x',"
            " 'SERVER_PORT': '80', 'wsgi.input': io.BytesIO(), 'wsgi.url_scheme': 'http', 'HTTP_HOST': 'localhost'},"
            " lambda *a: print(a[0])))\n"
            "print([name for name in sys.modules if name.split('.')[0] in {'pact', 'pact_ffi', 'parse', 'rich'}"
            " or name == 'products.pact_states'])"
        )
        run = python("-c", code, DJANGO_SECRET_KEY="x" * 60, DJANGO_DEBUG="false", DJANGO_HTTPS="false")
        assert run.stdout.split("\n")[:2] == ["200 OK", "[]"], run.stdout + run.stderr
