"""A pact file (specification V1 to V4), read into frozen values: what we need to know of it before the core runs it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pact_verification.errors import CannotVerify, UnreadablePact

HTTP = "Synchronous/HTTP"


@dataclass(frozen=True, slots=True)
class ProviderState:
    name: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name} ({', '.join(f'{key}={value!r}' for key, value in self.params.items())})"


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and the response that the consumer expects.

    Attributes:
        kind: V4's type; in earlier versions every interaction is Synchronous/HTTP.
        pending: its failure doesn't fail the run yet: marked so in a V4 pact, or the broker says it of the whole pact.
        id: the broker's; results that are published name it.
    """

    description: str
    states: tuple[ProviderState, ...] = ()
    kind: str = HTTP
    pending: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class AtBroker:
    """What a broker says of a pact that it selected.

    Attributes:
        reason: why, such as "deployed to production, latest from main branch".
        pending: no version of the provider's branch has verified it yet, so its failure doesn't fail the run.
        wip: work in progress: pending, and selected for no other reason than that it is new.
        notices: what it wants said, each with when: "before_verification", "after_verification:success_true_…".
        results_url: where results are published.
        latest_result_url: where the latest result is read.
    """

    consumer_version: str
    reason: str
    results_url: str
    latest_result_url: str
    pending: bool = False
    wip: bool = False
    notices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pact:
    """A pact, and where it came from.

    Attributes:
        path: the file for the core to read.
        source: how to name it to a person.
        at_broker: None for a file.
    """

    consumer: str
    provider: str
    interactions: tuple[Interaction, ...]
    path: Path
    source: str
    at_broker: AtBroker | None = None

    @property
    def name(self) -> str:
        """To tell it from the others of a run."""
        return f"{self.consumer} ({self.source})" if self.at_broker else self.source


@dataclass(frozen=True, slots=True)
class Filter:
    """Which interactions to verify. Regular expressions are Python's, found anywhere in the text, case-sensitive.

    The core's own are Rust's, a panic answers an invalid one (F17), and two dialects would select differently. So the
    choice is made here, once; the core is given a copy of the pact that holds what was chosen (`copy_chosen`).
    """

    description: re.Pattern[str] | None = None
    state: re.Pattern[str] | None = None
    no_state: bool = False

    @classmethod
    def of(cls, description: str | None, state: str | None, *, no_state: bool = False) -> Self:
        """Compile a filter. Raises CannotVerify for a regular expression that isn't one."""
        return cls(
            _compile("--description", description) if description is not None else None,
            _compile("--state", state) if state is not None else None,
            no_state,
        )

    def __bool__(self) -> bool:
        return self.description is not None or self.state is not None or self.no_state

    def __str__(self) -> str:
        parts = [
            f"--description {self.description.pattern!r}" if self.description else "",
            f"--state {self.state.pattern!r}" if self.state else "",
            "--no-state" if self.no_state else "",
        ]
        return " ".join(part for part in parts if part)

    def matches(self, interaction: Interaction) -> bool:
        if self.no_state and interaction.states:
            return False
        if self.state and not any(self.state.search(state.name) for state in interaction.states):
            return False
        return not self.description or bool(self.description.search(interaction.description))

    def select(self, pact: Pact) -> Pact:
        return replace(pact, interactions=tuple(filter(self.matches, pact.interactions))) if self else pact


def copy_chosen(pact: Pact, chosen: Filter, directory: Path) -> Path:
    """Write the pact into a directory with only those interactions that a filter chooses."""
    document = json.loads(pact.path.read_text(encoding="utf-8"))
    document["interactions"] = [
        interaction for interaction in document["interactions"] if chosen.matches(_interaction(interaction))
    ]
    document.pop("messages", None)  # V3's; a message that is chosen has been refused
    path = directory / pact.path.name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _compile(option: str, expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise CannotVerify(
            f"{option} {expression!r} is not a regular expression: {error}. To find the text itself, use "
            f"{re.escape(expression)!r}."
        ) from error


def read_pact(path: Path, source: str | None = None) -> Pact | None:
    """Read a pact file.

    Args:
        path: a JSON file.
        source: how to name it to a person; by default the path.

    Returns:
        The pact, or None when the file holds JSON that is no pact.

    Raises:
        UnreadablePact: the file can't be read, isn't JSON, or is a pact with parts of the wrong shape.
    """
    source = source or str(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not JSON: {error}"
        raise UnreadablePact(f"{source} can't be read: {reason}.") from error
    if not isinstance(document, dict) or not {"consumer", "provider"} <= document.keys():
        return None
    try:
        interactions = (
            *map(_interaction, document.get("interactions", ())),
            *(Interaction(_text(message, "description"), kind="Message") for message in document.get("messages", ())),
        )
        return Pact(
            _text(document["consumer"], "name"), _text(document["provider"], "name"), interactions, path, source
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadablePact(
            f"{source} is not a pact that we can read: {type(error).__name__}: {error}. Was it written by hand?"
        ) from error


def _interaction(data: Mapping[str, Any]) -> Interaction:
    return Interaction(
        _text(data, "description"),
        _states(data),
        data.get("type", HTTP),
        data.get("pending") is True,
        str(data.get("_id") or ""),
    )


def _states(data: Mapping[str, Any]) -> tuple[ProviderState, ...]:
    """States as the core reads them: a list from V3 on, before that one name, where an empty one is none."""
    if data.get("providerStates") is not None:
        states: Sequence[Mapping[str, Any]] = data["providerStates"]
        return tuple(ProviderState(_text(state, "name"), dict(state.get("params") or {})) for state in states)
    name = data.get("providerState") or data.get("provider_state")
    return (ProviderState(name),) if name else ()


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}, not text")
    return value
