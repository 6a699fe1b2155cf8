"""What reading costs in statements, and that nothing of one request stays for the next."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from products.models import Product

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("query", "statements"), [("", 1), ("?type=LOAN", 1), ("?per_page=3", 2), ("?page=2", 1)])
def test_products_are_counted_only_where_a_page_does_not_tell(client: APIClient, query: str, statements: int) -> None:
    Product.objects.bulk_create(Product(id=f"p{number}", type="LOAN", name="x") for number in range(3))
    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"/products{query}")
    assert len(queries) == statements
    assert 'rel="last"' in response["Link"]


def test_the_serializer_that_is_kept_keeps_nothing(client: APIClient) -> None:
    for price in (5.25, None, 0):
        Product.objects.update_or_create(id="p", defaults={"type": "LOAN", "name": f"at {price}", "price": price})
        expected = {"id": "p", "type": "LOAN", "name": f"at {price}", "version": "", "price": price}
        assert client.get("/products/p").json() == client.get("/product/p").json() == expected
        assert client.get("/products").json() == [expected]
