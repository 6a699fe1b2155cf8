"""What a project may do at any place. Places that a pact can't name are set in the environment: FAULTS_AT."""

import atexit
import ctypes
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock


def do(name: str) -> None:
    """Do what one of this module's functions does."""
    globals()[name]()


def at(place: str) -> None:
    """Do what FAULTS_AT names for a place: {"urls": "exit"}. "2:exit" does it the second time."""
    times, _, act = json.loads(os.environ.get("FAULTS_AT", "{}")).get(place, "").rpartition(":")
    _reached[place] = _reached.get(place, 0) + 1
    if act and _reached[place] == int(times or 1):
        do(act)


_reached: dict[str, int] = {}


def announce(text: str) -> None:
    """Tell the test that something has begun."""
    with Path(os.environ["FAULTS_EVENTS"]).open("w") as events:
        print(text, file=events, flush=True)


def pause() -> None:
    """Go on when the test says so."""
    announce("pause")
    with Path(os.environ["FAULTS_RELEASE"]).open("rb", buffering=0) as release:
        release.read(1)


def hang() -> None:
    announce("hang")
    threading.Event().wait()


def debug() -> None:
    """Stop in a debugger, as a developer does who looks at a value."""
    price = 12
    breakpoint()  # noqa: T100  # what is tested
    announce(f"went on {price}")


def debug_directly() -> None:
    """Stop in pdb, as code from before breakpoint() does."""
    import pdb  # noqa: T100  # what is tested

    price = 13
    pdb.set_trace()  # noqa: T100  # what is tested
    announce(f"went on {price}")


def look() -> None:
    """A hook for breakpoint() that is no debugger of Python's."""
    input("look: ")


def debug_and_hang() -> None:
    debug()
    hang()


def hold_gil() -> None:
    """Match for years, in C, where Python neither runs another thread nor hears a signal."""
    announce("hold_gil")
    re.match(r"(a+)+$", "a" * 64 + "b")


def exit_0() -> None:
    os._exit(0)


def exit_7() -> None:
    os._exit(7)


def sys_exit() -> None:
    sys.exit(0)


def interrupt() -> None:
    raise KeyboardInterrupt


def fail() -> None:
    reason = "the project's own mistake"
    raise RuntimeError(reason)


def abort() -> None:
    os.abort()


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def segfault() -> None:
    ctypes.string_at(0)


def recurse() -> None:
    recurse()


def memory() -> None:
    raise MemoryError("no room for it")


def fork() -> None:
    """Let both processes go on from here, as one does who forgets to end the child."""
    os.fork()


def fork_and_hang() -> None:
    """Leave a child behind."""
    if not os.fork():
        hang()


def close_descriptors() -> None:
    os.closerange(3, 256)


def close_standard_streams() -> None:
    os.close(1)
    os.close(2)


def close_sys_streams() -> None:
    sys.stdout.close()
    sys.stderr.close()


def change_directory() -> None:
    os.chdir("/")


def change_environment() -> None:
    os.environ |= {"TMPDIR": "/nowhere", "DJANGO_SETTINGS_MODULE": "nowhere", "PYTHONPATH": "/nowhere", "PATH": ""}
    tempfile.tempdir = None


def ignore_signals() -> None:
    """Below Python, so on any thread."""
    library = ctypes.CDLL(None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        library.signal(int(number), ctypes.c_void_p(1))


def ignore_signals_and_hang() -> None:
    ignore_signals()
    hang()


def delete_temporary_files() -> None:
    for path in Path(tempfile.gettempdir()).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def thread_without_end() -> None:
    threading.Thread(target=threading.Event().wait).start()


def pool_without_end() -> None:
    ThreadPoolExecutor(1).submit(threading.Event().wait)


def atexit_hang() -> None:
    atexit.register(hang)


def atexit_raise() -> None:
    atexit.register(fail)


def atexit_exit_0() -> None:
    atexit.register(exit_0)


def atexit_exit_7() -> None:
    atexit.register(exit_7)


def print_a_verdict() -> None:
    """Say what a run says that is green, and end."""
    os.write(1, b"faults: 3 interactions of 1 consumer: 3 verified, in 0.1 s. The contracts hold.\n")
    os._exit(0)


def write_to_every_descriptor() -> None:
    """Write into pipes that are others', as one does who has mixed up descriptors."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b'{"exit_code": 0}\n')
        except OSError:
            continue
    os._exit(0)


def set_setting() -> None:
    from django.conf import settings

    settings.FAULTS_COLOUR = "blue"


def delete_setting() -> None:
    from django.conf import settings

    del settings.FAULTS_COLOUR  # type: ignore[misc]  # the project's own, which the plugin doesn't know


def override_settings() -> None:
    from django.test import override_settings as override

    override(FAULTS_COLOUR="blue").enable()


def set_root_urlconf() -> None:
    from django.conf import settings

    settings.ROOT_URLCONF = "tests.faults.project.other_urls"


def override_root_urlconf() -> None:
    from django.test import override_settings as override

    override(ROOT_URLCONF="tests.faults.project.other_urls").enable()


def set_urlconf() -> None:
    from django.urls import set_urlconf as set_it

    set_it("tests.faults.project.other_urls")


def set_script_prefix() -> None:
    from django.urls import set_script_prefix as set_it

    set_it("/elsewhere/")


def activate_language() -> None:
    from django.utils import translation

    translation.activate("de")


def activate_zone() -> None:
    from django.utils import timezone

    timezone.activate("Asia/Tokyo")


def patch() -> None:
    mock.patch("tests.faults.project.views.price", return_value=2).start()


def patch_object() -> None:
    from tests.faults.project import views

    mock.patch.object(views, "price", return_value=2).start()


def patch_dictionary() -> None:
    mock.patch.dict("tests.faults.project.views.PRICES", {"cup": 2}).start()


def freeze() -> None:
    """Stop the clock for the rest of the process' life, as a project does that forgets to start it again."""
    from freezegun import freeze_time

    freeze_time("2000-01-01").start()


def break_sockets() -> None:
    """Replace the network as test libraries do: the class, its methods, and the functions that make connections."""
    import socket

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no network in tests")

    for name in ("connect", "accept", "recv", "send", "sendall", "settimeout", "close", "makefile"):
        mock.patch.object(socket.socket, name, refuse).start()
    for name in ("create_connection", "getaddrinfo", "socketpair", "create_server"):
        mock.patch.object(socket, name, refuse).start()
    mock.patch.object(socket, "socket", mock.Mock(side_effect=OSError("no network in tests"))).start()


def break_tools() -> None:
    """Replace functions that a server is likely to call."""
    for name in ("time.sleep", "time.time", "time.monotonic", "json.dumps", "json.loads"):
        mock.patch(name, side_effect=RuntimeError("replaced by a state")).start()


def log() -> None:
    import logging

    logger = logging.getLogger("shop")
    logger.error("the shelf %s is empty", "A", stack_info=True)
    logger.debug("not asked for")
    logger.error("two %s", *("arguments", "are too many"))


def log_in_a_thread() -> None:
    thread = threading.Thread(target=log)
    thread.start()
    thread.join()
