"""Beginning and ending interactions, one after the other, on the live server's thread."""

from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

from pact_verification.errors import StateError
from pact_verification.provider.isolation import Isolation
from pact_verification.provider.leaks import Surroundings
from pact_verification.provider.overheard import Overheard
from pact_verification.provider.project import NoteDoing
from pact_verification.provider.recording import Recording, Script
from pact_verification.results.crash import Crash
from pact_verification.states.asking import begin_asking
from pact_verification.states.registry import Registry


class Interactions:
    """The life of each interaction: database and base states at its beginning, teardowns and rollback at its end.

    Args:
        script: which interaction the core is running.
        surroundings: returns the process's settings and names as they were before the pact.
        note_doing: takes which code is about to run.
        is_here: whether the project runs in this process.

    Attributes:
        context: the context variables of the current interaction. The next one starts without their values.
    """

    def __init__(
        self,
        registry: Registry,
        isolation: Isolation,
        script: Script,
        overheard: Overheard,
        *,
        surroundings: Callable[[], Surroundings],
        note_doing: NoteDoing,
        is_here: bool = True,
    ) -> None:
        self.registry = registry
        self.isolation = isolation
        self.script = script
        self.overheard = overheard
        self.note_doing = note_doing
        self.surroundings = surroundings
        self.is_here = is_here
        self._outside = copy_context()
        self.context = self._outside.copy()
        self._is_database_ready = False

    def begin(self) -> None:
        """Begin the interaction that the script has just reached."""
        if (previous := self.script.previous) and not previous.ended:
            self._end_without_request(previous)
        self.overheard.forget()
        self.context.run(self._set_up)

    def end(self) -> None:
        """End the current interaction, if there is one."""
        try:
            self.context.run(self._clean_up)
        except BaseException as error:  # noqa: BLE001  # ours: a state may have replaced what we call
            self.fail_for_own_crash(error)
        self.keep_log()
        self.context = self._outside.copy()

    def prepare_next(self) -> None:
        """Make the database ready for the pact's next interaction while the core compares."""
        if self.script.is_at_the_last:
            return
        with suppress(Exception):  # the next interaction tries again, and reports it
            self.context.run(self.isolation.begin)
            self._is_database_ready = True

    def keep_log(self) -> None:
        """Record what the project has logged during the current interaction."""
        if self.overheard.records and self.script.recordings:
            self.script.current.record(log=tuple(self.overheard.records))

    def advise(self, error: BaseException) -> None:
        """Warn when the isolation itself may be the reason for an error of the project."""
        if advice := self.isolation.advice(error):
            self.script.current.warn(advice)

    def fail_for_own_crash(self, error: BaseException) -> None:
        """Fail the current interaction for an exception that this package has raised."""
        if self.script.recordings:
            states = ", ".join(f"{state.handler}" for state in self.script.current.exchange.states)
            after = f", after {states}" if states else ""
            self.script.current.fail(f"pact_verification itself{after}", error)

    def _end_without_request(self, recording: Recording) -> None:
        """End an interaction whose setup failed.

        The core sends no request then, which would have ended it.
        """
        self.context.run(self._tear_down, recording)
        self.context.run(self._put_back, recording)
        recording.end()
        self._is_database_ready = False
        self.context = self._outside.copy()

    def _set_up(self) -> None:
        recording = self.script.current
        begin_asking(is_here=self.is_here)
        doing = "Making the database ready"
        try:
            if not self._is_database_ready:
                self.isolation.begin()
            self._is_database_ready = False
            doing = "A base state"
            for handler in self.registry.base_states:
                self.note_doing(f"the base state {handler} ({handler.location})")
                recording.active.append(handler.set_up({}))
            if self.registry.base_states:
                self.isolation.commit()
        except BaseException as error:  # noqa: BLE001  # also SystemExit, and what a test framework's fail() raises
            recording.fail(doing, error)

    def _clean_up(self) -> None:
        self._is_database_ready = False
        if not self.script.recordings:
            return
        self.script.end_setup()
        recording = self.script.current
        self._tear_down(recording)
        try:
            self.isolation.roll_back()
        except BaseException as error:  # noqa: BLE001  # the next interaction tries again, and fails if that does too
            recording.warn(f"What the interaction wrote could not be taken back: {Crash.of(error).exception}")
            self.isolation.close_connections()
        self._put_back(recording)
        recording.end()

    def _put_back(self, recording: Recording) -> None:
        """Put back what the interaction left changed in the process, with a warning for each."""
        for leak in self.surroundings().put_back():
            recording.warn(leak)

    def _tear_down(self, recording: Recording) -> None:
        """Run the teardowns of the states, last first.

        One that fails is a warning: it must not hide a mismatch.
        """
        while recording.active:
            state = recording.active.pop()
            self.note_doing(f"the teardown of {state.handler} ({state.handler.location})")
            try:
                state.tear_down()
            except BaseException as error:  # noqa: BLE001  # also SystemExit
                crash = Crash.of(error)
                reason = str(error) if isinstance(error, StateError) else f"{crash.exception} ({crash.where})"
                recording.warn(f"The teardown of {state.handler.location} failed: {reason}")
