"""What one process writes about itself, and another reads."""

import mmap

import pytest

from pact_verification.provider.board import SIZE, Board, Glance

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
