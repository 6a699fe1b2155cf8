"""The project on a live server, with the state endpoint in front of it, on one thread that records what it saw."""

import os
import secrets
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from http import HTTPStatus
from io import BytesIO
from json import dumps, loads
from typing import Any
from wsgiref.types import WSGIEnvironment

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.http import HttpRequest
from django.urls import get_resolver

from pact_verification.errors import NoAnswer, NoAnswerInTime, ResponseRefused, StateError
from pact_verification.pacts.pact import UNKNOWN_STATE, Interaction, ProviderState
from pact_verification.provider.board import Board
from pact_verification.provider.databases import close
from pact_verification.provider.endpoints import find_endpoint, is_catch_all, why_no_route
from pact_verification.provider.isolation import Isolation
from pact_verification.provider.leaks import Surroundings
from pact_verification.provider.overheard import Overheard
from pact_verification.provider.project import Project, ProjectHere, ProjectOf
from pact_verification.provider.recording import OutOfStep, Recording, Script
from pact_verification.provider.serving import Address, new_state_path
from pact_verification.provider.wire import (
    LEFT_OUT,
    MAX_RECORDED_BODY,
    Response,
    Server,
    arrived_request,
    joined,
    read_body,
    recorded_request,
    status_line,
)
from pact_verification.results.crash import Crash
from pact_verification.results.exchange import Exchange, RecordedResponse, SetUpState
from pact_verification.states.registry import Registry
from pact_verification.system import clock

STOP_SECONDS, STUCK_SECONDS = 2.0, 0.2  # to wait for the thread's end: when it is idle, and when it is in a call


class LiveServer:
    """Serves the project, and beside it a state endpoint. Both answer only requests with the run's secret.

    Everything happens on one thread: state calls and requests come one after the other, so the thread owns its
    database connections, and nothing is shared.

    Args:
        registry: the state handlers, base states and request filters.
        isolation: made on the server's thread, since connections belong to a thread.
        request_timeout: seconds that a state or a request may take.
        project: who answers for the project; by default it is called in this process.
        board: where the thread writes what it is doing.
        seen: hears of every interaction that has ended, on the server's thread: its number and what was seen of it.
        failed: hears what has ended the server, should it end before it is stopped.
    """

    outlives_a_hang = False
    project: Project

    def __init__(
        self,
        registry: Registry,
        isolation: Callable[[], Isolation],
        request_timeout: float,
        project: ProjectOf = ProjectHere,
        *,
        board: Board | None = None,
        seen: Callable[[int, Exchange], None] = lambda number, exchange: None,
        failed: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.registry = registry
        self.make_project = project
        self.make_isolation = isolation
        self.request_timeout = request_timeout
        self.board = board or Board()
        self.seen = seen
        self.failed = failed
        self.process = os.getpid()
        self.secret = secrets.token_urlsafe(24)
        self.state_path = new_state_path()
        self.script = Script(())
        self.told = 0
        self.request: HttpRequest | None = None
        self.request_began = 0.0
        self.queries = 0
        self.overheard = Overheard()
        self.answered = False
        self.is_begun = False
        self.ready = threading.Event()
        self.failure: BaseException | None = None
        self.finished = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the block ends. What the thread is still busy with then is left behind."""
        with ExitStack() as cleanup:
            self.http = Server(self.secret, self.request_timeout)
            cleanup.callback(self.http.close)
            self.thread = threading.Thread(target=self._serve, name="pact-live-server", daemon=True)
            self.thread.start()
            cleanup.callback(self._stop)
            self.ready.wait()
            if self.failure:
                raise self.failure
            yield

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what the project raises, and keep Django from closing connections, while interactions run."""
        with ExitStack() as cleanup:
            for signal in (request_started, request_finished):
                if signal.disconnect(close_old_connections):  # it would end the open transaction (F26)
                    cleanup.callback(signal.connect, close_old_connections)
            cleanup.enter_context(self.overheard.listening())
            yield

    @property
    def address(self) -> Address:
        """Where the verifier reaches it."""
        return Address(self.http.port, self.state_path, self.secret)

    @property
    def recordings(self) -> Sequence[Recording]:
        return self.script.recordings

    def exchanges(self) -> list[Exchange]:
        """What was seen of each interaction so far."""
        return [recording.exchange for recording in self.recordings]

    def expect(self, interactions: Sequence[Interaction], state_path: str = "") -> None:
        """Say which interactions the core is about to run, before it does.

        Args:
            state_path: a new one, so that a call that comes late from before finds nothing. By default it is made here.
        """
        self.script = Script(interactions)
        self.surroundings = Surroundings(self.registry.functions)
        self.told = 0
        self.state_path = state_path or new_state_path()

    def finish(self, wait: float) -> bool:
        """See Served."""
        self.finished.clear()
        self.http.call(self._finish)
        return self.check_alive() is not None or self.finished.wait(wait)

    def check_alive(self) -> str | None:
        """What has ended the thread; None while it lives."""
        return f"The live server failed ({Crash.of(self.failure).exception})" if self.failure else None

    def give_up(self) -> str:
        """Leave the thread where it is. Returns the end of its stack."""
        return self.where()

    def where(self) -> str:
        """Where the thread is right now, innermost frame last: for a call that doesn't come back."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        return "".join(traceback.format_stack(frame)[-3:]) if frame else ""

    def _serve(self) -> None:
        try:
            with suppress(Exception):  # what is wrong with the URLconf, each request tells
                get_resolver().url_patterns  # noqa: B018  # the first request would have to wait for its import
            self.isolation = self.make_isolation()
            self.project = self.make_project(self.registry, self._note_request, self._now)
            self.overheard.thread = self.thread
            self.outside = copy_context()
            self.context = self.outside.copy()
            for connection in {id(connections[alias]): connections[alias] for alias in connections}.values():
                connection.execute_wrappers.append(self._count)
            self.ready.set()
            self.http.serve(self._answer, self._make_ready_for_the_next)
        except BaseException as error:  # noqa: BLE001  # running() raises it on the main thread
            self.failure = error
            if self.ready.is_set():
                self.failed(f"The live server failed ({Crash.of(error).exception})")
        finally:
            self.ready.set()
            self.finished.set()
            for connection in connections.all(initialized_only=True):
                close(connection)

    def _stop(self) -> None:
        self.http.stop()
        self.thread.join(timeout=STUCK_SECONDS if self.board.look().busy else STOP_SECONDS)

    # What follows runs on the server's thread.

    @contextmanager
    def _busy(self, doing: str) -> Iterator[float]:
        """Let others see that the thread is in the project's hands, and add the time to the current interaction's."""
        started = clock.seconds()
        self.board.begin(len(self.recordings) - 1, doing)
        try:
            yield started
        finally:
            if os.getpid() != self.process:
                os._exit(1)  # the project has forked and come back in the child, which is no server
            self.board.end()
            if self.recordings:
                exchange = self.script.current.exchange
                self.script.current.note(seconds=exchange.seconds + clock.seconds() - started)
                if self.http.refused:
                    self.script.current.note(self_call=_self_call(self.http.refused))
                    self.http.refused.clear()
            self._tell()

    def _tell(self) -> None:
        """Hand over what was seen of interactions that have ended."""
        while self.told < len(self.recordings) and self.recordings[self.told].ended:
            self.seen(self.told, self.recordings[self.told].exchange)
            self.told += 1

    def _now(self, doing: str) -> None:
        self.board.write(len(self.recordings) - 1, doing)

    def _answer(self, environ: WSGIEnvironment) -> Response:
        if environ["PATH_INFO"] == self.state_path:
            with self._busy("a state call"):
                return self._answer_state(read_body(environ))
        with self._busy(f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}") as started:
            if not self.recordings:  # the core begins with a state
                return status_line(HTTPStatus.SERVICE_UNAVAILABLE), [], b"Nothing is being verified."
            self.answered = True
            try:
                return self.context.run(self._answer_request, environ, started)
            except BaseException as error:  # noqa: BLE001  # ours: a state may have replaced what we call
                self._note_own_crash(error)
                return status_line(HTTPStatus.BAD_GATEWAY), [], b""

    def _make_ready_for_the_next(self) -> None:
        """End an interaction as soon as its response is out, and begin the next: meanwhile the core is comparing."""
        if not self.answered:
            return
        self.answered = False
        with self._busy("the end of the interaction"):
            self._end()
            if len(self.recordings) == len(self.script.interactions):
                return
            with suppress(Exception):  # the next interaction tries again, and reports it
                self.context.run(self.isolation.begin)
                self.is_begun = True

    def _finish(self) -> None:
        with self._busy("the end of the last interaction"):
            self._end()
        self.finished.set()

    def _end(self) -> None:
        """End the current interaction. The next has a context of its own, without what this one activated."""
        try:
            self.context.run(self._clean_up)
        except BaseException as error:  # noqa: BLE001  # ours: a state may have replaced what we call
            self._note_own_crash(error)
        self._keep_records()
        self.context = self.outside.copy()

    def _note_own_crash(self, error: BaseException) -> None:
        if self.recordings:
            states = ", ".join(f"{state.handler}" for state in self.script.current.exchange.states)
            after = f", after {states}" if states else ""
            self.script.current.note_crash(f"pact_verification itself{after}", error)

    def _answer_state(self, body: bytes) -> Response:
        """200 with values for the generators (F3), or 422, after which the core doesn't try again (F2); never a 5xx."""
        values: dict[str, Any] = {}
        try:
            call = loads(body)
            if self.script.begins_with(call["state"]):
                self._leave_previous()
                self.context.run(self._begin)
            values = self.context.run(self._set_up, call["state"], call.get("params") or {})
        except OutOfStep as error:
            self.script.lose_step(str(error))
        except BaseException as error:  # noqa: BLE001  # ours, but a 5xx would be asked again for two minutes
            self._note_own_crash(error)
        self._keep_records()
        if not self.recordings or self.script.current.exchange.state_error is not None:
            return status_line(HTTPStatus.UNPROCESSABLE_ENTITY), [], b""
        return status_line(HTTPStatus.OK), [("Content-Type", "application/json")], dumps(values).encode()

    def _leave_previous(self) -> None:
        """End the interaction before, should it not have ended: after a setup that failed the core sends nothing."""
        if len(self.recordings) > 1 and not self.recordings[-2].ended:
            self.context.run(self._tear_down, self.recordings[-2])
            self.recordings[-2].ended = True
            self.is_begun = False
            self.context = self.outside.copy()
        self.overheard.forget()

    def _keep_records(self) -> None:
        if self.overheard.records and self.recordings:
            self.script.current.note(log=tuple(self.overheard.records))

    def _set_up(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Set up one state of an interaction. What goes wrong is noted; then the values are of no interest."""
        recording = self.script.current
        if recording.exchange.state_error is not None or not name:
            return {}
        started = clock.seconds()
        try:
            match = self.registry.find(name)
            if match is None and name == UNKNOWN_STATE:
                return {}
            if match is None:
                raise StateError(f"No handler for the state {name!r}.")
            self._now(f"the state {name!r} ({match.handler.location})")
            state = match.handler.set_up(match.arguments(name, params))
            recording.active.append(state)
            values = state.values()
            recording.set_up(
                SetUpState(ProviderState(name, params), f"{match.handler} ({match.handler.location})", values)
            )
            self.isolation.commit()
            taken = clock.seconds() - started
            if taken > self.request_timeout:
                raise StateError(
                    f"The state {name!r} took {taken:.1f} s, and may take {self.request_timeout:g} s "
                    f"(--request-timeout). ({match.handler.location})"
                )
        except BaseException as error:  # noqa: BLE001  # also SystemExit, and what a test framework's fail() raises
            recording.note_crash(f"The state {name!r}", error)
            self._advise(recording, error)
            return {}
        return values

    def _begin(self) -> None:
        recording = self.script.current
        doing = "Making the database ready"
        try:
            if not self.is_begun:
                self.isolation.begin()
            self.is_begun = False
            doing = "A base state"
            for handler in self.registry.base_states:
                self._now(f"the base state {handler} ({handler.location})")
                recording.active.append(handler.set_up({}))
            if self.registry.base_states:
                self.isolation.commit()
        except BaseException as error:  # noqa: BLE001  # as for any state
            recording.note_crash(doing, error)

    def _clean_up(self) -> None:
        """End the current interaction: the states' own teardowns, last first, then the database's."""
        self.is_begun = False
        if not self.recordings:
            return
        self.script.end_setup()
        recording = self.script.current
        self._tear_down(recording)
        try:
            self.isolation.roll_back()
        except BaseException as error:  # noqa: BLE001  # the next interaction tries again, and fails if that does too
            recording.warn(f"What the interaction wrote could not be taken back: {Crash.of(error).exception}")
            self.isolation.start_anew()
        for leak in self.surroundings.put_back():
            recording.warn(leak)
        recording.ended = True

    def _tear_down(self, recording: Recording) -> None:
        while recording.active:
            state = recording.active.pop()
            self._now(f"the teardown of {state.handler} ({state.handler.location})")
            try:
                state.tear_down()
            except BaseException as error:  # noqa: BLE001  # a warning: as a failure it would hide a mismatch (F6)
                crash = Crash.of(error)
                recording.warn(f"The teardown of {state.handler.location} failed: {crash.exception} ({crash.where})")

    def _answer_request(self, environ: WSGIEnvironment, started: float) -> Response:
        recording = self.script.current
        if recording.exchange.response:
            self.script.lose_step("an interaction has one request, and a second one came")
        self.script.end_setup()
        if not self._take_request(environ, recording):
            return status_line(HTTPStatus.BAD_REQUEST), [], b""
        self.overheard.forget_exceptions()
        try:
            try:
                status, headers, answer = self.project.answer(environ)
            finally:
                self._note_endpoint(recording)
            self.isolation.commit()
        except NoAnswerInTime:
            return self._over_limit(recording, started)
        except NoAnswer as error:
            recording.note(unanswered=str(error))
            return status_line(HTTPStatus.BAD_GATEWAY), [], b""
        except ResponseRefused as error:
            recording.note(over_limit=str(error))
            return status_line(HTTPStatus.BAD_GATEWAY), [], b""
        except BaseException as error:  # noqa: BLE001  # a server answers
            self.overheard.raised = error
            status, headers, answer = status_line(HTTPStatus.INTERNAL_SERVER_ERROR), [], b"A server error occurred."
        number, _, reason = status.partition(" ")
        self._note_response(
            recording, RecordedResponse(int(number), reason, joined(headers), answer[:MAX_RECORDED_BODY])
        )
        if clock.seconds() - started > self.request_timeout:
            return self._over_limit(recording, started)
        return status, headers, answer

    def _take_request(self, environ: WSGIEnvironment, recording: Recording) -> bool:
        """Record the request, and make it one for Django. Returns whether all of it has come."""
        self.request = None
        body = read_body(environ)
        recording.note(request=recorded_request(environ, environ, body), arrived=arrived_request(environ, body))
        if left_out := environ.pop(LEFT_OUT, {}):
            recording.warn(
                f"The project did not get {', '.join(left_out)}: servers leave out headers with underscores in their "
                "names."
            )
        if len(body) < (announced := int(environ.get("CONTENT_LENGTH") or 0)):
            recording.note(
                over_limit=f"The request's header Content-Length is {announced}, and its body ended after {len(body)} "
                f"bytes. The rest did not come in {self.request_timeout:g} s (--request-timeout)."
            )
            return False
        environ["wsgi.input"] = BytesIO(body)
        if settings.SECURE_SSL_REDIRECT:
            environ["wsgi.url_scheme"] = "https"  # what a project that insists on it gets from its proxy
        return True

    def _note_response(self, recording: Recording, response: RecordedResponse) -> None:
        recording.note(response=response)
        if error := self.overheard.raised:
            recording.note(crash=Crash.of(error))
            self._advise(recording, error)
        elif (refusal := self.overheard.refused) and response.status >= HTTPStatus.BAD_REQUEST:
            recording.note(refusal=refusal)
        if response.status == HTTPStatus.NOT_FOUND:
            self._note_no_route(recording)

    def _over_limit(self, recording: Recording, started: float) -> Response:
        limit = f"{self.request_timeout:g} s (--request-timeout)"
        taken = clock.seconds() - started
        recording.note(over_limit=f"The project took {taken:.1f} s to answer, and may take {limit}.")
        return status_line(HTTPStatus.GATEWAY_TIMEOUT), [], b""

    def _note_request(self, request: HttpRequest) -> None:
        """What the project is asked, once the request filters have had it: what they do is not the project's."""
        environ: WSGIEnvironment = request.environ  # type: ignore[attr-defined]  # a WSGIRequest
        body = request.__dict__.get("_body", environ["wsgi.input"].getvalue())
        self.script.current.note(request=recorded_request(environ, request.META, body))
        self.request = request
        self.request_began = clock.seconds()
        self.queries = 0

    def _note_endpoint(self, recording: Recording) -> None:
        """Record what in the project answered, and what it took. What can't be told of it fails nothing."""
        if (request := self.request) is None:
            return
        queries = self.queries if self.project.is_here else None
        recording.note(queries=queries, request_seconds=clock.seconds() - self.request_began)
        try:
            endpoint = find_endpoint(request, reached=self.project.reached)
        except Exception as error:  # noqa: BLE001  # a view that is written unlike any other
            recording.warn(f"The view that answered can't be told: {Crash.of(error).exception}")
        else:
            recording.note(endpoint=endpoint)

    def _note_no_route(self, recording: Recording) -> None:
        """Record that a 404 came from no view that was meant for the URL, and which routes are near."""
        if (request := self.request) is None:
            return
        expected = recording.interaction.expected.status == HTTPStatus.NOT_FOUND
        with suppress(Exception):  # a URLconf that is written unlike any other
            if (endpoint := recording.exchange.endpoint) and not is_catch_all(request, endpoint.route):
                return
            recording.note(endpoint=None, no_route=None if expected else why_no_route(request, endpoint))

    def _count(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: Any,  # Django's own
    ) -> Any:
        """An execute wrapper. Savepoints are what the transaction around an interaction makes of the project's own."""
        if not str(sql).startswith(("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")):
            self.queries += 1
        return execute(sql, params, many, context)

    def _advise(self, recording: Recording, error: BaseException) -> None:
        if advice := self.isolation.advice(error):
            recording.warn(advice)


def _self_call(requests: Sequence[str]) -> str:
    return (
        f"The project asked its own server while it answered, and was refused: {', '.join(requests)}. The live server "
        "answers one request at a time. Let the provider state put a mock in place of that call."
    )
