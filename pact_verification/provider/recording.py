"""What the live server sees of each interaction, and which interaction it is that it sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pact_verification.errors import StateError
from pact_verification.pacts.pact import Interaction
from pact_verification.results.crash import Crash
from pact_verification.results.exchange import Exchange, SetUpState
from pact_verification.states.handlers import ActiveState


@dataclass
class Recording:
    """An interaction while it runs.

    Attributes:
        exchange: what a report keeps of it.
        ended: the states are torn down, and the exchange is final.
    """

    interaction: Interaction
    states_called: int = 0
    active: list[ActiveState] = field(default_factory=list)
    exchange: Exchange = Exchange()
    ended: bool = False

    def note(self, **seen: Any) -> None:
        self.exchange = replace(self.exchange, **seen)

    def set_up(self, state: SetUpState) -> None:
        self.note(states=(*self.exchange.states, state))

    def warn(self, text: str) -> None:
        self.note(warnings=(*self.exchange.warnings, text))

    def note_crash(self, what: str, error: BaseException) -> None:
        """Record that a state handler raised. A StateError says all there is to say."""
        if isinstance(error, StateError):
            self.note(state_error=str(error))
            return
        crash = Crash.of(error)
        at = f" ({crash.where})" if crash.where else ""
        self.note(crash=crash, state_error=f"{what} raised {crash.exception}{at}")

    @property
    def all_states_called(self) -> bool:
        """The core calls once for every state, and once with an empty name when there is none (F4)."""
        return self.states_called >= max(1, len(self.interaction.states))


class OutOfStep(Exception):
    """The core asks for something else than the pact's next interaction."""


class Script:
    """Which interaction is on: the pact's, in the order of the file, which is the order in which the core runs them.

    An interaction begins at the first state call after a request or a teardown (F4), and also when the one before has
    had all its states: after a setup that failed, neither request nor teardown follows (F5).
    """

    def __init__(self, interactions: Sequence[Interaction]) -> None:
        self.interactions = interactions
        self.recordings: list[Recording] = []
        self.in_setup = False

    @property
    def current(self) -> Recording:
        if not self.recordings:
            raise OutOfStep("a request came before any state call")
        return self.recordings[-1]

    def begins_with(self, state: str) -> bool:
        """Take a state call. Returns whether it begins an interaction."""
        begins = not self.in_setup or self.current.all_states_called
        if begins:
            if len(self.recordings) == len(self.interactions):
                raise OutOfStep(f"the state {state!r} was asked for after the last interaction")
            self.recordings.append(Recording(self.interactions[len(self.recordings)]))
            self.in_setup = True
        recording = self.current
        names = [known.name for known in recording.interaction.states] or [""]
        if state != names[recording.states_called]:
            raise OutOfStep(
                f"the state {state!r} was asked for, and the pact's next interaction, "
                f"{recording.interaction.description!r}, has {names[recording.states_called]!r}"
            )
        recording.states_called += 1
        return begins

    def end_setup(self) -> None:
        self.in_setup = False

    def lose_step(self, reason: str) -> None:
        """Note that nothing after this can be told to belong to anything: it fails, rather than be green by chance."""
        if not self.recordings:
            self.recordings.append(Recording(Interaction("?")))
        self.current.note(state_error=f"The verifier is out of step with the pact: {reason}.")
