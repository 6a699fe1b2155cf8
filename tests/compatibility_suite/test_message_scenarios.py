"""The product verifies every scenario as the suite says. Its pacts and those of consumer libraries can be read."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pact_verification.pacts.reading import parse_pact
from tests.compatibility_suite.message_scenarios import PROVIDER, SCENARIOS, Scenario
from tests.pact_verification.messages.project import message_project

pytestmark = pytest.mark.no_database

MESSAGE_PACTS = sorted(Path(__file__).parents[1].joinpath("message_pacts").glob("*.json"))

PRODUCERS = """
from tests.compatibility_suite.message_scenarios import SCENARIOS

CALLS = Path("calls")


def produce(description, message):
    @message_producer(description)
    def scenario():
        return message


messages = {{}}
for number in {numbers}:
    messages |= SCENARIOS[number].messages
for description, message in messages.items():
    produce(description, message)


@provider_state("state one")
def state_one():
    with CALLS.open("a") as calls:
        print("setup state one", file=calls, flush=True)
        yield
        print("teardown state one", file=calls)
"""

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@dataclass(frozen=True)
class Verified:
    """A scenario's share in a run.

    Attributes:
        exit_code: of the run. All its scenarios are successful, or none is.
        console: what the console shows for the scenario's pacts.
        state_calls: of all scenarios of the run.
    """

    exit_code: int
    interactions: Sequence[Mapping[str, Any]]
    console: Sequence[str]
    state_calls: Sequence[tuple[str, ...]]


def _runs() -> list[list[int]]:
    """Return the numbers of the scenarios of each run. A producer gives the same message to all of them."""
    runs: list[list[int]] = []
    for number, scenario in enumerate(SCENARIOS):
        for run in runs:
            others = [SCENARIOS[each] for each in run]
            agree = all(
                other.messages.get(description, message) == message
                for other in others
                for description, message in scenario.messages.items()
            )
            if agree and others[0].successful is scenario.successful:
                run.append(number)
                break
        else:
            runs.append([number])
    return runs


def _verify(numbers: Sequence[int], folder: Path) -> Iterator[tuple[str, Verified]]:
    """Verify some scenarios in one run."""
    with message_project(folder, PRODUCERS.format(numbers=numbers)) as project:
        for number in numbers:
            for index, document in enumerate(SCENARIOS[number].pacts):
                project.write(f"pacts/{number}-{index}.json", json.dumps(document))
        ran = project.verify("--provider-name", PROVIDER, "--json", "report.json", "--verbosity", "2")
        pacts = json.loads((folder / "report.json").read_text())["pacts"]
        calls = folder / "calls"
        state_calls = [tuple(line.split(" ", 1)) for line in calls.read_text().splitlines()] if calls.exists() else []
        consoles = ran.out.split(f"\n{pacts[0]['consumer']}  (")
        for number in numbers:
            prefix = f"pacts/{number}-"
            own = [each for pact in pacts if prefix in pact["source"] for each in pact["interactions"]]
            console = [
                line.strip() for each in consoles if prefix in each.partition(")")[0] for line in each.splitlines()
            ]
            yield SCENARIOS[number].name, Verified(ran.exit_code, own, console, state_calls)


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scenario], Verified]:
    """Verify a scenario together with others, and keep what became of them."""
    kept: dict[str, Verified] = {}

    def verified(scenario: Scenario) -> Verified:
        if scenario.name not in kept:
            [numbers] = [each for each in _runs() if SCENARIOS.index(scenario) in each]
            kept.update(_verify(numbers, tmp_path_factory.mktemp("scenarios")))
        return kept[scenario.name]

    return verified


def test_these_are_the_scenarios_of_both_features() -> None:
    assert [scenario.specification for scenario in SCENARIOS] == ["V3"] * 18 + ["V4"] * 2
    assert len({scenario.name for scenario in SCENARIOS}) == 20


@each_scenario
def test_pacts_can_be_read(scenario: Scenario) -> None:
    pacts = [parse_pact(json.dumps(document).encode(), "a pact") for document in scenario.pacts]
    interactions = [interaction for pact in pacts if pact is not None for interaction in pact.interactions]
    assert [interaction.description for interaction in interactions] == list(scenario.messages)
    first = interactions[0]
    assert [("setup", state.name) for state in first.states] == [
        call for call in scenario.state_calls if call[0] == "setup"
    ]
    assert (first.pending, first.comments, first.test_name) == (
        scenario.pending,
        scenario.comments,
        scenario.test_name,
    )


@each_scenario
def test_verification(scenario: Scenario, verified: Callable[[Scenario], Verified]) -> None:
    came = verified(scenario)
    assert came.exit_code == (0 if scenario.successful else 1)
    assert [each["description"] for each in came.interactions] == list(scenario.messages)
    outcome = "mismatch" if scenario.difference else "verified"
    assert [each["outcome"] for each in came.interactions] == [outcome] * len(scenario.messages)
    assert [each["pending"] for each in came.interactions] == [scenario.pending] * len(scenario.messages)
    assert {mismatch["part"] for each in came.interactions for mismatch in each["mismatches"]} == (
        {scenario.difference} if scenario.difference else set()
    )
    assert [each["failed"] for each in came.interactions] == [not scenario.successful] * len(scenario.messages)
    assert ("pending: does not fail the run" in " ".join(came.console)) is scenario.pending
    if scenario.state_calls:
        assert came.state_calls == list(scenario.state_calls)
    for comment in scenario.comments:
        assert f"comment  {comment}" in came.console
    assert scenario.test_name is None or f"test     {scenario.test_name}" in came.console


@pytest.mark.parametrize("path", MESSAGE_PACTS, ids=lambda path: path.stem)
def test_pacts_of_consumer_libraries_can_be_read(path: Path) -> None:
    pact = parse_pact(path.read_bytes(), path.name)
    assert pact is not None
    assert pact.provider == "shop"
    assert path.name == f"{pact.consumer}-{pact.provider}.json"
    assert len(pact.interactions) >= 4
