"""The catalogue from memory: what PactFlow's FastAPI example does, with `async def` routes and no response model."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response, status

FIXTURE = Path(__file__).resolve().parents[2] / "products" / "fixtures" / "catalogue.json"

app = FastAPI()

catalogue: list[dict[str, Any]] = sorted(
    (
        {"id": entry["pk"], "type": fields["type"], "name": fields["name"], "version": fields["version"], "price": None}
        for entry in json.loads(FIXTURE.read_text())
        for fields in [entry["fields"]]
    ),
    key=lambda product: str(product["id"]),
)


@app.get("/products")
async def products() -> Any:
    return catalogue


@app.get("/products/{id}")
@app.get("/product/{id}")
async def product(id: str, response: Response) -> Any:
    for candidate in catalogue:
        if candidate["id"] == id:
            return candidate
    response.status_code = status.HTTP_404_NOT_FOUND
    return {}
