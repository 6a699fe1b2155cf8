"""Choosing interactions by description, provider state, key or last result."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interactions to verify.

    Regular expressions are Python's and case-sensitive. They may match anywhere in the text.

    The core has filters too. They are Rust's dialect, and an invalid one makes the core panic. So the choice is made
    here, and `parts` gives the core a copy of the pact with the chosen interactions. See docs/pact-core.md, Matching.
    """

    description: re.Pattern[str] | None = None
    state: re.Pattern[str] | None = None
    no_state: bool = False
    keys: frozenset[str] = frozenset()
    last_failed: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        description: str | None = None,
        state: str | None = None,
        *,
        no_state: bool = False,
        keys: Sequence[str] = (),
        last_failed: frozenset[str] | None = None,
    ) -> Self:
        """Compile a filter. Raise CannotVerify for an invalid regular expression."""
        return cls(
            _compile("--description", description) if description is not None else None,
            _compile("--state", state) if state is not None else None,
            no_state,
            frozenset(keys),
            last_failed,
        )

    def __bool__(self) -> bool:
        return self != type(self)()

    @property
    def by_key(self) -> bool:
        """Whether the filter names interactions by their keys."""
        return bool(self.keys) or self.last_failed is not None

    def __str__(self) -> str:
        parts = [
            f"--description {self.description.pattern!r}" if self.description else "",
            f"--state {self.state.pattern!r}" if self.state else "",
            "--no-state" if self.no_state else "",
            *(f"--interaction {key}" for key in sorted(self.keys)),
            "--last-failed" if self.last_failed is not None else "",
        ]
        return " ".join(part for part in parts if part)

    def matches(self, interaction: Interaction) -> bool:
        if self.keys and interaction.key not in self.keys:
            return False
        if self.last_failed is not None and interaction.key not in self.last_failed:
            return False
        if self.no_state and interaction.states:
            return False
        if self.state and not any(self.state.search(state.name) for state in interaction.states):
            return False
        return not self.description or bool(self.description.search(interaction.description))

    def select(self, interactions: Sequence[Interaction]) -> tuple[Interaction, ...]:
        return tuple(filter(self.matches, interactions)) if self else tuple(interactions)


def _compile(option: str, expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise CannotVerify(
            f"{option} {expression!r} is not a regular expression: {error}. To find the text itself, use "
            f"{re.escape(expression)!r}."
        ) from error
