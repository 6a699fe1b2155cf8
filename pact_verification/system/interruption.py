"""Handles Ctrl-C, SIGTERM and a terminal's hang-up, from a process's first moment to its last.

Before a run has anything to clean up, Ctrl-C ends the command at once. In a run it raises an exception that cleans up.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any

from pact_verification.errors import Terminated

COMMANDS = (
    "can_i_deploy",
    "pact_broker",
    "pact_impact",
    "pact_states",
    "provider_version",
    "record_deployment",
    "verify_pacts",
)
WAYS_IN = ("manage.py", "django-admin", "__main__.py")

SIGNALS = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]

AGAIN_SECONDS = 0.05
"""How long to wait before raising an exception again that Python dropped."""


def end_at_once() -> None:
    """Let Ctrl-C end this process with a line and exit code 130. Handlers other than Python's own stay.

    An exception would print a traceback. In a callback of the import system Python would drop it.
    """
    if _in_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Make each signal raise an exception in the block: KeyboardInterrupt, or Terminated with its number."""
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


@contextmanager
def undisturbed_at_the_end() -> Iterator[ExitStack]:
    """Yield a stack of callbacks.

    A second Ctrl-C stops none of them, because it would leave a database behind.
    """
    with ExitStack() as cleanup:
        if threading.current_thread() is not threading.main_thread():
            yield cleanup
            return
        before: dict[signal.Signals, Any] = {}

        def hear_again() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        cleanup.callback(hear_again)
        try:
            yield cleanup
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, signal.SIG_IGN)


def raise_again_what_is_lost() -> None:
    """Send a signal again if Python dropped its exception, as in a weak reference's callback."""
    report_unraisable = sys.unraisablehook

    def send_again(unraisable: "sys.UnraisableHookArgs") -> None:
        lost = unraisable.exc_value
        if not isinstance(lost, KeyboardInterrupt):
            report_unraisable(unraisable)
            return
        returns = threading.Event()

        def again(number: int) -> None:
            returns.wait()  # until the hook has returned, Python drops exceptions
            time.sleep(AGAIN_SECONDS)
            if sys.platform == "win32":  # where os.kill() ends a process, whatever the signal
                signal.raise_signal(number)
            else:
                os.kill(os.getpid(), number)

        number = lost.args[0] if isinstance(lost, Terminated) else signal.SIGINT
        threading.Thread(target=again, args=(number,), daemon=True).start()
        returns.set()

    sys.unraisablehook = send_again


@contextmanager
def held_back() -> Iterator[None]:
    """Hold signals back while this process starts another. It receives them at the end of the block.

    The other process inherits the blocked signals, so that it is not interrupted too early. It has to call `hear()`.
    """
    with _deferred():
        if sys.platform == "win32":  # a process there inherits no signals
            yield
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """Note the signals that come in the block, which none of them interrupts. Yields the list of their numbers."""
    came: list[int] = []
    before: dict[int, Any] = {}
    if _in_main_thread():
        for number in SIGNALS:
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _deferred() -> Iterator[None]:
    """Hold signals back in this process, in which another thread may receive what this one blocks."""
    came: list[int] = []
    try:
        with noted_signals() as came:
            yield
    finally:
        for number in came[:1]:
            signal.raise_signal(number)


def hear() -> None:
    """Receive the signals that were held back when this process started. Install the handlers first."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


if sys.argv[1:2] and sys.argv[1] in COMMANDS and os.path.basename(sys.argv[0]) in WAYS_IN:  # noqa: PTH119  # early
    end_at_once()  # at import, before Django imports models and apps
