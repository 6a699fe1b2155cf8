"""Asking the Pact core what it accepts: it verifies copies of interactions against a static server."""

import json
import os
import re
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from tempfile import mkstemp
from typing import Any
from wsgiref.types import WSGIEnvironment

from pact_verification.core.engine import CoreReport, Engine, VerifyRequest
from pact_verification.errors import CannotVerify
from pact_verification.impact.changes import Change, changed
from pact_verification.impact.members import OF_THE_CONNECTION, Recorded, Steps, read_path
from pact_verification.messages.producing import for_core
from pact_verification.pacts.pact import Interaction
from pact_verification.pacts.schema import MESSAGE, SYNCHRONOUS
from pact_verification.pacts.sources import Progress, no_progress
from pact_verification.provider.http_connection import (
    HOST,
    RUN_HEADER,
    Response,
    empty_response,
    read_body,
    status_line,
)
from pact_verification.provider.http_server import HttpServer
from pact_verification.provider.message_endpoint import METADATA_HEADER
from pact_verification.results.causes import MISSING_KEYS
from pact_verification.results.compression import coding_of, compressed
from pact_verification.results.exchange import RecordedResponse
from pact_verification.results.mismatch import Mismatch
from pact_verification.system import clock

PART = 25
"""How many copies the core gets at once. It copies the whole part for each of them."""

PART_BYTES = 1_000_000
"""The size of a part's interactions and responses, unless one is larger."""

REQUEST_TIMEOUT_MS = 60_000
"""How long the core waits for the static server, which answers at once."""

SILENT_SECONDS = 120
"""How long the core may take between two requests. A plugin may be slow."""

POLL_SECONDS = 0.005

PATIENCE_SECONDS = 10
"""How long a request may take to come."""

PATH = "/pact-impact/"
"""The path of every request, with the number of the trial."""

NEXT_COOKIE = re.compile(r",\s*(?=[^=;,\s]+=)")

LEFT_OUT = frozenset({"comments", "key", "pending", "providerState", "providerStates", "provider_state"})
"""Members of an interaction that say nothing about its response."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A verified response or message, and the interaction that it was verified for.

    Attributes:
        consumer: the interaction's.
        provider: as the pact names it.
        frame: the pact's document without its interactions.
        data: the interaction in the document.
        interaction: its `response` says which response of a synchronous message it is.
        recorded: as the project gave it.
    """

    consumer: str
    provider: str
    frame: Mapping[str, Any]
    data: Mapping[str, Any]
    interaction: Interaction
    recorded: Recorded

    def copy(self, number: int) -> dict[str, Any]:
        """Return a copy of the interaction for the core, without provider states. Its request names a trial."""
        kept = {name: value for name, value in self.data.items() if name not in LEFT_OUT}
        kept["description"] = str(number)
        if not self.interaction.is_message:
            kept["request"] = {"method": "GET", "path": f"{PATH}{number}"}
        elif self.interaction.kind == SYNCHRONOUS:
            kept["response"] = [kept["response"][self.interaction.response]]
        return kept

    def answer(self, changes: Sequence[Change]) -> Response:
        """Return the response after the changes, as the core reads it."""
        recorded = changed(self.recorded, changes)
        if isinstance(recorded, RecordedResponse):
            headers = list(_headers(recorded))
            body = compressed(recorded.body, coding_of(recorded.headers)) if recorded.body else b""
            return f"{recorded.status} {recorded.reason}".rstrip(), headers, body
        content, metadata = for_core(recorded, self.interaction.expected_message)
        headers = [(METADATA_HEADER, b64encode(json.dumps(metadata).encode()).decode())]
        if recorded.content_type:
            headers.append(("Content-Type", recorded.content_type))
        return status_line(HTTPStatus.OK), headers, content

    @property
    def list_name(self) -> str:
        """The list of the pact's document that has the interaction."""
        return list_name(self.interaction)


@dataclass(frozen=True, slots=True)
class Trial:
    """A response with changes that the core is asked about. Without changes it is the response as it was."""

    subject: Subject
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the core says of a trial.

    Attributes:
        accepted: whether the contract holds; None where the core gave no verdict.
        refused: the places in the body that it names as different.
    """

    accepted: bool | None = None
    refused: frozenset[Steps] = frozenset()


def _headers(recorded: RecordedResponse) -> Iterator[tuple[str, str]]:
    """Yield the headers of a response. Cookies were joined into one text, and a date in one has a comma too."""
    for name, value in recorded.headers.items():
        if name.lower() == "set-cookie":
            yield from ((name, each) for each in NEXT_COOKIE.split(value))
        elif name.lower() not in OF_THE_CONNECTION:
            yield name, value


class Core:
    """Asks the Pact core about trials, with several verifier processes.

    Args:
        engines: the verifier processes.
        directory: the folder of the run, for the pact files that the core reads.
        progress: receives how many trials are done.
    """

    def __init__(
        self, engines: Sequence[Engine], server: "StaticServer", directory: Path, progress: Progress = no_progress
    ) -> None:
        self.engines = engines
        self.server = server
        self.directory = directory
        self.progress = progress

    def judge(self, trials: Sequence[Trial]) -> list[Verdict]:
        """Return the core's verdict on each trial.

        Raises:
            CannotVerify: the verifier process can't work, or takes too long.
        """
        verdicts = [Verdict()] * len(trials)
        parts = list(_parts(trials))
        self._run(trials, parts, verdicts)
        # A response that ends the core's work takes the others of its part along. Alone each gets its verdict.
        lost = [[number] for part in parts if len(part) > 1 for number in part if verdicts[number].accepted is None]
        self._run(trials, lost, verdicts)
        return verdicts

    def _run(self, trials: Sequence[Trial], parts: Sequence[Sequence[int]], verdicts: list[Verdict]) -> None:
        """Have the core verify parts, each a list of numbers of trials, and note the verdicts."""
        waiting = list(reversed(parts))
        working: dict[Engine, tuple[Sequence[int], float, Path]] = {}
        done = 0
        while waiting or working:
            for engine in self.engines:
                if engine not in working:
                    if waiting:
                        part = waiting.pop()
                        self.server.expect({number: trials[number] for number in part})
                        request = self._request(trials, part)
                        engine.begin(request)
                        working[engine] = part, clock.seconds(), Path(request.pact)
                    continue
                part, since, file = working[engine]
                if (report := engine.answer(POLL_SECONDS)) is None:
                    if clock.seconds() - max(since, self.server.asked_at) > SILENT_SECONDS:
                        raise CannotVerify(
                            f"The verifier process gave no verdict on {len(part)} changed responses in "
                            f"{SILENT_SECONDS} s, so it was ended."
                        )
                    continue
                del working[engine]
                file.unlink()
                self._note(part, report, verdicts)
                done += len(part)
                self.progress(done, sum(map(len, parts)), "changed responses")

    def _note(self, part: Sequence[int], report: CoreReport, verdicts: list[Verdict]) -> None:
        """Note the core's verdicts. Only a result in its place, for a request that came, is one."""
        came = self.server.take_came(part)
        for number, result in zip(part, report.results, strict=False):
            if result.description == str(number) and number in came:
                verdicts[number] = Verdict(result.ok, frozenset(_refused(result.mismatches)))

    def _request(self, trials: Sequence[Trial], part: Sequence[int]) -> VerifyRequest:
        first = trials[part[0]].subject
        copies = [trials[number].subject.copy(number) for number in part]
        descriptor, path = mkstemp(suffix=".json", dir=self.directory)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({**first.frame, first.list_name: copies}, file)
        return VerifyRequest(
            provider=first.provider,
            pact=path,
            host=HOST,
            port=self.server.port,
            state_url=None,
            header=(RUN_HEADER, self.server.secret),
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )


def _refused(mismatches: Sequence[Mismatch]) -> Iterator[Steps]:
    """Yield the places in a body that mismatches are about. The core names missing members at their object."""
    for each in mismatches:
        if each.part != "body" or not each.path:
            continue
        place = read_path(each.path)
        yield place
        if each.message.startswith(MISSING_KEYS):
            for name in each.message.removeprefix(MISSING_KEYS).split(", "):
                yield (*place, name)


def list_name(interaction: Interaction) -> str:
    """Return the list of a pact's document that has an interaction. V3 has messages in their own."""
    return "messages" if interaction.kind == MESSAGE else "interactions"


def _parts(trials: Sequence[Trial]) -> Iterator[list[int]]:
    """Yield numbers of trials that the core gets at once: those of one pact, and of one of its lists."""

    def file_of(number: int) -> tuple[int, str]:
        return id(trials[number].subject.frame), trials[number].subject.list_name

    subjects = {id(trial.subject): trial.subject for trial in trials}
    sizes = {number: len(json.dumps(each.data)) + len(each.recorded.body) for number, each in subjects.items()}
    for _, group in groupby(sorted(range(len(trials)), key=file_of), file_of):
        part: list[int] = []
        size = 0
        for number in group:
            more = sizes[id(trials[number].subject)]
            if part and (len(part) == PART or size + more > PART_BYTES):
                yield part
                part, size = [], 0
            part.append(number)
            size += more
        yield part


class StaticServer:
    """Answers the core's requests with the changed responses, on a thread of its own.

    Args:
        secret: requests without it are refused.

    Attributes:
        asked_at: when the last request came, on the run's clock.
    """

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.asked_at = 0.0
        self._server = HttpServer(secret, PATIENCE_SECONDS)
        self.port = self._server.port
        self._trials: dict[int, Trial] = {}
        self._came: set[int] = set()
        self._thread = threading.Thread(
            target=self._server.serve, args=(self._answer, lambda: None), name="pact-impact", daemon=True
        )

    def expect(self, trials: Mapping[int, Trial]) -> None:
        """Prepare for requests, by the numbers that they carry."""
        self._trials.update(trials)

    def take_came(self, numbers: Sequence[int]) -> set[int]:
        """Return which of the requests have come, and forget all of them."""
        came = {number for number in numbers if number in self._came}
        self._came -= came
        for number in numbers:
            self._trials.pop(number, None)
        return came

    def start(self) -> None:
        """Start to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and close the sockets."""
        self._server.stop()
        self._thread.join()
        self._server.close()

    def _answer(self, environ: WSGIEnvironment) -> Response:
        path = environ["PATH_INFO"]
        named = path.removeprefix(PATH) if path.startswith(PATH) else _description(read_body(environ))
        trial = self._trials.get(int(named)) if named.isdecimal() else None
        if trial is None:
            return empty_response(HTTPStatus.NOT_FOUND)
        self.asked_at = clock.seconds()
        try:
            response = trial.subject.answer(trial.changes)
        except Exception:  # noqa: BLE001  # a fault here is no verdict on one change, and not the end of the thread
            return empty_response(HTTPStatus.INTERNAL_SERVER_ERROR)
        self._came.add(int(named))
        return response


def _description(body: bytes) -> str:
    """Return the description that the core asks a message by; empty if there is none."""
    try:
        return str(json.loads(body).get("description", ""))
    except (ValueError, AttributeError):
        return ""


@contextmanager
def running_core(engines: Sequence[Engine], directory: Path, progress: Progress = no_progress) -> Iterator[Core]:
    """Start the static server for the block. See Core."""
    server = StaticServer(secrets.token_urlsafe(24))
    server.start()
    try:
        yield Core(engines, server, directory, progress)
    finally:
        server.stop()
