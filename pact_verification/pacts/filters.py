"""Choosing interactions by description, provider state, key, id or last result."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Interaction


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interactions to verify.

    Regular expressions are Python's and case-sensitive. They may match anywhere in the text.

    The core has filters too. They are Rust's dialect, and an invalid one makes the core panic. So the choice is made
    here, and `parts` gives the core a copy of the pact with the chosen interactions. See docs/explanation/pact-core.md,
    Matching.

    Attributes:
        id: the broker's id of the only interaction to verify.
        variables: the environment variables that set parts of the filter.
    """

    description: re.Pattern[str] | None = None
    state: re.Pattern[str] | None = None
    no_state: bool = False
    keys: frozenset[str] = frozenset()
    last_failed: frozenset[str] | None = None
    id: str | None = None
    variables: frozenset[str] = frozenset()

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

    def with_variables(self) -> Self:
        """Add the environment variables of other Pact tools. An option takes precedence over its variable.

        Raises:
            CannotVerify: a variable holds an invalid regular expression.
        """
        read: dict[str, Any] = {}
        if not self.description and conf.PACT_DESCRIPTION:
            read["PACT_DESCRIPTION"] = "description", _compile("PACT_DESCRIPTION", conf.PACT_DESCRIPTION)
        if not self.state and not self.no_state and conf.PACT_PROVIDER_STATE is not None:
            state = conf.PACT_PROVIDER_STATE
            read["PACT_PROVIDER_STATE"] = (
                ("state", _compile("PACT_PROVIDER_STATE", state)) if state else ("no_state", True)
            )
        if not self.keys and conf.PACT_BROKER_INTERACTION_ID:
            read["PACT_BROKER_INTERACTION_ID"] = "id", conf.PACT_BROKER_INTERACTION_ID
        return replace(self, **dict(read.values()), variables=frozenset(read))

    @property
    def warning(self) -> str | None:
        """What a reader has to know of the variables, since one may be left over from earlier work."""
        if not self.variables:
            return None
        named = " ".join(text for text in self._parts() if text.startswith("PACT_"))
        return f"The environment leaves interactions out: {named}. To verify everything, unset what is left over."

    def __bool__(self) -> bool:
        return self != type(self)()

    @property
    def by_key(self) -> bool:
        """Whether the filter names interactions by their keys."""
        return bool(self.keys) or self.id is not None or self.last_failed is not None

    def __str__(self) -> str:
        return " ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        """Yield the options, or the variables in their place."""
        if self.description:
            text = repr(self.description.pattern)
            is_variable = "PACT_DESCRIPTION" in self.variables
            yield f"PACT_DESCRIPTION={text}" if is_variable else f"--description {text}"
        if self.state or self.no_state:
            text = repr(self.state.pattern if self.state else "")
            is_variable = "PACT_PROVIDER_STATE" in self.variables
            yield f"PACT_PROVIDER_STATE={text}" if is_variable else f"--state {text}" if self.state else "--no-state"
        yield from (f"--interaction {key}" for key in sorted(self.keys))
        if self.id is not None:
            yield f"PACT_BROKER_INTERACTION_ID={self.id!r}"
        if self.last_failed is not None:
            yield "--last-failed"

    def matches(self, interaction: Interaction) -> bool:
        if self.id is not None and interaction.id != self.id:
            return False
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
