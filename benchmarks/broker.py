"""What a slow broker costs: pacts downloaded and results published, several at a time and one after the other.

The cost is a difference, so that neither starting nor verifying counts: what a run takes for many pacts of a broker and
then for one, less what a run takes for the same pacts from files.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import AtLeast, Row, Side, Tell, milliseconds, ratios, take_turns
from benchmarks.pact_files import PROVIDER, Pacts, write_pacts
from benchmarks.sides import Command, ours
from tests.broker_double import BrokerDouble

ANSWER_SECONDS = 0.05
PACTS = 40
NUMBERS = count(1)
"""For the versions, since a broker has results of one version only once."""


def rows(rounds: int, tell: Tell) -> list[Row]:
    """Downloading and publishing, with the default number of connections and with one."""
    with TemporaryDirectory(prefix="bench") as name:
        one = write_pacts(Path(name, "one"), pacts=1, interactions=1, consumers=1)
        many = write_pacts(Path(name, "many"), pacts=PACTS, interactions=1, consumers=PACTS)
        with _broker(one) as of_one, _broker(many) as of_many:

            def side(connections: str) -> Side:
                def cost() -> float:
                    at_broker = (_from(of_many, connections).verify(many), _from(of_one, connections).verify(one))
                    in_files = (ours().verify(many), ours().verify(one))
                    return at_broker[0] - at_broker[1] - (in_files[0] - in_files[1])

                return cost

            took = take_turns({"together": side("8"), "one by one": side("1")}, rounds, tell)
    return [
        Row(
            f"downloading {PACTS} pacts and publishing their results, {ANSWER_SECONDS * 1000:.0f} ms an answer: "
            "one after the other / ours",
            (milliseconds(took["together"]), milliseconds(took["one by one"])),
            ratios(took["one by one"], took["together"]),
            AtLeast(5),
        )
    ]


@contextmanager
def _broker(pacts: Pacts) -> Iterator[BrokerDouble]:
    with BrokerDouble(latency=ANSWER_SECONDS) as broker:
        broker.create_pacticipant(PROVIDER, main_branch="main")
        for path in sorted(pacts.path.glob("*.json")):
            broker.publish(json.loads(path.read_text()), version="c1", branch="main")
        yield broker


def _from(broker: BrokerDouble, connections: str) -> Command:
    variables = {
        "PACT_BROKER_BASE_URL": broker.url,
        "GIT_COMMIT": f"p{next(NUMBERS)}",
        "GIT_BRANCH": "main",
        "BENCH_BROKER_CONNECTIONS": connections,
    }
    return replace(ours("--publish", **variables), pacts_in_files=False)
