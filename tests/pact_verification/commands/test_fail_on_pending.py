"""verify_pacts --fail-on-pending: a pending interaction that fails, fails the run."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.pact_verification.pact_files import EMPTY, interaction, write_pact
from tests.pact_verification.running import Verify, has

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

TYPED: dict[str, Any] = {"type": "Synchronous/HTTP"}
RED = {**interaction("red", "/nothing"), **TYPED, "pending": True}
GREEN = {**EMPTY, **TYPED}


def test_it_fails_the_run_and_every_report_says_so(verify: Verify, pact: Path, tmp_path: Path) -> None:
    write_pact(pact, RED, {**GREEN, "pending": True}, version="4.0")
    files = {name: tmp_path / f"report.{name}" for name in ("json", "html", "junit")}
    reports = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    assert verify(pact).exit_code == 0
    ran = verify(pact, "--fail-on-pending", *reports)
    assert (ran.exit_code, ran.err) == (1, "")
    has(
        ran,
        "✗ red pending: fails the run (--fail-on-pending) cause 1",
        "1 failure, 1 cause",
        f"verify_pacts --fail-on-pending {pact} --interaction ",
        "1 verified, 1 failed (pending), in",
        "What failed is pending, and --fail-on-pending counts it.",
    )
    assert "does not fail the run" not in ran.out + "".join(path.read_text() for path in files.values())
    failed = json.loads(files["json"].read_text())
    assert (failed["exit_code"], [each["failed"] for each in failed["pacts"][0]["interactions"]]) == (1, [True, False])
    assert '<failure message="status 404 instead of 200"' in files["junit"].read_text()
    assert "Its failure fails the run all the same, because of --fail-on-pending." in files["html"].read_text().replace(
        "<wbr>", ""
    )


def test_what_is_pending_and_green_fails_nothing(verify: Verify, pact: Path) -> None:
    ran = verify(write_pact(pact, {**GREEN, "pending": True}, version="4.0"), "--fail-on-pending")
    assert ran.exit_code == 0
    has(ran, "The contracts hold.")


def test_a_pending_state_without_a_handler_does_not_stop_the_run_but_fails_it(verify: Verify, pact: Path) -> None:
    write_pact(pact, GREEN, {**RED, "providerStates": [{"name": "the moon"}]}, version="4.0")
    ran = verify(pact, "--fail-on-pending")
    assert ran.exit_code == 1
    has(ran, "For pending interactions: 1 provider state has no handler", "1 verified, 1 state error (pending)")


@pytest.mark.parametrize("parallel", ["1", "2"])
def test_exit_first_stops_there(verify: Verify, pact: Path, parallel: str) -> None:
    write_pact(pact, RED, GREEN, version="4.0")
    ran = verify(pact, "--fail-on-pending", "--exit-first", "--parallel", parallel)
    assert ran.exit_code == 1
    has(ran, "1 failed (pending), 1 skipped")


def test_what_fails_and_is_not_pending_is_a_broken_contract(verify: Verify, pact: Path) -> None:
    write_pact(pact, RED, {**RED, "description": "also", "pending": False}, version="4.0")
    has(
        verify(pact, "--fail-on-pending"), "1 failed, 1 failed (pending), in", "The contracts are broken.", "2 failures"
    )


def test_call_command(tmp_path: Path) -> None:
    """The option is known. Nothing is selected, so no server starts."""
    pact = write_pact(tmp_path / "pact.json", EMPTY)
    with pytest.raises(SystemExit) as ended:
        call_command(
            "verify_pacts", str(pact), fail_on_pending=True, debug_sql=True, description="zzz", provider_name="testapp"
        )
    assert ended.value.code == 3
