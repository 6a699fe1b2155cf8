"""How a process hears Ctrl-C, SIGTERM and a terminal's hang-up, from its first moment to its last.

While there is nothing to clean up, Ctrl-C ends a command at once. In a run it is an exception, which cleans up.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from pact_verification.errors import Terminated

COMMANDS = ("verify_pacts", "pact_states", "can_i_deploy", "pact_broker")
WAYS_IN = ("manage.py", "django-admin", "__main__.py")

SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]

AGAIN_SECONDS = 0.05
"""After so long an exception that Python has dropped is raised again."""


def end_at_once() -> None:
    """Let Ctrl-C end this process with a line and exit code 130. Handlers that are not Python's own stay.

    An exception would print a traceback, and be lost where it meets a callback of the import system.
    """
    if _in_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have each signal raise an exception that cleans up: KeyboardInterrupt, or Terminated with its number."""
    if not _in_main_thread():
        yield
        return
    before = {number: signal.signal(number, _terminate) for number in SIGNALS if number != signal.SIGINT}
    if signal.getsignal(signal.SIGINT) is _end:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = sys.unraisablehook
    raise_again_what_is_lost()
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_again_what_is_lost() -> None:
    """Send a signal again whose exception was raised where Python drops it, such as in a weak reference's callback."""
    told = sys.unraisablehook

    def send_again(unraisable: "sys.UnraisableHookArgs") -> None:
        lost = unraisable.exc_value
        if not isinstance(lost, KeyboardInterrupt):
            told(unraisable)
            return
        returns = threading.Event()

        def again(number: int) -> None:
            returns.wait()  # an exception would be lost in here too
            time.sleep(AGAIN_SECONDS)
            os.kill(os.getpid(), number)

        number = lost.args[0] if isinstance(lost, Terminated) else signal.SIGINT
        threading.Thread(target=again, args=(number,), daemon=True).start()
        returns.set()

    sys.unraisablehook = send_again


@contextmanager
def held_back() -> Iterator[None]:
    """Hold signals back while a process is started: this one hears them with the end of the block.

    The other is not interrupted before it is ready, since it inherits what is blocked; it has to call `hear()`.
    """
    with _deferred():
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            yield
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _deferred() -> Iterator[None]:
    """The same in this process, where another thread may take what this one blocks."""
    came: list[int] = []
    before: dict[int, Any] = {}
    if _in_main_thread():
        for number in SIGNALS:
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def hear() -> None:
    """Hear what was held back when this process was started. Its handlers have to be there."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


if sys.argv[1:2] and sys.argv[1] in COMMANDS and os.path.basename(sys.argv[0]) in WAYS_IN:  # noqa: PTH119  # early
    end_at_once()  # from the import on: Django has yet to import models and apps
