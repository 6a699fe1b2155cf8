"""What the options and the broker do with interactions, they do with messages."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker_double import BrokerDouble
from tests.pact_verification.messages.project import (
    asynchronous,
    message_project,
    outcomes,
    states,
    synchronous,
    verify,
    write,
)
from tests.pact_verification.provider.small_project import Project
from tests.pact_verification.running import Run, has

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]

PRODUCERS = """
@provider_state("an item {name} exists")
def item_exists(name):
    Item.objects.create(name=name)


@message_producer("{colour} message")
def message(colour):
    return {"count": Item.objects.count()}


@message_producer("{colour} question")
def question(request):
    return [Message({"part": 1}), Message({"part": 2})]


@message_producer("it raises")
def raises():
    raise RuntimeError("no such order")
"""
GREEN = asynchronous("green message", {"count": 2}, providerStates=states("an item cup exists"))
RED = asynchronous("red message", {"count": 3})
GREEN_QUESTION = synchronous("green question", {}, {"part": 1}, {"part": 2})
RED_QUESTION = synchronous("red question", {}, {"part": 1}, {"part": 3})
ALL = (GREEN, RED, GREEN_QUESTION, RED_QUESTION)
FAILS, HOLDS = "mismatch", "verified"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with message_project(tmp_path, PRODUCERS) as project:
        yield project


class TestBroker:
    @pytest.fixture
    def broker(self) -> Iterator[BrokerDouble]:
        with BrokerDouble() as double:
            double.create_pacticipant("shop", main_branch="main")
            yield double

    def verify(self, project: Project, broker: BrokerDouble, *options: str) -> Run:
        of = ("--broker-url", broker.url, "--provider-version", "p1", "--provider-branch", "main")
        return project.verify("--publish", *of, *options)

    def publish(self, broker: BrokerDouble, pact: Path) -> None:
        broker.publish(json.loads(pact.read_text()), version="c1", branch="main")

    def results(self, broker: BrokerDouble) -> list[Any]:
        [result] = [each for each in broker.results if each.provider_version == "p1"]
        return [result.success, *result.body["testResults"]]

    def test_green(self, project: Project, broker: BrokerDouble) -> None:
        self.publish(broker, write(project, GREEN, GREEN_QUESTION))
        ran = self.verify(project, broker)
        assert ran.exit_code == 0, ran
        success, *results = self.results(broker)
        assert success is True
        assert [each["success"] for each in results] == [True, True]
        assert all(len(each["interactionId"]) == 40 for each in results)

    def test_red(self, project: Project, broker: BrokerDouble) -> None:
        raising = asynchronous("it raises", {})
        self.publish(broker, write(project, GREEN, RED, RED_QUESTION, raising))
        broker.publish_result("mailer", "c1", "shop", "p0", branch="main", success=True)
        ran = self.verify(project, broker)
        assert ran.exit_code == 1, ran
        success, *results = self.results(broker)
        assert success is False
        by_id = {each["interactionId"]: each for each in results}
        assert len(by_id) == 4
        assert sorted(each["success"] for each in results) == [False, False, False, True]
        mismatches = [mismatch for each in results for mismatch in each.get("mismatches", ())]
        assert [(each["attribute"], each["identifier"]) for each in mismatches] == [
            ("body", "$.count"),
            ("body", "$.part"),
        ]
        assert mismatches[1]["description"].startswith("response 2: ")
        [exception] = [each["exceptions"][0]["message"] for each in results if each.get("exceptions")]
        assert exception.startswith("raises() raised RuntimeError: no such order")

    def test_messages_of_v3(self, project: Project, broker: BrokerDouble) -> None:
        message = {"description": "red message", "contents": {"count": 3}}
        self.publish(
            broker, write(project, message, {**message, "description": "green message", "contents": {"count": 1}})
        )
        broker.publish_result("mailer", "c1", "shop", "p0", branch="main", success=True)
        assert self.verify(project, broker).exit_code == 1
        success, *results = self.results(broker)
        assert success is False
        assert [each["success"] for each in results] == [False, True]

    def test_a_pending_pact(self, project: Project, broker: BrokerDouble) -> None:
        """Also its message without a producer does not stop the run."""
        self.publish(broker, write(project, GREEN, RED, RED_QUESTION, asynchronous("it has no producer", {})))
        ran = self.verify(project, broker)
        assert ran.exit_code == 0, ran
        has(
            ran,
            "For pending interactions: 1 message has no producer",
            "2 failed (pending)",
            "1 producer error (pending)",
        )
        assert self.results(broker)[0] is False

    def test_a_filter_does_not_publish(self, project: Project, broker: BrokerDouble) -> None:
        self.publish(broker, write(project, GREEN, RED))
        ran = self.verify(project, broker, "--description", "green")
        assert ran.exit_code == 2
        assert not broker.results


class TestWhichInteractions:
    @pytest.mark.parametrize(
        ("options", "came"),
        [
            (("--description", "message$"), {"green message": HOLDS, "red message": FAILS}),
            (("--state", "cup"), {"green message": HOLDS}),
            (("--no-state", "--description", "question"), {"green question": HOLDS, "red question": FAILS}),
            (
                ("--consumer", "mailer"),
                {each["description"]: FAILS if each in (RED, RED_QUESTION) else HOLDS for each in ALL},
            ),
        ],
        ids=["description", "state", "no state", "consumer"],
    )
    def test_filters(self, project: Project, options: tuple[str, ...], came: dict[str, str]) -> None:
        write(project, *ALL)
        write(project, asynchronous("another message", {"count": 1}), consumer="billing")
        _, found = verify(project, *options)
        found.pop("another message", None)
        assert outcomes(found) == came

    def test_again(self, project: Project) -> None:
        """The line that a report prints, by key, verifies the message alone. So does --last-failed, once it holds."""
        write(project, *ALL)
        ran, came = verify(project)
        assert ran.exit_code == 1
        key = came["red question"]["key"]
        assert came["red question"]["rerun"].endswith(f"--interaction {key}")
        ran, came = verify(project, "--interaction", key)
        assert (ran.exit_code, outcomes(came)) == (1, {"red question": FAILS})
        ran, came = verify(project, "--last-failed")
        assert (ran.exit_code, outcomes(came)) == (1, {"red message": FAILS, "red question": FAILS})
        states_py = project.folder / "shop" / "pact_states.py"
        project.write("shop/pact_states.py", states_py.read_text().replace('"part": 2', '"part": 3'))
        _, came = verify(project, "--last-failed")
        assert outcomes(came) == {"red message": FAILS, "red question": HOLDS}
        _, came = verify(project, "--last-failed")
        assert outcomes(came) == {"red message": FAILS}

    def test_exit_first(self, project: Project) -> None:
        write(project, *ALL)
        ran, came = verify(project, "--exit-first")
        assert ran.exit_code == 1
        assert outcomes(came) == {
            "green message": HOLDS,
            "red message": FAILS,
            "green question": "skipped",
            "red question": "skipped",
        }

    def test_exit_first_at_the_second_response(self, project: Project) -> None:
        write(project, RED_QUESTION, GREEN)
        _, came = verify(project, "--exit-first")
        assert outcomes(came) == {"red question": FAILS, "green message": "skipped"}

    def test_exit_first_at_the_first_response(self, project: Project) -> None:
        write(project, synchronous("red question", {}, {"part": 0}, {"part": 2}), GREEN)
        _, came = verify(project, "--exit-first")
        assert outcomes(came) == {"red question": FAILS, "green message": "skipped"}

    def test_shards(self, project: Project) -> None:
        for consumer in ("a", "b", "c"):
            write(project, asynchronous(f"{consumer} message", {"count": 1}), consumer=consumer)
        shares = [outcomes(verify(project, "--shard", f"{number}/2")[1]) for number in (1, 2)]
        assert all(shares)
        joined = {**shares[0], **shares[1]}
        assert joined == {"a message": HOLDS, "b message": HOLDS, "c message": HOLDS}
        assert sum(map(len, shares)) == 3


class TestPactStates:
    def test_list(self, project: Project) -> None:
        write(project, GREEN, asynchronous("red messages", {}))
        ran = project.run("django", "pact_states")
        assert ran.exit_code == 0
        listed = (
            "\n"
            "✓ an item cup exists\n"
            "    handler    item_exists() (shop/pact_states.py:LINE)\n"
            "    needed by  mailer: green message (pacts/mailer.json)\n"
            "\n"
            "✓ message: green message\n"
            "    producer   message() (shop/pact_states.py:LINE)\n"
            "    needed by  mailer: green message (pacts/mailer.json)\n"
            "\n"
            "✗ message: red messages\n"
            "    producer   none\n"
            "    needed by  mailer: red messages (pacts/mailer.json)\n"
            '    did you mean "{colour} message"? (shop/pact_states.py:LINE)\n'
            "\n"
            "producers that no selected pact needs:\n"
            '    "{colour} question"  question() (shop/pact_states.py:LINE)\n'
            '    "it raises"  raises() (shop/pact_states.py:LINE)\n'
            "\n"
            "1 provider state: 1 with a handler, 0 handlers unused\n"
            "2 messages: 1 with a producer, 1 without one, 2 producers unused\n"
        )
        assert re.sub(r"py:\d+", "py:LINE", ran.out).startswith(listed)

    def test_check(self, project: Project) -> None:
        write(project, GREEN, GREEN_QUESTION)
        assert project.run("django", "pact_states", "--check").exit_code == 0
        write(project, asynchronous("it has no producer", {}), consumer="billing")
        ran = project.run("django", "pact_states", "--check")
        assert ran.exit_code == 1
        has(ran, "it has no producer", "producer none")

    def test_stubs_are_complete(self, project: Project) -> None:
        """With their import, they make a module in which each stub raises NotImplementedError."""
        project.write("shop/pact_states.py", "")
        odd = asynchronous('{odd} "one"', {}, providerStates=states(("a parrot", {"age": 3})))
        write(project, odd, synchronous("class", {}, {}), asynchronous("class", {}), asynchronous("a parrot", {}))
        ran = project.run("django", "pact_states", "--stubs")
        assert ran.exit_code == 0
        ast.parse(ran.out)
        assert ran.out == (
            "from pact_verification import Message, message_producer, provider_state\n"
            "\n"
            "\n"
            '@provider_state("a parrot")\n'
            "def a_parrot(age: int) -> None:\n"
            '    raise NotImplementedError("bring the database into this state")\n'
            "\n"
            "\n"
            '@message_producer("{{odd}} \\"one\\"")\n'
            "def odd_one() -> Message:\n"
            '    raise NotImplementedError("return the message")\n'
            "\n"
            "\n"
            '@message_producer("class")\n'
            "def message_class(request: Message) -> Message:\n"
            '    raise NotImplementedError("return the message")\n'
            "\n"
            "\n"
            '@message_producer("a parrot")\n'
            "def message_a_parrot() -> Message:\n"
            '    raise NotImplementedError("return the message")\n'
        )
        project.write("shop/pact_states.py", ran.out)
        assert project.run("django", "pact_states", "--check").exit_code == 0
        _, came = verify(project)
        assert outcomes(came) == {'{odd} "one"': "state_error", "class": "producer_error", "a parrot": "producer_error"}


def test_the_sql_queries_of_a_producer(project: Project) -> None:
    write(project, GREEN, RED)
    ran, came = verify(project, "--debug-sql")
    has(ran, "1 SQL query", "SELECT COUNT(*)")
    assert [each["sql"].startswith("SELECT COUNT(*)") for each in came["red message"]["sql"]] == [True]
    assert came["green message"]["sql"] == []
