"""The Python example consumer's expectation, as it writes it with version 2 and with version 4 of the specification."""

import pytest
from pact import match

from tests.consumers.clients import get_product
from tests.consumers.conftest import NewPact

pytestmark = pytest.mark.no_database  # a consumer has no database


@pytest.mark.parametrize(
    ("consumer", "specification"),
    [("pactflow-example-consumer-python", "V2"), ("pactflow-example-consumer-python-v4", "V4")],
)
def test_get_a_product(new_pact: NewPact, consumer: str, specification: str) -> None:
    pact = new_pact(consumer, specification)
    (
        pact.upon_receiving("a request to get a product")
        .given("a product with ID 10 exists")
        .with_request("GET", "/product/10")
        .will_respond_with(200)
        .with_body(match.like({"id": "27", "name": "Margharita", "type": "Pizza"}))
    )
    with pact.serve() as server:
        assert get_product(str(server.url), "10")["name"] == "Margharita"
