"""What a project sends through Celery, with and without a capture."""

import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery, chain, chord, group, shared_task, signals
from celery.app.amqp import AMQP
from celery.app.task import Task
from celery.app.utils import Settings
from celery.contrib.testing.app import setup_default_app
from celery.exceptions import TimeoutError as ResultTimeout
from django.db import connection, transaction
from django.test import TestCase
from kombu import Exchange
from kombu.exceptions import EncodeError
from kombu.transport.memory import Channel

from pact_verification import messages as messages_package
from pact_verification.errors import InvalidRegistration
from pact_verification.messages.captured import captured_messages, run_on_commit
from pact_verification.messages.message import Message
from pact_verification.provider.services.replacing import own_services

pytestmark = pytest.mark.no_database

ran: list[Any] = []


@shared_task  # type: ignore[untyped-decorator]  # Celery ships no types
def shared(order: int) -> str:
    ran.append(order)
    return "done"


@pytest.fixture(autouse=True)
def app() -> Iterator[Celery]:
    """An app whose servers don't answer."""
    ran.clear()
    Channel.queues.clear()
    app = Celery("shop", broker="amqp://127.0.0.1:1//", backend="redis://127.0.0.1:1/0")
    with setup_default_app(app):
        app.set_current()
        yield app
    Channel.queues.clear()


@pytest.fixture
def ship(app: Celery) -> Any:
    @app.task(name="shop.ship")  # type: ignore[untyped-decorator]  # Celery ships no types
    def ship(order: int, *, express: bool = False) -> None:
        ran.append(order)

    return ship


@pytest.fixture(params=["outside a run", "eager", "memory"])
def everywhere(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """Run a test outside a run, and on top of what a run replaces."""
    if request.param == "outside a run":
        yield
        return
    settings.PACT_TASKS = request.param
    with own_services():
        yield


def sent(task: str, *args: Any, **kwargs: Any) -> Message:
    return Message({"args": list(args), "kwargs": kwargs}, metadata={"task": task, "queue": "celery"})


def waiting() -> int:
    """Return how many messages are in the queues of the broker in memory."""
    return sum(queue.qsize() for queue in Channel.queues.values())


WAYS: dict[str, Callable[[Any, Celery], Any]] = {
    "delay": lambda ship, app: ship.delay(1, express=True),
    "apply_async": lambda ship, app: ship.apply_async((1,), {"express": True}),
    "a signature": lambda ship, app: ship.s(1, express=True).delay(),
    "with a delay": lambda ship, app: ship.apply_async((1,), {"express": True}, countdown=60),
    "send_task": lambda ship, app: app.send_task("shop.ship", (1,), {"express": True}),
    "another app": lambda ship, app: Celery(
        "other", broker=app.conf.broker_url, backend=app.conf.result_backend
    ).send_task("shop.ship", [1], {"express": True}),
}


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("way", WAYS)
def test_a_task_is_captured(ship: Any, app: Celery, way: str) -> None:
    with captured_messages("celery") as messages:
        result = WAYS[way](ship, app)
    assert list(messages) == [sent("shop.ship", 1, express=True)]
    assert UUID(result.id)
    assert result.state == "PENDING"
    with pytest.raises(ResultTimeout, match=f"{result.id} was captured and does not run"):
        result.get()
    result.forget()
    assert ran == []


@pytest.mark.parametrize("way", WAYS)
def test_without_a_capture_it_is_sent(ship: Any, app: Celery, way: str) -> None:
    app.conf.update(broker_url="memory://", result_backend="cache+memory://")
    WAYS[way](ship, app)
    assert waiting() == 1
    with captured_messages("celery"):
        WAYS[way](ship, app)
    assert waiting() == 1


@pytest.mark.usefixtures("everywhere")
def test_a_shared_task() -> None:
    with captured_messages("celery") as messages:
        shared.delay(7)
    assert [message.metadata["task"] for message in messages] == [shared.name]
    assert ran == []


def test_a_project_whose_tasks_are_eager(app: Celery, ship: Any) -> None:
    app.conf.task_always_eager = True
    with captured_messages("celery") as messages:
        ship.delay(1)
        chain(ship.si(2), ship.si(3)).delay()
    assert list(messages) == [sent("shop.ship", 1), sent("shop.ship", 2)]
    assert ran == []
    app.conf.result_backend = "cache+memory://"
    ship.delay(4)
    assert ran == [4]


def test_without_a_capture_a_run_runs_it(app: Celery) -> None:
    with own_services():
        before = shared.delay(7)
        with captured_messages("celery"):
            assert app.AsyncResult(before.id).get() == "done"
    assert ran == [7]


@pytest.mark.usefixtures("everywhere")
def test_canvas(ship: Any) -> None:
    with captured_messages("celery") as messages:
        chain(ship.si(1), ship.si(2)).delay()
        group(ship.s(3), ship.s(4)).delay()
        chord([ship.s(5), ship.s(6)], ship.si(7)).delay()
    # A worker sends what follows in a chain, and what a chord ends with.
    assert list(messages) == [sent("shop.ship", number) for number in (1, 3, 4, 5, 6)]
    assert ran == []


@pytest.mark.usefixtures("everywhere")
def test_where_it_is_sent(app: Celery, ship: Any) -> None:
    app.conf.task_routes = {"shop.routed": {"queue": "orders", "routing_key": "order.new"}}

    def add_tenant(headers: dict[str, Any], **more: Any) -> None:
        headers["tenant"] = "acme"

    with captured_messages("celery") as messages:
        ship.apply_async((1,), queue="urgent", headers={"trace": "t"})
        app.send_task("shop.routed")
        app.send_task("shop.other", exchange=Exchange("events", type="topic"), routing_key="order.new")
        signals.before_task_publish.connect(add_tenant)
        try:
            ship.delay(2)
        finally:
            signals.before_task_publish.disconnect(add_tenant)
    assert [dict(message.metadata) for message in messages] == [
        {"task": "shop.ship", "queue": "urgent", "headers": {"trace": "t"}},
        {"task": "shop.routed", "queue": "orders", "routing_key": "order.new"},
        {"task": "shop.other", "exchange": "events", "routing_key": "order.new"},
        {"task": "shop.ship", "queue": "celery", "headers": {"tenant": "acme"}},
    ]


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("protocol", [1, 2])
def test_arguments_as_a_worker_gets_them(app: Celery, ship: Any, protocol: int) -> None:
    app.conf.task_protocol = protocol
    order = uuid4()
    lines = [{"id": order}]
    with captured_messages("celery") as messages:
        ship.delay(lines)
        lines.clear()
    assert list(messages) == [sent("shop.ship", [{"id": order}])]


@pytest.mark.usefixtures("everywhere")
def test_mistakes_fail_as_in_production(ship: Any) -> None:
    with captured_messages("celery") as messages:
        with pytest.raises(EncodeError):
            ship.delay(object())
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            ship.delay()
    assert len(messages) == 0


@pytest.mark.usefixtures("everywhere")
def test_events_for_monitors_are_no_messages(app: Celery, ship: Any) -> None:
    app.conf.task_send_sent_event = True
    with captured_messages("celery") as messages:
        ship.delay(1)
    assert list(messages) == [sent("shop.ship", 1)]


@pytest.mark.django_db
@pytest.mark.usefixtures("everywhere")
def test_an_on_commit_callback(ship: Any) -> None:
    def commit() -> None:
        callbacks = [callback for _, callback, *_ in connection.run_on_commit]
        connection.run_on_commit.clear()
        for callback in callbacks:
            callback()

    token = run_on_commit.set(commit)
    try:
        with captured_messages("celery") as messages, transaction.atomic():
            transaction.on_commit(lambda: ship.delay(1))
            assert len(messages) == 0
    finally:
        run_on_commit.reset(token)
    assert list(messages) == [sent("shop.ship", 1)]


@pytest.mark.django_db
def test_outside_a_run_on_commit_callbacks_are_left_to_the_test(ship: Any) -> None:
    with captured_messages("celery") as messages, TestCase.captureOnCommitCallbacks(execute=True):
        transaction.on_commit(lambda: ship.delay(1))
    assert list(messages) == [sent("shop.ship", 1)]


def attributes() -> list[dict[str, Any]]:
    return [dict(vars(owner)) for owner in (AMQP, Celery, Settings, Task)]


def raises() -> None:
    with captured_messages("celery"):
        raise ValueError


@pytest.mark.usefixtures("everywhere")
def test_everything_is_put_back(ship: Any) -> None:
    before = attributes()
    with captured_messages("celery") as outer:
        ship.delay(1)
        with captured_messages("celery") as inner:
            ship.delay(2)
        ship.delay(3)
        with pytest.raises(ValueError):  # noqa: PT011  # the test's own
            raises()
        ship.delay(4)
    assert list(outer) == [sent("shop.ship", number) for number in (1, 3, 4)]
    assert list(inner) == [sent("shop.ship", 2)]
    assert attributes() == before


def test_celery_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(messages_package, "celery", raising=False)
    for name in [name for name in sys.modules if name in ("pact_verification.messages.celery", "celery.app.amqp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "celery.app.amqp", None)
    with pytest.raises(InvalidRegistration) as raised:
        captured_messages("celery")
    assert str(raised.value) == (
        "captured_messages('celery') needs Celery, which can't be imported: import of celery.app.amqp halted; None in "
        "sys.modules. Install celery."
    )
