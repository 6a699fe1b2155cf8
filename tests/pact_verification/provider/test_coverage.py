"""Which URLs and methods consumers depend on."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path, resolve
from django.views import View
from django.views.generic import TemplateView
from rest_framework.viewsets import ViewSet

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.schema import ASYNCHRONOUS
from pact_verification.provider.coverage import cover
from pact_verification.provider.endpoints import endpoint_of, endpoints
from pact_verification.results.coverage import Coverage, Produced, Use
from pact_verification.results.exchange import Exchange, Producer, RecordedRequest, RecordedResponse
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from pact_verification.states.claims import Claims
from pact_verification.states.handlers import Handler
from pact_verification.text import Place

pytestmark = pytest.mark.no_database


def function(request: HttpRequest, pk: int = 0) -> HttpResponse:
    return HttpResponse()


class ByClass(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    post = get


class Things(ViewSet):
    def list(self, request: Any) -> Any: ...

    def create(self, request: Any) -> Any: ...


class Page(TemplateView):
    """A library's method, but the project's view."""


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    module = ModuleType("urls_of_this_test")
    module.urlpatterns = [  # type: ignore[attr-defined]  # a URLconf
        path("function/<int:pk>", function),
        path("api/", include([path("class", ByClass.as_view()), re_path(r"^re/(?P<pk>\d+)$", function)])),
        path("things", Things.as_view({"get": "list", "post": "create"})),
        path("page", Page.as_view(template_name="x.html")),
        path("admin/", admin.site.urls),
    ]
    settings.ROOT_URLCONF = module


def test_methods_and_routes_of_every_kind_of_view() -> None:
    own = [(method, endpoint.route) for method, endpoint in endpoints() if endpoint.own]
    assert own == [
        ("any", "function/<int:pk>"),
        ("GET", "api/class"),
        ("POST", "api/class"),
        ("any", r"api/re/(?P<pk>\d+)$"),
        ("GET", "things"),
        ("POST", "things"),
        ("GET", "page"),
    ]
    assert next(endpoint.route for _, endpoint in endpoints() if not endpoint.own) == "admin/"


@pytest.mark.parametrize(
    ("url", "method", "view", "code"),
    [
        ("/function/3", "GET", "function", "def function"),
        ("/api/class", "POST", "ByClass.post", "    def get"),
        ("/things", "POST", "Things.create", "    def create"),
        ("/things", "HEAD", "Things", "class Things"),
        ("/page", "GET", "Page.get", "class Page"),  # the method is Django's
    ],
)
def test_what_answers_is_named_to_the_line(url: str, method: str, view: str, code: str) -> None:
    endpoint = endpoint_of(resolve(url), method)
    assert endpoint.view == f"{__name__}.{view}"
    assert endpoint.location
    assert Path(endpoint.location.file).read_text().splitlines()[endpoint.location.line - 1].startswith(code)


@pytest.mark.parametrize("url", ["/function/3", "/api/class", "/api/re/4", "/things", "/page", "/admin/login/"])
def test_a_route_is_spelt_as_django_does(url: str) -> None:
    assert resolve(url).route in {endpoint.route for _, endpoint in endpoints()}


NO_PRODUCERS = Claims("message", "producer")


def result(
    consumer: str, request: str, status: int, *, outcome: Outcome = Outcome.VERIFIED, url: str | None = ""
) -> PactResult:
    method, _, target = request.partition(" ")
    endpoint = None if url is None else endpoint_of(resolve(url or target.partition("?")[0]), method)
    exchange = Exchange(RecordedRequest(method, target), RecordedResponse(status, "X"), endpoint=endpoint)
    pact = Pact(consumer, "testapp", (), Path("x.json"), "x.json")
    return PactResult(pact, (InteractionResult(Interaction("a"), outcome, exchange),))


def uses(coverage: Coverage) -> dict[tuple[str, str], tuple[Use, ...]]:
    return {(each.method, each.endpoint.route): each.uses for each in coverage.operations}


def test_consumers_with_the_statuses_they_have_seen() -> None:
    coverage = cover(
        [
            result("shop", "GET /things?page=1", 200),
            result("shop", "GET /things", 401, outcome=Outcome.MISMATCH),
            result("other", "GET /things", 200),
            result("shop", "DELETE /function/1", 204),
            result("shop", "GET /function/1", 200),
            result("shop", "HEAD /api/class", 200),
            result("shop", "GET /nowhere?x=1", 404, url=None),
        ],
        NO_PRODUCERS,
    )
    found = uses(coverage)
    assert found["GET", "things"] == (Use("shop", (200, 401), failing=True), Use("other", (200,)))
    assert found["POST", "things"] == ()
    # A view that does not say which methods it answers is shown with the methods that were used.
    assert found["DELETE", "function/<int:pk>"] == (Use("shop", (204,)),)
    assert found["GET", "function/<int:pk>"] == (Use("shop", (200,)),)
    assert ("any", "function/<int:pk>") not in found
    assert found["HEAD", "api/class"] == (Use("shop", (200,)),)
    assert coverage.nowhere == (("GET /nowhere", Use("shop", (404,))),)
    assert coverage.others > 10


def test_a_librarys_view_counts_once_a_consumer_uses_it() -> None:
    coverage = cover([result("shop", "GET /admin/login/", 200)], NO_PRODUCERS)
    assert any(route == "admin/login/" for _, route in uses(coverage))
    assert coverage.others == cover([], NO_PRODUCERS).others - 1


def test_what_sent_no_request_has_used_nothing() -> None:
    pact = Pact("shop", "testapp", (), Path("x.json"), "x.json")
    coverage = cover([PactResult(pact, (InteractionResult(Interaction("a"), Outcome.STATE_ERROR),))], NO_PRODUCERS)
    assert not any(each.uses for each in coverage.operations)


def messages(consumer: str, *descriptions: str, outcome: Outcome = Outcome.VERIFIED) -> PactResult:
    pact = Pact(consumer, "testapp", (), Path("x.json"), "x.json")
    return PactResult(
        pact,
        tuple(InteractionResult(Interaction(each, kind=ASYNCHRONOUS), outcome) for each in descriptions),
    )


def test_producers_and_the_consumers_of_their_messages() -> None:
    """A producer is found though it was not called: a provider state had failed."""
    producers = Claims("message", "producer")
    handlers = [Handler(function, Place("pact_states.py", line)) for line in range(4)]
    names = (("added", "found"), ("{item} removed",), ("{a} or b",), ("a or {b}",))
    for claimed, handler in zip(names, handlers, strict=True):
        producers.add(claimed, handler)
    coverage = cover(
        [
            messages("mailer", "found", "a cup removed"),
            messages("billing", "a cup removed", "a pot removed", "lost", "a or b", outcome=Outcome.STATE_ERROR),
        ],
        producers,
    )
    one, two, three, four = (Producer("function()", handler.location) for handler in handlers)
    failing = Use("billing", (), failing=True)
    assert coverage.produced == (
        Produced(("added", "found"), one, (Use("mailer", ()),)),
        Produced(("{item} removed",), two, (Use("mailer", ()), failing)),
        Produced(("{a} or b",), three),
        Produced(("a or {b}",), four),
        Produced(("lost",), None, (failing,)),
        Produced(("a or b",), None, (failing,)),  # two producers claim it
    )
    assert (coverage.producers, coverage.used_producers) == (4, 2)
