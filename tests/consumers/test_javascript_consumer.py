"""The JavaScript example consumer's expectations: every GET carries a token that is a time, long past."""

import pytest
from pact import Pact, match

from tests.consumers.clients import get_with_dated_token
from tests.consumers.conftest import NewPact

pytestmark = pytest.mark.no_database  # a consumer has no database

TOKEN = "Bearer 2019-01-14T11:34:18.045Z"
CONTENT_TYPE = "application/json; charset=utf-8"
PRODUCT = {"id": "10", "type": "CREDIT_CARD", "name": "28 Degrees"}


@pytest.fixture
def pact(new_pact: NewPact) -> Pact:
    return new_pact("pactflow-example-consumer", "V2")


def test_get_a_product(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to get a product")
        .given("a product with ID 10 exists")
        .with_request("GET", "/product/10")
        .with_header("Authorization", match.like(TOKEN))
        .will_respond_with(200)
        .with_body(match.like(PRODUCT), CONTENT_TYPE)
    )
    with pact.serve() as server:
        assert get_with_dated_token(str(server.url), "/product/10").json() == PRODUCT


def test_a_product_that_does_not_exist(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to get a product")
        .given("a product with ID 11 does not exist")
        .with_request("GET", "/product/11")
        .with_header("Authorization", match.like(TOKEN))
        .will_respond_with(404)
    )
    with pact.serve() as server:
        assert get_with_dated_token(str(server.url), "/product/11").status_code == 404


def test_get_all_products(pact: Pact) -> None:
    (
        pact.upon_receiving("a request to get all products")
        .given("products exist")
        .with_request("GET", "/products")
        .with_header("Authorization", match.like(TOKEN))
        .will_respond_with(200)
        .with_body(match.each_like(PRODUCT), CONTENT_TYPE)
    )
    with pact.serve() as server:
        assert get_with_dated_token(str(server.url), "/products").json() == [PRODUCT]
