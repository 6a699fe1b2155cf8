import json
import logging

from django.db import transaction
from rest_framework.renderers import JSONRenderer

from products.models import Product
from products.serializers import ProductSerializer

TOPIC = "products"


def announce(event: str, product: Product) -> None:
    message = {"event": event, **json.loads(JSONRenderer().render(ProductSerializer(product).data))}  # as in the API
    transaction.on_commit(lambda: publish(TOPIC, message), robust=True)  # a broker's error is logged


def publish(topic: str, event: dict[str, object]) -> None:
    """Give an event to other services. This example has no message broker: call your client here."""
    logging.getLogger(__name__).info("%s: %s", topic, event)
