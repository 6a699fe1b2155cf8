"""An event loop for the whole run, whose thread-sensitive code runs on the live server's thread."""

import asyncio
import gc
import inspect
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, ParamSpec, Self, TypeVar
from unittest.mock import patch

from asgiref import current_thread_executor
from asgiref import sync as asgiref_sync
from asgiref.current_thread_executor import CurrentThreadExecutor
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async

from pact_verification.errors import NoAnswerInTime
from pact_verification.provider.project import LOOP_THREAD, Call
from pact_verification.results.crash import is_own
from pact_verification.system import clock
from pact_verification.text import Place

P = ParamSpec("P")
R = TypeVar("R")

WAITING = (__file__, current_thread_executor.__file__)
"""The modules in which the live server's thread waits for a coroutine."""

GRACE_SECONDS = 0.5
"""How long a coroutine that is late has to end by itself, before it is cancelled."""

CLOSE_SECONDS = 2.0
"""How long the tasks and threads that are left may take to end."""


class ServerThread(Executor):
    """Runs the thread-sensitive code of all tasks on the thread that owns the database connections.

    While that thread waits for a coroutine, it runs the code at once. Else a task that goes on between requests has its
    code run when the thread has time.

    The thread that makes it is the one that runs the code.

    Args:
        call: has the thread call a function when it does not wait.
        is_over: tells whether the task that asks belongs to an interaction that has ended. The transaction is another
            one's then.
    """

    def __init__(self, call: Call, is_over: Callable[[], bool]) -> None:
        self.call = call
        self.is_over = is_over
        self.is_waiting = False
        self._thread = threading.current_thread()
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._nested: list[CurrentThreadExecutor] = []

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        if self.is_over():
            raise RuntimeError(
                "The interaction that started this task is over, so the task can't use the database or run synchronous "
                "code. Await it in the view, or mock it in the provider state."
            )
        future: Future[R] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  # the task that waits for the result gets it
                future.set_exception(error)

        self._work.put(work)
        if nested := self._nested[-1:]:
            with suppress(RuntimeError):  # it has just ended
                nested[0].submit(self._run_rest)
        elif not self.is_waiting:
            self.call(self._run_rest)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: the thread is the live server's."""

    @contextmanager
    def running_nested_work(self) -> Iterator[None]:
        """Run the code also while the thread waits in async_to_sync(), as it does around a synchronous middleware."""
        server_thread = self

        class Nested(CurrentThreadExecutor):
            def run_until_future(self, future: "Future[Any]") -> None:
                if threading.current_thread() is not server_thread._thread:
                    super().run_until_future(future)
                    return
                server_thread._nested.append(self)
                try:
                    server_thread._run_rest()
                    super().run_until_future(future)
                finally:
                    server_thread._nested.remove(self)

        with patch.object(asgiref_sync, "CurrentThreadExecutor", Nested):
            yield

    def wait_for(self, future: "Future[R]") -> R:
        """Run thread-sensitive code until a future is done. Returns its result."""
        future.add_done_callback(lambda done: self._work.put(None))
        self.is_waiting = True
        while not future.done():
            if work := self._work.get():
                work()
        self.is_waiting = False
        self._run_rest()
        return future.result()

    def place(self) -> Place | None:
        """Return the line of the project that the thread runs; None while it waits for a coroutine."""
        for frame in _callers(sys._current_frames().get(self._thread.ident or 0)):
            if frame.f_code.co_filename in WAITING:
                return None
            if _is_own(frame):
                return _place_of(frame)
        return None

    def _run_rest(self) -> None:
        with suppress(Empty):
            while True:
                if work := self._work.get_nowait():
                    work()


class EventLoop:
    """An event loop on a thread of its own.

    Tasks go on between requests there, such as those of an application's lifespan. The thread that calls `run` runs
    their thread-sensitive code: synchronous views, middleware and the ORM.

    Args:
        call: has the thread that calls `run` call a function when it does not wait in `run`.
        is_over: tells, in the context of a task, whether the interaction that started it has ended.

    Attributes:
        lasting: tasks that do not belong to a request.
    """

    def __init__(self, call: Call, is_over: Callable[[], bool]) -> None:
        self.loop = asyncio.SelectorEventLoop()  # not that of a policy: uvloop's connections can't be refused
        with suppress(AttributeError):  # a loop of the project's policy may have fixed attributes
            self.loop.time = clock.seconds  # type: ignore[method-assign]  # a state may freeze the clock
        self.server_thread = ServerThread(call, is_over)
        self.lasting: frozenset[asyncio.Task[Any]] = frozenset()
        self._sensitive = ThreadSensitiveContext()
        SyncToAsync.context_to_thread_executor[self._sensitive] = self.server_thread
        self._is_closing = False
        self._thread = threading.Thread(target=self._turn, name=LOOP_THREAD, daemon=True)

    @classmethod
    @contextmanager
    def running(cls, call: Call, is_over: Callable[[], bool]) -> Iterator[Self]:
        """Run a loop until the block ends."""
        loop = cls(call, is_over)
        with loop.server_thread.running_nested_work():
            loop._thread.start()
            try:
                # asgiref remembers the loop, so async_to_sync() in a provider state uses it too.
                loop.run(sync_to_async(_do_nothing)(), CLOSE_SECONDS)
                yield loop
            finally:
                loop._close()

    def run(
        self, coroutine: Coroutine[Any, Any, R], seconds: float, late: Callable[[Place | None], None] | None = None
    ) -> R:
        """Run a coroutine to its end.

        Args:
            seconds: how long it may take.
            late: called on the loop's thread when it takes longer, with the line of the project where it waits. It may
                ask the coroutine to end. A coroutine that does not end is cancelled.

        Raises:
            NoAnswerInTime: it took longer. The text names the place.
        """
        places: list[Place | None] = []

        async def main() -> R:
            SyncToAsync.thread_sensitive_context.set(self._sensitive)
            task = asyncio.current_task()
            assert task
            timers = [self.loop.call_later(seconds, is_late, task)]
            # What does not end after that hangs. The run ends it as it ends other code that hangs.
            timers.append(self.loop.call_later(seconds + GRACE_SECONDS * bool(late), task.cancel))
            try:
                return await coroutine
            finally:
                for timer in timers:
                    timer.cancel()

        def is_late(task: asyncio.Task[R]) -> None:
            places.append(self._place(task))
            if late:
                late(places[0])

        future = asyncio.run_coroutine_threadsafe(main(), self.loop)
        try:
            result = self.server_thread.wait_for(future)
        except BaseException as error:
            if places:
                raise _no_answer_in_time(places[0]) from error
            raise
        if places:
            raise _no_answer_in_time(places[0])
        return result

    def keep_tasks(self) -> None:
        """Take it that the tasks which exist now do not belong to a request."""
        self.lasting = frozenset(asyncio.all_tasks(self.loop))

    def _turn(self) -> None:
        """Run the loop's thread."""
        while not self._is_closing:
            with suppress(BaseException):  # the loop passes on SystemExit, which the task's own future has as well
                self.loop.run_forever()

    def _close(self) -> None:
        with suppress(NoAnswerInTime):
            self.run(self._end_tasks(), CLOSE_SECONDS)
        self._is_closing = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self.loop.close()

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()

    def _place(self, main: "asyncio.Task[Any]") -> Place | None:
        """Return the line of the project at which a request waits."""
        if found := self.server_thread.place():
            return found
        tasks = [*(asyncio.all_tasks() - self.lasting - {main}), main, *self.lasting]
        stacks = [list(_awaited(task)) for task in tasks]
        # A task may wait for another one, directly or through the server's thread. The line is in that one.
        stacks.sort(key=lambda stack: bool(stack) and stack[0].f_code.co_filename == asgiref_sync.__file__)
        return next((_place_of(frame) for stack in stacks for frame in stack if _is_own(frame)), None)


def _do_nothing() -> None:
    pass


def _no_answer_in_time(place: Place | None) -> NoAnswerInTime:
    return NoAnswerInTime(f" It waited at {place}." if place else "")


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and those that called it, the innermost first."""
    while frame:
        yield frame
        frame = frame.f_back


def _awaited(task: "asyncio.Task[Any]") -> Iterator[FrameType]:
    """Yield the frames of a task that waits, the innermost first."""
    frames: list[FrameType] = []
    waiting: Any = task.get_coro()
    while waiting is not None:
        step = waiting
        waiting = None
        for frame, awaited in (("cr_frame", "cr_await"), ("ag_frame", "ag_await"), ("gi_frame", "gi_yieldfrom")):
            if hasattr(step, frame):
                frames += filter(None, [getattr(step, frame)])
                waiting = getattr(step, awaited)
        if type(step).__name__.startswith("async_generator_"):  # it has no attribute that leads to its generator
            waiting = next(filter(inspect.isasyncgen, gc.get_referents(step)), None)
    yield from reversed(frames)


def _is_own(frame: FrameType) -> bool:
    return is_own(frame.f_code.co_filename)


def _place_of(frame: FrameType) -> Place:
    return Place(frame.f_code.co_filename, frame.f_lineno)
