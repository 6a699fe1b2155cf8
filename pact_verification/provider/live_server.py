"""The live server: a thread that serves the project and the state endpoint, from its start to its end."""

import secrets
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from unittest.mock import patch

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.urls import get_resolver

from pact_verification.conf import conf
from pact_verification.pacts.pact import Interaction
from pact_verification.provider.board import Board
from pact_verification.provider.databases.aliases import close
from pact_verification.provider.hold import Announce, Hold
from pact_verification.provider.http_server import HttpServer
from pact_verification.provider.interactions import Interactions
from pact_verification.provider.isolation import Isolation
from pact_verification.provider.leaks import Surroundings
from pact_verification.provider.message_endpoint import MessageEndpoint
from pact_verification.provider.outbound import answering, refusals
from pact_verification.provider.overheard import Overheard
from pact_verification.provider.project import LOOP_THREAD, NoteDoing, NoteRequest, Project, ProjectHere, ProjectOf
from pact_verification.provider.project_endpoint import ProjectEndpoint
from pact_verification.provider.recording import Recording, Script
from pact_verification.provider.request_handler import RequestHandler
from pact_verification.provider.request_watch import RequestWatch
from pact_verification.provider.serving import Address, DatabasesMade, new_state_path
from pact_verification.provider.state_endpoint import StateEndpoint
from pact_verification.results.crash import Crash, is_own
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult
from pact_verification.states.registry import Registry
from pact_verification.system import clock

POLL_SECONDS = 0.1

IDLE_STOP_SECONDS, BUSY_STOP_SECONDS = 2.0, 0.2
"""How long the thread may take to end: when it is idle, and when it runs the project's code."""


class LiveServer:
    """Serves the project and a state endpoint to requests with the run's secret.

    One thread does all the work. State calls and requests come one after the other on it, and it owns its database
    connections. The methods of this class are called from other threads.

    Args:
        registry: the state handlers, base states and request filters.
        isolation: makes the isolation, on the server's thread, because connections belong to a thread.
        request_timeout: seconds that a state or a request may take.
        project: makes the project; by default this process calls it, as PACT_APPLICATION says.
        board: where the thread writes what it is doing.
        seen: called on the server's thread when an interaction has ended, with its number and its exchange.
        failed: called with the reason if the thread ends before it is stopped.
        held: called with whether the run is held from now on. See Hold.
        keeps_open: keep each interaction open after its response, until `finish`.
        debug_sql: whether to record the SQL queries of requests and producers.
        serializers: whether to record which serializer fields wrote the responses.
    """

    outlives_a_hang = False

    databases = DatabasesMade()
    """What making its databases took, if that was for this server."""

    http: HttpServer
    """Opened by `running`: a server that never runs needs no socket."""

    handler: RequestHandler
    """Made on the server's thread, which owns the database connections."""

    def __init__(
        self,
        registry: Registry,
        isolation: Callable[[], Isolation],
        request_timeout: float,
        project: ProjectOf | None = None,
        *,
        board: Board | None = None,
        seen: Callable[[int, Exchange], None] = lambda number, exchange: None,
        failed: Callable[[str], None] = lambda why: None,
        held: Announce = lambda held: None,
        keeps_open: bool = False,
        debug_sql: bool = False,
        serializers: bool = False,
    ) -> None:
        self.registry = registry
        self.make_isolation = isolation
        self.make_project = project or partial(_project_here, request_timeout)
        self.request_timeout = request_timeout
        self.board = board or Board()
        self.seen = seen
        self.failed = failed
        self.hold = Hold(self.board, held)
        self.keeps_open = keeps_open
        self.debug_sql = debug_sql
        self.serializers = serializers
        self.stop_seconds = 0.0
        self.secret = secrets.token_urlsafe(24)
        self.state_path = new_state_path()
        self.script = Script()
        self.surroundings = Surroundings(())
        self.thread = threading.Thread(target=self._serve, name="pact-live-server", daemon=True)
        self.overheard = Overheard(self.thread)
        self.ready = threading.Event()
        self.failure: BaseException | None = None
        self.finished = threading.Event()
        self._tasks_go_on = False
        self._task_runs = threading.Lock()
        self._waiting: list[Callable[[], None]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the block ends.

        A thread that is still in the project's code then is left behind.
        """
        with ExitStack() as cleanup:
            self.http = HttpServer(self.secret, self.request_timeout)
            cleanup.callback(self.http.close)
            self.thread.start()
            cleanup.callback(self._stop)
            self.ready.wait()
            if self.failure:
                raise self.failure
            yield

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record what the project raises, keep Django from closing connections, and let the project's tasks go on."""
        with ExitStack() as cleanup:
            for signal in (request_started, request_finished):
                if signal.disconnect(close_old_connections):  # it would end the interaction's transaction
                    cleanup.callback(signal.connect, close_old_connections)
            cleanup.enter_context(self.overheard.listening())
            cleanup.enter_context(patch.object(refusals, "patience", self.request_timeout))
            cleanup.enter_context(patch.object(refusals, "announce", self._note_refused))
            cleanup.enter_context(self._letting_tasks_go_on())
            cleanup.enter_context(self.hold.at_breakpoints())
            yield

    @property
    def address(self) -> Address:
        """See Served."""
        return Address(self.http.port, self.state_path, self.secret)

    @property
    def recordings(self) -> Sequence[Recording]:
        """What was recorded of each interaction so far."""
        return self.script.recordings

    def exchanges(self) -> list[Exchange]:
        """See Served."""
        return [recording.exchange for recording in self.recordings]

    def expect(self, interactions: Sequence[Interaction], state_path: str | None = None) -> None:
        """Prepare for the interactions that the core is about to run.

        Args:
            state_path: a new path, so that a late call for an earlier pact finds nothing. Made here by default.
        """
        self.script.expect(interactions)
        self.surroundings = Surroundings(self.registry.functions)
        self.state_path = state_path or new_state_path()

    def finish(self, wait: float) -> bool:
        """See Served."""
        self.finished.clear()
        self.http.call(self._finish)
        until = clock.seconds() + wait  # the clock stands while a debugger waits in a teardown
        while self.check_alive() is None and not self.finished.wait(POLL_SECONDS):
            if clock.seconds() > until:
                return False
        return True

    def settle(self) -> None:
        """See Served."""

    def keep_open(self, how: str, result: InteractionResult) -> None:
        """See Served."""
        ended = threading.Event()

        def hold() -> None:
            try:
                self.handler.keep_open(how, result)
            finally:
                ended.set()

        self.http.call(hold)
        ended.wait()

    def check_alive(self) -> str | None:
        """See Served."""
        return _why_failed(self.failure) if self.failure else None

    def give_up(self) -> str:
        """Leave the thread where it is.

        Returns the end of its stack, innermost frame last.
        """
        loops = [thread for thread in threading.enumerate() if thread.name == LOOP_THREAD]
        for thread in [*loops, self.thread]:  # the server's thread waits for an event loop that hangs
            frame = sys._current_frames().get(thread.ident or 0)
            stack = traceback.extract_stack(frame) if frame else []
            if thread is self.thread or any(is_own(each.filename) for each in stack):
                return "".join(traceback.format_list(stack)[-3:])
        return ""

    def _stop(self) -> None:
        self.http.stop()
        self.thread.join(BUSY_STOP_SECONDS if self.board.look().busy else IDLE_STOP_SECONDS + self.stop_seconds)

    def _serve(self) -> None:
        """Run the server's thread."""
        answering.set(True)
        try:
            with suppress(Exception):  # each request reports what is wrong with the URLconf
                get_resolver().url_patterns  # noqa: B018  # the first request would have to wait for its import
            with ExitStack() as cleanup:
                self.handler = self._make_handler(cleanup)
                self.ready.set()
                self.http.serve(self.handler.answer, self.handler.after_response)
        except BaseException as error:  # noqa: BLE001  # running() raises it on the main thread
            self.failure = error
            if self.ready.is_set():
                self.failed(_why_failed(error))
        finally:
            self.ready.set()
            self.finished.set()
            for connection in connections.all(initialized_only=True):
                close(connection)

    def _make_handler(self, cleanup: ExitStack) -> RequestHandler:
        """Make the request handler, and start the project.

        The server's thread does it, because it has to own the database connections.

        Args:
            cleanup: stops the project.
        """
        isolation = self.make_isolation()
        watch = RequestWatch(self.script, debug_sql=self.debug_sql, serializers=self.serializers)
        project = self.make_project(self.registry, watch.note_request, self._note_doing)
        interactions = Interactions(
            self.registry,
            isolation,
            self.script,
            self.overheard,
            surroundings=lambda: self.surroundings,
            note_doing=self._note_doing,
            is_here=project.is_here,
        )
        cleanup.enter_context(project.running(isolation, self._call))
        self.stop_seconds = project.stop_seconds
        watch.count_queries()
        return RequestHandler(
            interactions,
            StateEndpoint(interactions, self.request_timeout),
            ProjectEndpoint(project, watch, interactions, self.request_timeout),
            MessageEndpoint(watch, interactions, self.request_timeout),
            state_path=lambda: self.state_path,
            board=self.board,
            refused=self.http.refused,
            seen=self.seen,
            hold=self.hold,
            keeps_open=self.keeps_open,
        )

    @contextmanager
    def _letting_tasks_go_on(self) -> Iterator[None]:
        """Let the project's tasks use the server's thread. Under pytest they may not while other tests run."""
        self._tasks_go_on = True
        if self._waiting:
            self.http.call(self._go_on)
        try:
            yield
        finally:
            is_idle = self._task_runs.acquire(timeout=IDLE_STOP_SECONDS)
            self._tasks_go_on = False
            if is_idle:
                self._task_runs.release()

    def _call(self, function: Callable[[], None]) -> None:
        """Have the server's thread call a function for one of the project's tasks, after the present request."""
        self._waiting.append(function)
        if self._tasks_go_on:
            self.http.call(self._go_on)

    def _go_on(self) -> None:
        with self._task_runs:
            while self._waiting and self._tasks_go_on:
                self._waiting.pop(0)()

    def _note_doing(self, doing: str) -> None:
        self.board.write(self.script.number, doing)

    def _note_refused(self, server: str) -> None:
        """Write on the board that the run refused a server: the project may wait for it without an end."""
        if (now := self.board.look()).busy:
            self.board.write(now.number, f"{now.doing}, to which the run refused a connection to {server}")

    def _finish(self) -> None:
        self.handler.finish()
        self.finished.set()


def _project_here(
    request_timeout: float, registry: Registry, note_request: NoteRequest, note_doing: NoteDoing
) -> Project:
    """Make the project in this process: Django's handler for WSGI, or the project's own ASGI application."""
    if conf.PACT_APPLICATION == "wsgi":
        return ProjectHere(registry, note_request, note_doing)
    from pact_verification.provider.asgi_project import AsgiProject  # here, since most projects don't need it

    return AsgiProject(request_timeout, registry, note_request, note_doing)


def _why_failed(error: BaseException) -> str:
    return f"The live server failed ({Crash.of(error).exception})"
