"""The recipes of the documentation, as they stand there, with the real libraries."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.app import setup_default_app
from kombu.transport.memory import Channel

from pact_verification.messages.captured import Captured, captured_messages
from pact_verification.messages.message import Message

pytestmark = pytest.mark.no_database

DOCUMENT = Path(__file__).parents[3] / "docs" / "howto" / "capturing-messages.md"
HEADING = r"^#+ (?!shop/)"  # a recipe's code names its file in a comment

MODELS = """
class Order:
    def __init__(self, pk):
        self.pk = pk

    def ship(self):
        from shop import events

        events.send(self)


class Orders:
    def get(self, pk):
        return Order(pk)


Order.objects = Orders()
"""
CELERY = """
from shop.tasks import notify


def send(order):
    notify.delay({"id": order.pk})
"""
TASKS = """
from celery import current_app


@current_app.task
def notify(order):
    raise AssertionError("it ran")
"""
SIGNALS = """
from shop.signals import shipped


def send(order):
    shipped.send(type(order), order=order)
"""
KOMBU = """
from kombu import Connection


def send(order):
    with Connection("memory://") as connection:
        with connection.SimpleQueue("shipped") as queue:
            connection.Producer().publish({"id": order.pk}, routing_key=queue.queue.name)
"""
KAFKA = """

def send(order):
    publish("orders", str(order.pk), {"id": order.pk})
"""
SNS = """
from botocore.exceptions import EndpointConnectionError

failed = []


def send(order):
    try:
        assert publish("arn:aws:sns:eu-west-1:1:orders", {"id": order.pk}) == "1"
    except EndpointConnectionError as error:
        failed.append(error)
"""
CHANNELS = """
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer

layer = InMemoryChannelLayer()


def send(order):
    async_to_sync(layer.group_add)("orders", "channel")
    async_to_sync(layer.group_send)("orders", {"id": order.pk})
"""
MQTT = """
from shop import mqtt


def send(order):
    mqtt.client.publish("orders", str(order.pk))
"""
CLIENT = """
class Client:
    sent = []

    def publish(self, topic, payload):
        self.sent.append(payload)


client = Client()
"""


def module(name: str) -> Any:
    return importlib.import_module(f"shop.{name}")


def in_memory() -> int:
    """Return how many messages are in the queues of a broker in memory."""
    return sum(queue.qsize() for queue in Channel.queues.values())


def in_librdkafka() -> bool:
    """Tell whether a message waits in the producer, which reaches no broker."""
    events = module("events")
    if not events.producer.cache_info().currsize:
        return False
    waits = len(events.producer()) > 0  # with what it has to say of its connection
    events.producer().purge()
    events.producer().flush(0)
    return waits


CONTENT = {"id": 7}
TASK = Message({"args": [CONTENT], "kwargs": {}}, metadata={"task": "shop.tasks.notify", "queue": "celery"})
RECIPES: dict[str, tuple[str, list[Any], Callable[[], int] | None]] = {
    "Capturing messages": (CELERY, [TASK, [TASK]], in_memory),
    "Celery": (CELERY, [CONTENT], in_memory),
    "Signals": (SIGNALS, [CONTENT], None),
    "kombu": (KOMBU, [[Message(CONTENT, metadata={"routing_key": "shipped"})]], in_memory),
    "Kafka with confluent-kafka": (
        KAFKA,
        [[Message(CONTENT, metadata={"topic": "orders", "key": "7"})]],
        in_librdkafka,
    ),
    "SNS with boto3": (SNS, [[Message(CONTENT)]], lambda: len(module("events").failed)),
    "Channels": (
        CHANNELS,
        [[Message(CONTENT, metadata={"group": "orders"})]],
        lambda: module("events").layer.channels["channel"].qsize() if module("events").layer.channels else 0,
    ),
    "Anything else": (
        MQTT,
        [[Message("7", metadata={"topic": "orders"})]],
        lambda: len(module("mqtt").client.sent),
    ),
}


def code(heading: str) -> list[str]:
    """Return the blocks of Python below a heading."""
    (section,) = (
        section
        for section in re.split(HEADING, DOCUMENT.read_text(), flags=re.MULTILINE)
        if section.startswith(f"{heading}\n")
    )
    return re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a package that the recipes import."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "models": MODELS,
        "tasks": TASKS,
        "signals": "from django.dispatch import Signal\n\nshipped = Signal()\n",
        "mqtt": CLIENT,
    }.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    Channel.queues.clear()
    with setup_default_app(app := Celery("shop", broker="memory://")):
        app.set_current()
        yield folder
    Channel.queues.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.mark.parametrize("heading", RECIPES)
def test_a_recipe(heading: str, shop: Path) -> None:
    events, expected, count_sent = RECIPES[heading]
    blocks = code(heading)
    of_events = "".join(block for block in blocks if block.startswith("# shop/events.py"))
    (shop / "events.py").write_text(of_events + events)
    producers: list[Callable[..., Any]] = []

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        producers.append(function)
        return function

    names = {
        "captured_messages": captured_messages,
        "message_producer": lambda description: register,
        "Message": Message,
        "Order": module("models").Order,
    }
    for block in blocks:
        if not block.startswith("# shop/events.py"):
            exec(block, names)
    results = [producer(order_id=7) for producer in producers]
    assert [list(result) if isinstance(result, Captured) else result for result in results] == expected
    if count_sent is None:  # a signal stays in the process
        return
    assert count_sent() == 0
    module("models").Order.objects.get(pk=7).ship()
    assert count_sent() == 1


def test_all_recipes_are_tested() -> None:
    headings = re.findall(rf"{HEADING}(.*)$", DOCUMENT.read_text(), re.MULTILINE)
    assert list(RECIPES) == headings
