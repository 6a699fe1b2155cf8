"""The sides of a comparison. Each verifies pacts in processes of its own, and has to prove that it did."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType

from benchmarks.memory import peaks
from benchmarks.pact_files import PROVIDER, Pacts

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
PACT = str(Path(PYTHON).with_name("pact"))
HOST = "127.0.0.1"
MEMBERS = 10
"""How many members of a response the consumer of Impact needs."""

POLL_SECONDS = 0.002
START_SECONDS = 30
NOTHING: Mapping[str, str] = MappingProxyType({})


class NotVerifiedError(Exception):
    """A side did not verify what it was given: what it took means nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """A side that is one command, from its start to its end.

    Attributes:
        arguments: Python's; the pacts come after them.
        variables: of the environment.
        pacts_in_files: whether the command line names the pacts. Otherwise the command finds them at a broker.
    """

    arguments: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    pacts_in_files: bool = True

    def verify(self, pacts: Pacts, watched: list[float] | None = None) -> float:
        """Verify all of them, and return the seconds that it took.

        Args:
            watched: gets the most memory that the process and its children had, in MB.
        """
        command = [PYTHON, *self.arguments, *([str(pacts.path)] if self.pacts_in_files else [])]
        with ExitStack() as ends:
            started = time.perf_counter()
            process = ends.enter_context(_started(command, pacts.path.parent, self.variables))
            memory = ends.enter_context(peaks(process.pid)) if watched is not None else {}
            out, err = process.communicate()
            seconds = time.perf_counter() - started
        counts = re.findall(r"\b(\d+) verified\b", out.strip().rpartition("\n")[2])
        _require_all(pacts, counts == [str(pacts.interactions)], process, out + err)
        if watched is not None:
            watched.append(sum(memory.values()) / 1e6)
        return seconds


def ours(*options: str, settings: str = "benchmarks.project.settings", **variables: str) -> Command:
    """`manage.py verify_pacts`."""
    return Command(
        ["-m", "django", "verify_pacts", *options],
        {"DJANGO_SETTINGS_MODULE": settings, "PACT_PROVIDER_NAME": PROVIDER, **variables},
    )


@dataclass(frozen=True, slots=True)
class Impact:
    """`manage.py pact_impact`."""

    def ask(self, pacts: Pacts) -> tuple[float, float]:
        """Return the seconds that the whole command took, and those of one change without the verification."""
        report = pacts.path.with_suffix(".impact")
        command = [PYTHON, "-m", "django", "pact_impact", "--json", str(report), str(pacts.path)]
        started = time.perf_counter()
        with _started(command, pacts.path.parent, ours().variables) as process:
            out, err = process.communicate()
        seconds = time.perf_counter() - started
        _require_all(pacts, process.returncode == 0, process, out + err)
        found = json.loads(report.read_text())
        needed = [bool(member["needs"]) for each in found["operations"] for member in each["members"]]
        _require_all(pacts, sum(needed) >= MEMBERS, process, out + err)
        return seconds, found["seconds"] / found["changes"]


def in_one_process() -> Command:
    """The same by `call_command`, which has no witness."""
    code = "import sys, django; django.setup(); django.core.management.call_command('verify_pacts', *sys.argv[1:])"
    return Command(["-c", f"import django.core.management; {code}"], dict(ours().variables))


def floor() -> Command:
    return Command(["-m", "benchmarks.peers.floor"])


def live_server(**variables: str) -> Command:
    """On the project that `ours` verifies."""
    return Command(
        ["-m", "benchmarks.peers.live_server"],
        {"DJANGO_SETTINGS_MODULE": "benchmarks.project.settings", **variables},
    )


@dataclass(frozen=True, slots=True)
class Sibling:
    """FastAPI and `pact verifier`, as a shell would run them: start the server, wait for it, verify, stop it."""

    def verify(self, pacts: Pacts) -> float:
        """Verify one pact, and return the seconds that it all took."""
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        states = f"http://{HOST}:{port}/_pact/provider_states"
        server = [PYTHON, "-m", "uvicorn", "benchmarks.peers.sibling:app", "--host", HOST, "--port", str(port)]
        verifier = [
            *(PACT, "verifier", "--no-colour", "--provider-name", PROVIDER, "--hostname", HOST, "--port", str(port)),
            *("--state-change-url", states, "--file", str(pacts.path)),
        ]
        started = time.perf_counter()
        with _serving(server, pacts, port), _started(verifier, pacts.path.parent) as process:
            out, err = process.communicate()
        seconds = time.perf_counter() - started
        bodies = out.count("has a matching body (OK)")
        _require_all(pacts, bodies == pacts.interactions, process, out + err)
        return seconds


@dataclass(frozen=True, slots=True)
class DjangoTest:
    """`manage.py test` with one empty test, on the project that `ours` verifies."""

    options: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    test: str = "benchmarks.project.tests"

    def run(self, folder: Path) -> float:
        """Run it in a folder, and return the seconds that it took from its start to its end."""
        variables = {"DJANGO_SETTINGS_MODULE": "benchmarks.project.settings", **self.variables}
        command = [PYTHON, "-m", "django", "test", self.test, "--noinput", *self.options]
        started = time.perf_counter()
        with _started(command, folder, variables) as process:
            out, err = process.communicate()
        seconds = time.perf_counter() - started
        if process.returncode or not re.search(r"^Ran 1 test in .*\n\nOK$", err, re.MULTILINE):
            raise NotVerifiedError(
                f"{command!r} did not run one test, with exit code {process.returncode}:\n{out + err}"
            )
        return seconds


@contextmanager
def _serving(command: Sequence[str], pacts: Pacts, port: int) -> Iterator[None]:
    with (pacts.path.parent / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=pacts.path.parent, env=_environment(), stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise NotVerifiedError(f"{' '.join(command)} does not answer: {Path(log.name).read_text()}")
                time.sleep(POLL_SECONDS)
            yield
        finally:
            server.terminate()
            server.wait()


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/product/none")
        return bool(connection.getresponse().status)
    except ConnectionError:
        return False
    finally:
        connection.close()


def _started(command: Sequence[str], folder: Path, variables: Mapping[str, str] = NOTHING) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _environment(variables: Mapping[str, str] = NOTHING) -> dict[str, str]:
    """The caller's, without what the sides would take from it, and alike for all of them."""
    taken = ("PACT_", "DJANGO_", "GIT_", "GITHUB_", "DATABASE_URL")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(taken)}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PACT_DO_NOT_TRACK": "true",  # else the core calls a host outside, and waits for it
        "NO_PROXY": f"{HOST},localhost",
        **variables,
    }


def _require_all(pacts: Pacts, counted: bool, process: subprocess.Popen[str], said: str) -> None:
    if not counted or process.returncode:
        raise NotVerifiedError(
            f"{process.args!r} did not verify the {pacts.interactions} interactions that it was given, with exit code "
            f"{process.returncode}:\n{said}"
        )
