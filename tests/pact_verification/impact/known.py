"""Contracts whose needs are known, and what the real Pact core says of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pact_verification.core.engine import running_engine
from pact_verification.impact.asking import Core, running_core
from pact_verification.impact.finding import Judged, Verified, find_verified, judge_changes
from pact_verification.impact.needs import operations_of
from pact_verification.pacts.reading import parse_pact
from pact_verification.results.exchange import RecordedMessage, RecordedResponse
from pact_verification.results.impact import OperationNeeds
from pact_verification.results.report import InteractionResult, Outcome, PactResult
from tests.pact_verification.pact_files import document, interaction

JSON = {"Content-Type": "application/json"}


@contextmanager
def core_of_a_test() -> Iterator[Core]:
    with TemporaryDirectory() as folder, running_engine() as engine, running_core([engine], Path(folder)) as core:
        yield core


def response(body: Any, status: int = 200, headers: Mapping[str, str] = JSON) -> RecordedResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RecordedResponse(status, "OK", dict(headers), content)


def contract(body: Any, rules: Any = None, *, version: str = "3.0.0", **more: Any) -> dict[str, Any]:
    """Return a pact with one interaction, which expects a body."""
    expected = {"body": body, **({"matchingRules": rules} if rules else {}), **more}
    if version.startswith("4"):
        expected["body"] = {"content": body, "contentType": "application/json", "encoded": False}
        return document(interaction("it", response=expected, type="Synchronous/HTTP"), version=version)
    return document(interaction("it", response=expected), version=version)


def of_type(*paths: str, **more: Any) -> dict[str, Any]:
    """Return V3's rules that paths of the body have the type of the example."""
    return {"body": {path: {"matchers": [{"match": "type", **more}]} for path in paths}}


def verified(pact: Any, *answers: RecordedResponse | RecordedMessage) -> list[Verified]:
    """Return the answers as a run has verified them, one for each interaction."""
    read = parse_pact(json.dumps(pact).encode(), "pacts/p.json")
    assert read
    results = [
        InteractionResult(each, Outcome.VERIFIED, answers=(answer,))
        for each, answer in zip(read.interactions, answers, strict=True)
    ]
    return list(find_verified([read], [PactResult(read, tuple(results))]))


def judged(core: Core, pact: Any, *answers: RecordedResponse | RecordedMessage) -> list[Judged]:
    found, left_out = judge_changes(core, verified(pact, *answers))
    assert left_out == []
    return found


def operations(core: Core, pact: Any, *answers: RecordedResponse | RecordedMessage) -> tuple[OperationNeeds, ...]:
    return operations_of(judged(core, pact, *answers))


def needs(core: Core, pact: Any, *answers: RecordedResponse | RecordedMessage) -> dict[str, str]:
    """Return how the consumer needs each member of the only operation; empty for a member that it does not need."""
    [operation] = operations(core, pact, *answers)
    return {each.member.title: each.needs[0].text if each.needs else "" for each in operation.members}


def kinds(core: Core, pact: Any, *answers: RecordedResponse | RecordedMessage) -> dict[str, list[str]]:
    """Return which changes of each member the consumer notices."""
    [operation] = operations(core, pact, *answers)
    return {
        each.member.title: [kind.value for need in each.needs for kind in need.noticed] for each in operation.members
    }
