import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from products.models import Product
from tests.products.conftest import as_json

pytestmark = pytest.mark.django_db

NEW = {"type": "LOAN", "name": "MyFlexiPay", "version": "v2", "price": 5.25}


class TestReading:
    def test_a_product(self, client: APIClient, product: Product) -> None:
        for path in ("/products/7", "/product/7"):
            response = client.get(path)
            assert response.status_code == 200
            assert response["Content-Type"] == "application/json; charset=utf-8"
            assert response.json() == as_json(product)
            assert response.json()["price"] == 12.5

    def test_a_product_without_a_price(self, client: APIClient) -> None:
        Product.objects.create(id="8", type="LOAN", name="free")
        assert client.get("/product/8").json() == {
            "id": "8",
            "type": "LOAN",
            "name": "free",
            "version": "",
            "price": None,
        }

    def test_the_list_is_a_plain_array(self, client: APIClient, product: Product) -> None:
        response = client.get("/products")
        assert response.json() == [as_json(product)]
        assert response["Content-Type"] == "application/json; charset=utf-8"

    def test_only_of_a_type(self, client: APIClient, product: Product) -> None:
        Product.objects.create(id="8", type="LOAN", name="x")
        assert [found["id"] for found in client.get("/products?type=LOAN").json()] == ["8"]
        assert client.get("/products?type=loan").json() == []
        assert len(client.get("/products?type=").json()) == 2

    @pytest.mark.parametrize("path", ["/products/nope", "/product/nope", "/products/", "/products/7/", "/x"])
    def test_what_is_not_there_is_a_404_in_json(self, client: APIClient, product: Product, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 404
        assert response["Content-Type"] == "application/json; charset=utf-8"
        assert response.json()["detail"]

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json; charset=utf-8", "image/png, */*"])
    def test_the_charset_is_named_whatever_the_client_accepts(
        self, client: APIClient, product: Product, accept: str
    ) -> None:
        response = client.get("/product/7", HTTP_ACCEPT=accept)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json; charset=utf-8")

    @pytest.mark.parametrize("path", ["/products", "/products/7", "/product/7", "/health/live", "/health/ready"])
    def test_head_and_options_are_answered_too(self, client: APIClient, product: Product, path: str) -> None:
        assert client.head(path).status_code == 200
        assert client.options(path).status_code == 200

    def test_the_root_leads_to_the_docs(self, client: APIClient) -> None:
        assert client.get("/")["Location"] == "/docs"

    def test_the_alias_is_for_reading_only(self, writer: APIClient, product: Product) -> None:
        assert writer.delete("/product/7").status_code == 405


class TestPages:
    @pytest.fixture(autouse=True)
    def five_products(self) -> None:
        Product.objects.bulk_create(Product(id=str(number), type="LOAN", name="x") for number in range(5))

    @staticmethod
    def links(client: APIClient, path: str) -> dict[str, str]:
        header = client.get(path)["Link"]
        return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', header)}

    def test_following_next_finds_everything_once(self, client: APIClient) -> None:
        found: list[str] = []
        url: str | None = "/products?per_page=2&type=LOAN"
        while url:
            found += [product["id"] for product in client.get(url).json()]
            url = self.links(client, url).get("next")
        assert found == list("01234")

    def test_every_page_says_where_the_others_are(self, client: APIClient) -> None:
        links = self.links(client, "/products?page=2&per_page=2&type=LOAN")
        assert links == {
            rel: f"http://testserver/products?page={page}&per_page=2&type=LOAN"
            for rel, page in {"first": 1, "last": 3, "prev": 1, "next": 3}.items()
        }
        assert set(self.links(client, "/products")) == {"first", "last"}

    @pytest.mark.parametrize("page", ["4", "0", "-1", "x", "1.5", "9" * 900, "9" * 5000])
    def test_a_page_that_is_not_there_is_a_404(self, client: APIClient, page: str) -> None:
        response = client.get(f"/products?per_page=2&page={page}")
        assert (response.status_code, response["Content-Type"]) == (404, "application/json; charset=utf-8")
        assert response.json()["detail"]

    @pytest.mark.parametrize("per_page", ["0", "-1", "x", "501", "9" * 5000])
    def test_a_page_holds_100_products_by_default_and_500_at_most(self, client: APIClient, per_page: str) -> None:
        Product.objects.bulk_create(Product(id=f"p{number}", type="LOAN", name="x") for number in range(600))
        expected = 500 if per_page == "501" else 100
        assert len(client.get(f"/products?per_page={per_page}").json()) == expected

    def test_listing_takes_two_queries(self, client: APIClient) -> None:
        with CaptureQueriesContext(connection) as queries:
            client.get("/products?type=LOAN")
        assert len(queries) == 2


class TestWriting:
    def test_create(self, writer: APIClient) -> None:
        response = writer.post("/products", NEW)
        assert response.status_code == 201
        created = Product.objects.get()
        assert response.json() == as_json(created) == {"id": created.id, **NEW}
        assert response["Location"] == f"http://testserver/products/{created.id}"
        assert writer.get(response["Location"]).json() == response.json()

    def test_create_with_an_id(self, writer: APIClient) -> None:
        assert writer.post("/products", {**NEW, "id": "My-1.~_"}).json()["id"] == "My-1.~_"

    def test_an_id_that_is_taken(self, writer: APIClient, product: Product) -> None:
        response = writer.post("/products", {**NEW, "id": "7"})
        assert (response.status_code, set(response.json())) == (409, {"id"})
        assert Product.objects.get().name == "28 Degrees"

    def test_replace(self, writer: APIClient, product: Product) -> None:
        response = writer.put("/products/7", {"type": "LOAN", "name": "new"})
        assert response.status_code == 200
        assert response.json() == as_json(product)
        assert response.json() == {"id": "7", "type": "LOAN", "name": "new", "version": "", "price": None}

    def test_change(self, writer: APIClient, product: Product) -> None:
        assert writer.patch("/products/7", {"price": 3}).status_code == 200
        product.refresh_from_db()
        assert (product.price, product.name) == (Decimal(3), "28 Degrees")

    def test_a_change_to_what_is_deleted_meanwhile_brings_nothing_back(
        self, writer: APIClient, product: Product, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Django's save() inserts a row that it does not find; the lock keeps others from taking it away."""
        with CaptureQueriesContext(connection) as queries:
            writer.patch("/products/7", {"name": "new"})
        read = next(query["sql"] for query in queries if '"products_product"."id" = ' in query["sql"])
        assert ("FOR UPDATE" in read) is connection.features.has_select_for_update

    def test_an_id_stays_as_it_is(self, writer: APIClient, product: Product) -> None:
        assert writer.patch("/products/7", {"id": "7", "name": "new"}).status_code == 200
        for response in (writer.patch("/products/7", {"id": "8"}), writer.put("/products/7", {**NEW, "id": "8"})):
            assert (response.status_code, set(response.json())) == (409, {"id"})
        assert list(Product.objects.values_list("id", flat=True)) == ["7"]

    def test_delete(self, writer: APIClient, product: Product) -> None:
        response = writer.delete("/products/7")
        assert (response.status_code, response.content) == (204, b"")
        assert not Product.objects.exists()
        assert writer.delete("/products/7").status_code == 404

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_what_is_not_there(self, writer: APIClient, method: str) -> None:
        assert getattr(writer, method)("/products/nope", {}).status_code == 404


class TestAuthentication:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("post", "/products"), ("put", "/products/7"), ("patch", "/products/7"), ("delete", "/products/7")],
    )
    def test_writing_needs_a_token(self, client: APIClient, product: Product, method: str, path: str) -> None:
        response = getattr(client, method)(path, NEW)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
        assert response.json()["detail"]
        assert as_json(product)["name"] == "28 Degrees"

    @pytest.mark.parametrize("header", ["Bearer nope", "Bearer", "Bearer a b", "bearer x", "Bearer \xff", "Bearer é"])
    @pytest.mark.parametrize(
        "path",
        ["/products", "/products/7", "/product/7", "/openapi.json", "/docs", "/health/live", "/health/ready"],
    )
    def test_a_token_that_is_not_valid_is_a_401_everywhere(
        self, client: APIClient, product: Product, path: str, header: str
    ) -> None:
        response = client.get(path, HTTP_AUTHORIZATION=header)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")

    def test_a_user_who_has_left(self, writer: APIClient, token: str, django_user_model: Any) -> None:
        assert writer.get("/products").status_code == 200
        django_user_model.objects.update(is_active=False)
        assert writer.get("/products").status_code == 401


LONE_SURROGATE = '{"type": "LOAN", "name": "\\ud800"}'


class TestBadInput:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({}, {"type", "name"}),
            ({**NEW, "name": ""}, {"name"}),
            ({**NEW, "name": None, "type": []}, {"name", "type"}),
            ({**NEW, "name": "x" * 201}, {"name"}),
            ({**NEW, "name": "a\x00b"}, {"name"}),
            ({**NEW, "type": {"a": 1}}, {"type"}),
            ({**NEW, "id": "x" * 65}, {"id"}),
            ({**NEW, "id": ""}, {"id"}),
            ({**NEW, "id": "a/b"}, {"id"}),
            ({**NEW, "id": "a\n"}, set()),  # white space around a text is not part of it
            ({**NEW, "id": "a b"}, {"id"}),
            ({**NEW, "id": ".."}, {"id"}),
            ({**NEW, "name": {}, "type": True}, {"name", "type"}),
            ({**NEW, "price": "NaN"}, {"price"}),
            ({**NEW, "price": "Infinity"}, {"price"}),
            ({**NEW, "price": "much"}, {"price"}),
            ({**NEW, "price": -1}, {"price"}),
            ({**NEW, "price": 1.234}, {"price"}),
            ({**NEW, "price": 10**12}, {"price"}),
            ({**NEW, "price": []}, {"price"}),
            ({**NEW, "price": True}, {"price"}),
        ],
    )
    def test_each_field_is_named(self, writer: APIClient, fields: dict[str, Any], named: set[str]) -> None:
        response = writer.post("/products", fields)
        assert response.status_code == (400 if named else 201)
        if named:
            assert set(response.json()) == named

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "{",
            "nonsense",
            "[]",
            "null",
            '"text"',
            '{"price": NaN}',
            '{"price": 1e999, "type": "a", "name": "b"}',
            '{"price": ' + "9" * 5000 + "}",
            LONE_SURROGATE,
            b"\xff\xfe",
            '{"name": "x"',
        ],
    )
    @pytest.mark.parametrize(("method", "path"), [("post", "/products"), ("put", "/products/7")])
    def test_a_body_that_makes_no_sense(
        self, writer: APIClient, product: Product, method: str, path: str, body: Any
    ) -> None:
        response = writer.generic(method.upper(), path, body, content_type="application/json")
        assert response.status_code == 400, response.content
        assert response["Content-Type"] == "application/json; charset=utf-8"
        assert response.json()

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/xml", "multipart/form-data", "nonsense", "application/jsonp", ";"]
    )
    def test_a_content_type_that_is_not_json(self, writer: APIClient, content_type: str) -> None:
        response = writer.generic("POST", "/products", json.dumps(NEW), content_type=content_type)
        assert response.status_code == 415

    def test_ten_megabytes(self, writer: APIClient) -> None:
        """Django's DATA_UPLOAD_MAX_MEMORY_SIZE bounds the body."""
        body = json.dumps({**NEW, "name": "x" * 10_000_000})
        response = writer.generic("POST", "/products", body, content_type="application/json")
        assert (response.status_code, response["Content-Type"]) == (400, "application/json; charset=utf-8")
        assert response.json()["detail"]

    @pytest.mark.parametrize(
        "path", ["/products/" + "x" * 65, "/products/%00", "/products/a%20b", "/product/%FF", "/%00"]
    )
    def test_an_id_that_no_product_can_have_is_a_404(self, client: APIClient, path: str) -> None:
        assert client.get(path).status_code == 404

    def test_a_type_that_no_product_can_have(self, client: APIClient) -> None:
        response = client.get("/products?type=%00")
        assert (response.status_code, set(response.json())) == (400, {"type"})


def test_the_catalogue_is_loaded_once(client: APIClient) -> None:
    call_command("seed_catalogue")
    first = client.get("/products").json()
    assert {product["id"]: product["name"] for product in first} == {
        "09": "Gem Visa",
        "1": "no interest forever loan (via parents fund)",
        "10": "Buy stuff without actually having money",
        "11": "MyFlexiPay",
    }
    Product.objects.filter(id="10").update(name="changed")
    call_command("seed_catalogue")
    assert client.get("/product/10").json()["name"] == "changed"
