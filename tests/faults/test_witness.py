"""A project that ends, kills, blocks or leaves its process. Never green, never without an end, never unnamed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import (
    ANY,
    FAILED,
    MISMATCH,
    NOT_VERIFIED,
    OK,
    OK_TOO,
    QUICK,
    RED,
    STATE_ERROR,
    VERIFIED,
    Fault,
    Place,
    Ran,
    check,
    table,
)
from tests.pact_verification.pact_files import interaction, write_pact

pytestmark = pytest.mark.unmeasured

Says = tuple[str | tuple[str, ...], ...]

AFTER_DEATH = (VERIFIED, NOT_VERIFIED, NOT_VERIFIED)
EXIT_0: Says = (("exit code 0", "exit status 0", "exited with 0", "status 0"),)


def acts(place: str, act: str, **more: Any) -> dict[str, Any]:
    """The interaction in which a place does something."""
    description = f"in the {place}"
    match place:
        case "state" | "teardown":
            return interaction(description, states=[f"the {place} does {act}"], response={"body": []}, **more)
        case "request filter":
            return interaction(description, request={"headers": {"X-Filter": act}}, **more)
        case "middleware":
            return interaction(description, request={"headers": {"X-Middleware": act}}, **more)
        case "base state":
            return interaction(description, **more)
    path = {"view": "act", "async view": "act-async", "thread": "act-in-a-thread", "callback": "act-on-commit"}
    return interaction(description, f"/{path.get(place, 'act-in-a-stream')}/{act}", **more)


def named(place: str, act: str) -> Says:
    """How the output names an interaction: by itself, and by its state or view."""
    description = f"in the {place}"
    match place:
        case "state" | "teardown":
            return (description, f"the {place} does {act}")
        case "base state" | "request filter" | "middleware":
            return (description,)
    return (description, (f"/{act}", "views.act"))


def at(place: str, act: str, **more: Any) -> Fault:
    """A place does something in the second of three interactions."""
    fault: dict[str, Any] = {
        "name": f"{act} in the {place}",
        "interactions": (OK, acts(place, act), OK_TOO),
        "exit_code": 1,
        "outcomes": AFTER_DEATH,
        "at": {"base state": f"2:{act}"} if place == "base state" else {},
    }
    fault |= more
    where = () if fault["exit_code"] != 1 or fault["outcomes"][1] == VERIFIED else named(place, act)
    return Fault(**(fault | {"says": (*where, *fault.get("says", ()))}))


IN_AN_INTERACTION = ("view", "state", "teardown", "base state", "request filter", "middleware", "callback", "thread")
AT_START = ("urls", "pact_states", "middleware", "post_migrate")


@table(
    [at(place, "exit_0", says=EXIT_0, on_database=place in {"view", "state"}) for place in IN_AN_INTERACTION],
    at("stream", "exit_0", says=EXIT_0),
    # A process with several threads is not forked: the project starts anew in another.
    at("view", "exit_0", name="with a thread from the start", says=EXIT_0, at={"settings": "thread_without_end"}),
    at("async view", "exit_0", says=EXIT_0),
    at("view", "exit_7", says=("7",)),
    at("view", "kill", says=("SIGKILL",), on_database=True),
    at("state", "kill", says=("SIGKILL",)),
    at("view", "segfault", says=("SIGSEGV",), on_database=True),
    at("teardown", "segfault", says=("SIGSEGV",)),
    at("state", "abort", says=("SIGABRT",)),
    at("view", "abort", says=("SIGABRT",)),
    at("view", "print_a_verdict", says=EXIT_0, options=("--verbosity", "1")),
    at("view", "write_to_every_descriptor", options=QUICK, outcomes=(ANY, NOT_VERIFIED, NOT_VERIFIED)),
    at("view", "exit_0", name="exit_0 with flush", options=("--isolation", "flush"), on_database=True),
    at("view", "exit_0", name="exit_0 after a failure", interactions=(RED, acts("view", "exit_0"), OK_TOO),
       outcomes=(MISMATCH, NOT_VERIFIED, NOT_VERIFIED), says=EXIT_0),
    at("view", "exit_0", name="exit_0 in the first", interactions=(acts("view", "exit_0"), OK, OK_TOO),
       outcomes=(NOT_VERIFIED,) * 3, says=EXIT_0),
    at("view", "exit_0", name="exit_0 in the last", interactions=(OK, OK_TOO, acts("view", "exit_0")),
       outcomes=(VERIFIED, VERIFIED, NOT_VERIFIED), says=EXIT_0),
    at("teardown", "exit_0", name="exit_0 in the last teardown",
       interactions=(OK, OK_TOO, acts("teardown", "exit_0")), outcomes=(VERIFIED, VERIFIED, NOT_VERIFIED), says=EXIT_0),
)  # fmt: skip
def test_the_process_dies_in_an_interaction(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def pending(place: Place) -> None:
    dies = acts("view", "exit_0", type="Synchronous/HTTP", pending=True)
    green = interaction("it is well too", "/items", type="Synchronous/HTTP", response={"status": 200})
    write_pact(place.pacts / "shop.json", dies, green, provider="faults", version="4.0")


def other_pacts(place: Place) -> None:
    write_pact(place.pacts / "a.json", OK, OK_TOO, consumer="a", provider="faults")
    write_pact(place.pacts / "z.json", OK, OK_TOO, consumer="z", provider="faults")


@table(
    at("view", "exit_0", name="a pending interaction dies", arrange=pending, outcomes=(NOT_VERIFIED, NOT_VERIFIED)),
    at(
        "view",
        "exit_0",
        name="exit_0 between other pacts",
        arrange=other_pacts,
        outcomes=(VERIFIED, VERIFIED, *AFTER_DEATH, NOT_VERIFIED, NOT_VERIFIED),
        says=EXIT_0,
    ),
)
def test_what_else_was_to_be_verified(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def at_start(place: str, act: str, **more: Any) -> Fault:
    return Fault(
        f"{act} in {place}",
        exit_code=2,
        at={place: act},
        never_says=("verified, in", "The contracts hold"),
        on_database=place == "post_migrate",
        **more,
    )


@table(
    [at_start(place, "exit_0", says=EXIT_0) for place in AT_START],
    [at_start(place, "sys_exit", says=("SystemExit",)) for place in AT_START],
    at_start("urls", "kill", says=("SIGKILL",)),
    at_start("pact_states", "segfault", says=("SIGSEGV",)),
    at_start("middleware", "abort", says=("SIGABRT",)),
    at_start("post_migrate", "kill", says=("SIGKILL",)),
    Fault("print_a_verdict in urls", exit_code=2, at={"urls": "print_a_verdict"}, says=EXIT_0),
    at_start("urls", "fail", says=("the project's own mistake",)),
    # A KeyboardInterrupt of the project's own is no different from Ctrl-C while its modules are imported.
    Fault("interrupt in urls", exit_code=(2, 130), at={"urls": "interrupt"}),
)
def test_the_process_dies_before_it_verifies(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def own(place: str, act: str, outcome: str, **more: Any) -> Fault:
    """A failure of its own interaction and of no other."""
    return at(place, act, **{"outcomes": (VERIFIED, outcome, VERIFIED), **more})


@table(
    own("view", "sys_exit", MISMATCH, says=("SystemExit",)),
    own("async view", "sys_exit", MISMATCH, says=("SystemExit",)),
    own("request filter", "sys_exit", MISMATCH, says=("SystemExit",)),
    own("middleware", "sys_exit", MISMATCH, says=("SystemExit",)),
    own("callback", "sys_exit", MISMATCH, says=("SystemExit",)),
    own("stream", "sys_exit", MISMATCH, says=("SystemExit",)),
    own("state", "sys_exit", STATE_ERROR, says=("SystemExit",)),
    own("base state", "sys_exit", STATE_ERROR, says=("SystemExit",)),
    # As any exception of a teardown, this is a warning. In a thread it ends the thread, and is no fault.
    own("teardown", "sys_exit", VERIFIED, exit_code=0, says=("warning", "SystemExit")),
    own("thread", "sys_exit", VERIFIED, exit_code=0, says=()),
    own("view", "interrupt", MISMATCH, says=("KeyboardInterrupt",)),
    own("state", "interrupt", STATE_ERROR, says=("KeyboardInterrupt",)),
    own("view", "recurse", MISMATCH, says=("RecursionError",)),
    own("state", "recurse", STATE_ERROR, says=("RecursionError",)),
    own("view", "memory", MISMATCH, says=("MemoryError",)),
    own("state", "memory", STATE_ERROR, says=("MemoryError",)),
)
def test_an_interaction_fails_by_itself(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


GIVEN_UP: Says = ("did not come back",)
AFTER_HANG = (ANY, NOT_VERIFIED, NOT_VERIFIED)
"""The core is in the middle of the pact, and tells only at its end what came before."""


def hangs(place: str, act: str = "hang", **more: Any) -> Fault:
    return at(place, act, **{"outcomes": AFTER_HANG, "says": GIVEN_UP, "options": QUICK, **more})


@table(
    hangs("view", "hold_gil", outcomes=AFTER_DEATH, on_database=True),
    hangs("state", "hold_gil", outcomes=AFTER_DEATH, on_database=True),
    hangs("teardown", "hold_gil", outcomes=AFTER_DEATH),
    hangs("thread", "hold_gil", outcomes=AFTER_DEATH),
    [hangs(place) for place in ("view", "state", "teardown", "base state", "stream", "callback")],
    hangs("async view", on_database=True),
    hangs("async view", "hang_in_a_thread"),
    hangs("view", "ignore_signals_and_hang"),
)
def test_it_never_comes_back(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def survives(place: str, act: str, **more: Any) -> Fault:
    """What an interaction leaves in its process keeps neither the verdict nor the end from coming."""
    return at(place, act, **{"outcomes": (VERIFIED,) * 3, "exit_code": 0, "says": ("3 verified",), **more})


def junit_is_there(ran: Ran) -> Iterator[str]:
    if not (ran.place.out / "report.xml").is_file():
        yield "The JUnit report is not where the option says."


@table(
    survives("view", "thread_without_end"),
    survives("state", "thread_without_end", on_database=True),
    survives("view", "pool_without_end"),
    survives("async view", "pool_without_end"),
    # Two processes go on with one server. Green and red are both right; what is left behind is not.
    survives("state", "fork", exit_code=(0, 1), outcomes=(VERIFIED, ANY, ANY), says=()),
    survives("view", "fork", exit_code=(0, 1), outcomes=(VERIFIED, ANY, ANY), says=()),
    survives("view", "close_standard_streams", says=()),
    survives("view", "close_sys_streams", says=()),
    survives("view", "change_directory", options=("--junit", "../out/report.xml"), afterwards=junit_is_there),
    survives("view", "change_directory", name="change_directory with a relative pact", pacts=("../pacts",)),
    survives("state", "change_environment", on_database=True),
    survives("view", "ignore_signals"),
    survives("view", "atexit_hang"),
    survives("view", "atexit_raise"),
    survives("view", "atexit_exit_7"),
    survives("view", "atexit_exit_0", interactions=(OK, acts("view", "atexit_exit_0"), RED), exit_code=1,
             outcomes=(VERIFIED, VERIFIED, MISMATCH), says=("1 failed",)),
    at("view", "close_descriptors", outcomes=(VERIFIED, FAILED, FAILED), options=QUICK),
    at("state", "close_descriptors", outcomes=(VERIFIED, FAILED, FAILED), options=QUICK),
    # The folder that is gone held what the next interactions needed, or did not: both are right.
    at("state", "delete_temporary_files", exit_code=(0, 1), outcomes=(VERIFIED, ANY, ANY), says=()),
)  # fmt: skip
def test_what_it_leaves_in_its_process(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)
