"""Progress: a line now and then in a log, a line that changes on a terminal."""

import io

import pytest

from pact_verification.reporters.progress import PLAIN_PROGRESS_SECONDS, live_progress
from pact_verification.system import clock

pytestmark = pytest.mark.no_database


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(clock, "seconds", lambda: now)
    log = io.StringIO()
    with live_progress(log, colour=False) as live:
        for done in range(1, 101):
            now += PLAIN_PROGRESS_SECONDS / 4
            live.progress(done, 100, "downloading pacts")
    lines = log.getvalue().splitlines()
    assert lines[:2] == [
        f"4 of 100 done, {PLAIN_PROGRESS_SECONDS} s: downloading pacts",
        f"8 of 100 done, {PLAIN_PROGRESS_SECONDS * 2} s: downloading pacts",
    ]
    assert len(lines) == 25


def test_a_terminal_shows_each_step_and_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with live_progress(terminal, colour=False) as live:
        live.progress(3, 7, "downloading pacts")
        live.show("7 pacts from a broker")
        live.progress(1, 9, "an interaction")
    shown = terminal.getvalue()
    assert "7 pacts from a broker" in shown
    assert "an interaction" in shown


def test_nothing_is_shown_while_the_run_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(clock, "seconds", lambda: now)
    log = io.StringIO()
    with live_progress(log, colour=False) as live:
        live.pause(True)
        now += 2 * PLAIN_PROGRESS_SECONDS
        live.progress(1, 2, "an interaction")
        assert log.getvalue() == ""
        live.pause(False)
        live.progress(1, 2, "an interaction")
    assert log.getvalue() == f"1 of 2 done, {2 * PLAIN_PROGRESS_SECONDS} s: an interaction\n"
