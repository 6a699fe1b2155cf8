from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from products.models import Product


@pytest.fixture
def client() -> APIClient:
    """A client that only reads."""
    return APIClient()


@pytest.fixture
def token(db: None) -> str:
    return str(Token.objects.create(user=get_user_model().objects.create(username="writer")).key)


@pytest.fixture
def writer(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def product(db: None) -> Product:
    return Product.objects.create(id="7", type="CREDIT_CARD", name="28 Degrees", version="v1", price="12.50")


def as_json(product: Product) -> dict[str, Any]:
    product.refresh_from_db()
    price = None if product.price is None else float(product.price)
    return {
        "id": product.id,
        "type": product.type,
        "name": product.name,
        "version": product.version,
        "price": price,
    }
