"""What --pdb and --hold say in a terminal. tests/faults/test_held.py uses both."""

import io
import sys

import pytest

from pact_verification.provider.shell import say

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "a\\x1b[2Jb ✗ \\ud800\nsecond\n"), ("ascii", "a\\x1b[2Jb x \\ud800\nsecond\n")]
)
def test_texts_of_a_pact_do_nothing_to_a_terminal(monkeypatch: pytest.MonkeyPatch, encoding: str, said: str) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    say("a\x1b[2Jb ✗ \ud800", "second")
    assert written.getvalue().decode(encoding) == said
