"""What the live server's thread does with each request: a state call, or a request to the project."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

from pact_verification.provider.board import Board
from pact_verification.provider.http_connection import Response, empty_response, read_body, status_line
from pact_verification.provider.interactions import Interactions
from pact_verification.provider.project_endpoint import ProjectEndpoint
from pact_verification.provider.state_endpoint import StateEndpoint
from pact_verification.results.exchange import Exchange
from pact_verification.system import clock


class RequestHandler:
    """Gives each request to the endpoint that it is for, and keeps account of what that took.

    Args:
        state_path: returns the path of the state endpoint, which changes from pact to pact.
        board: where other threads and processes read what this thread is doing.
        refused: request lines that the HTTP server has refused meanwhile. They are taken out.
        seen: called with the number of each interaction that has ended, and with its exchange.
    """

    def __init__(
        self,
        interactions: Interactions,
        states: StateEndpoint,
        project: ProjectEndpoint,
        *,
        state_path: Callable[[], str],
        board: Board,
        refused: list[str],
        seen: Callable[[int, Exchange], None],
    ) -> None:
        self.interactions = interactions
        self.script = interactions.script
        self.states = states
        self.project = project
        self.state_path = state_path
        self.board = board
        self.refused = refused
        self.seen = seen
        self._process = os.getpid()
        self._request_was_answered = False

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Return the response to a request of the verifier's."""
        if environ["PATH_INFO"] == self.state_path():
            with self._busy("a state call"):
                return self.states.answer(read_body(environ))
        with self._busy(f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}") as started:
            if not self.script.recordings:  # the core begins with a state
                return status_line(HTTPStatus.SERVICE_UNAVAILABLE), [], b"Nothing is being verified."
            self._request_was_answered = True
            try:
                return self.interactions.context.run(self.project.answer, environ, started)
            except BaseException as error:  # noqa: BLE001  # ours: a state may have replaced what we call
                self.interactions.fail_for_own_crash(error)
                return empty_response(HTTPStatus.BAD_GATEWAY)

    def after_response(self) -> None:
        """End an interaction when its response is out, and prepare the next one."""
        if not self._request_was_answered:
            return
        self._request_was_answered = False
        with self._busy("the end of the interaction"):
            self.interactions.end()
            self.interactions.prepare_next()

    def finish(self) -> None:
        """End the last interaction of a pact."""
        with self._busy("the end of the last interaction"):
            self.interactions.end()

    @contextmanager
    def _busy(self, doing: str) -> Iterator[float]:
        """Show on the board that the project's code may run, and record its time."""
        started = clock.seconds()
        self.board.begin(self.script.number, doing)
        try:
            yield started
        finally:
            if os.getpid() != self._process:
                os._exit(1)  # the project has forked, and the child came back to here: it is no server
            self.board.end()
            if self.script.recordings:
                recording = self.script.current
                recording.record(seconds=recording.exchange.seconds + clock.seconds() - started)
                if self.refused:
                    recording.record(self_call=_self_call(self.refused))
                    self.refused.clear()
            for number, exchange in self.script.newly_ended():
                self.seen(number, exchange)


def _self_call(requests: Sequence[str]) -> str:
    return (
        f"The project asked its own server while it answered, and was refused: {', '.join(requests)}. The live server "
        "answers one request at a time. Let the provider state put a mock in place of that call."
    )
