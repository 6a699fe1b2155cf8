"""A consumer that uses all of the API: every method, every refusal, states with params, ids that a state returns."""

from typing import Any

import pytest
from pact import Pact, match

from tests.consumers.clients import Catalogue
from tests.consumers.conftest import NewPact

pytestmark = pytest.mark.no_database  # a consumer has no database

TOKEN = "0123456789abcdef0123456789abcdef01234567"
MAY_WRITE = "the consumer may write"
PRODUCT = {"id": "7", "type": "CREDIT_CARD", "name": "28 Degrees", "version": "v1", "price": 12.5}
NEW = {"type": "CREDIT_CARD", "name": "Gem Visa", "version": "v2", "price": 49.5}
TYPED: dict[str, Any] = {
    **{key: match.like(value) for key, value in PRODUCT.items() if key != "price"},
    "price": match.number(12.5),
}
ERROR = {"detail": match.like("what went wrong")}


@pytest.fixture
def pact(new_pact: NewPact) -> Pact:
    return new_pact("pactflow-example-catalogue", "V4")


def token_from_state() -> dict[str, Any]:
    return {"header": {"Authorization": {"type": "ProviderState", "expression": "Bearer ${token}"}}}


def test_list(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for all products")
        .given("a product with ID 7 exists", price=12.5)
        .with_request("GET", "/products")
        .will_respond_with(200)
        .with_body(match.each_like(TYPED), "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url)).products().json() == [PRODUCT]


def test_list_of_nothing(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for all products")
        .given("no products exist")
        .with_request("GET", "/products")
        .will_respond_with(200)
        .with_body("[]", "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url)).products().json() == []


def test_filter_by_type(pact: Pact) -> None:
    """Several states on one interaction: the loans have to be left out."""
    (
        pact.upon_receiving("a request for the credit cards")
        .given("2 products of type PERSONAL_LOAN exist")
        .given("1 products of type CREDIT_CARD exist")
        .with_request("GET", "/products")
        .with_query_parameter("type", "CREDIT_CARD")
        .will_respond_with(200)
        .with_body(match.each_like({"type": "CREDIT_CARD"}, min=1, max=1), "application/json")
    )
    with pact.serve() as server:
        products = Catalogue(str(server.url)).products(type="CREDIT_CARD").json()
    assert [product["type"] for product in products] == ["CREDIT_CARD"]


def test_a_page(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for the second page")
        .given("3 products of type LOAN exist")
        .with_request("GET", "/products")
        .with_query_parameters({"page": "2", "per_page": "1"})
        .will_respond_with(200)
        .with_header("Link", match.regex('<http://a/?page=1>; rel="prev"', regex='.*rel="prev".*'))
        .with_body(match.each_like({"type": "LOAN"}, min=1, max=1), "application/json")
    )
    with pact.serve() as server:
        assert 'rel="prev"' in Catalogue(str(server.url)).products(page="2", per_page="1").headers["Link"]


def test_get_by_an_id_that_the_state_returns(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for a product")
        .given("a product exists", name="MyFlexiPay")
        .with_request("GET", match.regex("/products/7", regex=r"/products/[^/]+"))
        .with_generators({"path": {"type": "ProviderState", "expression": "/products/${id}"}})
        .will_respond_with(200)
        .with_body({"id": match.like("7"), "name": "MyFlexiPay"}, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url)).product("7").json()["name"] == "MyFlexiPay"


def test_get_what_does_not_exist(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for a product")
        .given("a product with ID 404 does not exist")
        .with_request("GET", "/products/404")
        .will_respond_with(404)
        .with_body(ERROR, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url)).product("404").status_code == 404


def test_create(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to create a product")
        .given(MAY_WRITE)
        .with_request("POST", "/products")
        .with_header("Authorization", match.like(f"Bearer {TOKEN}"))
        .with_generators(token_from_state())
        .with_body(NEW, "application/json")
        .will_respond_with(201)
        .with_header("Location", match.regex("http://a/products/7", regex=r".+/products/[^/]+"))
        .with_body({**NEW, "id": match.like("7")}, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url), TOKEN).create(**NEW).headers["Location"].endswith("/products/7")


def test_create_with_fields_that_make_no_sense(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to create a product without a name")
        .given(MAY_WRITE)
        .with_request("POST", "/products")
        .with_header("Authorization", match.like(f"Bearer {TOKEN}"))
        .with_generators(token_from_state())
        .with_body({"type": "CREDIT_CARD", "price": "much"}, "application/json")
        .will_respond_with(400)
        .with_body(
            {"name": match.each_like("This is required."), "price": match.each_like("This is no number.")},
            "application/json",
        )
    )
    with pact.serve() as server:
        response = Catalogue(str(server.url), TOKEN).create(type="CREDIT_CARD", price="much")
    assert response.status_code == 400


def test_create_without_a_token(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to create a product without a token")
        .with_request("POST", "/products")
        .with_body(NEW, "application/json")
        .will_respond_with(401)
        .with_header("WWW-Authenticate", "Bearer")
        .with_body(ERROR, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url)).create(**NEW).status_code == 401


def test_read_with_a_token_that_is_not_valid(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for all products with a token that is not valid")
        .with_request("GET", "/products")
        .with_header("Authorization", "Bearer no-such-token")
        .will_respond_with(401)
        .with_header("WWW-Authenticate", "Bearer")
        .with_body(ERROR, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url), "no-such-token").products().status_code == 401


def test_replace(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to replace a product")
        .given("a product with ID 7 exists")
        .given(MAY_WRITE)
        .with_request("PUT", "/products/7")
        .with_header("Authorization", match.like(f"Bearer {TOKEN}"))
        .with_generators(token_from_state())
        .with_body(NEW, "application/json")
        .will_respond_with(200)
        .with_body({**NEW, "id": "7"}, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url), TOKEN).replace("7", **NEW).json()["name"] == "Gem Visa"


def test_change(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to change the price of a product")
        .given("a product with ID 7 exists", price=12.5)
        .given(MAY_WRITE)
        .with_request("PATCH", "/products/7")
        .with_header("Authorization", match.like(f"Bearer {TOKEN}"))
        .with_generators(token_from_state())
        .with_body({"price": None}, "application/json")
        .will_respond_with(200)
        .with_body({"id": "7", "name": match.like("28 Degrees"), "price": None}, "application/json")
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url), TOKEN).change("7", price=None).json()["price"] is None


def test_delete(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to delete a product")
        .given("a product with ID 7 exists")
        .given(MAY_WRITE)
        .with_request("DELETE", "/products/7")
        .with_header("Authorization", match.like(f"Bearer {TOKEN}"))
        .with_generators(token_from_state())
        .will_respond_with(204)
    )
    with pact.serve() as server:
        assert Catalogue(str(server.url), TOKEN).delete("7").status_code == 204
