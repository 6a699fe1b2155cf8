"""How four applications use the API: the code that their consumer tests drive, and nothing more."""

from typing import Any

import requests

TIMEOUT = 5


def get_product(url: str, id: str) -> dict[str, Any]:
    """What the Python example consumer does."""
    response = requests.get(f"{url}/product/{id}", timeout=TIMEOUT)
    response.raise_for_status()
    product: dict[str, Any] = response.json()
    return product


def get_with_dated_token(url: str, path: str) -> requests.Response:
    """What the JavaScript example consumer does: its token is the time at which it was made."""
    return requests.get(f"{url}{path}", headers={"Authorization": "Bearer 2019-01-14T11:34:18.045Z"}, timeout=TIMEOUT)


class Catalogue:
    """A back office that keeps the catalogue: it uses all of the API.

    Args:
        url: where the API is.
        token: for writing; reading needs none.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def products(self, **query: str) -> requests.Response:
        return self.session.get(f"{self.url}/products", params=query, timeout=TIMEOUT)

    def product(self, id: str) -> requests.Response:
        return self.session.get(f"{self.url}/products/{id}", timeout=TIMEOUT)

    def create(self, **fields: Any) -> requests.Response:
        return self.session.post(f"{self.url}/products", json=fields, timeout=TIMEOUT)

    def replace(self, id: str, **fields: Any) -> requests.Response:
        return self.session.put(f"{self.url}/products/{id}", json=fields, timeout=TIMEOUT)

    def change(self, id: str, **fields: Any) -> requests.Response:
        return self.session.patch(f"{self.url}/products/{id}", json=fields, timeout=TIMEOUT)

    def delete(self, id: str) -> requests.Response:
        return self.session.delete(f"{self.url}/products/{id}", timeout=TIMEOUT)


class SearchIndex:
    """A search that follows the catalogue: it listens to its events and asks for nothing.

    Args:
        names: the names of the products that can be found, by their ids.
    """

    def __init__(self, names: dict[str, str] | None = None) -> None:
        self.names = names or {}

    def receive(self, topic: str, event: dict[str, Any]) -> None:
        if topic not in {"products", "catalogue"}:
            return
        if event["event"] == "deleted":
            self.names.pop(event["id"], None)
        else:
            self.names[event["id"]] = event["name"]
