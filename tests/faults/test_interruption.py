"""Signals, processes that others stop or end, and several workers."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.faults.harness import (
    ANY,
    NOT_VERIFIED,
    OK,
    OK_TOO,
    QUICK,
    VERIFIED,
    Fault,
    Place,
    Running,
    check,
    table,
)
from tests.faults.test_witness import EXIT_0, GIVEN_UP, acts, at
from tests.pact_verification.pact_files import write_pact

PATIENT = ("--request-timeout", "60")

Meanwhile = Callable[[Running], None]


def interrupt(event: str) -> Meanwhile:
    def meanwhile(running: Running) -> None:
        running.wait_for(event)
        running.interrupt()

    return meanwhile


def terminate(event: str) -> Meanwhile:
    def meanwhile(running: Running) -> None:
        running.wait_for(event)
        running.process.send_signal(signal.SIGTERM)

    return meanwhile


def interrupted(place: str, act: str = "hang", **more: Any) -> list[Fault]:
    """Ctrl-C and SIGTERM in a phase of the run."""
    event = act.rpartition("_and_")[2]
    in_pact = place in {"view", "state", "teardown", "async view", "request filter", "callback", "thread"}
    event = act.rpartition("_and_")[2]
    fault = Fault(
        "",
        (OK, acts(place, act), OK_TOO) if in_pact else (OK, OK_TOO),
        options=PATIENT,
        at={} if in_pact else {place: act},
        says=() if place == "settings" else ("Interrupted",),
        never_says=("The contracts hold",),
        on_database=place in {"view", "state", "post_migrate"},
        **more,
    )
    return [
        replace(fault, name=f"Ctrl-C, {act} in {place}", exit_code=130, meanwhile=interrupt(event)),
        replace(fault, name=f"SIGTERM, {act} in {place}", exit_code=143, meanwhile=terminate(event)),
    ]


EARLY = ("settings", "urls", "pact_states", "middleware", "base state", "base teardown")


@table(
    *[interrupted(place)[:1] for place in (*EARLY, "teardown", "async view")],
    *[interrupted(place) for place in ("post_migrate", "view", "state")],
    *[interrupted(place, "hold_gil")[:1] for place in ("urls", "post_migrate", "state")],
    interrupted("view", "hold_gil"),
    interrupted("urls", "ignore_signals_and_hang"),
    interrupted("view", "ignore_signals_and_hang")[:1],
)
def test_a_signal_is_heard_in_every_phase(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def signal_to(find: Callable[[Running], list[int]], *numbers: int) -> Meanwhile:
    """Send a signal to some of the run's processes while a view waits, and then let it go on."""

    def meanwhile(running: Running) -> None:
        running.wait_for("pause")
        found = find(running)
        assert found, f"no such process among {running.processes()}"
        for pid in found:
            for number in numbers:
                os.kill(pid, number)
        running.release()

    return meanwhile


def the_first(running: Running) -> list[int]:
    return [running.process.pid]


def first_worker(running: Running) -> list[int]:
    return running.workers()[:1]


PAUSED = (OK, acts("view", "pause"), OK_TOO)


@table(
    # The core tells what it has found when it is done with a pact: of what came before, nothing is known.
    Fault(
        "the verifier is stopped",
        PAUSED,
        outcomes=(ANY, NOT_VERIFIED, NOT_VERIFIED),
        says=("verifier",),
        options=QUICK,
        meanwhile=signal_to(Running.verifiers, signal.SIGSTOP),
        on_database=True,
    ),
    Fault(
        "the verifier is killed",
        PAUSED,
        outcomes=(ANY, NOT_VERIFIED, NOT_VERIFIED),
        says=("verifier", ("SIGKILL", "exit code -9")),
        options=QUICK,
        meanwhile=signal_to(Running.verifiers, signal.SIGKILL),
    ),
    Fault(
        "the verifier hears SIGTERM",
        PAUSED,
        outcomes=(ANY, NOT_VERIFIED, NOT_VERIFIED),
        says=("verifier", ("SIGTERM", "exit code -15")),
        options=QUICK,
        meanwhile=signal_to(Running.verifiers, signal.SIGTERM),
    ),
    Fault(
        "the verifier hears Ctrl-C",
        PAUSED,
        exit_code=0,
        outcomes=(VERIFIED,) * 3,
        options=("--request-timeout", "5"),
        meanwhile=signal_to(Running.verifiers, signal.SIGINT),
    ),
    Fault(
        "the run is stopped and goes on",
        PAUSED,
        exit_code=0,
        outcomes=(VERIFIED,) * 3,
        options=("--request-timeout", "5"),
        meanwhile=signal_to(the_first, signal.SIGSTOP, signal.SIGCONT),
    ),
    Fault(
        "a hang-up",
        PAUSED,
        exit_code=129,
        options=PATIENT,
        says=("Interrupted",),
        meanwhile=signal_to(the_first, signal.SIGHUP),
    ),
)
def test_a_signal_to_one_of_its_processes(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def two_pacts(place: Place) -> None:
    write_pact(place.pacts / "a.json", OK, OK_TOO, consumer="a", provider="faults")


def in_parallel(place: str, act: str, **more: Any) -> Fault:
    """A fault in one of two workers. What the other had at hand meanwhile may have been verified."""
    fault = {
        "name": f"{act} in a worker's {place}",
        "options": ("--parallel", "2", *QUICK),
        "arrange": two_pacts,
        "outcomes": (ANY, ANY, VERIFIED, NOT_VERIFIED, NOT_VERIFIED),
    }
    return at(place, act, **(fault | more))


@table(
    in_parallel("view", "exit_0", says=EXIT_0, on_database=True),
    in_parallel("view", "kill", says=("SIGKILL",)),
    in_parallel("view", "hold_gil", says=GIVEN_UP, on_database=True),
    in_parallel("async view", "hang", says=GIVEN_UP, outcomes=(ANY, ANY, ANY, NOT_VERIFIED, NOT_VERIFIED)),
    in_parallel("view", "atexit_hang", exit_code=0, outcomes=(VERIFIED,) * 5),
    in_parallel("view", "sys_exit", outcomes=(VERIFIED, VERIFIED, VERIFIED, "mismatch", VERIFIED)),
    Fault(
        "exit_0 in a worker's middleware",
        exit_code=2,
        options=("--parallel", "2"),
        arrange=two_pacts,
        at={"middleware": "exit_0"},
        says=EXIT_0,
    ),
    Fault(
        "sys_exit in a worker's post_migrate",
        exit_code=2,
        options=("--parallel", "2"),
        arrange=two_pacts,
        at={"post_migrate": "sys_exit"},
        says=("SystemExit",),
    ),
    Fault(
        "a worker's verifier is killed",
        PAUSED,
        outcomes=(ANY, ANY, ANY, NOT_VERIFIED, NOT_VERIFIED),
        options=("--parallel", "2", "--request-timeout", "1"),
        arrange=two_pacts,
        says=("verifier",),
        meanwhile=signal_to(Running.verifiers, signal.SIGKILL),
    ),
    Fault(
        "a worker is stopped",
        PAUSED,
        outcomes=(ANY,) * 5,
        says=("worker",),
        options=("--parallel", "2", *QUICK),
        arrange=two_pacts,
        meanwhile=signal_to(Running.workers, signal.SIGSTOP),
    ),
    [
        replace(fault, name=f"{fault.name} of a worker", options=("--parallel", "2", *PATIENT), arrange=two_pacts)
        for fault in (*interrupted("view"), interrupted("view", "hold_gil")[0], interrupted("post_migrate")[0])
    ],
)  # fmt: skip
def test_several_workers(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)
