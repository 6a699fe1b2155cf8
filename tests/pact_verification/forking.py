"""Start commands as forks of a Python that has imported Django and this package.

Half of a command's time goes into starting Python and importing modules. Hundreds of tests run a command. So a test
process keeps one Python process that has imported what needs no settings, and each command is a fork of it. A fork has
its own arguments, environment, streams, folder, project and exit code.

Python reads some variables only when it starts. A command with other values for these is an ordinary process, and so
is every command that a test signals, kills or looks at while it runs.
"""

import atexit
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

READ_AT_START = ("PYTHON", "LC_", "LANG", "COVERAGE_", "LD_", "MALLOC_", "TZ")
"""How the variables begin that count when Python starts. PYTHONPATH is applied to each fork."""

IMPORTED = (
    "asgiref.sync",
    "django.core.cache.backends.db",
    "django.core.handlers.wsgi",
    "django.core.management.commands.migrate",
    "django.core.servers.basehttp",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.forms",
    "django.middleware.common",
    "django.middleware.security",
    "django.template.backends.django",
    "django.test.testcases",
    "django.urls",
    "environ",
    "multiprocessing.popen_fork",
    "multiprocessing.spawn",
    "pact_verification.apps",
    "pact_verification.checks",
    "pact_verification.management.commands.verify_pacts",
    "pact_verification.provider.here",
    "pact_verification.reporters.console",
    "pact_verification.reporters.progress",
    "pact_verification.run.provider_process",
    "pact_verification.run.runner",
    "pact_verification.run.witness",
    "parse",
    "requests",
    "rich.console",
    "rich.progress",
)
"""What the commands import, of what needs no settings when it is imported."""

MESSAGE_BYTES = 1_000_000

Environment = Mapping[str, str]


class Forker:
    """A Python process that has imported Django, and the commands that it forks."""

    def __init__(self, environment: Environment) -> None:
        self._read_at_start = read_at_start(environment)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env=dict(environment),
                cwd=Path(__file__).parents[2],
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C ends it by the end of this process
            )
        atexit.register(self.close)

    def can_start(self, environment: Environment) -> bool:
        """Return whether a fork differs in nothing from a Python that starts with these variables."""
        return read_at_start(environment) == self._read_at_start

    def run(
        self, arguments: Sequence[str], environment: Environment, cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m django` with arguments. Raises subprocess.TimeoutExpired, as subprocess.run() does."""
        message = json.dumps({"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd)})
        pipes = [os.pipe() for _ in range(3)]
        socket.send_fds(self._socket, [message.encode()], [write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        out, err, ended = self._read([read for read, _ in pipes], time.monotonic() + timeout, arguments, timeout)
        _, status = ended.split()
        return subprocess.CompletedProcess(
            list(arguments), os.waitstatus_to_exitcode(int(status)), _as_text(out), _as_text(err)
        )

    def _read(
        self, descriptors: Sequence[int], deadline: float, arguments: Sequence[str], timeout: float
    ) -> list[bytes]:
        """Return all that comes from the descriptors, and close them. The last has the process id and the status."""
        read = dict.fromkeys(descriptors, b"")
        with selectors.DefaultSelector() as selector:
            for descriptor in descriptors:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0, deadline - time.monotonic()))
                if not ready:
                    with suppress(ProcessLookupError):
                        os.kill(int(read[descriptors[-1]].split()[0]), signal.SIGKILL)
                    raise subprocess.TimeoutExpired(list(arguments), timeout, read[descriptors[0]])
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    read[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
        for descriptor in descriptors:
            os.close(descriptor)
        return list(read.values())

    def close(self) -> None:
        """End the process."""
        atexit.unregister(self.close)
        self._socket.close()
        self._process.wait()


def read_at_start(environment: Environment) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_AT_START) and name not in {"PYTHONPATH", "PYTHONWARNINGS"}
    } | {"PYTHONWARNINGS": environment.get("PYTHONWARNINGS", "")}


def _as_text(output: bytes) -> str:
    return output.decode().replace("\r\n", "\n").replace("\r", "\n")


def serve(server: socket.socket) -> dict[str, Any] | None:
    """Fork for each command that is asked for. Return the command in the fork, and None at the end."""
    running: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd in running:
                    selector.unregister(key.fd)
                    pid, answer = running.pop(key.fd)
                    _, status = os.waitpid(pid, 0)
                    with suppress(BrokenPipeError):
                        os.write(answer, str(status).encode())
                    os.close(answer)
                    os.close(key.fd)
                    continue
                message, descriptors, _, _ = socket.recv_fds(server, MESSAGE_BYTES, 3)
                if not message:
                    return None
                if (pid := os.fork()) == 0:
                    others = [each for pidfd, (_, answer) in running.items() for each in (pidfd, answer)]
                    command: dict[str, Any] = json.loads(message)
                    out, err, answer = descriptors
                    os.dup2(out, 1)
                    os.dup2(err, 2)
                    for descriptor in (*descriptors, *others):
                        os.close(descriptor)
                    return command
                out, err, answer = descriptors
                os.close(out)
                os.close(err)
                os.write(answer, f"{pid} ".encode())
                pidfd = os.pidfd_open(pid)
                running[pidfd] = (pid, answer)
                selector.register(pidfd, selectors.EVENT_READ)


def become(main: ModuleType, command: dict[str, Any], path: Sequence[str]) -> None:
    """Make this process what `python -m django` is when it begins."""
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["cwd"])
    spec = importlib.util.find_spec("django.__main__")
    assert spec
    assert spec.origin
    main.__spec__, main.__file__ = spec, spec.origin
    sys.argv = [spec.origin, *command["arguments"]]
    added = filter(None, command["environment"].get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [command["cwd"], *added, *path]
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # a project may have another package of that name
    tempfile.tempdir = None
    for descriptor, name, errors in ((1, "stdout", sys.stdout.errors), (2, "stderr", sys.stderr.errors)):
        setattr(sys, name, open(descriptor, "w", encoding=sys.stdout.encoding, errors=errors, closefd=False))  # noqa: SIM115
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is the one above
    for name in ("stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))
    importlib.reload(sys.modules["pact_verification.system.interruption"])  # at import, it looks at the command


if __name__ == "__main__":
    before = sys.path[:]
    for module in IMPORTED:
        importlib.import_module(module)
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        wanted = serve(connection)
    if wanted is not None:
        become(sys.modules["__main__"], wanted, before[1 + len(os.environ.get("PYTHONPATH", "").split(os.pathsep)) :])
        from django.core.management import execute_from_command_line  # what django.__main__ does

        execute_from_command_line()
