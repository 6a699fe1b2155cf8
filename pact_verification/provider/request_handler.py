"""Handles each request on the live server's thread: a state call, a request to the project, or one for a message."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

from pact_verification.provider.board import Board
from pact_verification.provider.databases.refusing import refusals
from pact_verification.provider.hold import Hold
from pact_verification.provider.http_connection import Response, empty_response, read_body, status_line
from pact_verification.provider.interactions import Interactions
from pact_verification.provider.message_endpoint import MessageEndpoint
from pact_verification.provider.outbound import refusals as refused_servers
from pact_verification.provider.outbound import taken
from pact_verification.provider.project_endpoint import ProjectEndpoint
from pact_verification.provider.recording import Recording
from pact_verification.provider.services.failures import failures
from pact_verification.provider.state_endpoint import StateEndpoint
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult
from pact_verification.system import clock


class RequestHandler:
    """Passes each request to the state endpoint, the project or a producer, and records the time that it took.

    Args:
        state_path: returns the path of the state endpoint, which changes from pact to pact.
        board: shows other threads and processes what this thread is doing.
        refused: request lines that the HTTP server refused during a request. The handler records and removes them.
        seen: takes the number and the exchange of each interaction that has ended.
        hold: ends with the project's code, if a breakpoint has begun it.
        keeps_open: end no interaction before `finish`, and hand its exchange over before.
    """

    def __init__(
        self,
        interactions: Interactions,
        states: StateEndpoint,
        project: ProjectEndpoint,
        messages: MessageEndpoint,
        *,
        state_path: Callable[[], str],
        board: Board,
        refused: list[str],
        seen: Callable[[int, Exchange], None],
        hold: Hold,
        keeps_open: bool,
    ) -> None:
        self.interactions = interactions
        self.script = interactions.script
        self.states = states
        self.project = project
        self.messages = messages
        self.state_path = state_path
        self.board = board
        self.refused = refused
        self.seen = seen
        self.hold = hold
        self.keeps_open = keeps_open
        self._server_pid = os.getpid()
        self._project_had_request = False

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Return the response to a request from the Pact core."""
        if environ["PATH_INFO"] == self.state_path():
            with self._busy("a state call"):
                return self.states.answer(read_body(environ))
        with self._busy(f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}") as started:
            if not self.script.recordings:  # the core makes a state call before any request
                return status_line(HTTPStatus.SERVICE_UNAVAILABLE), [], b"Nothing is being verified."
            self._project_had_request = True
            try:
                if self.script.current.interaction.is_message:
                    return self.interactions.context.run(self.messages.answer, read_body(environ))
                return self.interactions.context.run(self.project.answer, environ, started)
            except BaseException as error:  # noqa: BLE001  # our own crash: a state handler may have patched code that we call
                self.interactions.fail_for_own_crash(error)
                return empty_response(HTTPStatus.BAD_GATEWAY)

    def after_response(self) -> None:
        """End the interaction whose response was just sent, and prepare the next one."""
        if not self._project_had_request or self.keeps_open:
            return
        self._project_had_request = False
        with self._busy("the end of the interaction"):
            self.interactions.end()
            self.interactions.prepare_next()

    def keep_open(self, how: str, result: InteractionResult) -> None:
        """Hold the run in the state of the current interaction until a person has seen enough. See Served."""
        recording = self.script.current
        before = recording.exchange
        with self._busy(f"what --{how} shows"), self.hold.opened():
            self.interactions.context.run(self._show, how, result, recording)
        recording.exchange = before  # what the person did is no part of the interaction

    def _show(self, how: str, result: InteractionResult, recording: Recording) -> None:
        # Imported here, since few runs need them.
        if how == "hold":
            from pact_verification.provider.held_server import serve_until_enter

            serve_until_enter(result, recording.exchange, self.project.answer_again)
        else:
            from pact_verification.provider.shell import open_post_mortem, open_shell

            if recording.raised:
                open_post_mortem(result, recording.raised)
            else:
                answered = recording.exchange.arrived is not None  # else both are of an earlier request
                open_shell(
                    result,
                    recording.exchange,
                    request=self.project.watch.request if answered else None,
                    response=self.project.project.response if answered else None,
                )

    def finish(self) -> None:
        """End the last interaction of a pact."""
        with self._busy("the end of the last interaction"):
            self.interactions.end()

    @contextmanager
    def _busy(self, doing: str) -> Iterator[float]:
        """Show on the board that the project's code may run, and add its time to the recording."""
        started = clock.seconds()
        refusals.clear()
        self.board.begin(self.script.number, doing)
        try:
            yield started
        finally:
            if os.getpid() != self._server_pid:
                os._exit(1)  # a child that the project forked has returned to here: it must not act as the server
            self.hold.end_phase()
            self.board.end()
            if self.script.recordings:
                recording = self.script.current
                recording.record(seconds=recording.exchange.seconds + clock.seconds() - started)
                if self.refused:
                    recording.record(self_call=_self_call_text(self.refused))
                    self.refused.clear()
                if refusals:
                    recording.record(left_alone=refusals[0])
                _record_what_stayed(recording)
            if self.keeps_open and self.script.recordings:
                self.seen(self.script.number, self.script.current.exchange)
            for number, exchange in self.script.newly_ended():
                self.seen(number, exchange)


def _record_what_stayed(recording: Recording) -> None:
    """Record the connections that were refused, and the tasks that failed in the request."""
    if refused_servers.of_interaction:
        texts = taken(refused_servers.of_interaction)
        recording.record(refused=tuple(dict.fromkeys((*recording.exchange.refused, *texts))))
    if refused_servers.elsewhere:
        elsewhere = (*recording.exchange.refused_elsewhere, *taken(refused_servers.elsewhere))
        recording.record(refused_elsewhere=elsewhere)
    while failures:
        recording.warn(failures.pop(0))


def _self_call_text(requests: Sequence[str]) -> str:
    return (
        f"The project asked its own server while it answered, and was refused: {', '.join(requests)}. The live server "
        "answers one request at a time. Mock that call in the provider state."
    )
