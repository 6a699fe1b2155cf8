"""How several processes of one run share the making of databases."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sharing:
    """How several processes of one run share the work: one makes the databases, and copies them for the others.

    Attributes:
        folder: for copies of SQLite's databases in memory.
        tokens: the tokens of the processes that get copies. Empty for those processes themselves.
    """

    folder: Path
    tokens: tuple[str, ...] = ()
