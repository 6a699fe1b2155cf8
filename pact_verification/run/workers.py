"""Worker processes: several sessions at once, each with its own verifier, live server and test databases."""

import atexit
import gc
import logging
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import django

from pact_verification.core.engine import running_engine
from pact_verification.errors import CannotVerify, Terminated
from pact_verification.pacts.pact import Pact
from pact_verification.pacts.sources import Progress
from pact_verification.provider.caches.own import forget_keys
from pact_verification.provider.databases.aliases import names_of
from pact_verification.provider.databases.copying import why_not_copyable
from pact_verification.provider.databases.dropping import drop_left
from pact_verification.provider.databases.sharing import Sharing
from pact_verification.provider.serving import DatabasesMade, VerificationOptions
from pact_verification.results.report import Outcome, PactResult
from pact_verification.run.session import Ending, running_session
from pact_verification.run.witness import witnessed_provider
from pact_verification.system import clock
from pact_verification.system.credentials import harmless
from pact_verification.system.interruption import hear, held_back, raise_again_what_is_lost
from pact_verification.system.main_module import imported_if_guarded
from pact_verification.system.streams import guard_streams

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1
"""How often a worker sends a heartbeat."""

WORKER_SILENT_SECONDS = 15
"""How long a worker may send nothing."""

WORKER_START_SECONDS = 60
"""How much longer the first message of a worker may take."""

WORKER_STOP_SECONDS = 30
"""How long a worker may take to drop its databases."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no SIGKILL


@dataclass(frozen=True, slots=True)
class Assignment:
    """A part of a pact for a worker to verify.

    Attributes:
        index: the position of the pact among all that the workers verify.
    """

    index: int
    pact: Pact


@dataclass(frozen=True, slots=True)
class AssignmentResult:
    """A worker's result for an assignment.

    Attributes:
        pickled: a PactResult. The parent reads it after it has given the worker its next assignment.
        ending: why the run stops after this assignment; None while the run goes on.
    """

    index: int
    pickled: bytes
    ending: Ending | None


@dataclass(frozen=True, slots=True)
class WorkerProgress:
    """The progress of a worker.

    Attributes:
        done: how many interactions the worker has verified in all.
        current: the interaction that the worker verifies now.
    """

    done: int
    current: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign that a worker runs, even while it waits.

    Attributes:
        child_processes: the ids of the worker's own child processes.
    """

    child_processes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WorkerFailure:
    """The reason why a worker can't go on."""

    reason: str


WorkerMessage = AssignmentResult | WorkerProgress | Heartbeat | DatabasesMade | WorkerFailure
"""DatabasesMade says that the worker has its databases, and copies for the other workers if they share the work."""

ParentMessage = Assignment | DatabasesMade | None
"""DatabasesMade says that a worker's copies are there, and None that there is no more work."""

ParentConnection: TypeAlias = "Connection[WorkerMessage, ParentMessage]"


@dataclass
class Worker:
    """A worker process as its parent sees it.

    Attributes:
        busy: whether the worker has an assignment.
        done: how many interactions the worker has verified in all its assignments.
        index: the index of the last assignment.
        last_heard: when the last message came. At first, the time by which the worker should have started.
        child_processes: the ids of the worker's children. They end with it, unless a signal has stopped them.
        ended: whether the worker has ended.
        waits: whether the worker waits for copies of the first worker's databases.
        databases: what making its databases took; None until it has them.
    """

    process: SpawnProcess
    connection: "Connection[ParentMessage, WorkerMessage]"
    busy: bool = False
    waits: bool = False
    databases: DatabasesMade | None = None
    done: int = 0
    index: int = 0
    last_heard: float = field(default_factory=lambda: clock.seconds() + WORKER_START_SECONDS)
    child_processes: tuple[int, ...] = ()
    ended: bool = False

    def assign(self, assignment: Assignment) -> None:
        """Send an assignment. `receive` raises WorkerEnded if the worker has ended by then."""
        with suppress(OSError):
            self.connection.send(assignment)
        self.busy = True
        self.index = assignment.index

    def take_copies(self, made: DatabasesMade) -> None:
        """Tell the worker that copies of the first worker's databases are there."""
        with suppress(OSError):
            self.connection.send(made)
        self.waits = False

    def receive(self) -> AssignmentResult | WorkerProgress | Heartbeat | DatabasesMade:
        """Return the worker's next message.

        Raises:
            WorkerEnded: the worker process has ended.
            CannotVerify: the worker can't go on.
        """
        try:
            message = self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join(WORKER_STOP_SECONDS)
            raise WorkerEnded(
                f"A worker process ended in the middle of its work (exit code {self.process.exitcode}). "
                "Was there memory for all of them? --parallel 1 needs the least."
            ) from error
        if isinstance(message, WorkerFailure):
            raise CannotVerify(message.reason)
        self.last_heard = clock.seconds()
        if isinstance(message, Heartbeat):
            self.child_processes = message.child_processes
        elif isinstance(message, DatabasesMade):
            self.databases = message
        return message

    def require_alive(self) -> None:
        """Kill a worker that was silent for too long, such as one that SIGSTOP stopped.

        Raises WorkerEnded.
        """
        if clock.seconds() - self.last_heard > WORKER_SILENT_SECONDS:
            self.process.kill()
            for process in self.child_processes:
                with suppress(ProcessLookupError):
                    os.kill(process, KILL)
            raise WorkerEnded(
                f"A worker process did nothing for {WORKER_SILENT_SECONDS} s, and was ended. Was it stopped?"
            )


class WorkerEnded(Exception):
    """A worker process ended by itself, or its parent killed it."""


class Workers:
    """Several workers that share the pacts. Each idle worker takes the next pact.

    Args:
        total: how many interactions there are, for the progress.
    """

    def __init__(self, workers: Sequence[Worker], progress: Progress, total: int) -> None:
        self.workers = workers
        self.progress = progress
        self.total = total

    @property
    def databases(self) -> DatabasesMade:
        """What making the first worker's databases took, with the copies for the others."""
        return self.workers[0].databases or DatabasesMade()

    def verify(self, pacts: Sequence[Pact]) -> list[PactResult]:
        """Verify pacts, and return their results in the order of the pacts.

        The results are those of one process. The pacts after an ending count as not run, even if a worker verified one.
        A worker that ends by itself ends the run. Its assignment is not verified.

        Raises:
            CannotVerify: a worker can't go on.
        """
        results: dict[int, PactResult] = {}
        unread: list[AssignmentResult] = []
        ending, last = None, len(pacts) - 1
        assigned = 0
        while True:
            for worker in self.workers:
                if not worker.busy and not worker.ended and not worker.waits and assigned <= last:
                    worker.assign(Assignment(assigned, pacts[assigned]))
                    assigned += 1
            while unread:
                finished = unread.pop()
                results[finished.index] = pickle.loads(finished.pickled)  # noqa: S301  # from a worker of ours
            if not any(worker.busy for worker in self.workers):
                break
            alive = {worker.connection: worker for worker in self.workers if not worker.ended}
            ready = wait(list(alive), timeout=HEARTBEAT_SECONDS)
            for connection, worker in alive.items():
                message = self._receive(worker, pacts, is_ready=connection in ready)
                if isinstance(message, AssignmentResult):
                    worker.busy = False
                    unread.append(message)
                    if message.ending and message.index <= last:
                        ending, last = message.ending, message.index
                else:
                    self._note(worker, message)
        after = [ending.result(pact) for pact in pacts[last + 1 :]] if ending else []
        return [_result(results, index) for index in range(last + 1)] + after

    def _note(self, worker: Worker, message: WorkerProgress | Heartbeat | DatabasesMade | None) -> None:
        """Act on a message of a worker that goes on."""
        if isinstance(message, DatabasesMade):
            for other in self.workers:
                if other.waits:
                    other.take_copies(message)
        elif isinstance(message, WorkerProgress):
            worker.done = message.done
            self.progress(sum(each.done for each in self.workers), self.total, message.current)

    def _receive(
        self, worker: Worker, pacts: Sequence[Pact], *, is_ready: bool
    ) -> AssignmentResult | WorkerProgress | Heartbeat | DatabasesMade | None:
        """Return a worker's next message, if it has sent one.

        The assignment of a worker that has ended gets a result here: it is not verified.
        """
        try:
            if not is_ready:
                worker.require_alive()
                return None
            return worker.receive()
        except WorkerEnded as error:
            worker.ended = True
            ending = Ending(Outcome.NOT_VERIFIED, str(error))
            result = pickle.dumps(ending.result(pacts[worker.index]))
            return AssignmentResult(worker.index, result, ending) if worker.busy else None


def _result(results: Mapping[int, PactResult], index: int) -> PactResult:
    if index not in results:
        raise CannotVerify(
            "Every worker process has ended before the work was done. --parallel 1 needs the least memory."
        )
    return results[index]


@contextmanager
def running_workers(
    tokens: Sequence[str], options: VerificationOptions, folder: Path, progress: Progress, total: int
) -> Iterator[Workers]:
    """Start worker processes, and end them with the block.

    Each worker finishes its cleanup. If an exception leaves the block, SIGTERM interrupts the workers first.

    The processes are spawned. A process that is forked after the core has run would hang in the core's code.

    Args:
        tokens: one for each worker. The names of its test databases contain it.
        folder: the folder of the run. Each worker makes its own folder in it.
    """
    context: Any = get_context("spawn")  # its pipes have another type on Windows
    # multiprocessing would start it later, and unblock the signals that `held_back` blocks.
    resource_tracker.ensure_running()
    workers: list[Worker] = []
    token_of: dict[SpawnProcess, str] = {}
    try:
        for number, token in enumerate(tokens):
            ours, theirs = context.Pipe()
            worker_options = _options_of(number, options, tokens, folder)
            process: SpawnProcess = context.Process(
                target=work, args=(theirs, worker_options, token, folder), name=f"pact-worker-{number + 1}"
            )
            with held_back(), imported_if_guarded():
                process.start()
                theirs.close()
                workers.append(Worker(process, ours, waits=_waits(worker_options)))
                token_of[process] = token
        yield Workers(workers, progress, total)
        for worker in workers:
            with suppress(OSError):  # the worker has ended after its last assignment
                worker.connection.send(None)
    except BaseException:
        for worker in workers:
            worker.process.terminate()
        raise
    finally:
        for worker in workers:
            worker.process.join(WORKER_STOP_SECONDS)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
            # The worker had no time to drop its databases, or has not taken its copies.
            if worker.process.exitcode or worker.databases is None:
                forget_keys(token_of[worker.process])
                for problem in drop_left(names_of(token_of[worker.process]))[1]:
                    logger.warning("%s", problem)


def _options_of(number: int, options: VerificationOptions, tokens: Sequence[str], folder: Path) -> VerificationOptions:
    """Return the options of a worker. The first makes the databases, if those of the others can be copies."""
    shares = len(tokens) > 1 and why_not_copyable() is None
    if number == 0:
        return replace(options, sharing=Sharing(folder, tuple(tokens[1:])) if shares else None)
    # One worker shows Django's messages about test databases. All workers would show the same.
    return replace(options, database_verbosity=0, keepdb=False, sharing=Sharing(folder) if shares else None)


def _waits(options: VerificationOptions) -> bool:
    return options.sharing is not None and not options.sharing.tokens


def work(connection: "ParentConnection", options: VerificationOptions, token: str, folder: Path) -> None:
    """Run a worker process. It verifies pacts until the parent has no more, or has ended."""
    atexit.register(gc.freeze)  # as in the command
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group. The parent handles it.
    with suppress(Terminated):  # SIGTERM may come at any moment, also while the worker sends its failure
        signal.signal(signal.SIGTERM, _terminate)
        hear()
        raise_again_what_is_lost()
        try:
            _verify_or_report_failure(connection, options, token, folder)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the worker is ending already


def _verify_or_report_failure(
    connection: "ParentConnection", options: VerificationOptions, token: str, folder: Path
) -> None:
    guard_streams(harmless)
    try:
        _verify_assignments(connection, options, token, folder)
    except (EOFError, BrokenPipeError, ConnectionResetError, Terminated):
        return
    except CannotVerify as error:
        _send_failure(connection, str(error))
    except BaseException:  # noqa: BLE001  # the parent reports every exception
        _send_failure(connection, f"A worker process could not go on:\n{traceback.format_exc()}")


def _send_failure(connection: "ParentConnection", reason: str) -> None:
    with suppress(OSError):  # another worker failed first, and the parent has ended
        connection.send(WorkerFailure(reason))


def _verify_assignments(connection: "ParentConnection", options: VerificationOptions, token: str, folder: Path) -> None:
    """Verify the assignments on a provider's process of the worker's own."""

    sending = threading.Lock()

    def send(message: WorkerMessage) -> None:
        with sending:
            connection.send(message)

    def send_heartbeats(child_processes: tuple[int, ...]) -> None:
        with suppress(OSError):  # the parent has ended
            send(Heartbeat(child_processes))
            while not ended.wait(HEARTBEAT_SECONDS):
                send(Heartbeat(child_processes))

    def progress(done: int, total: int, current: str) -> None:
        send(WorkerProgress(done, current))

    ended = threading.Event()
    django.setup()
    worker_folder = folder / token
    worker_folder.mkdir()
    with witnessed_provider(worker_folder, token) as provider, running_engine() as engine:
        engine.start()
        # The thread starts after the provider's fork, which needs a process of one thread.
        child_processes = ((provider.process_id, engine.process.pid),)
        threading.Thread(target=send_heartbeats, args=child_processes, name="pact-worker-alive", daemon=True).start()
        provider.load()
        if _waits(options) and connection.recv() is None:  # all is verified already
            ended.set()
            return
        with running_session(engine, options, provider, progress) as session:
            send(session.server.databases)
            while assignment := connection.recv():
                assert isinstance(assignment, Assignment)
                result = session.verify(assignment.pact)
                send(AssignmentResult(assignment.index, pickle.dumps(result), session.ending))
            ended.set()


def _terminate(number: int, frame: FrameType | None) -> None:
    # A signal to the process group arrives a second time from the parent. That one must not stop the cleanup.
    signal.signal(number, signal.SIG_IGN)
    raise Terminated(number)
