"""What verifying costs: `manage.py verify_pacts` beside its peers.

The cost of an interaction is a difference, so that starting and ending don't count: what a whole process takes for a
pact of 101 interactions, less what it takes for a pact of one, divided by a hundred.
"""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import postgresql
from benchmarks.measure import AtLeast, AtMost, Row, Side, Target, Tell, milliseconds, ratios, take_turns
from benchmarks.pact_files import Pacts, write_message_pact, write_pact, write_pact_of_ten_members, write_pacts
from benchmarks.sides import Command, Impact, Sibling, floor, in_one_process, live_server, ours

MEMORY = 250
"""MB."""

WITNESS_SECONDS = 0.03
"""What a small run may cost more than in one process: the project runs in a process that another one watches."""

IMPACT_SECONDS = 10
"""What pact_impact may take for 100 interactions with ten members, on two cores."""

LONG_ROUNDS = 3
"""Enough of what takes minutes."""

SHORT_TIMES = 5
"""How often what takes a second is measured in a turn, where the other side's takes a minute."""


@dataclass(frozen=True, slots=True)
class Files:
    """Pacts in a directory of the measurement's own."""

    directory: Path
    one: Pacts
    three: Pacts
    more: Pacts

    def an_interaction(self, side: Command | Sibling) -> Side:
        """What an interaction costs a side, in seconds."""

        def cost() -> float:
            before, more, after = (side.verify(pacts) for pacts in (self.one, self.more, self.one))
            # One on each side, so that a machine that gets slower or faster meanwhile does not count.
            return (more - (before + after) / 2) / (self.more.interactions - 1)

        return cost


@contextmanager
def files() -> Iterator[Files]:
    with TemporaryDirectory(prefix="bench") as name:
        directory = Path(name)
        yield Files(directory, *(write_pact(directory / f"{count}.json", count) for count in (1, 3, 101)))


def rows(rounds: int, tell: Tell) -> list[Row]:
    """All of them."""
    return [row for group in GROUPS.values() for row in group(rounds, tell)]


def interaction(rounds: int, tell: Tell) -> list[Row]:
    """What an interaction costs, beside the floor and what others run."""
    server = postgresql()
    sides: dict[str, Command | Sibling] = {
        "verify_pacts": ours(),
        "floor": floor(),
        "live server": live_server(),
        "FastAPI": Sibling(),
    }
    if server:
        sides["verify_pacts on PostgreSQL"] = ours(DATABASE_URL=server.url)
        sides["live server on PostgreSQL"] = live_server(DATABASE_URL=server.url)
    with files() as pacts:
        took = take_turns({name: pacts.an_interaction(side) for name, side in sides.items()}, rounds, tell)
    us = took["verify_pacts"]
    what, target = "an interaction on PostgreSQL: live server with flush / ours", AtLeast(10)
    return [
        _cost("an interaction: ours / floor", us, took["floor"], AtMost(2)),
        _gain("an interaction on SQLite: live server with flush / ours", us, took["live server"], AtLeast(3)),
        _gain(what, took["verify_pacts on PostgreSQL"], took["live server on PostgreSQL"], target)
        if server
        else Row.left_out(what, "no PostgreSQL answers", target),
        _gain("an interaction: FastAPI with pact verifier / ours", us, took["FastAPI"], AtLeast(3)),
    ]


def messages(rounds: int, tell: Tell) -> list[Row]:
    """What a message costs, beside an interaction with a request. Both have a state that writes, and read the row."""
    with files() as pacts:
        few, many = (write_message_pact(pacts.directory / f"{count} messages.json", count) for count in (1, 101))
        of_messages = replace(pacts, one=few, more=many)
        sides = {"messages": of_messages.an_interaction(ours()), "requests": pacts.an_interaction(ours())}
        took = take_turns(sides, rounds, tell)
    return [_cost("a message / an interaction with a request", took["messages"], took["requests"], AtMost(1))]


def whole(rounds: int, tell: Tell) -> list[Row]:
    """A small pact, from nothing running to nothing running."""
    with files() as pacts:
        sides: dict[str, Side] = {
            "verify_pacts": lambda: ours().verify(pacts.three),
            "FastAPI": lambda: Sibling().verify(pacts.three),
            "call_command": lambda: in_one_process().verify(pacts.three),
        }
        took = take_turns(sides, rounds, tell)
    with_allowance = [each + WITNESS_SECONDS for each in took["call_command"]]
    witness = f"three interactions, from start to end: ours / call_command and {WITNESS_SECONDS * 1000:.0f} ms"
    return [
        _cost(
            "three interactions, from start to end: ours / FastAPI with pact verifier",
            took["verify_pacts"],
            took["FastAPI"],
            AtMost(1),
        ),
        _cost(witness, took["verify_pacts"], with_allowance, AtMost(1)),
    ]


def scale(rounds: int, tell: Tell) -> list[Row]:
    """5000 interactions, of 50 pacts of 10 consumers."""
    memory: list[float] = []
    with files() as pacts:
        many = write_pacts(pacts.directory / "pacts", pacts=50, interactions=100, consumers=10)
        of_100 = pacts.an_interaction(ours())
        sides: dict[str, Side] = {
            "1": lambda: ours().verify(pacts.one),
            "of 100": lambda: statistics.median(of_100() for _ in range(SHORT_TIMES)),
            "5000": lambda: ours().verify(many, memory),
            "5000 with --parallel 2": lambda: ours("--parallel", "2").verify(many),
        }
        sides["1"]()
        took = take_turns(sides, min(rounds, LONG_ROUNDS), tell, warm_up=False)
    of_many = [(whole - one) / (many.interactions - 1) for whole, one in zip(took["5000"], took["1"], strict=True)]
    return [
        _cost("an interaction: of 5000 in 50 pacts / of 100 in one", of_many, took["of 100"], AtMost(1.1)),
        Row(
            f"memory of all processes, for 5000 interactions: ours / {MEMORY} MB",
            (f"{statistics.median(memory):.0f} MB", f"{MEMORY} MB"),
            [each / MEMORY for each in memory],
            AtMost(1),
        ),
        _gain(
            "5000 interactions: without --parallel 2 / with it",
            took["5000 with --parallel 2"],
            took["5000"],
            AtLeast(1.7),
        ),
    ]


def example(rounds: int, tell: Tell) -> list[Row]:
    """The example provider, which is DRF with all its middleware."""
    provider = ours(settings="config.settings", DJANGO_DEBUG="true")
    with files() as pacts:
        sides = {"example provider": pacts.an_interaction(provider), "floor": pacts.an_interaction(floor())}
        took = take_turns(sides, rounds, tell)
    return [_cost("an interaction of the example provider: ours / floor", took["example provider"], took["floor"])]


def floor_again(times: int, tell: Tell) -> list[float]:
    """What an interaction costs the floor: the same measurement, whose figures show how even the machine is."""
    with files() as pacts:
        return take_turns({"floor": pacts.an_interaction(floor())}, times, tell, warm_up=False)["floor"]


def impact(rounds: int, tell: Tell) -> list[Row]:
    """pact_impact on responses with ten members, all of which the consumer needs."""
    changes: list[float] = []

    def whole() -> float:
        seconds, change = Impact().ask(of_ten)
        changes.append(change)
        return seconds

    with files() as pacts:
        of_ten = write_pact_of_ten_members(pacts.directory / "ten members.json", 100)
        sides: dict[str, Side] = {"pact_impact": whole, "floor": pacts.an_interaction(floor())}
        took = take_turns(sides, rounds, tell)
    return [
        _cost("a change that pact_impact tries: ours / floor", changes[-rounds:], took["floor"], AtMost(1.3)),
        Row(
            f"pact_impact on 100 interactions with ten members: ours / {IMPACT_SECONDS} s",
            (f"{statistics.median(took['pact_impact']):.1f} s", f"{IMPACT_SECONDS} s"),
            [each / IMPACT_SECONDS for each in took["pact_impact"]],
            AtMost(1),
        ),
    ]


GROUPS = {
    "interaction": interaction,
    "messages": messages,
    "whole": whole,
    "scale": scale,
    "example": example,
    "impact": impact,
}


def _cost(what: str, ours: Sequence[float], peer: Sequence[float], target: Target | None = None) -> Row:
    return Row(what, (milliseconds(ours), milliseconds(peer)), ratios(ours, peer), target)


def _gain(what: str, ours: Sequence[float], peer: Sequence[float], target: Target | None = None) -> Row:
    return Row(what, (milliseconds(ours), milliseconds(peer)), ratios(peer, ours), target)
