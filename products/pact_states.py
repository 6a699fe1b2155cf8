"""What consumers of this API may assume before a request: the provider states of their pacts."""

import re

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from rest_framework.authtoken.models import Token

from pact_verification import provider_state, request_filter, seeded_state
from products.models import Product

seeded_state("products exist", fixtures=["catalogue"])


@provider_state("a product with ID {id} exists")
def product_exists(
    id: str,
    type: str = "CREDIT_CARD",
    name: str = "28 Degrees",
    version: str = "v1",
    price: float | None = None,
) -> dict[str, str]:
    Product.objects.create(id=id, type=type, name=name, version=version, price=price)
    return {"id": id}


@provider_state("a product with ID {id} does not exist")
def product_does_not_exist(id: str) -> None:
    Product.objects.filter(id=id).delete()


@provider_state("no products exist")
def no_products() -> None:
    Product.objects.all().delete()


@provider_state("{count:d} products of type {type} exist")
def products_of_type(count: int, type: str) -> None:
    Product.objects.bulk_create(Product(type=type, name=f"{type} {number}") for number in range(count))


@provider_state("a product exists")
def some_product(**fields: str) -> dict[str, str]:
    """With an id of the service's own making, which the pact takes from here."""
    product = Product.objects.create(**{"type": "CREDIT_CARD", "name": "28 Degrees", **fields})
    return {"id": product.id}


@provider_state("the consumer may write")
def consumer_may_write() -> dict[str, str]:
    return {"token": valid_token()}


@request_filter
def replace_a_dated_token(request: HttpRequest) -> None:
    """The JavaScript consumer's pact holds a token that is a time, long past: give it one that is valid now.

    Any other token stays as it is, and so does none: a pact that expects a 401 gets it.
    """
    if re.fullmatch(r"Bearer \d{4}-\d{2}-\d{2}T[\d:.]+Z", request.META.get("HTTP_AUTHORIZATION", "")):
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {valid_token()}"


def valid_token() -> str:
    user, _ = get_user_model().objects.get_or_create(username="consumer")
    return str(Token.objects.get_or_create(user=user)[0].key)
