"""Libraries that Django projects send tasks and messages through, each with a server that does not exist.

What one of them would send to it is an error here.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

from pact_verification.provider.services.failures import failures
from pact_verification.provider.services.replacing import empty_services, own_services

NOWHERE = "redis://127.0.0.1:1/0"

ran: list[Any] = []
"""What the tasks were called with."""


@pytest.fixture(autouse=True)
def _nothing_ran() -> Iterator[None]:
    ran.clear()
    yield
    failures.clear()


@contextmanager
def services(mode: str) -> Iterator[None]:
    with override_settings(PACT_TASKS=mode), own_services():
        yield


def note(value: Any) -> Any:
    """A task."""
    ran.append(value)
    return value


def fail(value: Any) -> None:
    """A task that fails."""
    raise ValueError(f"no such order {value}")


def failed(task: str) -> list[str]:
    """What the interaction is warned of when `fail` was sent with 1."""
    line = fail.__code__.co_firstlineno + 2
    place = f"tests/pact_verification/provider/services/test_libraries.py:{line}"
    failure = f"The task {task} failed: ValueError: no such order 1 ({place})."
    return [f"{failure} In production a worker runs it, and the response is the same."]


class TestHuey:
    @pytest.fixture
    def huey(self) -> Any:
        from huey import RedisHuey

        return RedisHuey("shop", url=NOWHERE)

    def test_eager(self, huey: Any) -> None:
        task, broken = huey.task()(note), huey.task()(fail)
        with services("eager"):
            assert task(1).get() == 1
            task.schedule(args=(2,), delay=60)
            broken(1)
            assert ran == [1]
            assert failures == failed("fail")
        assert huey.immediate is False
        assert type(huey.storage).__name__ == "RedisStorage"

    def test_memory(self, huey: Any) -> None:
        from huey import RedisHuey

        task = huey.task()(note)
        with services("memory"):
            task(1)
            later = RedisHuey("late", url=NOWHERE)
            later.task()(note)(2)
            assert [each.args for each in huey.pending()] == [(1,)]
            assert len(later) == 1
            empty_services()
            assert (huey.pending(), later.pending()) == ([], [])
        assert ran == []
        assert type(later.storage).__name__ == "RedisStorage"


class TestDramatiq:
    @pytest.fixture(params=["redis", "rabbitmq"])
    def broker(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
        import dramatiq

        if request.param == "redis":
            from dramatiq.brokers.redis import RedisBroker

            broker: Any = RedisBroker(url=NOWHERE)
        else:
            from dramatiq.brokers.rabbitmq import RabbitmqBroker

            broker = RabbitmqBroker(url="amqp://127.0.0.1:1")
        monkeypatch.setattr(dramatiq.broker, "global_broker", broker)
        return broker

    def test_eager(self, broker: Any) -> None:
        import dramatiq

        task = dramatiq.actor(broker=broker, queue_name="shop")(note)
        broken = dramatiq.actor(broker=broker, queue_name="shop")(fail)
        with services("eager"):
            task.send(1)
            (task.message(2) | task.message()).run()
            task.send_with_options(args=(3,), delay=1000)
            broken.send(1)
        assert ran == [1, 2, 2]
        assert failures == failed("fail")

    def test_memory(self, broker: Any) -> None:
        import dramatiq

        task = dramatiq.actor(broker=broker, queue_name="shop")(note)
        with services("memory"):
            task.send(1)
        assert ran == []
        with pytest.raises(Exception, match=r"111|Connection"):
            task.send(2)


class TestRq:
    @pytest.fixture
    def queue(self) -> Any:
        from redis import Redis
        from rq import Queue

        return Queue(connection=Redis.from_url(NOWHERE))

    def test_eager(self, queue: Any) -> None:
        from rq import Callback
        from rq.job import Job

        with services("eager"):
            job = queue.enqueue(note, 1, on_success=Callback(succeeded))
            assert (job.get_status(), job.return_value(), Job.fetch(job.id)) == ("finished", 1, job)
            after = queue.enqueue(note, 2, depends_on=job)
            queue.enqueue_in(timedelta(minutes=1), note, 3)
            queue.enqueue_many([queue.prepare_data(note, (4,))])
            assert queue.enqueue(fail, 1).is_failed
            assert after.is_finished
        assert ran == [1, "on_success 1", 2, 4]
        assert failures == failed(f"{__name__}.fail")

    def test_memory(self, queue: Any) -> None:
        from redis.exceptions import ConnectionError as NoRedis

        with services("memory"):
            job = queue.enqueue(note, 1)
            assert job.get_status() == "queued"
            assert queue.fetch_job(job.id) is job
            empty_services()
            assert queue.fetch_job(job.id) is None
        assert ran == []
        with pytest.raises(NoRedis):
            queue.enqueue(note, 2)


def succeeded(job: Any, connection: Any, result: Any) -> None:
    ran.append(f"on_success {result}")


LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [NOWHERE]}}}


class TestChannels:
    @pytest.mark.parametrize("mode", ["eager", "memory"])
    def test_layers_are_in_memory_and_emptied(self, mode: str) -> None:
        from channels.layers import channel_layers, get_channel_layer

        with override_settings(CHANNEL_LAYERS=LAYERS):
            with services(mode):
                layer: Any = get_channel_layer()
                async_to_sync(layer.group_add)("orders", "browser")
                async_to_sync(layer.group_send)("orders", {"type": "order.made"})
                assert async_to_sync(layer.receive)("browser") == {"type": "order.made"}
                async_to_sync(layer.send)("browser", {"type": "order.gone"})
                empty_services()
                assert (layer.channels, layer.groups) == ({}, {})
            assert channel_layers.configs == LAYERS
            assert channel_layers.backends == {}


TASKS = {"default": {"BACKEND": "no.such.Backend", "QUEUES": ["mail"], "OPTIONS": {"url": NOWHERE}}}


class TestDjangoTasks:
    @pytest.fixture
    def package(self) -> Any:
        """Django's own tasks, from Django 6 on, else the package that they grew from."""
        try:
            import django.tasks as package
        except ImportError:
            package = pytest.importorskip("django_tasks")
        return package

    def test_eager(self, package: Any) -> None:
        from django.utils import timezone

        with override_settings(TASKS=TASKS), services("eager"):
            task, broken = package.task(queue_name="mail")(note), package.task(queue_name="mail")(fail)
            assert task.enqueue(1).return_value == 1
            task.using(run_after=timezone.now() + timedelta(minutes=1)).enqueue(2)
            broken.enqueue(1)
        assert ran == [1]
        (text,) = failures
        assert text.startswith(f"The task {__name__}.fail failed: ValueError: no such order 1 (File ")
        assert f'test_libraries.py", line {fail.__code__.co_firstlineno + 2}, in fail)' in text

    def test_memory(self, package: Any) -> None:
        with override_settings(TASKS=TASKS), services("memory"):
            task = package.task(queue_name="mail")(note)
            task.enqueue(1)
            assert [result.args for result in package.default_task_backend.results] == [[1]]
            empty_services()
            assert package.default_task_backend.results == []
        assert ran == []


def test_a_library_that_is_loaded_late_is_replaced_with_the_next_interaction() -> None:
    code = """
import sys
from django.conf import settings

settings.configure(PACT_TASKS="memory")
from pact_verification.provider.services.replacing import empty_services, own_services

with own_services():
    assert "huey" not in sys.modules
    from huey import RedisHuey

    huey = RedisHuey("shop", url="redis://127.0.0.1:1/0")
    empty_services()
    huey.task()(print)(1)
    assert len(huey) == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)
