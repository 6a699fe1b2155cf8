"""A run that is killed, and the next one: it drops what the first has left, or names it."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.harness import HANG_SECONDS, OK, OK_TOO, VERIFIED, Fault, Place, Running, judge, run, table
from tests.faults.test_interruption import PATIENT, PAUSED, two_pacts
from tests.faults.test_witness import acts

pytestmark = pytest.mark.unmeasured

NEXT = Fault("the next", exit_code=0, outcomes=(VERIFIED,) * 2)


def kill_all(running: Running) -> None:
    running.wait_for("hang")
    running.kill()


def kill_the_first(running: Running) -> None:
    """What the system does that has no memory left: it ends one process."""
    running.wait_for("hang")
    running.process.send_signal(signal.SIGKILL)


def killed(name: str, meanwhile: Callable[[Running], None] = kill_all, **more: object) -> Fault:
    fault = Fault(name, (OK, acts("view", "hang"), OK_TOO), 137, options=PATIENT, meanwhile=meanwhile, on_database=True)
    return replace(fault, **more)  # type: ignore[arg-type]  # as a Fault's


@table(
    killed("in a view"),
    killed("while it migrates", interactions=(OK, OK_TOO), at={"post_migrate": "hang"}),
    killed("with workers", options=("--parallel", "2", *PATIENT), arrange=two_pacts),
    killed("its first process alone", kill_the_first),
)
def test_the_next_run_drops_or_names_what_was_left(fault: Fault, tmp_path: Path) -> None:
    with Place.make(tmp_path) as place:
        judge(fault, replace(run(fault, place), left=()))
        left = place.entries()
        assert left or fault.meanwhile is kill_the_first, "nothing was left, so nothing is tested"
        ran = run(NEXT, place.beside("next"))
        unnamed = [name for name in left & place.entries() if Path(name).name not in ran.text]
        judge(NEXT, replace(ran, left=tuple(unnamed)))


@table(
    replace(
        NEXT,
        name="another run at work",
        interactions=PAUSED,
        outcomes=(VERIFIED,) * 3,
        options=PATIENT,
        on_database=True,
    )
)
def test_what_another_run_still_needs_is_left_alone(fault: Fault, tmp_path: Path) -> None:
    with Place.make(tmp_path) as place:
        beside = place.beside("meanwhile")

        def meanwhile(running: Running) -> None:
            running.wait_for("pause")
            judge(NEXT, run(NEXT, beside))
            running.release()

        judge(fault, run(replace(fault, meanwhile=meanwhile, seconds=2 * HANG_SECONDS), place))
