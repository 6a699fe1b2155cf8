"""Notes for the end of a pytest session, and how the plugin prints text."""

from typing import Any

import pytest

from pact_verification.system.credentials import harmless
from pact_verification.text import printable_lines

NOTES = pytest.StashKey[set[str]]()
WORKER_OUTPUT = "pact_notes"


def add_note(config: pytest.Config, note: str) -> None:
    """Have a line printed at the end of the session."""
    config.stash.setdefault(NOTES, set()).add(note)


def shown(text: str) -> str:
    """Return a text as a terminal and a log may show it."""
    return harmless(printable_lines(text))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send an xdist worker's notes to the controller, which prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[WORKER_OUTPUT] = sorted(session.config.stash.get(NOTES, ()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for note in getattr(node, "workeroutput", {}).get(WORKER_OUTPUT, ()):
        add_note(node.config, note)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for note in sorted(config.stash.get(NOTES, ())):
        terminalreporter.write_line(shown(note), yellow=True)
