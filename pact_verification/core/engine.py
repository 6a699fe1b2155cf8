"""Driving the verifier process, which verifies one pact after the other."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pact_verification.errors import CannotVerify
from pact_verification.results.mismatch import Mismatch
from pact_verification.system.interruption import held_back

EXIT_SECONDS = 2
"""How long an idle verifier process may take to end."""

DEAD_PROXY = "http://127.0.0.1:1"
"""A proxy that refuses all connections."""

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What the verifier process needs to verify one pact against one server.

    Attributes:
        state_url: takes the core's state calls; None for pacts without provider states.
    """

    provider: str
    pact: str
    host: str
    port: int
    state_url: str | None
    header: tuple[str, str]
    request_timeout_ms: int


@dataclass(frozen=True, slots=True)
class CoreResult:
    """The core's result for one interaction."""

    description: str
    states: tuple[str, ...]
    ok: bool
    mismatches: tuple[Mismatch, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CoreReport:
    """The core's results for one pact, in the order in which the interactions ran.

    Attributes:
        error: why there are no results, or too few. None when all interactions ran.
        output: what the core printed.
    """

    results: tuple[CoreResult, ...]
    error: str | None = None
    output: str = ""


class Engine:
    """The verifier process.

    It loads the core while a caller that starts it early creates the test databases.
    """

    def __init__(self) -> None:
        self.busy = self.used = self.running = False

    def begin(self, request: VerifyRequest) -> None:
        """Send a request.

        A process that still works on the request before is replaced, so that the two answers can't be confused.
        """
        if self.running and (self.busy or self.process.poll() is not None):
            self.stop()
        if not self.running:
            self.start()
        self.request = request
        self.busy = self.used = True
        self.output_start = self.output.seek(0, os.SEEK_END)
        with suppress(OSError):  # the process has just ended, which answer() reports
            print(json.dumps(asdict(request)), file=self._stdin, flush=True)

    def answer(self, wait: float) -> CoreReport | None:
        """Return the answer to the request, or None when `wait` seconds are over."""
        try:
            line = self.lines.get(timeout=wait)
        except queue.Empty:
            return None
        self.busy = False
        self.output.seek(self.output_start)
        output = self.output.read().decode(errors="replace")
        if line:
            return read_answer(json.loads(line), output)
        words = output[-2000:].strip() or "(none)"
        code = self.process.wait()
        error = f"The verifier process ended over {self.request.pact} (exit code {code}). Its last words: {words}"
        return CoreReport((), error, output)

    def stop(self) -> None:
        """End the process and its plugins. A busy one is killed, and an idle one ends by itself."""
        if not self.running:
            return
        self.running = False
        if self.busy or not self.used:
            self._kill()
        with suppress(OSError):  # closing sends what is left of a request
            self._stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=EXIT_SECONDS)
        self._kill()  # what still runs: the process, or plugins of one that has crashed
        self.process.wait()
        self.reader.join()
        self._stdout.close()
        self.output.close()

    def _kill(self) -> None:
        if sys.platform == "win32":  # it has no process groups of that kind
            self.process.kill()
        else:
            with suppress(OSError):  # all of them have ended
                os.killpg(self.process.pid, signal.SIGKILL)

    def start(self) -> None:
        """Start the process without waiting for it."""
        with held_back():
            self._start()

    def _start(self) -> None:
        self.output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # stop() closes it
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pact_verification.core.verifier_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.output,
            env=_environment(os.environ),
            text=True,
            encoding="utf-8",
            process_group=0,  # of its own, with the plugins that the core starts, so that none outlives the run
        )
        assert self.process.stdin
        assert self.process.stdout
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read, name="pact-engine", daemon=True)
        self.reader.start()
        self.running = True

    def _read(self) -> None:
        for line in self._stdout:
            self.lines.put(line)
        self.lines.put("")


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Return a verifier process that ends with the block."""
    engine = Engine()
    try:
        yield engine
    finally:
        engine.stop()


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    no_proxy = "127.0.0.1,localhost"
    # The core asks no broker here, so it needs no credentials.
    kept = {key: value for key, value in environ.items() if not key.startswith("PACT_BROKER_")}
    return {
        **kept,
        "NO_PROXY": no_proxy,  # the core uses HTTP_PROXY for loopback too
        "no_proxy": no_proxy,
        # The core has nothing to fetch or to send beyond loopback. This keeps it from downloading plugins.
        **dict.fromkeys(PROXY_VARIABLES, DEAD_PROXY),
        "PACT_DO_NOT_TRACK": "true",  # the core knows no other spelling
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "PYTHONIOENCODING": "utf-8",
    }


def read_answer(answer: Mapping[str, Any], output: str) -> CoreReport:
    """Read the verifier process's answer.

    Raise CannotVerify when the process can't verify anything.
    """
    if answer["results"] is None:
        if answer.get("fatal"):
            raise CannotVerify(answer["error"])
        return CoreReport((), answer["error"] or "The verifier gave no results.", output)
    results = answer["results"]
    read = tuple(_core_result(result) for result in results.get("interactionResults", ()))
    error = None
    if answer["error"] and all(result.ok for result in read):
        # No interaction explains the error: the core could not load the pact, or panicked.
        reasons = [_error_text(entry.get("mismatch", {})) for entry in results.get("errors", ())]
        error = "; ".join(filter(None, reasons)) or output.strip()[-2000:] or answer["error"]
    return CoreReport(read, error, output)


def _core_result(result: Mapping[str, Any]) -> CoreResult:
    mismatch = result.get("mismatch") or {}
    return CoreResult(
        result["description"],
        tuple(result["providerStates"]),
        result["result"] == "OK",
        tuple(sorted(map(_mismatch, mismatch.get("mismatches", ())), key=_as_in_a_response)),
        _error_text(mismatch) or None,
    )


def _error_text(mismatch: Mapping[str, Any]) -> str:
    return str(mismatch.get("message", ""))


def _mismatch(entry: Mapping[str, Any]) -> Mismatch:
    """Read one mismatch."""
    sentence = str(entry.get("mismatch", "")).partition("Stack backtrace:")[0].rstrip()
    sides = entry.get("expected"), entry.get("actual"), sentence
    match entry["type"]:
        case "StatusMismatch":
            return Mismatch("status", "", *sides)
        case "HeaderMismatch":
            return Mismatch("header", str(entry.get("key", "")), *sides)
        case "BodyTypeMismatch":
            return Mismatch("body's content type", "", *sides)
        case "BodyMismatch":
            return Mismatch("body", str(entry.get("path", "")), *sides)
        case "MetadataMismatch":
            return Mismatch("metadata", str(entry.get("key", "")), *sides)
        case other:
            return Mismatch(other.removesuffix("Mismatch").lower(), "", *sides)


def _as_in_a_response(mismatch: Mismatch) -> tuple[int, list[tuple[int, str]]]:
    """Return a sort key: status, headers or metadata, body from top to bottom.

    The core's own order changes from run to run.
    """
    parts = ("status", "header", "metadata", "body")
    rank = parts.index(mismatch.part) if mismatch.part in parts else len(parts)
    steps = re.findall(r"\d+|\D+", mismatch.path)
    return rank, [(int(step), "") if step.isdecimal() else (0, step) for step in steps]
