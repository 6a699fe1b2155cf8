"""Cutting a pact into parts for the core, each a file of some interactions."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkstemp

from pact_verification.pacts.pact import Interaction, Pact

PART_BYTES = 2_000_000
"""The size of a part, unless one interaction is larger. The core copies a whole part for each of its interactions."""


def in_parts(pact: Pact, size: int, directory: Path) -> Iterator[Pact]:
    """Write the interactions that the core can try to files, and yield their pacts.

    The files hold the bytes that were read before, so a change to the pact's own file has no effect.

    Args:
        size: how many interactions a part may have.
        directory: where the files go. It belongs to the run.
    """
    verifiable = [interaction for interaction in pact.interactions if interaction.unverifiable is None]
    if not verifiable:
        return
    size = max(1, min(size, PART_BYTES * pact.size // max(1, len(pact.content))))
    chunks = [verifiable[start : start + size] for start in range(0, len(verifiable), size)]
    # The core takes a pact with an empty list of messages for a message pact, and runs none of its interactions.
    is_unchanged = len(chunks) == 1 and len(verifiable) == pact.size and b'"messages"' not in pact.content
    for part in [pact] if is_unchanged else _parts(pact, chunks):
        descriptor, path = mkstemp(suffix=".json", dir=directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(part.content)
        yield replace(part, path=Path(path), content=b"")


def _parts(pact: Pact, chunks: Sequence[Sequence[Interaction]]) -> Iterator[Pact]:
    document = json.loads(pact.content)
    document.pop("messages", None)
    interactions = document.get("interactions", [])
    for chunk in chunks:
        document["interactions"] = [interactions[interaction.place] for interaction in chunk]
        yield replace(pact, interactions=tuple(chunk), content=json.dumps(document).encode())
