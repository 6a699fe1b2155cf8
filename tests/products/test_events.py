"""What the service tells others of its products' changes."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from products import events
from products.models import Product
from tests.products.conftest import as_json

Published = Callable[[], AbstractContextManager[list[dict[str, object]]]]

pytestmark = pytest.mark.django_db

NEW = {"type": "LOAN", "name": "MyFlexiPay", "version": "v2", "price": 5.25}


@pytest.fixture
def published(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Published:
    """A context in which a request commits. It gives the list of the events."""

    @contextmanager
    def commit() -> Iterator[list[dict[str, object]]]:
        published: list[dict[str, object]] = []

        def publish(topic: str, event: dict[str, object]) -> None:
            assert topic == "products"
            published.append(event)

        with patch.object(events, "publish", publish), django_capture_on_commit_callbacks(execute=True):
            yield published

    return commit


def test_a_product_was_created(writer: APIClient, published: Published) -> None:
    with published() as found:
        created = writer.post("/products", NEW).json()
    assert found == [{"event": "created", **created}]
    assert found[0]["price"] == 5.25


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_product_was_changed(writer: APIClient, product: Product, method: str, published: Published) -> None:
    with published() as found:
        changed = getattr(writer, method)("/products/7", NEW).json()
    assert found == [{"event": "changed", **changed}]
    assert found[0]["name"] == "MyFlexiPay"


def test_a_product_was_deleted(writer: APIClient, product: Product, published: Published) -> None:
    before = as_json(product)
    with published() as found:
        assert writer.delete("/products/7").status_code == 204
    assert found == [{"event": "deleted", **before}]


def test_a_request_that_changes_nothing_is_no_event(
    client: APIClient, writer: APIClient, product: Product, published: Published
) -> None:
    with published() as found:
        assert client.get("/products/7").status_code == 200
        assert client.delete("/products/7").status_code == 401
        assert writer.post("/products", {**NEW, "id": "7"}).status_code == 409
        assert writer.put("/products/7", {}).status_code == 400
        assert writer.delete("/products/8").status_code == 404
    assert found == []


@pytest.mark.django_db(transaction=True)
def test_an_event_waits_for_the_commit(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "products.events")
    with transaction.atomic():
        events.announce("changed", product)
        assert caplog.messages == []
    (message,) = caplog.messages
    assert message.startswith("products: {'event': 'changed', 'id': '7',")


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_undoes_nothing(
    writer: APIClient, product: Product, caplog: pytest.LogCaptureFixture
) -> None:
    with patch.object(events, "publish", side_effect=ConnectionError("no broker")):
        assert writer.delete("/products/7").status_code == 204
    assert "no broker" in caplog.text
    assert not Product.objects.exists()
