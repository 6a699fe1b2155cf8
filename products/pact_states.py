"""The pact test: the provider states of this API's pacts, and the messages that it publishes.

    manage.py verify_pacts    verifies every request and every message of every pact
    manage.py pact_states     lists the states and messages that the pacts need, and the functions for them

A pact names states for its requests, e.g. "a product with ID 10 exists". `verify_pacts` calls the function with that
name on an empty test database, sends the request, and rolls back. No function has to clean up.
"""

import re

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from rest_framework.authtoken.models import Token

from pact_verification import Message, captured_messages, message_producer, provider_state, request_filter, seeded_state
from products import events
from products.models import Product

# 1. A state that only loads a fixture: products/fixtures/catalogue.json.
seeded_state("products exist", fixtures=["catalogue"])


# 2. A state with a value in its name. `{id}` matches any text and becomes the argument `id`. A pact can set the other
#    arguments in the params of the state, e.g. {"price": 12.5}.
@provider_state("a product with ID {id} exists")
def product_exists(
    id: str, type: str = "CREDIT_CARD", name: str = "28 Degrees", version: str = "v1", price: float | None = None
) -> dict[str, str]:
    Product.objects.create(id=id, type=type, name=name, version=version, price=price)
    return {"id": id}


@provider_state("{count:d} products of type {type} exist")  # `:d` matches a whole number only
def products_of_type(count: int, type: str) -> None:
    Product.objects.bulk_create(Product(type=type, name=f"{type} {number}") for number in range(count))


# 3. A state that an empty database is in already. Its name still needs a function, or the run reports it as missing.
@provider_state("a product with ID {id} does not exist")
def product_does_not_exist(id: str) -> None:
    Product.objects.filter(id=id).delete()


@provider_state("no products exist")
def no_products_exist() -> None:
    Product.objects.all().delete()


# 4. A state that makes up a value. The consumer can't know this product's id, so its pact asks for /products/${id}.
#    The verifier puts in the id that the function returns.
@provider_state("a product exists")
def some_product_exists(**fields: str) -> dict[str, str]:
    product = Product.objects.create(**{"type": "CREDIT_CARD", "name": "28 Degrees", **fields})
    return {"id": product.id}


# 5. Authentication, where the pact takes the token from the state: `Authorization: Bearer ${token}`.
@provider_state("the consumer may write")
def consumer_may_write() -> dict[str, str]:
    return {"token": valid_token()}


# 6. Authentication, where the pact contains a dated token. A request filter changes a request before a view gets it.
#    This one leaves all other tokens alone, so that a pact can expect 401.
@request_filter
def replace_dated_token(request: HttpRequest) -> None:
    if re.fullmatch(r"Bearer \d{4}-\d{2}-\d{2}T[\d:.]+Z", request.META.get("HTTP_AUTHORIZATION", "")):
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {valid_token()}"


# 7. A message. The run captures what the service publishes. The state "a product with ID 7 exists" gave the `id`.
@message_producer("a product was {event}")
@captured_messages("products.events.publish", message=lambda topic, event: Message(event, metadata={"topic": topic}))
def product_was(event: str, id: str) -> None:
    events.announce(event, Product.objects.get(id=id))


def valid_token() -> str:
    user, _ = get_user_model().objects.get_or_create(username="consumer")
    return str(Token.objects.get_or_create(user=user)[0].key)
