"""What one process writes about itself, and another reads."""

import mmap

import pytest

from pact_verification.provider.board import SIZE, Board, Glance
from pact_verification.system import clock

pytestmark = pytest.mark.no_database


@pytest.fixture
def memory() -> mmap.mmap:
    return mmap.mmap(-1, SIZE)


def test_nothing_has_begun(memory: mmap.mmap) -> None:
    assert Board(memory).look() == Glance(0, -1, "")


def test_the_reader_sees_what_the_writer_does(memory: mmap.mmap) -> None:
    writer, reader = Board(memory), Board(memory)
    writer.begin(3, "the state 'a longer text'")
    first = reader.look()
    writer.write(3, "the view")
    second = reader.look()
    writer.end()
    third = reader.look()
    assert (first.busy, first.number, first.doing) == (True, 3, "the state 'a longer text'")
    assert (second.phase, second.doing) == (first.phase, "the view")
    assert (third.busy, third.number, third.doing) == (False, 3, "the view")
    assert third.phase != second.phase


def test_a_text_that_is_too_long_is_cut(memory: mmap.mmap) -> None:
    Board(memory).begin(0, "ä" * SIZE)
    assert Board(memory).look().doing.startswith("ää")


def test_a_lone_surrogate_is_written(memory: mmap.mmap) -> None:
    Board(memory).begin(0, "\udc80")
    assert Board(memory).look().doing == "?"


def test_a_phase_lasts_until_the_next(memory: mmap.mmap) -> None:
    writer, reader = Board(memory), Board(memory)
    assert reader.busy_for() == 0
    writer.begin(0, "x")
    reader.busy_for()
    before = reader.busy_for()
    assert reader.busy_for() >= before >= 0
    writer.write(0, "y")
    assert reader.busy_for() >= before
    writer.end()
    assert reader.busy_for() == 0


def test_no_phase_lasts_while_the_run_is_held(memory: mmap.mmap, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(clock, "seconds", lambda: now)
    writer, reader = Board(memory), Board(memory)
    writer.begin(0, "the view")
    assert reader.busy_for() == 0
    writer.held = True
    now = 100
    assert (reader.look().held, reader.busy_for(), reader.same_for()) == (True, 0, 0)
    writer.held = False
    now = 103
    assert (reader.look().held, reader.busy_for()) == (False, 3)


def test_the_writer_waits_until_the_reader_has_seen_that_the_run_is_held(memory: mmap.mmap) -> None:
    writer, reader = Board(memory), Board(memory)
    writer.held = True
    reader.note_seen()
    writer.wait_until_seen()
    assert writer.held
