"""A project that changes the clock, the network, its threads' state or its tools, and one that asks itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import (
    MISMATCH,
    NOT_VERIFIED,
    OK,
    OK_TOO,
    QUICK,
    VERIFIED,
    Fault,
    Ran,
    check,
    table,
)
from tests.pact_verification.pact_files import interaction


def state(act: str, path: str = "/items", **more: Any) -> dict[str, Any]:
    return interaction(f"after {act}", path, states=[f"the state does {act} until the end"], **more)


def sane_times(ran: Ran) -> Iterator[str]:
    for pact in ran.report["pacts"] if ran.report else ():
        for each in pact["interactions"]:
            if not 0 <= each["seconds"] < ran.seconds:
                yield f"{each['description']!r} took {each['seconds']} s"
    if ran.report and not 0 <= ran.report["seconds"] < ran.seconds:
        yield f"The run took {ran.report['seconds']} s."


def frozen(name: str, *interactions: Any, **more: Any) -> Fault:
    return Fault(
        name,
        interactions=(OK, *interactions, OK_TOO),
        exit_code=0,
        outcomes=(VERIFIED,) * (len(interactions) + 2),
        afterwards=sane_times,
        options=("--request-timeout", "2"),
        **more,
    )


def in_year(year: int, *states: str) -> dict[str, Any]:
    return interaction(f"the year {year}", "/today", states=states, response={"body": {"year": year}})


@table(
    frozen("in a state", in_year(1999, "it is 1999-12-31")),
    frozen("in a state, in the future", in_year(2999, "it is 2999-12-31")),
    frozen("in a state, and it goes on", in_year(2001, "time goes on from 2001-02-03")),
    frozen("in a base state", in_year(1984), environment={"FAULTS_FROZEN": "1984-04-04"}),
    frozen("twice", in_year(1999, "it is 1999-12-31"), in_year(2001, "it is 2001-01-01")),
    frozen("for good", in_year(2000, "the state does freeze")),
    frozen("with flush", in_year(1999, "it is 1999-12-31"), settings={"PACT_ISOLATION": "flush"}, on_database=True),
)
def test_a_clock_that_stands_still(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@pytest.mark.no_database
def test_a_clock_that_stands_still_in_workers(tmp_path: Path) -> None:
    many = [in_year(1999, "it is 1999-12-31") | {"description": f"number {number}"} for number in range(24)]
    fault = Fault(
        "workers",
        interactions=many,
        exit_code=0,
        outcomes=(VERIFIED,) * 24,
        afterwards=sane_times,
        options=("--request-timeout", "2", "--parallel", "2"),
    )
    check(fault, tmp_path)


@table(
    [
        Fault(
            f"{act} in the {place}",
            interactions=(*before, state(act, response={"body": []}), *after),
            exit_code=exit_code,
            outcomes=(*[VERIFIED] * len(before), outcome, *[VERIFIED] * len(after)),
            says=says,
        )
        for act, exit_code, outcome, says in (
            ("break_sockets", 0, VERIFIED, ()),
            ("break_tools", 1, MISMATCH, ("replaced by a state", "the state does break_tools until the end")),
        )
        for place, before, after in (("first", (), (OK, OK_TOO)), ("last", (OK, OK_TOO), ()), ("only", (), ()))
    ],
    Fault(
        "left on",
        interactions=(
            OK,
            interaction("left", states=["the state does break_sockets"], response={"body": []}),
            OK_TOO,
        ),
        exit_code=0,
        outcomes=(VERIFIED,) * 3,
        says=("The interaction left the patch of socket.socket on.",),
    ),
)
def test_a_network_that_a_state_replaces(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


ACTIVATE = interaction("activate", "/activate", response={"body": {}})
WORLD = interaction("the world", "/world", response={"body": {"language": "en-us", "zone": "America/Chicago"}})
CONTEXT = interaction("the context", "/context", response={"body": {"context": "its own"}})


@table(
    Fault("after", interactions=(ACTIVATE, WORLD, CONTEXT), exit_code=0, outcomes=(VERIFIED,) * 3),
    Fault("before", interactions=(WORLD, CONTEXT, ACTIVATE), exit_code=0, outcomes=(VERIFIED,) * 3),
    Fault("twice", interactions=(ACTIVATE, ACTIVATE, CONTEXT, WORLD), exit_code=0, outcomes=(VERIFIED,) * 4),
)
def test_what_an_interaction_activates_is_gone_with_it(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


SELF_CALL = "The project asked its own server while it answered, and was refused: GET /items."


@table(
    Fault(
        "the view fails",
        interactions=(OK, interaction("asks itself", "/ask-itself", response={"body": []}), OK_TOO),
        outcomes=(VERIFIED, MISMATCH, VERIFIED),
        says=(SELF_CALL, "The live server answers one request at a time."),
        options=QUICK,
    ),
    Fault(
        "the view goes on",
        interactions=(OK, interaction("asks itself", "/ask-itself-and-go-on", response={"body": {}}), OK_TOO),
        exit_code=0,
        outcomes=(VERIFIED,) * 3,
        says=(f"warning: {SELF_CALL}",),
    ),
)
def test_a_project_that_asks_itself(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


def with_length(length: str, **request: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Content-Length": length}
    return interaction("a length", "/echo", request={"headers": headers, **request})


@table(
    Fault(
        "longer than the body",
        interactions=(OK, with_length("40", method="POST", body={"a": 1}), OK_TOO),
        outcomes=(VERIFIED, MISMATCH, VERIFIED),
        says=("The request's header Content-Length is 40, and its body ended after 7 bytes.", "(--request-timeout)"),
        options=QUICK,
    ),
    Fault(
        "without a body",
        interactions=(OK, with_length("348"), OK_TOO),
        outcomes=(VERIFIED, MISMATCH, VERIFIED),
        says=("The request's header Content-Length is 348, and its body ended after 0 bytes.",),
        options=QUICK,
    ),
    Fault(
        "shorter than the body",
        interactions=(OK, with_length("3", method="POST", body={"a": 1}), OK_TOO),
        outcomes=(VERIFIED, NOT_VERIFIED, VERIFIED),
        says=("the pact names Content-Length, which decides how much of the body arrives",),
    ),
)
def test_a_content_length_that_is_not_the_bodys(fault: Fault, tmp_path: Path) -> None:
    check(fault, tmp_path)


@pytest.mark.no_database
def test_headers_with_underscores_are_shown_and_left_out(tmp_path: Path) -> None:
    sent = interaction(
        "headers",
        "/headers",
        request={"headers": {"X_Api_Version": "3", "X-Kept": "yes"}},
        response={"body": {"X-Kept": "yes"}},
    )
    fault = Fault(
        "underscores",
        interactions=(sent,),
        exit_code=0,
        outcomes=(VERIFIED,),
        says=("The project did not get x_api_version: servers leave out headers with underscores in their names.",),
    )
    check(fault, tmp_path)
