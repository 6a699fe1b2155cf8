"""Warnings about what the Pact core gets wrong silently.

See docs/explanation/pact-core.md, Matching.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pact_verification.core.request_check import wanted_values
from pact_verification.pacts.pact import Expected, Interaction, PactMessage
from pact_verification.results.exchange import Exchange
from pact_verification.text import read_json

INEXACT_FROM = 2**53
"""The size from which JSON numbers are not exact in every language."""

MANY_DIGITS = re.compile(rb"\d{16}")


def find_warnings(interaction: Interaction, exchange: Exchange, *, verified: bool) -> tuple[str, ...]:
    """Find what the core has passed over in an interaction.

    Args:
        verified: the core found no mismatch.
    """
    found = [*interaction.warnings, *_missing_values(interaction, exchange)]
    came = exchange.message if interaction.is_message else exchange.response
    if generators := interaction.wanted.generators:
        found.append(
            f"The pact has generators for the {'message' if interaction.is_message else 'response'} "
            f"({', '.join(generators)}). The Pact core ignores them, and compares with the example."
        )
    if verified and came:
        with suppress(ValueError, RecursionError):
            found += _in_body(interaction.wanted, came.body)
    return tuple(found)


def _missing_values(interaction: Interaction, exchange: Exchange) -> Iterator[str]:
    """Yield a warning for each value of a generator that no provider state gave."""
    if not exchange.request and not exchange.producer:
        return
    given: set[str] = set()
    for state in exchange.states:
        given |= {*state.values, *state.state.params}
    for name in wanted_values(interaction):
        if name not in given:
            known = f"give {', '.join(sorted(given))}" if given else "give no values"
            yield (
                f"The pact's request wants the value {name!r} of a provider state, and the states {known}. The "
                f"{'producer got' if exchange.producer else 'Pact core sent'} the example. A state handler returns "
                "such values in a dict."
            )


def _in_body(expected: Expected | PactMessage, body: bytes) -> Iterator[str]:
    has_null = b"null" in body and any(rule.has("regex") for rule in expected.rules.body.values())
    if has_null or MANY_DIGITS.search(body):
        yield from _walk(expected, read_json(body), expected.body, "$")


def _walk(expected: Expected | PactMessage, came: Any, wanted: Any, path: str) -> Iterator[str]:
    if isinstance(came, Mapping):
        for key, value in came.items():
            there = wanted.get(key) if isinstance(wanted, Mapping) else None
            yield from _walk(expected, value, there, f"{path}[{_quoted(key)}]")
    elif isinstance(came, list):
        for index, value in enumerate(came):
            there = wanted[index if index < len(wanted) else 0] if isinstance(wanted, list) and wanted else None
            yield from _walk(expected, value, there, f"{path}[{index}]")
    elif came is None and wanted is not None and (rule := expected.rules.of_body(path)) and rule.has("regex"):
        yield f"{path} is null, which the Pact core accepts for the matching rule {rule}. The pact's example is a text."
    elif _is_large(came) and _is_large(wanted) and came != wanted and not expected.rules.of_body(path):
        yield f"{path} is {came}, the pact says {wanted}. To the Pact core numbers as large as these are equal."


def _is_large(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= INEXACT_FROM


def _quoted(key: str) -> str:
    return "'" + json.dumps(key, ensure_ascii=False)[1:-1].replace("'", "\\'") + "'"
