import gzip
import http.client
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from pytest_django import DjangoDbBlocker
from rest_framework import renderers, serializers
from rest_framework.response import Response

from pact_verification.provider.http_connection import HOST, RUN_HEADER
from pact_verification.provider.live_server import LiveServer
from pact_verification.provider.serializers import NOT_JSON, OTHER_BODY, serialized
from pact_verification.results.exchange import Serialized
from pact_verification.states.registry import Registry
from tests.pact_verification.provider.test_live_server import NoIsolation, interaction, post, setup

pytestmark = pytest.mark.no_database

HERE = __name__


class Owner(serializers.Serializer[Any]):
    name = serializers.CharField()
    password = serializers.CharField(write_only=True)


class Product(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField(source="name")
    owner = Owner()
    parts = Owner(many=True)
    size = serializers.SerializerMethodField()
    meta = serializers.JSONField()
    tags = serializers.ListField(child=serializers.CharField())

    def get_size(self, value: Any) -> int:
        return 7


class Sale(serializers.Serializer[Any]):
    """Its members have names of two words, and values of each kind."""

    sold_at = serializers.IntegerField()
    sold_by = Owner()
    unit_price = serializers.DecimalField(max_digits=5, decimal_places=2)


class Reading(serializers.Serializer[Any]):
    """Its members are made from other places than attributes of the same name."""

    owner_name = serializers.CharField(source="owner.name")
    owner = serializers.SerializerMethodField()
    parts = serializers.SerializerMethodField()
    sizes = serializers.DictField()

    def get_owner(self, value: Any) -> Any:
        return Owner(value["owner"]).data

    def get_parts(self, value: Any) -> Any:
        return Owner(value["parts"], many=True).data


class Broken(serializers.Serializer[Any]):
    """It writes without its fields, which can't be read."""

    def get_fields(self) -> Any:
        raise RuntimeError("the fields do not open")

    def to_representation(self, instance: Any) -> Any:
        return {"name": "Ann"}


SALE = {"sold_at": 3, "sold_by": {"name": "Ann"}, "unit_price": "1.50"}
OF_SALE = {"sold_at": "Sale.sold_at", "sold_by": "Sale.sold_by", "unit_price": "Sale.unit_price"}

VALUE = {
    "id": 1,
    "name": "cup",
    "owner": {"name": "Ann"},
    "parts": [{"name": "handle"}],
    "meta": {"a": 1},
    "tags": ["new"],
}


def rendered(data: Any, status: int = 200, renderer: Any = renderers.JSONRenderer) -> Response:
    response = Response(data, status=status)
    response.accepted_renderer = renderer()
    response.accepted_media_type = "application/json"
    response.renderer_context = {}  # type: ignore[attr-defined]  # the stubs lack it, and DRF's views set it
    response.render()
    return response


def rendered_as(data: Any, body: Callable[[Any], Any]) -> Response:
    """Return a response with another body than its data."""

    class Renderer(renderers.JSONRenderer):
        def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
            return json.dumps(body(json.loads(super().render(data, *args, **kwargs)))).encode()

    return rendered(data, renderer=Renderer)


def errors() -> Any:
    """Return the errors of a serializer, which carry it as its data does."""
    wrong = Owner(data={})
    assert not wrong.is_valid()
    return wrong.errors


def members(response: HttpResponse) -> dict[str, str]:
    """Return the fields of the members, by their places."""
    found = serialized(response)
    assert found.problem is None
    return {
        "".join("[*]" if step is None else f".{step}" for step in each.steps): (
            f"{each.serializer.removeprefix(f'{HERE}.')}.{each.field}"
        )
        for each in found.members
    }


OF_PRODUCT = {
    ".id": "Product.id",
    ".title": "Product.title",
    ".owner": "Product.owner",
    ".owner.name": "Owner.name",
    ".parts": "Product.parts",
    ".parts[*].name": "Owner.name",
    ".size": "Product.size",
    ".meta": "Product.meta",
    ".tags": "Product.tags",
}


def test_an_object() -> None:
    assert members(rendered(Product(VALUE).data)) == OF_PRODUCT


def test_a_list() -> None:
    found = members(rendered(Product([VALUE, VALUE], many=True).data))
    assert found == {f"[*]{place}": field for place, field in OF_PRODUCT.items()}


def test_a_page() -> None:
    data = {"count": 1, "next": None, "results": Product([VALUE], many=True).data}
    assert members(rendered(data)) == {f".results[*]{place}": field for place, field in OF_PRODUCT.items()}


def test_objects_in_a_list_of_the_view() -> None:
    assert members(rendered([Owner({"name": "Ann"}).data])) == {"[*].name": "Owner.name"}


def test_the_serializers_with_all_their_fields() -> None:
    found = serialized(rendered(Product(VALUE).data))
    assert {each.name: each.fields for each in found.serializers} == {
        f"{HERE}.Product": ("id", "title", "owner", "parts", "size", "meta", "tags"),
        f"{HERE}.Owner": ("name", "password"),
    }
    place = found.serializers[0].place
    assert place
    assert place.file == __file__


def test_a_member_that_to_representation_adds_has_no_field() -> None:
    class More(Owner):
        def to_representation(self, instance: Any) -> Any:
            return {**super().to_representation(instance), "more": 1}

    assert list(members(rendered(More({"name": "Ann"}).data))) == [".name"]


def test_the_data_of_a_serializer_in_a_method_field_and_a_source_elsewhere() -> None:
    value = {"owner": {"name": "Ann"}, "parts": [{"name": "handle"}], "sizes": {"cm": {"high": 9}}}
    assert members(rendered(Reading(value).data)) == {
        ".owner_name": "Reading.owner_name",
        ".owner": "Reading.owner",
        ".owner.name": "Owner.name",
        ".parts": "Reading.parts",
        ".parts[*].name": "Owner.name",
        ".sizes": "Reading.sizes",
    }


def test_the_data_of_a_serializer_that_to_representation_adds() -> None:
    class Boss(Owner):
        def to_representation(self, instance: Any) -> Any:
            return {**super().to_representation(instance), "boss": Sale(SALE).data}

    found = members(rendered(Boss({"name": "Ann"}).data))
    assert list(found) == [".name", ".boss.sold_at", ".boss.sold_by", ".boss.sold_by.name", ".boss.unit_price"]


def test_several_serializers_in_an_object_of_the_view() -> None:
    data = {"owner": Owner({"name": "Ann"}).data, "sales": ({"last": Sale(SALE).data},), "count": 1}
    assert members(rendered(data)) == {
        ".owner.name": "Owner.name",
        **{f".sales[*].last.{name}": field for name, field in OF_SALE.items()},
        ".sales[*].last.sold_by.name": "Owner.name",
    }


@pytest.mark.parametrize("status", [200, 400])
def test_errors_are_no_members_whatever_the_status(status: int) -> None:
    assert serialized(rendered(errors(), status)) == Serialized()


def test_errors_beside_data() -> None:
    data = {"saved": Owner({"name": "Ann"}).data, "errors": errors()}
    assert members(rendered(data, 207)) == {".saved.name": "Owner.name"}


class TestRenderers:
    def test_an_envelope(self) -> None:
        data = Owner({"name": "Ann"}).data
        response = rendered_as(data, lambda body: {"status": "ok", "data": body})
        assert members(response) == {".data.name": "Owner.name"}

    def test_an_envelope_with_as_many_members_as_the_data(self) -> None:
        data = Owner({"name": "Ann"}).data
        assert members(rendered_as(data, lambda body: {"data": body})) == {".data.name": "Owner.name"}

    def test_an_envelope_with_two_places_for_the_data(self) -> None:
        response = rendered_as(Owner({"name": "Ann"}).data, lambda body: {"before": {"name": "Eve"}, "after": body})
        assert serialized(response) == Serialized(problem=OTHER_BODY)

    def test_another_order(self) -> None:
        response = rendered_as(Sale(SALE).data, lambda body: dict(reversed(body.items())))
        assert members(response) == {
            **{f".{name}": field for name, field in OF_SALE.items()},
            ".sold_by.name": "Owner.name",
        }

    def test_names_of_another_style(self) -> None:
        names = {"sold_at": "soldAt", "sold_by": "soldBy", "unit_price": "unitPrice"}
        response = rendered_as(
            Sale([SALE, SALE], many=True).data, lambda body: [{names[n]: v for n, v in each.items()} for each in body]
        )
        assert members(response) == {
            **{f"[*].{names[name]}": field for name, field in OF_SALE.items()},
            "[*].soldBy.name": "Owner.name",
        }

    def test_names_of_another_style_in_another_order(self) -> None:
        response = rendered_as(
            Sale(SALE).data, lambda body: {name.upper(): value for name, value in reversed(body.items())}
        )
        assert members(response) == {
            **{f".{name.upper()}": field for name, field in OF_SALE.items()},
            ".SOLD_BY.name": "Owner.name",
        }

    def test_other_names(self) -> None:
        """The order alone does not say which field is which."""
        names = dict(zip(OF_SALE, ("a", "b", "c"), strict=True))
        response = rendered_as(Sale(SALE).data, lambda body: {names[name]: value for name, value in body.items()})
        assert serialized(response) == Serialized(problem=OTHER_BODY)

    def test_fewer_members_of_one_item(self) -> None:
        """The fields of the others are known, and the report still says that some are missing."""
        response = rendered_as(
            Sale([SALE, SALE], many=True).data, lambda body: [body[0], {"sold_by": {}, "sold_at": 3}]
        )
        found = serialized(response)
        assert found.problem == OTHER_BODY
        assert {each.field for each in found.members} == {*OF_SALE, "name"}

    def test_no_json(self) -> None:
        class Html(renderers.JSONRenderer):
            def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
                return b"<p>Ann</p>"

        response = rendered(Owner({"name": "Ann"}).data, renderer=Html)
        assert serialized(response) == Serialized(problem=NOT_JSON)

    def test_other_content_of_a_field_without_serializers(self) -> None:
        response = rendered_as(Reading({"owner": {"name": "Ann"}, "parts": [], "sizes": {"cm": 1}}).data, as_inches)
        assert members(response)[".sizes"] == "Reading.sizes"


def as_inches(body: Any) -> Any:
    return {**body, "sizes": [1, 2]}


def test_the_source_of_a_class_is_read_once_for_many_items(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fresh(Owner):
        pass

    asked: list[type] = []

    def lines(kind: type) -> tuple[list[str], int]:
        asked.append(kind)
        return [], 1

    monkeypatch.setattr(inspect, "getsourcelines", lines)
    for _ in range(2):
        assert members(rendered(Fresh([{"name": "Ann"}] * 9, many=True).data))
    assert asked == [Fresh]


def test_a_compressed_body() -> None:
    response = rendered(Sale(SALE).data)
    response.content = gzip.compress(response.content)
    response.headers["Content-Encoding"] = "gzip"
    assert members(response)[".sold_at"] == "Sale.sold_at"


@pytest.mark.parametrize(
    "response",
    [
        rendered({"a": 1}),
        rendered(None),
        rendered(Product([], many=True).data),
        JsonResponse({"a": 1}),
        HttpResponse(b"text"),
        StreamingHttpResponse([b"{}"]),
    ],
)
def test_responses_without_a_serializer(response: HttpResponse) -> None:
    assert serialized(response) == Serialized()


def respond(data: Any) -> Callable[[HttpRequest], HttpResponseBase]:
    return lambda request: rendered(data())


urlpatterns = [
    path("sale", respond(lambda: Sale(SALE).data)),
    path("broken", respond(lambda: Broken({}).data)),
    path("wrong", lambda request: rendered({**errors(), "status_code": 400}, 400)),
]

asgi = ASGIHandler()


@contextmanager
def live(blocker: DjangoDbBlocker, application: str, *, on: bool) -> Iterator[LiveServer]:
    own = {"PACT_APPLICATION": application, "ASGI_APPLICATION": f"{__name__}.asgi", "MIDDLEWARE": []}
    with blocker.unblock(), override_settings(**own, ROOT_URLCONF=__name__):
        server = LiveServer(Registry(), NoIsolation, 5, serializers=on)
        with server.running():
            yield server


def recorded(server: LiveServer, url: str) -> Serialized:
    server.expect([interaction("it")])
    assert post(server, server.state_path, setup(""))[0] == 200
    connection = http.client.HTTPConnection(HOST, server.http.port, timeout=5)
    try:
        connection.request("GET", url, headers={RUN_HEADER: server.secret})
        connection.getresponse().read()
    finally:
        connection.close()
    assert server.finish(10)
    return server.recordings[-1].exchange.serialized


@pytest.mark.parametrize("application", ["wsgi", "asgi"])
class TestLiveServer:
    def test_it_records_what_serializers_wrote(self, django_db_blocker: DjangoDbBlocker, application: str) -> None:
        with live(django_db_blocker, application, on=True) as server:
            assert recorded(server, "/sale") == serialized(rendered(Sale(SALE).data))

    def test_only_with_the_option(self, django_db_blocker: DjangoDbBlocker, application: str) -> None:
        with live(django_db_blocker, application, on=False) as server:
            assert recorded(server, "/sale") == Serialized()

    def test_a_serializer_that_raises(self, django_db_blocker: DjangoDbBlocker, application: str) -> None:
        with live(django_db_blocker, application, on=True) as server:
            found = recorded(server, "/broken")
            response = server.recordings[-1].exchange.response
        assert response
        assert response.status == 200
        assert found == Serialized(problem="Its serializers can't be told: RuntimeError: the fields do not open")

    def test_errors_that_an_exception_handler_changed(
        self, django_db_blocker: DjangoDbBlocker, application: str
    ) -> None:
        with live(django_db_blocker, application, on=True) as server:
            assert recorded(server, "/wrong") == Serialized()
