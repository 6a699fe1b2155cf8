"""A FastAPI provider with a list in memory and a URL that sets provider states, for `pact verifier`."""

from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from benchmarks.pact_files import product

app = FastAPI()
products: list[dict[str, Any]] = []


class StateChange(BaseModel):
    state: str
    action: str = "setup"


@app.get("/product/{id}")
async def read_product(id: str) -> dict[str, Any]:
    for each in products:
        if each["id"] == id:
            return each
    raise HTTPException(404)


@app.post("/_pact/provider_states")
async def set_state(change: StateChange) -> dict[str, str]:
    products.clear()
    if change.action == "setup":
        products.append(product(change.state.split()[4]))
    return {}
