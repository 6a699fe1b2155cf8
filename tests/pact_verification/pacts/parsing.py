"""Pact documents for tests of the reading, and their interactions."""

import json
from typing import Any

from pact_verification.pacts.pact import Pact
from pact_verification.pacts.reading import parse_pact
from tests.pact_verification.pact_files import document

PLAIN: dict[str, Any] = {"description": "d", "request": {"method": "GET", "path": "/"}, "response": {"status": 200}}


def parse(whole: Any, provider: str | None = None) -> Pact:
    content = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
    pact = parse_pact(content, "pacts/x.json", provider=provider)
    assert pact
    return pact


def pact_of(*interactions: Any, version: str = "3.0.0", **more: Any) -> dict[str, Any]:
    return document(*interactions, version=version) | more


def without(name: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in PLAIN.items() if key != name} | more
