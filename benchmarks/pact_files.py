"""Pacts to measure with. The project's own example, the floor and all peers keep them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROVIDER = "bench"


@dataclass(frozen=True, slots=True)
class Pacts:
    """A pact file or a directory of them, and how many interactions are in it."""

    path: Path
    interactions: int


def product(id: str) -> dict[str, Any]:
    """The product that a provider state puts there."""
    return {"id": id, "type": "CREDIT_CARD", "name": "28 Degrees", "version": "v1", "price": None}


def interaction(number: int) -> dict[str, Any]:
    """A state that writes, and a request that reads what it wrote."""
    return {
        "description": f"a request for product {number}",
        "providerStates": [{"name": f"a product with ID {number} exists"}],
        "request": {"method": "GET", "path": f"/product/{number}", "headers": {"Accept": "application/json"}},
        "response": {"status": 200, "headers": {"Content-Type": "application/json"}, "body": product(str(number))},
    }


def write_pact(path: Path, interactions: int, consumer: str = "consumer") -> Pacts:
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": PROVIDER},
        "interactions": [interaction(number) for number in range(1, interactions + 1)],
        "metadata": {"pactSpecification": {"version": "3.0.0"}},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return Pacts(path, interactions)


def write_pacts(directory: Path, pacts: int, interactions: int, consumers: int) -> Pacts:
    """That many pacts of that many interactions each, the consumers taking turns."""
    directory.mkdir()
    for number in range(pacts):
        write_pact(directory / f"{number}.json", interactions, f"consumer {number % consumers}")
    return Pacts(directory, pacts * interactions)
