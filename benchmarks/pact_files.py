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


def message(number: int) -> dict[str, Any]:
    """The same state, and an asynchronous message with what it wrote."""
    return {
        "description": f"product {number} was created",
        "providerStates": [{"name": f"a product with ID {number} exists"}],
        "metadata": {"contentType": "application/json"},
        "contents": product(str(number)),
    }


def ten_members(number: int) -> dict[str, Any]:
    """The same state, and a response with ten members whose type the consumer needs."""
    names = [f"member {place}" for place in range(10)]
    rules = {f"$['{name}']": {"matchers": [{"match": "type"}]} for name in names}
    return {
        **interaction(number),
        "request": {"method": "GET", "path": f"/ten/{number}"},
        "response": {"status": 200, "body": dict.fromkeys(names, "text"), "matchingRules": {"body": rules}},
    }


def write_pact_of_ten_members(path: Path, interactions: int) -> Pacts:
    return _write(path, "consumer", "interactions", [ten_members(number) for number in range(1, interactions + 1)])


def write_pact(path: Path, interactions: int, consumer: str = "consumer") -> Pacts:
    return _write(path, consumer, "interactions", [interaction(number) for number in range(1, interactions + 1)])


def write_message_pact(path: Path, messages: int) -> Pacts:
    return _write(path, "consumer", "messages", [message(number) for number in range(1, messages + 1)])


def _write(path: Path, consumer: str, name: str, interactions: list[dict[str, Any]]) -> Pacts:
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": PROVIDER},
        name: interactions,
        "metadata": {"pactSpecification": {"version": "3.0.0"}},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return Pacts(path, len(interactions))


def write_pacts(directory: Path, pacts: int, interactions: int, consumers: int) -> Pacts:
    """That many pacts of that many interactions each, the consumers taking turns."""
    directory.mkdir()
    for number in range(pacts):
        write_pact(directory / f"{number}.json", interactions, f"consumer {number % consumers}")
    return Pacts(directory, pacts * interactions)
