"""Shares of the pacts: together they are everything, and no two share one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_verification.pacts.pact import AtBroker, Pact
from pact_verification.pacts.shards import Shard
from pact_verification.pacts.sources import Selection
from tests.broker_double import BrokerDouble
from tests.pact_verification.pact_files import document, interaction, write_pact
from tests.pact_verification.running import Verify, has

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

EMPTY = interaction("an empty list", response={"body": []})
CONSUMERS = st.lists(st.text(max_size=8), max_size=30)
COUNTS = st.integers(1, 7)


def selection(consumers: list[str], *, at_broker: bool) -> Selection:
    at = AtBroker("http://b/1", "1", "latest", "", "") if at_broker else None
    return Selection(
        tuple(
            Pact(consumer, "p", (), Path(f"{number}.json"), f"{number}.json", at)
            for number, consumer in enumerate(consumers)
        )
    )


def shares(whole: Selection, count: int) -> list[tuple[Pact, ...]]:
    return [Shard(number, count).take(whole).pacts for number in range(1, count + 1)]


@given(CONSUMERS, COUNTS, st.booleans())
def test_they_are_disjoint_and_complete_and_keep_the_order(consumers: list[str], count: int, at_broker: bool) -> None:
    whole = selection(consumers, at_broker=at_broker)
    taken = [pact for share in shares(whole, count) for pact in share]
    assert sorted(taken, key=lambda pact: int(Path(str(pact.path)).stem)) == list(whole.pacts)
    for share in shares(whole, count):
        assert list(share) == sorted(share, key=lambda pact: int(Path(str(pact.path)).stem))


@given(CONSUMERS, COUNTS, st.booleans())
def test_a_consumers_pacts_are_in_one(consumers: list[str], count: int, at_broker: bool) -> None:
    held = [{pact.consumer for pact in share} for share in shares(selection(consumers, at_broker=at_broker), count)]
    assert sum(map(len, held)) == len(set(consumers))


@given(CONSUMERS, COUNTS)
def test_files_are_dealt_out_evenly(consumers: list[str], count: int) -> None:
    held = [len({pact.consumer for pact in share}) for share in shares(selection(consumers, at_broker=False), count)]
    assert max(held) - min(held) <= 1


@given(CONSUMERS, CONSUMERS, COUNTS)
def test_at_a_broker_a_consumers_share_does_not_depend_on_the_others(
    consumers: list[str], others: list[str], count: int
) -> None:
    """Jobs ask one after the other, and in between somebody publishes a pact."""

    def place(whole: Selection) -> dict[str, int]:
        return {pact.consumer: number for number, share in enumerate(shares(whole, count)) for pact in share}

    before = place(selection(consumers, at_broker=True))
    after = place(selection([*others, *consumers], at_broker=True))
    assert before == {consumer: after[consumer] for consumer in before}


def test_they_are_stable() -> None:
    """Which share it is was the same yesterday, and is on another machine and in another version of Python."""
    whole = selection([f"consumer {number}" for number in range(10)], at_broker=True)
    assert [[Path(str(pact.path)).stem for pact in share] for share in shares(whole, 3)] == SHARES


SHARES = [["4", "8"], ["0", "1", "2", "3", "6", "7", "9"], ["5"]]


def test_the_five_shares_of_a_run(verify: Verify, tmp_path: Path) -> None:
    for number in range(12):
        write_pact(tmp_path / f"{number:02}.json", EMPTY, consumer=f"consumer {number % 6}")
    seen: list[str] = []
    for number in range(1, 6):
        run = verify(tmp_path, "--shard", f"{number}/5")
        assert (run.exit_code, run.err) == (0, "")
        held = [line for line in run.out.splitlines() if line.startswith("consumer ")]
        has(run, f"--shard {number}/5: this share holds {len(held)} of 12 selected pacts; the other shares hold")
        seen += held
    assert len(seen) == len(set(seen)) == 12


def test_an_empty_share_is_fine_and_says_so(verify: Verify, tmp_path: Path) -> None:
    write_pact(tmp_path / "one.json", EMPTY)
    assert verify(tmp_path, "--shard", "1/2").exit_code == 0
    run = verify(tmp_path, "--shard", "2/2")
    assert run.exit_code == 0
    has(
        run,
        "this share holds 0 of 1 selected pact",
        "nothing was verified, and all selected pacts are in other shares.",
    )


def test_a_share_of_nothing_is_no_ground_for_a_green(verify: Verify, tmp_path: Path) -> None:
    assert verify(tmp_path, "--shard", "1/2").exit_code == 3
    write_pact(tmp_path / "one.json", EMPTY)
    for number in (1, 2):
        run = verify(tmp_path, "--shard", f"{number}/2", "--consumer", "nobody")
        assert run.exit_code == 3
        run = verify(tmp_path, "--shard", f"{number}/2", "--consumer", "shop", "--consumer", "nobody")
        assert run.exit_code == 3


def test_with_a_broker_each_share_publishes_its_own(verify: Verify) -> None:
    with BrokerDouble(token="t0ken") as broker:
        for number in range(6):
            broker.publish(document(EMPTY, consumer=f"consumer {number}"), version="c1", branch="main")
        for number in (1, 2, 3):
            run = verify(
                *("--publish", "--shard", f"{number}/3"),
                PACT_BROKER_BASE_URL=broker.url,
                PACT_BROKER_TOKEN="t0ken",
                GIT_COMMIT="p1",
                GIT_BRANCH="main",
            )
            assert run.exit_code == 0, run
        assert sorted(result.consumer for result in broker.results) == [f"consumer {number}" for number in range(6)]


@pytest.mark.parametrize("value", ["0/5", "6/5", "2", "2/0", "a/b", "1/2/3", "-1/5", "1 / 2", "²/5", ""])
def test_what_is_no_share(verify: Verify, value: str) -> None:
    run = verify(f"--shard={value}")
    assert run.exit_code == 2
    has(run, "is not a share such as 2/5, the second of five")
