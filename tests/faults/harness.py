"""Run verify_pacts as a process on a project with a fault, and see how it ends and what it leaves behind.

A test is a row in a table: `Fault(name, interactions, exit_code, ...)`, made into parameters by `table()`, checked by
`check(fault, folder)`. What a project does wrong is a function in `project/acts.py`; `fault.at`, a provider state's
name or a path says where it does it. What the test does meanwhile, such as Ctrl-C, is `fault.meanwhile`.
"""

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, inherited, on_postgresql

Interaction = Mapping[str, Any]

VERIFIED, NOT_VERIFIED, MISMATCH, STATE_ERROR = "verified", "not_verified", "mismatch", "state_error"
PRODUCER_ERROR = "producer_error"
FAILED = "failed"
"""Any outcome but verified."""
ANY = "any"

OK = interaction("it is well", "/items", states=["an item cup exists"], response={"body": ["cup"]})
OK_TOO = interaction("it is well too", "/items", states=["an item pot exists"], response={"body": ["pot"]})
RED = interaction("it is red", "/items", response={"body": ["what is not there"]})

QUICK = ("--request-timeout", "0.5")
"""What hangs is given up after four times as long."""

GONE_SECONDS = 10
"""A process of the run's may take so long to end when the run has."""

HANG_SECONDS = 60
"""What takes so long hangs: on two loaded cores, a sound run of five interactions was seen to take 15 s."""


@dataclass(frozen=True)
class Fault:
    """A fault, and how a run has to end with it.

    Attributes:
        name: the test's id.
        interactions: of the pact shop.json.
        exit_code: as a shell sees it; several where each of them is right.
        outcomes: of the interactions in the JSON report, in their order; None where there is no report.
        says: texts that have to stand in the output. One of several, where they are in a tuple.
        never_says: texts that may not.
        seconds: a bound for the whole run: beyond it, it hangs.
        options: of the command. {pacts} and {out} are folders of the run's own.
        pacts: which pacts the command is given, in the same way.
        settings: beside those of the project.
        at: places in the project, and what happens there.
        environment: beside the harness' own; None for a variable that must not be set.
        redirect: what a shell does with the streams, such as "2>&-".
        on_database: the test runs once more on PostgreSQL.
        arrange: makes files before the run.
        meanwhile: what the test does while it runs.
        afterwards: checks more: it yields what is wrong.
        manage: run manage.py of this repository, and not django-admin.
    """

    name: str
    interactions: Sequence[Interaction] = (OK, OK_TOO)
    exit_code: int | tuple[int, ...] = 1
    outcomes: tuple[str, ...] | None = None
    says: tuple[str | tuple[str, ...], ...] = ()
    never_says: tuple[str, ...] = ()
    seconds: float = HANG_SECONDS
    options: tuple[str, ...] = ()
    pacts: tuple[str, ...] = ("{pacts}",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str | None] = field(default_factory=dict)
    redirect: str = ""
    on_database: bool = False
    arrange: Callable[["Place"], None] = lambda _: None
    meanwhile: Callable[["Running"], None] = lambda _: None
    afterwards: Callable[["Ran"], Iterator[str]] = lambda _: iter(())
    manage: bool = False

    @property
    def exit_codes(self) -> tuple[int, ...]:
        return self.exit_code if isinstance(self.exit_code, tuple) else (self.exit_code,)


def table(*faults: Fault | Sequence[Fault]) -> pytest.MarkDecorator:
    """A decorator that makes a test of each fault, the argument `fault`."""
    rows = [fault for each in faults for fault in ([each] if isinstance(each, Fault) else each)]
    assert len({fault.name for fault in rows}) == len(rows), "two faults have one name"
    return pytest.mark.parametrize(
        "fault",
        [
            pytest.param(fault, id=fault.name, marks=[] if fault.on_database else pytest.mark.no_database)
            for fault in rows
        ],
    )


def check(fault: Fault, folder: Path) -> None:
    """Run the fault, and fail with all that is wrong with how it ended."""
    with Place.make(folder) as place:
        judge(fault, run(fault, place))


def judge(fault: Fault, ran: "Ran") -> None:
    """Fail with all that is wrong with how a run ended."""
    wrong = [*_wrong(fault, ran), *fault.afterwards(ran)]
    if wrong:
        pytest.fail("\n".join([*wrong, "", "--- stdout", ran.out, "--- stderr", ran.err]), pytrace=False)


def run(fault: Fault, place: "Place") -> "Ran":
    """Run the command to its end, or to the bound, and see what it leaves behind. All its processes are ended."""
    write_pact(place.pacts / "shop.json", *fault.interactions, provider="faults")
    fault.arrange(place)
    before = place.entries()
    left_processes: list[str] = []
    wrong: list[str] = []
    started = time.monotonic()
    with _started(fault, place) as running:
        try:
            fault.meanwhile(running)
        except AssertionError as error:
            wrong.append(str(error))
        try:
            running.process.wait(max(0.1, started + fault.seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            wrong.append(f"It still ran after {fault.seconds:g} s.")
            running.kill()
        seconds = time.monotonic() - started
        left_processes = running.others_after(0 if wrong else GONE_SECONDS)
    code = running.process.wait()
    return Ran(
        128 - code if code < 0 else code,
        seconds,
        (place.folder / "stdout").read_text(errors="replace"),
        (place.folder / "stderr").read_text(errors="replace"),
        json.loads(place.report.read_text() or "null") if place.report.is_file() else None,
        place,
        tuple(running.heard),
        tuple(left_processes),
        tuple(sorted(place.entries() - before)),
        tuple(wrong),
    )


@dataclass(frozen=True)
class Place:
    """Folders of a run's own.

    Attributes:
        folder: all of them are in it.
        machine: the folder with what several runs share: temporary files, databases, the project's cache.
        database: the project's, by name.
    """

    folder: Path
    machine: Path
    database: str

    @classmethod
    @contextmanager
    def make(cls, folder: Path) -> Iterator[Self]:
        """Make the folders. Databases that are left at the end are dropped."""
        place = cls(folder, folder, f"faults_{secrets.token_hex(4)}")
        for each in (place.tmp, place.db, place.cache):
            each.mkdir()
        place._fill()
        try:
            yield place
        finally:
            for name in place._databases():
                with suppress(psycopg.Error), _server() as server:
                    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def beside(self, name: str) -> Self:
        """The place of another run of the same project on the same machine."""
        place = replace(self, folder=self.folder / name)
        place.folder.mkdir()
        place._fill()
        return place

    def _fill(self) -> None:
        for each in (self.pacts, self.cwd, self.out, self.shadow):
            each.mkdir()
        self.cache.mkdir(exist_ok=True)
        os.mkfifo(self.events)
        os.mkfifo(self.release)

    @property
    def tmp(self) -> Path:
        return self.machine / "tmp"

    @property
    def db(self) -> Path:
        return self.machine / "db"

    @property
    def pacts(self) -> Path:
        return self.folder / "pacts"

    @property
    def cwd(self) -> Path:
        return self.folder / "cwd"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def cache(self) -> Path:
        """PACT_CACHE_DIR, the same for all runs of the project."""
        return self.machine / "cache"

    @property
    def shadow(self) -> Path:
        """Modules in it come before all others."""
        return self.folder / "shadow"

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def release(self) -> Path:
        return self.folder / "release"

    @property
    def report(self) -> Path:
        return self.out / "report.json"

    def entries(self) -> set[str]:
        """What a run must leave as it is: temporary files, the current directory, databases."""
        files = {
            str(path.relative_to(self.machine)) for top in (self.tmp, self.db, self.cwd) for path in top.rglob("*")
        }
        return files | self._databases()

    def _databases(self) -> set[str]:
        """The run's databases on the server."""
        if not on_postgresql():
            return set()
        with _server() as server:
            query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
            return {name for (name,) in server.execute(query, [f"%{self.database}%"]).fetchall()}

    def environment(self, mark: str, fault: Fault) -> dict[str, str]:
        file = self.folder / "no-such-directory" / self.database
        url = (
            urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self.database}"))
            if on_postgresql()
            else ""
        )
        variables: dict[str, str | None] = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "tests.faults.project.settings",
            "FAULTS_DATABASE_URL": url or f"sqlite:///{file}",
            "FAULTS_TEST_NAME": "" if url else str(self.db / self.database),
            "FAULTS_CACHE_DIR": str(self.cache),
            "FAULTS_SETTINGS": json.dumps(fault.settings),
            "FAULTS_AT": json.dumps(fault.at),
            "FAULTS_EVENTS": str(self.events),
            "FAULTS_RELEASE": str(self.release),
            "FAULTS_MARK": mark,
            "PYTHONPATH": os.pathsep.join([str(self.shadow), str(ROOT)]),
            "TMPDIR": str(self.tmp),
            "COLUMNS": "200",
            **fault.environment,
        }
        return {key: value for key, value in variables.items() if value is not None}


@dataclass
class Running:
    """A command that runs, and the test's ways to it.

    Attributes:
        heard: what the project has announced so far.
    """

    process: subprocess.Popen[bytes]
    place: Place
    mark: str
    events: int
    release_to: int
    heard: list[str] = field(default_factory=list)

    def wait_for(self, event: str, seconds: float = HANG_SECONDS) -> str:
        """Wait until the project announces an event: what follows its name. Raises AssertionError when none comes."""
        deadline = time.monotonic() + seconds
        seen = 0
        ended = os.pidfd_open(self.process.pid)
        try:
            while True:
                for line in self.heard[seen:]:
                    seen += 1
                    name, _, rest = line.partition(" ")
                    if name == event:
                        return rest
                ready, _, _ = select.select([self.events, ended], [], [], max(0, deadline - time.monotonic()))
                if self.events in ready:
                    self.heard += os.read(self.events, 65536).decode().splitlines()
                else:
                    why = "the run has ended" if ready else f"nothing came for {seconds:g} s"
                    raise AssertionError(f"The event {event!r} did not come: {why}.")
        finally:
            os.close(ended)

    def release(self) -> None:
        """Let the project go on that has paused."""
        os.write(self.release_to, b".")

    def interrupt(self) -> None:
        """What a terminal does at Ctrl-C: every process of the group hears it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def verifiers(self) -> list[int]:
        """The processes with the Pact core."""
        return [pid for pid, command in self.processes().items() if "verifier_process" in command]

    def workers(self) -> list[int]:
        """The processes of --parallel."""
        return [pid for pid, command in self.processes().items() if "spawn_main" in command]

    def processes(self) -> dict[int, str]:
        """All processes of the run, whichever session they are in, with their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(") ")[2].split()[:4]
                marked = self.mark.encode() in (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it has just ended
                continue
            if state not in "ZX" and (marked or int(session) == self.process.pid):
                found[int(entry.name)] = command
        return found

    def others_after(self, seconds: float) -> list[str]:
        """Command lines of the processes that are left when the command has ended, after some seconds at most."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and (rest := deadline - time.monotonic()) > 0:
            with suppress(ProcessLookupError):
                ended = os.pidfd_open(next(iter(left)))
                select.select([ended], [], [], rest)
                os.close(ended)
        return [command[:200] for command in left.values()]

    def kill(self) -> None:
        """End every process of the run, those that have been stopped too."""
        while left := self.processes():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            self.others_after(1)


@dataclass(frozen=True)
class Ran:
    """A run that has ended.

    Attributes:
        report: the JSON report, if there is one.
        heard: what the project has announced.
        processes: the command lines of those that it left behind.
        left: files, folders and databases that it left behind.
        wrong: it took too long, or an event did not come.
    """

    exit_code: int
    seconds: float
    out: str
    err: str
    report: dict[str, Any] | None
    place: Place
    heard: tuple[str, ...]
    processes: tuple[str, ...]
    left: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join((self.out + self.err).split())

    @property
    def outcomes(self) -> tuple[str, ...] | None:
        """Of all interactions, in the order of the report."""
        if self.report is None:
            return None
        return tuple(each["outcome"] for pact in self.report["pacts"] for each in pact["interactions"])


def _wrong(fault: Fault, ran: Ran) -> Iterator[str]:
    """All that is not as the fault says it has to be."""
    yield from ran.wrong
    yield from (f"The process {command} was left behind." for command in ran.processes)
    yield from (f"{name} was left behind." for name in ran.left)
    if ran.exit_code not in fault.exit_codes:
        yield f"Exit code {ran.exit_code}, not {' or '.join(map(str, fault.exit_codes))}."
    for text in fault.says:
        if not any(" ".join(each.split()) in ran.text for each in ([text] if isinstance(text, str) else text)):
            yield f"The output lacks {text!r}."
    for text in fault.never_says:
        if text in ran.text:
            yield f"The output has {text!r}."
    if fault.outcomes is not None:
        outcomes = ran.outcomes
        if outcomes is None or len(outcomes) != len(fault.outcomes) or not all(map(_fits, outcomes, fault.outcomes)):
            yield f"The report has the outcomes {outcomes}, not {fault.outcomes}."


def _fits(outcome: str, wanted: str) -> bool:
    return wanted == ANY or (outcome != VERIFIED if wanted == FAILED else outcome == wanted)


@contextmanager
def _started(fault: Fault, place: Place) -> Iterator[Running]:
    mark = f"fault-{secrets.token_hex(8)}"
    manage = [str(ROOT / "manage.py")] if fault.manage else ["-m", "django"]
    reports = ["--json", str(place.report)] if fault.outcomes is not None else []
    folders = {"pacts": place.pacts, "out": place.out}
    arguments = [each.format(**folders) for each in (*fault.pacts, *fault.options)]
    command = [sys.executable, *manage, "verify_pacts", *reports, *arguments]
    if fault.redirect:
        command = ["/bin/sh", "-c", f'exec "$@" {fault.redirect}', "sh", *command]
    events = os.open(place.events, os.O_RDWR | os.O_NONBLOCK)  # also for writing, so that there is never an end
    release = os.open(place.release, os.O_RDWR)
    with (place.folder / "stdout").open("wb") as out, (place.folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            command,
            cwd=place.cwd,
            env=place.environment(mark, fault),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    running = Running(process, place, mark, events, release)
    try:
        yield running
    finally:
        running.kill()
        process.wait()
        with suppress(BlockingIOError):
            running.heard += os.read(events, 65536).decode().splitlines()
        os.close(events)
        os.close(release)


def _server() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
