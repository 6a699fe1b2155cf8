"""A search index that follows the catalogue: what it needs of the events, and of the topic that brings them."""

import json
from typing import Any

import pytest
from pact import Pact, match

from tests.consumers.clients import SearchIndex
from tests.consumers.conftest import NewPact

pytestmark = pytest.mark.no_database  # a consumer has no database

EXISTS = "a product with ID 7 exists"


@pytest.fixture
def pact(new_pact: NewPact) -> Pact:
    return new_pact("pactflow-example-search", "V4")


def receive(pact: Pact, index: SearchIndex) -> None:
    """Give the index the example of the pact's message."""

    def handle(body: str | bytes | None, metadata: dict[str, object]) -> None:
        assert body is not None
        index.receive(str(metadata["topic"]), json.loads(body))

    pact.verify(handle, "Async")


@pytest.mark.parametrize("event", ["created", "changed"])
def test_a_product_to_find(pact: Pact, event: str) -> None:
    body: dict[str, Any] = {
        "event": event,
        "id": "7",
        "type": match.like("CREDIT_CARD"),
        "name": match.like("28 Degrees"),
        "price": match.number(12.5),
    }
    (
        pact.upon_receiving(f"a product was {event}", "Async")
        .given(EXISTS, price=12.5)
        .with_body(body, "application/json")
        .with_metadata(topic=match.regex("products", regex="products|catalogue"))
    )
    index = SearchIndex()
    receive(pact, index)
    assert index.names == {"7": "28 Degrees"}


def test_a_product_that_is_gone(pact: Pact) -> None:
    (
        pact.upon_receiving("a product was deleted", "Async")
        .given(EXISTS)
        .with_body({"event": "deleted", "id": "7"}, "application/json")
        .with_metadata(topic=match.regex("products", regex="products|catalogue"))
    )
    index = SearchIndex({"7": "28 Degrees"})
    receive(pact, index)
    assert index.names == {}
