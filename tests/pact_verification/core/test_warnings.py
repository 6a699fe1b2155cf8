"""What the Pact core passes over is a warning. tests/faults/test_explained.py has it from the core."""

import json
from typing import Any

import pytest

from pact_verification.core.warnings import find_warnings
from pact_verification.pacts.pact import Interaction
from pact_verification.pacts.reading import parse_pact
from pact_verification.results.exchange import Exchange, RecordedResponse
from tests.pact_verification.pact_files import document, interaction

pytestmark = pytest.mark.no_database

LARGE = 2**53
REGEX = {"body": {"$.a": {"matchers": [{"match": "regex", "regex": "[a-z]+"}]}}}
TYPE = {"body": {"$.a": {"matchers": [{"match": "type"}]}}}


def read(body: Any, rules: Any = None) -> Interaction:
    expected = {"body": body, **({"matchingRules": rules} if rules else {})}
    pact = parse_pact(json.dumps(document(interaction("it", response=expected))).encode(), "pacts/p.json")
    assert pact
    return pact.interactions[0]


def warnings(wanted: Interaction, came: Any, *, verified: bool = True) -> tuple[str, ...]:
    body = came if isinstance(came, bytes) else json.dumps(came).encode()
    return find_warnings(wanted, Exchange(response=RecordedResponse(200, body=body)), verified=verified)


@pytest.mark.parametrize(
    ("wanted", "came", "warning"),
    [
        (
            read({"a": "x"}, REGEX),
            {"a": None},
            (
                "$['a'] is null, which the Pact core accepts for the matching rule regex [a-z]+. The pact's example is "
                "a text."
            ),
        ),
        (
            read({"it's": [1, LARGE]}),
            {"it's": [1, LARGE + 1]},
            (
                f"$['it\\'s'][1] is {LARGE + 1}, the pact says {LARGE}. To the Pact core numbers as large as these are "
                "equal."
            ),
        ),
    ],
)
def test_what_the_core_accepts(wanted: Interaction, came: Any, warning: str) -> None:
    assert warnings(wanted, came) == (warning,)
    assert warnings(wanted, came, verified=False) == ()


@pytest.mark.parametrize(
    ("wanted", "came"),
    [
        (read({"a": None}, REGEX), {"a": None}),
        (read({"a": "x"}, TYPE), {"a": None}),
        (read({"a": LARGE}), {"a": LARGE}),
        (read({"a": LARGE}, TYPE), {"a": LARGE + 1}),
        (read({"a": 1}), {"a": LARGE + 1}),
        (read({"a": True}), {"a": True, "b": LARGE + 1}),
        (read([{"a": LARGE}, {"a": LARGE + 1}]), [{"a": LARGE}, {"a": LARGE + 1}, {"a": LARGE}]),
        (read({"a": LARGE}), b"1234567890123456 is no JSON"),
        (read({"a": LARGE}), b"[" * 100_000 + b"1234567890123456"),
    ],
)
def test_what_is_no_warning(wanted: Interaction, came: Any) -> None:
    """Of a list, the first example stands for later elements, as for the core."""
    assert warnings(wanted, came) == ()
