"""A project whose producers call its own code, verified by the command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.provider.small_project import STATES, Project, small_project

CELERY = """
from celery import Celery

app = Celery("shop", broker="amqp://127.0.0.1:1//", backend="redis://127.0.0.1:1/0")
"""
EVENTS = """
from django.db import transaction
from django.dispatch import Signal

from shop.celery import app
from shop.models import Item

added = Signal()


@app.task
def index(pk):
    raise AssertionError("it ran")


def publish(event):
    raise AssertionError("it was published")


def rename(pk, name):
    with transaction.atomic():
        item = Item.objects.get(pk=pk)
        item.name = name
        item.save()
        transaction.on_commit(lambda: index.delay(item.pk))
        transaction.on_commit(lambda: publish({"id": item.pk, "name": item.name}))
        transaction.on_commit(lambda: added.send(Item, id=item.pk))
"""
PRODUCERS = (
    STATES.replace("    Item.objects.create(name=name)", "    return {'pk': Item.objects.create(name=name).pk}", 1)
    + """

from pact_verification import captured_messages, message_producer
from shop import events


@message_producer("a task")
@captured_messages("celery")
def a_task(pk):
    with captured_messages("shop.events.publish"):
        events.rename(pk, "mug")


@message_producer("an event")
def an_event(pk):
    with captured_messages("shop.events.publish") as messages, captured_messages("celery"):
        events.rename(pk, "mug")
    return messages[0]


@message_producer("a signal")
@captured_messages(events.added)
def a_signal(pk):
    with captured_messages("shop.events.publish"):
        events.rename(pk, "mug")


@message_producer("nothing")
def nothing(pk):
    with captured_messages("celery") as messages:
        pass
    return messages[0]
"""
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, "the suite's") as project:
        project.write("shop/__init__.py", "from shop.celery import app\n")
        project.write("shop/celery.py", CELERY)
        project.write("shop/events.py", EVENTS)
        project.write("shop/pact_states.py", PRODUCERS)
        yield project


def message(description: str, contents: Any, **metadata: Any) -> dict[str, Any]:
    state = {"name": "an item cup exists"}
    matching = {"body": {"$": {"combine": "AND", "matchers": [{"match": "type"}]}}}
    return {
        "description": description,
        "providerStates": [state],
        "contents": contents,
        "matchingRules": matching,
        "metaData": metadata,
    }


def verify(project: Project, *messages: dict[str, Any], options: tuple[str, ...] = ()) -> Any:
    pact = {
        "consumer": {"name": "search"},
        "provider": {"name": "shop"},
        "messages": messages,
        "metadata": {"pactSpecification": {"version": "3.0.0"}},
    }
    project.write("pacts/web.json", json.dumps(pact))
    return project.run("django", "verify_pacts", *options)


@pytest.mark.parametrize("options", [(), ("--isolation", "flush")])
def test_messages_of_on_commit_callbacks(project: Project, options: tuple[str, ...]) -> None:
    ran = verify(
        project,
        message("a task", {"args": [1], "kwargs": {}}, task="shop.events.index", queue="celery"),
        message("an event", {"id": 1, "name": "mug"}),
        message("a signal", {"id": 1}, sender="shop.models.Item"),
        options=options,
    )
    assert ran.exit_code == 0, ran.out + ran.err


def test_queries_are_counted_and_listed_alike(project: Project) -> None:
    """The run commits in the middle of the producer, with checks that are no queries of the project."""
    other = message("an event", {"id": "other", "name": "mug"})
    verify(project, other, options=("--debug-sql", "--json", "report.json"))
    [pact] = json.loads((project.folder / "report.json").read_text())["pacts"]
    assert 0 < pact["interactions"][0]["queries"] == len(pact["interactions"][0]["sql"])


@pytest.mark.no_database
def test_no_message(project: Project) -> None:
    ran = verify(project, message("nothing", {"args": [1]}))
    assert ran.exit_code == 1, ran.out + ran.err
    text = "There is no message [0]: the code within captured_messages published no message through 'celery'."
    assert text in " ".join(ran.out.split()), ran.out
