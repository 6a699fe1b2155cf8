"""The project on a live server, with the state endpoint in front of it, on one thread that records what it saw."""

import json
import os
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIEnvironment

from django.conf import settings
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import close_old_connections, connections
from django.http import HttpRequest

from pact_verification.board import Board
from pact_verification.databases import close
from pact_verification.endpoints import find_endpoint
from pact_verification.errors import NoAnswer, NoAnswerInTime, ResponseRefused, StateError
from pact_verification.isolation import Isolation
from pact_verification.leaks import Surroundings
from pact_verification.pacts import Interaction, ProviderState
from pact_verification.project import Project, ProjectHere, ProjectOf
from pact_verification.recording import OutOfStep, Recording, Script
from pact_verification.results import Crash, Exchange, Message, SetUpState
from pact_verification.serving import Address, new_state_path
from pact_verification.states import Registry
from pact_verification.wire import (
    MAX_RECORDED_BODY,
    Response,
    Server,
    arrived_message,
    joined,
    read_body,
    request_message,
    status_line,
)

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
    ) -> None:
        self.registry = registry
        self.make_project = project
        self.make_isolation = isolation
        self.request_timeout = request_timeout
        self.board = board or Board()
        self.seen = seen
        self.process = os.getpid()
        self.secret = secrets.token_urlsafe(24)
        self.state_path = new_state_path()
        self.script = Script(())
        self.told = 0
        self.request: HttpRequest | None = None
        self.request_began = 0.0
        self.queries = 0
        self.raised: BaseException | None = None
        self.answered = False
        self.is_begun = False
        self.ready = threading.Event()
        self.failure: BaseException | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the block ends. What the thread is still busy with then is left behind."""
        with ExitStack() as cleanup:
            self.http = Server(self.secret)
            cleanup.callback(self.http.close)
            self.thread = threading.Thread(target=self._serve, name="pact-live-server", daemon=True)
            self.thread.start()
            cleanup.callback(self._stop)
            self.ready.wait()
            self.check_alive()
            yield

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what the project raises, and keep Django from closing connections, while interactions run."""
        with ExitStack() as cleanup:
            for signal in (request_started, request_finished):
                if signal.disconnect(close_old_connections):  # it would end the open transaction (F26)
                    cleanup.callback(signal.connect, close_old_connections)
            got_request_exception.connect(self._note_exception)
            cleanup.callback(got_request_exception.disconnect, self._note_exception)
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

    def check_alive(self) -> str:
        """Raise what has ended the thread, if anything has."""
        if self.failure:
            raise self.failure
        return ""

    def give_up(self) -> str:
        """Leave the thread where it is. Returns the end of its stack."""
        return self.where()

    def where(self) -> str:
        """Where the thread is right now, innermost frame last: for a call that doesn't come back."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        return "".join(traceback.format_stack(frame)[-3:]) if frame else ""

    def _serve(self) -> None:
        try:
            self.isolation = self.make_isolation()
            self.project = self.make_project(self.registry, self._note_request, self._now)
            for connection in {id(connections[alias]): connections[alias] for alias in connections}.values():
                connection.execute_wrappers.append(self._count)
            self.ready.set()
            self.http.serve(self._answer, self._make_ready_for_the_next)
        except BaseException as error:  # noqa: BLE001  # running() raises it on the main thread
            self.failure = error
        finally:
            self.ready.set()
            for connection in connections.all(initialized_only=True):
                close(connection)

    def _stop(self) -> None:
        self.http.stop()
        self.thread.join(timeout=STUCK_SECONDS if self.board.look().busy else STOP_SECONDS)

    # What follows runs on the server's thread.

    @contextmanager
    def _busy(self, doing: str) -> Iterator[float]:
        """Let others see that the thread is in the project's hands, and add the time to the current interaction's."""
        started = time.monotonic()
        self.board.begin(len(self.recordings) - 1, doing)
        try:
            yield started
        finally:
            if os.getpid() != self.process:
                os._exit(1)  # the project has forked and come back in the child, which is no server
            self.board.end()
            if self.recordings:
                exchange = self.script.current.exchange
                self.script.current.note(seconds=exchange.seconds + time.monotonic() - started)
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
            return self._answer_request(environ, started)

    def _make_ready_for_the_next(self) -> None:
        """End an interaction as soon as its response is out, and begin the next: meanwhile the core is comparing."""
        if not self.answered:
            return
        self.answered = False
        with self._busy("the end of the interaction"):
            self._clean_up()
            if len(self.recordings) == len(self.script.interactions):
                return
            with suppress(Exception):  # the next interaction tries again, and reports it
                self.isolation.begin()
                self.is_begun = True

    def _answer_state(self, body: bytes) -> Response:
        """200 with values for the generators (F3), or 422, after which the core doesn't try again (F2); never a 5xx."""
        call = json.loads(body)
        values: dict[str, Any] = {}
        status = HTTPStatus.OK
        if call["action"] == "teardown":
            self._clean_up()
        else:
            try:
                values = self._set_up(call["state"], call.get("params") or {})
            except BaseException as error:  # noqa: BLE001  # ours, but a 5xx would be asked again for two minutes
                self.script.current.note_crash("pact_verification itself", error)
            if self.script.current.exchange.state_error:
                status = HTTPStatus.UNPROCESSABLE_ENTITY
        return status_line(status), [("Content-Type", "application/json")], json.dumps(values).encode()

    def _set_up(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Set up one state of an interaction. What goes wrong is noted; then the values are of no interest."""
        try:
            if self.script.begins_with(name):
                self._begin()
        except OutOfStep as error:
            self.script.lose_step(str(error))
        recording = self.script.current
        if recording.exchange.state_error or not name:
            return {}
        started = time.monotonic()
        try:
            match = self.registry.find(name)
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
            taken = time.monotonic() - started
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
        if len(self.recordings) > 1:
            self._tear_down(self.recordings[-2])
            self.recordings[-2].ended = True
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
        body = read_body(environ)
        recording.note(request=request_message(environ, environ, body), arrived=arrived_message(environ, body))
        environ["wsgi.input"] = BytesIO(body)
        if settings.SECURE_SSL_REDIRECT:
            environ["wsgi.url_scheme"] = "https"  # what a project that insists on it gets from its proxy
        self.raised = self.request = None
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
            self.raised = error
            status, headers, answer = status_line(HTTPStatus.INTERNAL_SERVER_ERROR), [], b"A server error occurred."
        recording.note(response=Message(status, joined(headers), answer[:MAX_RECORDED_BODY]))
        if self.raised:
            recording.note(crash=Crash.of(self.raised))
            self._advise(recording, self.raised)
        if time.monotonic() - started > self.request_timeout:
            return self._over_limit(recording, started)
        return status, headers, answer

    def _over_limit(self, recording: Recording, started: float) -> Response:
        limit = f"{self.request_timeout:g} s (--request-timeout)"
        taken = time.monotonic() - started
        recording.note(over_limit=f"The project took {taken:.1f} s to answer, and may take {limit}.")
        return status_line(HTTPStatus.GATEWAY_TIMEOUT), [], b""

    def _note_request(self, request: HttpRequest) -> None:
        """What the project is asked, once the request filters have had it: what they do is not the project's."""
        environ: WSGIEnvironment = request.environ  # type: ignore[attr-defined]  # a WSGIRequest
        body = request.__dict__.get("_body", environ["wsgi.input"].getvalue())
        self.script.current.note(request=request_message(environ, request.META, body))
        self.request = request
        self.request_began = time.monotonic()
        self.queries = 0

    def _note_endpoint(self, recording: Recording) -> None:
        """Record what in the project answered, and what it took. What can't be told of it fails nothing."""
        if (request := self.request) is None:
            return
        queries = self.queries if self.project.is_here else None
        recording.note(queries=queries, request_seconds=time.monotonic() - self.request_began)
        try:
            endpoint = find_endpoint(request)
        except Exception as error:  # noqa: BLE001  # a view that is written unlike any other
            recording.warn(f"The view that answered can't be told: {Crash.of(error).exception}")
        else:
            recording.note(endpoint=endpoint)

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

    def _note_exception(self, sender: Any, **kwargs: Any) -> None:
        if threading.current_thread() is self.thread:
            self.raised = sys.exc_info()[1]

    def _advise(self, recording: Recording, error: BaseException) -> None:
        if advice := self.isolation.advice(error):
            recording.warn(advice)
