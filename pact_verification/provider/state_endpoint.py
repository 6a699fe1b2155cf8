"""The state endpoint: the core asks it to set up the provider states of each interaction."""

from http import HTTPStatus
from json import dumps, loads
from typing import Any

from pact_verification.errors import StateError
from pact_verification.pacts.pact import UNKNOWN_STATE, ProviderState
from pact_verification.provider.http_connection import Response, empty_response, status_line
from pact_verification.provider.interactions import Interactions
from pact_verification.provider.recording import OutOfStep
from pact_verification.results.exchange import SetUpState
from pact_verification.system import clock


class StateEndpoint:
    """Answers the core's state calls, on the live server's thread.

    Args:
        request_timeout: seconds that a state may take.
    """

    def __init__(self, interactions: Interactions, request_timeout: float) -> None:
        self.interactions = interactions
        self.script = interactions.script
        self.request_timeout = request_timeout

    def answer(self, body: bytes) -> Response:
        """Return 200 with the state's values, or 422 for a state that failed.

        After a 5xx the core would ask again for two minutes. See docs/explanation/pact-core.md, "State endpoint".
        """
        values: dict[str, Any] = {}
        try:
            call = loads(body)
            if self.script.begins_with(call["state"]):
                self.interactions.begin()
            values = self.interactions.context.run(self._set_up, call["state"], call.get("params") or {})
        except OutOfStep as error:
            self.script.lose_step(str(error))
        except BaseException as error:  # noqa: BLE001  # ours: a state may have replaced what we call
            self.interactions.fail_for_own_crash(error)
        self.interactions.keep_log()
        if not self.script.recordings or self.script.current.exchange.state_error is not None:
            return empty_response(HTTPStatus.UNPROCESSABLE_ENTITY)
        return status_line(HTTPStatus.OK), [("Content-Type", "application/json")], dumps(values).encode()

    def _set_up(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Set up one state of the current interaction.

        Returns its values, and none if the interaction has failed.
        """
        recording = self.script.current
        if recording.exchange.state_error is not None or not name:
            return {}
        started = clock.seconds()
        try:
            match = self.interactions.registry.states.find(name)
            if match is None and name == UNKNOWN_STATE:
                return {}
            if match is None:
                raise StateError(f"No handler for the state {name!r}.")
            self.interactions.note_doing(f"the state {name!r} ({match.handler.location})")
            state = match.handler.set_up(match.arguments(name, params))
            recording.active.append(state)
            values = state.values()
            recording.add_state(
                SetUpState(ProviderState(name, params), f"{match.handler} ({match.handler.location})", values)
            )
            self.interactions.isolation.commit()
            taken = clock.seconds() - started
            if taken > self.request_timeout:
                raise StateError(
                    f"The state {name!r} took {taken:.1f} s, and may take {self.request_timeout:g} s "
                    f"(--request-timeout). ({match.handler.location})"
                )
        except BaseException as error:  # noqa: BLE001  # also SystemExit, and what a test framework's fail() raises
            recording.fail(f"The state {name!r}", error)
            self.interactions.advise(error)
            return {}
        return values
