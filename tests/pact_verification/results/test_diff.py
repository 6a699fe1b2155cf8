"""A diff that is shortened keeps every line that differs."""

import pytest

from pact_verification.results.diff import DiffLine, shortened

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("marked", [(), (0,), (10,), (19,), (3, 12)])
def test_shortened_keeps_what_differs_and_counts_the_rest(marked: tuple[int, ...]) -> None:
    lines = [DiffLine("+" if number in marked else " ", str(number)) for number in range(50)]
    short = list(shortened(lines, around=2))
    kept = [line for line in short if line in lines]
    assert [line for line in kept if line.sign == "+"] == [lines[number] for number in marked]
    gaps = [int(line.text.split()[1]) for line in short if line not in lines]
    assert len(kept) + sum(gaps) == 50
    assert len(kept) <= max(5 * len(marked), 20 * (not marked))
