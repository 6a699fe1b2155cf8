"""Captured messages: signals, functions and methods by their dotted names, and transports of a project's own."""

import asyncio
import inspect
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from types import ModuleType
from typing import Any, NoReturn

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer
from django.db.models.signals import post_save
from django.dispatch import Signal
from kombu import Connection

from pact_verification.errors import InvalidRegistration, ProducerError
from pact_verification.messages.captured import Capture, Captured, captured_messages, run_on_commit
from pact_verification.messages.message import Message
from pact_verification.states.handlers import signature

pytestmark = pytest.mark.no_database

EVENTS = """
sent = []


class Shop:
    def publish(self, event, *, key=None):
        sent.append(event)
        return "receipt"

    @classmethod
    def publish_for_all(cls, event):
        sent.append(event)

    @staticmethod
    def publish_static(event):
        sent.append(event)


class Subclass(Shop):
    def publish(self, event, *, key=None):
        return Shop.publish(self, event, key=key)


def publish(event, key=None):
    sent.append(event)


async def publish_later(event):
    sent.append(event)


shop = Shop()
setting = 1
"""
USER = "from shop.events import publish as push\n\n\ndef ship(order):\n    push({'order': order})\n"


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Any]:
    """Return the module shop.events, which shop.orders has imported a function from."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "events.py").write_text(EVENTS)
    for name in ("orders", "late"):
        (package / f"{name}.py").write_text(USER)
    (package / "broken.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    import shop.events  # type: ignore[import-not-found]  # the test has just made it
    import shop.orders  # type: ignore[import-not-found]

    yield shop.events
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


class Order:
    """A sender of signals."""


shipped = Signal()


def test_captured_is_a_sequence_of_messages() -> None:
    with captured_messages(shipped) as messages:
        for number in (1, 2, 3):
            shipped.send(None, order=number)
    assert type(messages).__mro__[:2] == (Captured, Sequence)  # no list, which is JSON
    assert messages[0] == Message({"order": 1})
    assert messages[-1] == Message({"order": 3})
    assert [message.content["order"] for message in messages] == [1, 2, 3]
    first = messages[:1]
    assert isinstance(first, Captured)
    assert (list(first), first.description) == ([Message({"order": 1})], messages.description)
    assert repr(first) == (
        f"<Captured from the signal {__name__}.shipped: [Message(content={{'order': 1}}, content_type=None, "
        "metadata={})]>"
    )
    with pytest.raises(ValueError):  # noqa: PT011  # it has no text
        messages.index(Message(None))


@pytest.mark.parametrize(("number", "published"), [(0, "no message"), (1, "1 message")])
def test_a_message_that_was_not_published(number: int, published: str) -> None:
    with captured_messages(shipped) as messages:
        for _ in range(number):
            shipped.send(None)
    with pytest.raises(ProducerError) as raised:
        messages[1]
    assert str(raised.value) == (
        f"There is no message [1]: the code within captured_messages published {published} through the signal "
        f"{__name__}.shipped."
    )


def test_signals() -> None:
    received: list[Any] = []

    def receiver(sender: Any, order: int, **more: Any) -> None:
        received.append(order)

    shipped.connect(receiver)
    receivers = list(shipped.receivers)
    with captured_messages(shipped) as messages:
        shipped.send(Order, order=1)
        shipped.send_robust("the shop", order=2)
        asyncio.run(shipped.asend(Order, order=3))
        async_to_sync(shipped.asend_robust)(None, order=4)
    assert received == [1, 2, 3, 4]  # they run as ever
    assert [message.content for message in messages] == [{"order": number} for number in received]
    assert [message.metadata for message in messages] == [
        {"sender": f"{__name__}.Order"},
        {"sender": "the shop"},
        {"sender": f"{__name__}.Order"},
        {},
    ]
    assert shipped.receivers == receivers
    shipped.send(Order, order=5)
    assert len(messages) == 4
    shipped.disconnect(receiver)


def test_a_models_signal_and_two_captures_at_once() -> None:
    from products.models import Product

    before = list(post_save.receivers)
    with captured_messages(post_save) as saved, captured_messages(shipped) as messages:
        post_save.send(Product, instance=1, created=True)
        shipped.send(None)
    assert list(saved) == [Message({"instance": 1, "created": True}, metadata={"sender": "products.models.Product"})]
    assert len(messages) == 1
    assert post_save.receivers == before
    with captured_messages(shipped) as outer, captured_messages(shipped) as inner:
        shipped.send(None)
    assert (len(outer), len(inner)) == (1, 1)


def test_a_signal_that_no_module_has() -> None:
    signal = Signal()
    with captured_messages(signal) as messages:
        pass
    assert messages.description == repr(signal)


CALLS: dict[str, Callable[[Any], Any]] = {
    "shop.events.publish": lambda events: events.publish("e"),
    "shop.events.Shop.publish": lambda events: events.Shop().publish("e"),
    "shop.events.Shop.publish_for_all": lambda events: events.Shop.publish_for_all("e"),
    "shop.events.Shop.publish_static": lambda events: events.Shop().publish_static(event="e"),
    "shop.events.shop.publish": lambda events: events.shop.publish(event="e"),
    "shop.events.shop.publish_for_all": lambda events: events.shop.publish_for_all("e"),
    "shop.events.publish_later": lambda events: asyncio.run(events.publish_later("e")),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_by_its_dotted_name(events: Any, name: str) -> None:
    before = [dict(vars(owner)) for owner in (events, events.Shop, events.shop)]
    CALLS[name](events)
    assert events.sent == ["e"]
    with captured_messages(name) as messages:
        assert CALLS[name](events) is None
    assert list(messages) == [Message("e")]
    assert messages.description == repr(name)
    assert events.sent == ["e"]
    assert [dict(vars(owner)) for owner in (events, events.Shop, events.shop)] == before


def test_a_method_that_a_subclass_calls(events: Any) -> None:
    with captured_messages(
        "shop.events.Shop.publish", message=lambda event, key: Message(event, metadata={"key": key})
    ) as m:
        events.Subclass().publish("e", key="k")
    assert list(m) == [Message("e", metadata={"key": "k"})]
    assert events.sent == []


def test_plain_content_of_message(events: Any) -> None:
    with captured_messages("shop.events.publish", lambda event, key: [event, key], returns="receipt") as messages:
        assert events.publish("e", key=1) == "receipt"
    assert list(messages) == [Message(["e", 1])]


def test_modules_that_have_imported_the_function(events: Any) -> None:
    """Also one that is imported within the block. Otherwise the message would leave the process."""
    orders = sys.modules["shop.orders"]
    with captured_messages("shop.events.publish") as messages:
        orders.ship(1)
        import shop.late  # type: ignore[import-not-found]

        shop.late.ship(2)
    assert [message.content for message in messages] == [{"order": 1}, {"order": 2}]
    assert events.sent == []
    orders.ship(3)
    shop.late.ship(4)
    assert events.sent == [{"order": 3}, {"order": 4}]


def test_a_lazy_module_is_not_loaded(events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> NoReturn:
            raise AssertionError("loaded")

    monkeypatch.setitem(sys.modules, "shop.lazy", Lazy("shop.lazy"))
    with captured_messages("shop.events.publish") as messages:
        events.publish("e")
    assert len(messages) == 1


@pytest.mark.parametrize("swallow", [False, True])
@pytest.mark.parametrize(("arguments", "counted"), [((), "0 arguments"), (("e", "k"), "2 arguments")])
def test_several_arguments_without_message(events: Any, arguments: Any, counted: str, swallow: bool) -> None:
    """The project may catch and log the error."""
    with (
        pytest.raises(ProducerError) as raised,
        captured_messages("shop.events.publish"),
        suppress(ProducerError) if swallow else nullcontext(),
    ):
        events.publish(*arguments)
    assert str(raised.value) == (
        f"shop.events.publish was called with {counted}. By default the only argument is the message's content. Write "
        "captured_messages('shop.events.publish', message=...), with a function that gets the arguments and returns "
        "the content or a Message."
    )
    assert events.sent == []
    events.publish("e")
    assert events.sent == ["e"]


def test_message_fails(events: Any) -> None:
    def message(event: Any) -> Any:
        return event["id"]

    with pytest.raises(KeyError), captured_messages("shop.events.publish", message), suppress(Exception):
        events.publish({})
    assert events.sent == []


def fails(name: str) -> None:
    with captured_messages(name):
        raise ZeroDivisionError


def test_nested_and_failing_blocks(events: Any) -> None:
    before = events.publish
    with captured_messages("shop.events.publish") as outer, captured_messages("shop.events.Shop.publish") as other:
        events.publish(1)
        with captured_messages("shop.events.publish") as inner:
            events.publish(2)
            events.shop.publish(3)
        with pytest.raises(ZeroDivisionError):
            fails("shop.events.publish")
        events.publish(4)
    assert [[message.content for message in each] for each in (outer, inner, other)] == [[1, 4], [2], [3]]
    assert events.publish is before
    assert events.sent == []


def test_other_threads(events: Any) -> None:
    with captured_messages("shop.events.publish") as messages:
        thread = threading.Thread(target=events.publish, args=(1,))
        thread.start()
        thread.join()
    assert list(messages) == [Message(1)]


def test_an_on_commit_callback_that_fails(events: Any) -> None:
    def commit() -> None:
        raise ZeroDivisionError

    before = events.publish
    token = run_on_commit.set(commit)
    try:
        with pytest.raises(ZeroDivisionError), captured_messages("shop.events.publish"):
            pass
        with pytest.raises(KeyError), captured_messages("shop.events.publish"):
            raise KeyError  # then there is no commit
    finally:
        run_on_commit.reset(token)
    assert events.publish is before


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "no transport": (
        lambda: captured_messages("kafka"),
        (
            "captured_messages('kafka'): there is no such transport. Give 'celery', a Django signal, the dotted name "
            "of a function such as 'shop.events.publish', or a function that takes `publish` and returns a context "
            "manager."
        ),
    ),
    "a number": (
        lambda: captured_messages(1),  # type: ignore[arg-type]  # a mistake
        (
            "captured_messages(1): there is no such transport. Give 'celery', a Django signal, the dotted name of a "
            "function such as 'shop.events.publish', or a function that takes `publish` and returns a context manager."
        ),
    ),
    "no module": (
        lambda: captured_messages("shop.evnts.publish"),
        (
            "captured_messages('shop.evnts.publish'): 'shop.evnts' can't be imported: No module named 'shop.evnts'. "
            "Give the dotted name of a function, such as 'shop.events.publish'."
        ),
    ),
    "a module that fails": (
        lambda: captured_messages("shop.broken.publish"),
        (
            "captured_messages('shop.broken.publish'): 'shop.broken' can't be imported: No module named "
            "'no_such_library'. Give the dotted name of a function, such as 'shop.events.publish'."
        ),
    ),
    "no class": (
        lambda: captured_messages("shop.events.Shp.publish"),
        (
            "captured_messages('shop.events.Shp.publish'): 'shop.events.Shp' can't be imported: No module named "
            "'shop.events.Shp'; 'shop.events' is not a package. Give the dotted name of a function, such as "
            "'shop.events.publish'."
        ),
    ),
    "relative": (
        lambda: captured_messages(".publish"),
        (
            "captured_messages('.publish'): '' can't be imported: Empty module name. Give the dotted name of a "
            "function, such as 'shop.events.publish'."
        ),
    ),
    "no function": (
        lambda: captured_messages("shop.events.publsh"),
        "captured_messages('shop.events.publsh'): shop.events has no 'publsh'. Did you mean publish or publish_later?",
    ),
    "nothing near": (
        lambda: captured_messages("shop.events.zzz"),
        "captured_messages('shop.events.zzz'): shop.events has no 'zzz'. Name the function or method that publishes.",
    ),
    "a value": (
        lambda: captured_messages("shop.events.setting"),
        ("captured_messages('shop.events.setting'): it is of type int. Name the function or method that publishes."),
    ),
    "a class": (
        lambda: captured_messages("shop.events.Shop"),
        "captured_messages('shop.events.Shop'): it is a class. Name the function or method that publishes.",
    ),
    "no message function": (
        lambda: captured_messages("shop.events.publish", message="event"),  # type: ignore[arg-type]  # a mistake
        (
            "captured_messages('shop.events.publish', message='event'): message is a function that gets the call's "
            "arguments and returns the content or a Message."
        ),
    ),
    "message beside celery": (
        lambda: captured_messages("celery", print),
        (
            "captured_messages('celery') takes no message= and no returns=. They belong to the dotted name of a "
            "function, such as 'shop.events.publish'."
        ),
    ),
    "C": (
        lambda: captured_messages("collections.deque.append").__enter__(),
        (
            "captured_messages('collections.deque.append'): it can't be replaced: cannot set 'append' attribute of "
            "immutable type 'collections.deque'. Name the function of your own that calls it."
        ),
    ),
}


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arguments(wrong: str) -> None:
    call, text = WRONG[wrong]
    with pytest.raises(InvalidRegistration) as raised:
        call()
    assert str(raised.value) == text


def test_a_method_of_an_object_in_c(events: Any) -> None:
    events.queue = deque()
    capture = captured_messages("shop.events.queue.append")
    with pytest.raises(
        InvalidRegistration, match=r"it can't be replaced: .* read-only\. Name the function of your own"
    ):
        capture.__enter__()
    events.queue.append(1)
    assert list(events.queue) == [1]


def test_a_transport_of_the_projects_own() -> None:
    outbox: list[Callable[[str], None]] = []

    @contextmanager
    def mqtt(publish: Callable[[Message], None]) -> Iterator[None]:
        outbox.append(lambda text: publish(Message(text, metadata={"topic": "orders"})))
        try:
            yield
        finally:
            outbox.clear()

    with captured_messages(mqtt) as messages:
        outbox[-1]("shipped")
    assert list(messages) == [Message("shipped", metadata={"topic": "orders"})]
    assert messages.description.endswith("mqtt()")
    assert outbox == []


def test_a_transport_that_is_no_context_manager() -> None:
    def publish(content: Any) -> None:
        pass

    with pytest.raises(InvalidRegistration, match="the function returned None, which is no context manager"):
        captured_messages(publish).__enter__()  # type: ignore[arg-type]  # a mistake


def test_a_decorated_producer(events: Any) -> None:
    @captured_messages("shop.events.publish")
    def shipped_order(order_id: int, *, express: bool = False) -> None:
        """Ship."""
        events.publish({"order": order_id, "express": express})

    @captured_messages("shop.events.publish")
    def first(order_id: int) -> str:
        events.publish(order_id)
        return "the function's own"

    for _ in range(2):  # each call has messages of its own
        assert [message.content for message in shipped_order(order_id=1) or ()] == [{"order": 1, "express": False}]
    assert first(order_id=1) == "the function's own"
    assert str(signature(shipped_order)) == "(order_id: int, *, express: bool = False) -> None"
    assert (shipped_order.__name__, shipped_order.__doc__) == ("shipped_order", "Ship.")
    assert inspect.unwrap(shipped_order).__code__.co_filename == __file__


def generates() -> Iterator[None]:
    yield


async def waits() -> None:
    pass


async def generates_and_waits() -> Any:
    yield


@pytest.mark.parametrize("function", [generates, waits, generates_and_waits, Order, Order()])
def test_functions_that_it_does_not_decorate(function: Any) -> None:
    with pytest.raises(InvalidRegistration, match=r"decorates plain functions, not .* write `with captured_messages"):
        captured_messages(shipped)(function)


def test_a_capture_in_another_block_of_the_same_object(events: Any) -> None:
    capture: Capture = captured_messages("shop.events.publish")
    with capture as outer:
        with capture as inner:
            events.publish(1)
        events.publish(2)
    assert ([each.content for each in outer], [each.content for each in inner]) == ([2], [1])


def test_an_object_that_poses_as_a_module(events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        """What cffi puts among the modules."""

        __class__ = type(sys)  # type: ignore[assignment]  # it poses as a module

    monkeypatch.setitem(sys.modules, "library", Library())
    with captured_messages("shop.events.publish") as messages:
        events.publish({"id": 1})
    assert len(messages) == 1


def test_a_message_stays_as_it_was_published(events: Any) -> None:
    event: dict[str, Any] = {"status": "new", "items": [{"id": 1}], "parts": ({"id": 3},)}
    raw = bytearray(b"new")
    with captured_messages("shop.events.publish") as messages:
        events.publish(event)
        events.publish(raw)
        event["status"] = "sent"
        event["items"].append({"id": 2})
        event["parts"][0]["id"] = 4
        raw[:] = b"old"
    assert messages[0].content == {"status": "new", "items": [{"id": 1}], "parts": ({"id": 3},)}
    assert messages[1].content == b"new"


def test_kombu() -> None:
    def message(body: Any, routing_key: str = "", **options: Any) -> Message:
        return Message(body, metadata={"routing_key": routing_key})

    with Connection("memory://") as connection:
        queue = connection.SimpleQueue("captured-orders")
        queue.clear()
        queue.put({"id": 1})
        assert queue.qsize() == 1
        with captured_messages("kombu.Producer.publish", message) as messages:
            queue.put({"id": 2})
            connection.Producer().publish({"id": 3}, routing_key="captured-orders")
        assert queue.qsize() == 1
        queue.clear()
        queue.close()
    assert [message.content for message in messages] == [{"id": 2}, {"id": 3}]
    assert messages[1].metadata == {"routing_key": "captured-orders"}


def test_a_channel_layer() -> None:
    layer = InMemoryChannelLayer()
    send = async_to_sync(layer.group_send)
    async_to_sync(layer.group_add)("orders", "channel")
    send("orders", {"type": "order.shipped"})
    assert layer.channels["channel"].qsize() == 1
    with captured_messages(
        "channels.layers.InMemoryChannelLayer.group_send",
        message=lambda group, message: Message(message, metadata={"group": group}),
    ) as messages:
        async_to_sync(layer.group_send)("orders", {"type": "order.shipped"})
    assert layer.channels["channel"].qsize() == 1
    assert list(messages) == [Message({"type": "order.shipped"}, metadata={"group": "orders"})]
