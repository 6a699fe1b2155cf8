"""Ctrl-C while a command starts, from its first line on, as a terminal sends it to all of its processes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import OK, OK_TOO, Fault, Place, Ran, Running, check, table
from tests.faults.test_interruption import PATIENT, Meanwhile, two_pacts
from tests.faults.test_witness import acts
from tests.pact_verification.running import ROOT, environment, without_progress

WATCH = '''\
"""Watches one kind of a run's processes: says when its program begins, and is the terminal at one moment of it."""

import os
import signal
import sys
import weakref

process, what, moment, number = os.environ["FAULTS_INTERRUPTED"].split()
own = os.getpid()
begun = False
seen = 0


def interrupt(*_):
    try:
        os.mkdir(os.environ["FAULTS_EVENTS"] + ".sent")  # one key is pressed, whoever comes first
    except OSError:
        return
    if number == "SIGINT":
        # The terminal's group is that of the command. The verifier process has one of its own, with its plugins.
        is_verifier = process.endswith("verifier_process")
        os.killpg(os.getpgid(os.getppid()) if is_verifier else os.getpgrp(), signal.SIGINT)
    else:
        os.kill(own, signal.Signals[number])
    for _ in range(100):
        pass  # a handler of Python's runs between two instructions


def lose():
    """Interrupt a callback, out of which Python lets no exception."""

    class Thing:
        pass

    thing = Thing()
    reference = weakref.ref(thing, interrupt)
    del thing
    return reference


def watch(event, arguments):
    global begun, seen
    if (os.getpid() != own) != (what == "forked"):
        return
    if event in ("cpython.run_file", "cpython.run_module", "cpython.run_command") and not begun:
        begun = True
        if what == "begun":
            with open(os.environ["FAULTS_EVENTS"], "w") as events:
                events.write("begun " + os.environ.get("DATABASE_URL", "") + "\\n")
    elif what == "forked" or (event == "exec" and begun):  # a module's code
        seen += 1
        name = getattr(arguments[0], "co_filename", "") if event == "exec" else ""
        if moment == str(seen) or name.endswith(f"/{moment.replace('.', '/')}.py"):
            (lose if what == "lost" else interrupt)()


if process in " ".join(sys.orig_argv):
    sys.addaudithook(watch)
'''


def watched(place: Place) -> None:
    (place.shadow / "sitecustomize.py").write_text(WATCH)


def one_line(ran: Ran) -> Iterator[str]:
    if (said := ran.err.count("Interrupted.")) != 1:
        yield f"It says {said} times that it was interrupted."


def interrupted(
    process: str, what: str, moment: str | int, *, named: str = "", number: str = "SIGINT", **more: Any
) -> Fault:
    """A run that never ends by itself, and hears a signal at one of its imports or events.

    Args:
        process: which of the run's processes, by a part of its command line.
        what: begun for none but the test's own; an import; lost, in a callback at an import; forked, an event after it.
        moment: which import or event, by its number or by the module's name.
    """
    fault: dict[str, Any] = {
        "name": named or f"{number} at {what} {moment} of {process}",
        "interactions": (OK, acts("view", "hang"), OK_TOO),
        "options": PATIENT,
        "exit_code": {"SIGINT": 130, "SIGTERM": 143}[number],
        "says": ("Interrupted.",),
        "never_says": ("Traceback", "Exception ignored", "The contracts hold"),
        "environment": {"FAULTS_INTERRUPTED": f"{process} {what} {moment} {number}"},
        "arrange": watched,
        "afterwards": one_line,
        "manage": True,
    }
    return Fault(**(fault | more))


def after(milliseconds: int) -> Meanwhile:
    def meanwhile(running: Running) -> None:
        running.wait_for("begun")
        time.sleep(milliseconds / 1000)  # the moment that is tested
        running.interrupt()

    return meanwhile


def two_watched_pacts(place: Place) -> None:
    two_pacts(place)
    watched(place)


@table(
    [interrupted("verify_pacts", "import", each) for each in (2, 3, 4, *range(10, 660, 50))],
    [
        interrupted(
            "verify_pacts", "begun", "-", named=f"{each} ms", meanwhile=after(each), on_database=each % 100 == 0
        )
        for each in range(50, 1001, 50)
    ],
)
def test_at_every_moment(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@table(
    [interrupted("verifier_process", "import", each) for each in (1, 2, 20, 60, "pact.verifier")],
    [interrupted("verify_pacts", "forked", each) for each in (1, 2, 3, 5, 10, 20, 40)],
    [
        interrupted(
            "spawn_main",
            "import",
            each,
            named=f"a provider that is spawned, import {each}",
            at={"settings": "thread_without_end"},
        )
        for each in (1, 20, 200, 400, "tests.faults.project.settings")
    ],
    [
        interrupted(
            "spawn_main",
            "import",
            each,
            named=f"a worker, import {each}",
            options=("--parallel", "2", *PATIENT),
            arrange=two_watched_pacts,
        )
        for each in (1, 20, 200, 400, "tests.faults.project.settings")
    ],
)
def test_while_another_of_its_processes_starts(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@table(
    [
        interrupted("verify_pacts", "lost", each)
        for each in (
            20,
            "tests.faults.project.settings",
            "pact_verification.core.engine",
            "pact_verification.run.runner",
        )
    ],
    interrupted("verify_pacts", "lost", "pact_verification.run.runner", number="SIGTERM"),
    interrupted("verify_pacts", "import", "pact_verification.run.runner", number="SIGTERM"),
)
def test_where_an_exception_is_lost(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@table(
    [
        interrupted("verify_pacts", "import", each, named=f"django-admin, import {each}", manage=False)
        for each in (
            "pact_verification.states.registry",
            "pact_verification.apps",
            "tests.faults.project.models",
            "pact_verification.management.commands.verify_pacts",
            "pact_verification.run.provider_process",
            "pact_verification.run.runner",
        )
    ],
)
def test_without_our_manage_py_from_the_apps_import_on(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@pytest.mark.no_database
@pytest.mark.parametrize("moment", [2, 3, 30, 150, 300, "products.models", "command"])
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("pact_states", "pact_verification.management.commands.pact_states"),
        ("can_i_deploy", "pact_verification.management.commands.can_i_deploy"),
        ("pact_broker", "pact_verification.management.commands.pact_broker"),
        ("migrate", "django.core.management.commands.migrate"),
        ("seed_catalogue", "products.management.commands.seed_catalogue"),
        ("runserver", "django.contrib.staticfiles.management.commands.runserver"),
    ],
)
def test_every_command_of_the_example(name: str, module: str, moment: str | int, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    moment = module if moment == "command" else moment
    process = subprocess.run(
        [sys.executable, "manage.py", name],
        cwd=ROOT,
        env=environment(
            project="config.settings",
            PYTHONPATH=str(tmp_path),
            FAULTS_INTERRUPTED=f"{name} import {moment} SIGINT",
            FAULTS_EVENTS=str(tmp_path / "events"),
            DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}",
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (130, "Interrupted.\n")


@pytest.mark.no_database
def test_what_does_not_hear_ctrl_c_does_not_begin_to(tmp_path: Path) -> None:
    """As a shell starts what it runs in the background."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    own = environment(
        project="config.settings",
        PYTHONPATH=str(tmp_path),
        FAULTS_INTERRUPTED="manage.py import 100 SIGINT",
        FAULTS_EVENTS=str(tmp_path / "events"),
    )
    process = subprocess.run(
        ["/bin/sh", "-c", f'trap "" INT; exec "{sys.executable}" manage.py pact_states'],
        cwd=ROOT,
        env=own,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert (tmp_path / "events.sent").exists()
    assert (process.returncode, without_progress(process.stderr)) == (0, "")
