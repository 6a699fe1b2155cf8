"""Several sessions at once, each in a process of its own, with its own verifier, server and test databases."""

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
from typing import TypeAlias

import django

from pact_verification.core.engine import running_engine
from pact_verification.errors import CannotVerify, Terminated
from pact_verification.pacts.pact import Pact
from pact_verification.provider.databases import drop_left, names_of
from pact_verification.provider.serving import VerificationOptions
from pact_verification.results.report import Outcome, PactResult, Progress
from pact_verification.run.session import Ending, running_session
from pact_verification.run.witness import witnessed_provider
from pact_verification.system import clock
from pact_verification.system.interruption import hear, held_back, raise_again_what_is_lost
from pact_verification.system.streams import guard_streams

logger = logging.getLogger(__name__)

ALIVE_SECONDS, SILENT_SECONDS, START_SECONDS = 1, 15, 60
"""How often a worker says that it is alive, how long it may be silent, and how long before it has begun."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no other

STOP_SECONDS = 30
"""How long a worker may take to drop its databases."""


@dataclass(frozen=True, slots=True)
class Job:
    """A pact for a worker; its place among all of them."""

    place: int
    pact: Pact


@dataclass(frozen=True, slots=True)
class Done:
    """A worker's result. With an ending, nothing that comes after it counts.

    Attributes:
        pickled: a PactResult, which is read when its worker has got its next job.
    """

    place: int
    pickled: bytes
    ending: Ending | None


@dataclass(frozen=True, slots=True)
class Advanced:
    """How many interactions a worker has done in all, and which one it is at."""

    done: int
    current: str


@dataclass(frozen=True, slots=True)
class Alive:
    """A worker runs, even while it waits. `processes` are the ids of its own children."""

    processes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker can't go on, and why."""

    why: str


Said = Done | Advanced | Alive | Failed
ToParent: TypeAlias = "Connection[Said, Job | None]"


@dataclass
class Worker:
    """A process as its parent sees it.

    Attributes:
        busy: it has a job.
        done: interactions, in all its jobs.
        place: of its last job.
        heard: when it has last said something; at first, when it should have begun to.
        processes: the ids of its children, which end with it unless they are stopped.
        ended: it has nothing to say any more.
    """

    process: SpawnProcess
    connection: "Connection[Job | None, Said]"
    busy: bool = False
    done: int = 0
    place: int = 0
    heard: float = field(default_factory=lambda: clock.seconds() + START_SECONDS)
    processes: tuple[int, ...] = ()
    ended: bool = False

    def give(self, job: Job) -> None:
        """Give it a job. What it says next tells if it has ended meanwhile."""
        with suppress(OSError):
            self.connection.send(job)
        self.busy = True
        self.place = job.place

    def hear(self) -> Done | Advanced | Alive:
        """What it says next. Raises WorkerEnded when it has ended, and CannotVerify when it can't go on."""
        try:
            said = self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join(STOP_SECONDS)
            raise WorkerEnded(
                f"A worker process ended in the middle of its work (exit code {self.process.exitcode}). "
                "Was there memory for all of them? --parallel 1 needs the least."
            ) from error
        if isinstance(said, Failed):
            raise CannotVerify(said.why)
        self.heard = clock.seconds()
        if isinstance(said, Alive):
            self.processes = said.processes
        return said

    def require_alive(self) -> None:
        """End a worker that has said nothing for too long, as one does that was stopped. Raises WorkerEnded."""
        if clock.seconds() - self.heard > SILENT_SECONDS:
            self.process.kill()
            for process in self.processes:
                with suppress(ProcessLookupError):
                    os.kill(process, KILL)
            raise WorkerEnded(f"A worker process did nothing for {SILENT_SECONDS} s, and was ended. Was it stopped?")


class WorkerEnded(Exception):
    """A worker process has ended, by itself or not."""


class Workers:
    """Shares pacts among processes: whoever is idle takes the next.

    Args:
        total: how many interactions there are, for the progress.
    """

    def __init__(self, workers: Sequence[Worker], progress: Progress, total: int) -> None:
        self.workers = workers
        self.progress = progress
        self.total = total

    def verify(self, pacts: Sequence[Pact]) -> list[PactResult]:
        """Verify pacts, in their order as far as anybody can tell: what comes after an ending has not run.

        A worker that has ended by itself ends the run: what it was given was not verified.

        Raises:
            CannotVerify: a worker can't go on.
        """
        results: dict[int, PactResult] = {}
        unread: list[Done] = []
        ending, last = None, len(pacts) - 1
        given = 0
        while True:
            for worker in self.workers:
                if not worker.busy and not worker.ended and given <= last:
                    worker.give(Job(given, pacts[given]))
                    given += 1
            while unread:
                done = unread.pop()
                results[done.place] = pickle.loads(done.pickled)  # noqa: S301  # from a worker of ours
            if not any(worker.busy for worker in self.workers):
                break
            alive = {worker.connection: worker for worker in self.workers if not worker.ended}
            ready = wait(list(alive), timeout=ALIVE_SECONDS)
            for connection, worker in alive.items():
                said = self._hear(worker, pacts, has_spoken=connection in ready)
                if isinstance(said, Done):
                    worker.busy = False
                    unread.append(said)
                    if said.ending and said.place <= last:
                        ending, last = said.ending, said.place
                elif isinstance(said, Advanced):
                    worker.done = said.done
                    self.progress(sum(each.done for each in self.workers), self.total, said.current)
        after = [ending.result(pact) for pact in pacts[last + 1 :]] if ending else []
        return [_result(results, place) for place in range(last + 1)] + after

    def _hear(self, worker: Worker, pacts: Sequence[Pact], *, has_spoken: bool) -> Done | Advanced | Alive | None:
        """What a worker says. Of one that has ended, what it was given was not verified."""
        try:
            if not has_spoken:
                worker.require_alive()
                return None
            return worker.hear()
        except WorkerEnded as error:
            worker.ended = True
            stopped = Ending(Outcome.NOT_VERIFIED, str(error))
            result = pickle.dumps(stopped.result(pacts[worker.place]))
            return Done(worker.place, result, stopped) if worker.busy else None


def _result(results: Mapping[int, PactResult], place: int) -> PactResult:
    if place not in results:
        raise CannotVerify(
            "Every worker process has ended before the work was done. --parallel 1 needs the least memory."
        )
    return results[place]


@contextmanager
def running_workers(
    tokens: Sequence[str], options: VerificationOptions, folder: Path, progress: Progress, total: int
) -> Iterator[Workers]:
    """Start worker processes, and end them with the block: in order, or at once when it is left by an exception.

    They are spawned: a process that is forked after the core has run hangs in its own.

    Args:
        tokens: one for each worker, part of the names of its test databases.
        folder: the run's own, for a folder of each worker's own.
    """
    context = get_context("spawn")
    resource_tracker.ensure_running()  # it would let signals through again that are held back
    workers: list[Worker] = []
    token_of: dict[SpawnProcess, str] = {}
    try:
        for number, token in enumerate(tokens):
            ours, theirs = context.Pipe()
            # What Django says of making test databases is said once.
            own = options if number == 0 else replace(options, database_verbosity=0)
            process = context.Process(target=work, args=(theirs, own, token, folder), name=f"pact-worker-{number + 1}")
            with held_back():
                process.start()
                theirs.close()
                workers.append(Worker(process, ours))
                token_of[process] = token
        yield Workers(workers, progress, total)
        for worker in workers:
            with suppress(OSError):  # it is no more, and its work is done
                worker.connection.send(None)
    except BaseException:
        for worker in workers:
            worker.process.terminate()
        raise
    finally:
        for worker in workers:
            worker.process.join(STOP_SECONDS)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
            if worker.process.exitcode:  # it had no time to drop its databases
                for problem in drop_left(names_of(token_of[worker.process]))[1]:
                    logger.warning("%s", problem)


def work(connection: "ToParent", options: VerificationOptions, token: str, folder: Path) -> None:
    """A worker's whole life: verify one pact after the other, until there is none, or the parent is no more."""
    atexit.register(gc.freeze)  # as in the command
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent tells what to do
    with suppress(Terminated):  # wherever it is by then, also in the middle of saying why it can't go on
        signal.signal(signal.SIGTERM, _terminate)
        hear()
        raise_again_what_is_lost()
        try:
            _work(connection, options, token, folder)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending


def _work(connection: "ToParent", options: VerificationOptions, token: str, folder: Path) -> None:
    guard_streams()
    try:
        _serve(connection, options, token, folder)
    except (EOFError, BrokenPipeError, ConnectionResetError, Terminated):
        return
    except CannotVerify as error:
        _say(connection, str(error))
    except BaseException:  # noqa: BLE001  # whatever it is, the parent has to hear of it
        _say(connection, f"A worker process could not go on:\n{traceback.format_exc()}")


def _say(connection: "ToParent", why: str) -> None:
    with suppress(OSError):  # the parent has heard it of another worker, and is no longer there
        connection.send(Failed(why))


def _serve(connection: "ToParent", options: VerificationOptions, token: str, folder: Path) -> None:
    """Verify pacts with a provider's process of its own."""

    sending = threading.Lock()

    def send(said: Done | Advanced | Alive) -> None:
        with sending:
            connection.send(said)

    def say_alive(processes: tuple[int, ...]) -> None:
        with suppress(OSError):  # the parent is no more
            send(Alive(processes))
            while not ended.wait(ALIVE_SECONDS):
                send(Alive(processes))

    def progress(done: int, total: int, current: str) -> None:
        send(Advanced(done, current))

    ended = threading.Event()
    django.setup()
    own = folder / token
    own.mkdir()
    with witnessed_provider(own, token) as provider, running_engine() as engine:
        engine.start()
        # After the provider's fork, which needs a process of one thread.
        children = ((provider.process_id, engine.process.pid),)
        threading.Thread(target=say_alive, args=children, name="pact-worker-alive", daemon=True).start()
        provider.load()
        with running_session(engine, options, provider, progress) as session:
            while job := connection.recv():
                result = session.verify(job.pact)
                send(Done(job.place, pickle.dumps(result), session.ending))
            ended.set()


def _terminate(number: int, frame: FrameType | None) -> None:
    # Whoever ends the whole group is heard twice, by the parent too: the second would stop the cleanup.
    signal.signal(number, signal.SIG_IGN)
    raise Terminated(number)
