"""Interactions of a project with an ASGI application."""

from pathlib import Path

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.pytest_plugin.conftest import EMPTY, GREEN, Pytest


def test_the_application_is_called_with_its_lifespan(project: Path, run_pytest: Pytest) -> None:
    asked = interaction(
        "a task of the lifespan", "/asked", states=["an item cup exists"], response={"body": {"items": ["cup"]}}
    )
    waiting = interaction("it waits", "/waiting")
    write_pact(project / "pacts" / "a.json", GREEN, asked, waiting, EMPTY)
    log = project / "log"
    before = {path.name for path in project.iterdir()}
    ran = run_pytest(
        "pacts", settings={"PACT_REQUEST_TIMEOUT": 0.5}, project="tests.asgiapp.settings", ASGIAPP_LOG=str(log)
    )
    assert "1 failed, 3 passed" in ran.out, ran.out
    assert "It waited at " in ran.out
    assert log.read_text() == "startup\nshutdown\n"
    assert {path.name for path in project.iterdir()} >= before  # the run empties no folder but its own
