"""Pact files for tests, written as a consumer would leave them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

State = str | tuple[str, Mapping[str, Any]]


def interaction(
    description: str,
    path: str = "/items",
    *,
    states: Sequence[State] = (),
    method: str = "GET",
    status: int = 200,
    request: Mapping[str, Any] | None = None,
    response: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An interaction of a V3 pact; `request` and `response` add to what the other arguments say of them."""
    return {
        "description": description,
        "providerStates": [
            {"name": state} if isinstance(state, str) else {"name": state[0], "params": state[1]} for state in states
        ],
        "request": {"method": method, "path": path, **(request or {})},
        "response": {"status": status, **(response or {})},
        **more,
    }


def document(
    *interactions: Mapping[str, Any], consumer: str = "shop", provider: str = "testapp", version: str = "3.0.0"
) -> dict[str, Any]:
    return {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": list(interactions),
        "metadata": {"pactSpecification": {"version": version}},
    }


def write_pact(path: Path, *interactions: Mapping[str, Any], **names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(*interactions, **names)))
    return path


EMPTY = interaction("an empty list", response={"body": []})
GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})
CREATE = interaction(
    "create",
    method="POST",
    request={"headers": {"Content-Type": "application/json"}, "body": {"name": "cup"}},
    status=201,
    response={"body": {"name": "cup"}},
)
