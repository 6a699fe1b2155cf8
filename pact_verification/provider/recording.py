"""What the live server sees of each interaction, and which interaction the core is running."""

from collections.abc import Iterator, Sequence
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
        states_called: how many of its states the core has asked for.
        active: the states that are set up and not torn down yet.
        exchange: what a report keeps of the interaction.
        raised: the exception that failed the interaction, with its frames, until the interaction has ended.
        ended: whether the states are torn down and the exchange is final.
    """

    interaction: Interaction
    states_called: int = 0
    active: list[ActiveState] = field(default_factory=list)
    exchange: Exchange = Exchange()
    raised: BaseException | None = None
    ended: bool = False

    def record(self, **seen: Any) -> None:
        """Set attributes of the exchange."""
        self.exchange = replace(self.exchange, **seen)

    def add_state(self, state: SetUpState) -> None:
        """Record that a state was set up."""
        self.record(states=(*self.exchange.states, state))

    def warn(self, text: str) -> None:
        """Record what does not change the outcome."""
        self.record(warnings=(*self.exchange.warnings, text))

    def end(self) -> None:
        """Take it that the exchange is final. The frames of an exception would keep objects alive."""
        self.ended = True
        self.raised = None

    def fail(self, where: str, error: BaseException) -> None:
        """Record that the interaction could not be set up.

        The text of a StateError stands alone.

        Args:
            where: which code raised the error, such as "The state 'a product exists'".
        """
        if isinstance(error, StateError):
            self.record(state_error=str(error))
            return
        self.raised = error
        crash = Crash.of(error)
        at = f" ({crash.where})" if crash.where else ""
        self.record(crash=crash, state_error=f"{where} raised {crash.exception}{at}")

    @property
    def all_states_called(self) -> bool:
        """Whether the core has made its last state call.

        It makes one, with an empty name, when there is no state.
        """
        return self.states_called >= max(1, len(self.interaction.states))


class OutOfStep(Exception):
    """The core asks for something else than the pact's next interaction."""


class Script:
    """The interactions of a pact, in the order in which the core runs them, and what was seen of each.

    An interaction begins at the first state call after a request. It also begins when the one before has had all its
    states: after a setup that failed, the core sends no request. See docs/explanation/pact-core.md, "Order of
    interactions and state calls".
    """

    def __init__(self, interactions: Sequence[Interaction] = ()) -> None:
        self.interactions = interactions
        self.recordings: list[Recording] = []
        self.in_setup = False
        self._handed_over = 0

    def expect(self, interactions: Sequence[Interaction]) -> None:
        """Begin with another pact."""
        self.interactions = interactions
        self.recordings = []
        self.in_setup = False
        self._handed_over = 0

    @property
    def current(self) -> Recording:
        """The interaction that runs. Raises OutOfStep before the first."""
        if not self.recordings:
            raise OutOfStep("a request came before any state call")
        return self.recordings[-1]

    @property
    def number(self) -> int:
        """The number of the interaction that runs, from 0; -1 before the first."""
        return len(self.recordings) - 1

    @property
    def previous(self) -> Recording | None:
        """The interaction before the one that runs."""
        return self.recordings[-2] if len(self.recordings) > 1 else None

    @property
    def is_at_the_last(self) -> bool:
        """Whether no interaction of the pact follows."""
        return len(self.recordings) == len(self.interactions)

    def begins_with(self, state: str) -> bool:
        """Take a state call. Returns whether it begins an interaction."""
        begins = not self.in_setup or self.current.all_states_called
        if begins:
            if self.is_at_the_last:
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
        """Take it that the next state call begins an interaction."""
        self.in_setup = False

    def lose_step(self, reason: str) -> None:
        """Fail the interaction that runs. What follows may belong to another one."""
        if not self.recordings:
            self.recordings.append(Recording(Interaction("?")))
        self.current.record(state_error=f"The verifier is out of step with the pact: {reason}.")

    def newly_ended(self) -> Iterator[tuple[int, Exchange]]:
        """Yield each interaction that has ended, once, with its number."""
        while self._handed_over < len(self.recordings) and self.recordings[self._handed_over].ended:
            yield self._handed_over, self.recordings[self._handed_over].exchange
            self._handed_over += 1
