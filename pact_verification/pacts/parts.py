"""Cutting a pact into parts for the core, each a file of some interactions."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.schema import MESSAGE, SYNCHRONOUS

PART_BYTES = 2_000_000
"""The size of a part, unless one interaction is larger. The core copies a whole part for each of its interactions."""


def in_parts(pact: Pact, size: int, directory: Path) -> Iterator[Pact]:
    """Write the interactions that the core can try to files, and yield their pacts.

    The files hold the bytes that were read before, so a change to the pact's own file has no effect. A synchronous
    message stands once for each of its responses, since the core compares only the first.

    Args:
        size: how many interactions a part may have.
        directory: where the files go. It belongs to the run.
    """
    verifiable = [interaction for interaction in pact.interactions if interaction.unverifiable is None]
    if not verifiable:
        return
    size = max(1, min(size, PART_BYTES * pact.size // max(1, len(pact.content))))
    # In V3 a message pact is another document than one with requests.
    lists = [[each for each in verifiable if (each.kind == MESSAGE) is of_messages] for of_messages in (False, True)]
    chunks = [found[start : start + size] for found in lists for start in range(0, len(found), size)]
    # The core takes a pact with an empty list of messages for a message pact, and runs none of its interactions.
    is_unchanged = (
        len(chunks) == 1
        and len(verifiable) == pact.size
        and b'"messages"' not in pact.content
        and all(len(each.messages) <= 1 for each in verifiable)
    )
    for part in [pact] if is_unchanged else _parts(pact, chunks):
        descriptor, path = mkstemp(suffix=".json", dir=directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(part.content)
        yield replace(part, path=Path(path), content=b"")


def _parts(pact: Pact, chunks: Sequence[Sequence[Interaction]]) -> Iterator[Pact]:
    document = json.loads(pact.content)
    lists = {name: document.pop(name, []) for name in ("interactions", "messages")}
    for chunk in chunks:
        name = "messages" if chunk[0].kind == MESSAGE else "interactions"
        interactions = [each for interaction in chunk for each in _responses(interaction)]
        found = [_with_one_response(lists[name][each.place], each) for each in interactions]
        yield replace(pact, interactions=tuple(interactions), content=json.dumps({**document, name: found}).encode())


def _responses(interaction: Interaction) -> Iterator[Interaction]:
    """Yield the interaction once for each response that the core has to compare."""
    for number in range(max(1, len(interaction.messages))):
        yield replace(interaction, response=number)


def _with_one_response(data: dict[str, Any], interaction: Interaction) -> dict[str, Any]:
    if interaction.kind != SYNCHRONOUS:
        return data
    return {**data, "response": [data["response"][interaction.response]]}
