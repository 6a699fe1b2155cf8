"""Methods that reach a queue's server, where a developer has jobs of their own. A run must not touch those."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest
from django.test import override_settings
from redis import Redis
from redis.exceptions import ConnectionError as NoRedis

from pact_verification.errors import ConnectionRefused
from pact_verification.provider.caches.redis_commands import refusing_foreign_keys
from pact_verification.provider.services.failures import failures
from pact_verification.provider.services.replacing import empty_services, own_services

URL = "redis://127.0.0.1:6379/9"


@contextmanager
def services(mode: str) -> Iterator[None]:
    """Replace the libraries. Nothing refuses a connection here, as where PACT_ALLOWED_HOSTS names the server."""
    with override_settings(PACT_TASKS=mode), own_services():
        yield
    failures.clear()


def note(value: Any) -> Any:
    """A task."""
    return value


def fail() -> None:
    """A task that fails until it is mended."""
    if not MENDED:
        raise ValueError("no such order")


MENDED: list[bool] = []


@pytest.fixture
def redis() -> Iterator[Any]:
    with closing(Redis.from_url(URL)) as redis:
        try:
            redis.ping()
        except NoRedis:
            pytest.skip("no Redis answers at 127.0.0.1:6379")
        yield redis


@pytest.fixture
def name(redis: Any) -> Iterator[str]:
    """The name of a queue in Redis that nobody else uses. What it holds must stay."""
    name = f"pactverification{secrets.token_hex(4)}"
    yield name
    if keys := redis.keys(f"*{name}*"):
        redis.delete(*keys)
    redis.srem("rq:queues", f"rq:queue:{name}")


def contents(redis: Any, name: str) -> dict[bytes, Any]:
    """What Redis holds of a queue."""
    return {key: redis.dump(key) for key in redis.keys(f"*{name}*")}


class TestRq:
    @pytest.fixture
    def queue(self, redis: Any, name: str) -> Any:
        """A queue with jobs that wait, one that has a delay and one that failed."""
        from datetime import timedelta

        from rq import Queue

        queue = Queue(name, connection=redis)
        for number in range(2):
            queue.enqueue(note, number, job_id=f"{name}-{number}")
        queue.enqueue_in(timedelta(hours=1), note, 3, job_id=f"{name}-late")
        queue.failed_job_registry.add(queue.enqueue(fail, job_id=f"{name}-failed"), ttl=1000)
        return queue

    ACTS: tuple[Callable[[Any, Any], Any], ...] = (
        lambda queue, job: queue.empty(),
        lambda queue, job: queue.delete(delete_jobs=True),
        lambda queue, job: queue.remove(job),
        lambda queue, job: queue.compact(),
        lambda queue, job: queue.pop_job_id(),
        lambda queue, job: queue.push_job_id("other"),
        lambda queue, job: queue.acquire_maintenance_lock(),
        lambda queue, job: type(queue).lpop([queue.key], None, connection=job.connection),
        lambda queue, job: type(queue).dequeue_any([queue], None, job.connection),
        lambda queue, job: type(queue).dequeue_any([queue], None, queue.real),
        lambda queue, job: type(queue).lpop([queue.key], None, queue.real),
        lambda queue, job: queue.failed_job_registry.remove(job, delete_job=True),
        lambda queue, job: queue.failed_job_registry.requeue(job),
        lambda queue, job: queue.failed_job_registry.cleanup(),
        lambda queue, job: queue.scheduled_job_registry.remove(job),
        lambda queue, job: queue.scheduled_job_registry.schedule(job, job.created_at),
        lambda queue, job: job.cancel(),
        lambda queue, job: job.delete(),
        lambda queue, job: job.requeue(),
        lambda queue, job: job.save(),
        lambda queue, job: job.set_status("failed"),
        lambda queue, job: job.cleanup(0),
        lambda queue, job: job.restore({}),
        lambda queue, job: work(queue),
    )

    @pytest.mark.parametrize("act", ACTS)
    @pytest.mark.parametrize("id", ["0", "late", "failed"])
    def test_jobs_of_the_developer_stay(
        self, queue: Any, redis: Any, name: str, act: Callable[[Any, Any], Any], id: str
    ) -> None:
        from rq.exceptions import InvalidJobOperation, NoSuchJobError

        job = queue.fetch_job(f"{name}-{id}")
        queue.real = redis
        before = contents(redis, name)
        with services("eager"), suppress(ConnectionRefused, InvalidJobOperation, NoSuchJobError):
            act(queue, job)
        assert contents(redis, name) == before
        assert len(before) >= 6

    def test_methods_act_on_what_the_interaction_has_sent(self, queue: Any) -> None:
        from datetime import timedelta

        from rq import Queue
        from rq.exceptions import InvalidJobOperation
        from rq.job import Job

        with services("memory"):
            assert (len(queue), queue.count, queue.job_ids, queue.jobs, queue.is_empty()) == (0, 0, [], [], True)
            first, second = queue.enqueue(note, 1), queue.enqueue(note, 2)
            late = queue.enqueue_in(timedelta(hours=1), note, 3)
            assert (len(queue), queue.jobs, queue.get_job_ids(1, 1)) == (2, [first, second], [second.id])
            assert (queue.get_job_position(second), second.get_position()) == (1, 1)
            assert queue.scheduled_job_registry.get_job_ids() == [late.id]
            assert late in queue.scheduled_job_registry
            assert [each.name for each in Queue.all(connection=queue.connection)] == [queue.name]
            assert Job.fetch_many([first.id, "none"], connection=queue.connection) == [first, None]
            assert Job.exists(first.id, connection=queue.connection)
            first.cancel()
            with pytest.raises(InvalidJobOperation):
                first.cancel()
            assert (queue.job_ids, queue.canceled_job_registry.get_job_ids()) == ([second.id], [first.id])
            second.delete()
            assert not Job.exists(second.id, connection=queue.connection)
            queue.enqueue(note, 4)
            assert (queue.empty(), len(queue)) == (1, 0)

    def test_a_job_that_failed_can_be_sent_again(self, queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        with services("eager"):
            job = queue.enqueue(fail)
            assert (queue.failed_job_registry.get_job_ids(), job.is_failed) == ([job.id], True)
            monkeypatch.setattr(f"{__name__}.MENDED", [True])
            job.requeue()
            assert (len(queue.failed_job_registry), len(queue.finished_job_registry)) == (0, 1)

    def test_what_has_no_replacement_is_refused(self, queue: Any, redis: Any) -> None:
        with services("eager"):
            with pytest.raises(ConnectionRefused) as error:
                queue.acquire_maintenance_lock()
            text = (
                "RQ was refused `set`: its tasks stay in this process, and it reaches no server. Mock it in the "
                "provider state."
            )
            assert str(error.value) == text
            assert failures == [text]
        assert queue.connection is redis
        assert len(queue) == 3


def work(queue: Any) -> None:
    from rq import SimpleWorker

    SimpleWorker([queue], connection=queue.real).work(burst=True)


class TestDramatiq:
    @pytest.fixture
    def broker(self, name: str) -> Any:
        """A broker with a message of the developer's."""
        from dramatiq import Message
        from dramatiq.brokers.redis import RedisBroker

        broker = RedisBroker(url=URL, namespace=name)
        broker.declare_queue("shop")
        broker.enqueue(Message("shop", "none", (), {}, {}))
        return broker

    ACTS: tuple[Callable[[Any], Any], ...] = (
        lambda broker: broker.flush("shop"),
        lambda broker: broker.flush_all(),
        lambda broker: broker.join("shop", timeout=100),
        lambda broker: broker.do_purge("shop"),
        lambda broker: next(broker.consume("shop", timeout=1)),
        lambda broker: broker.client.delete(f"{broker.namespace}:shop"),
    )

    @pytest.mark.parametrize("act", ACTS)
    def test_messages_of_the_developer_stay(
        self, broker: Any, redis: Any, name: str, act: Callable[[Any], Any]
    ) -> None:
        before = contents(redis, name)
        assert f"{name}:shop".encode() in before
        with services("memory"), suppress(ConnectionRefused):
            act(broker)
        assert contents(redis, name) == before
        broker.flush_all()
        assert f"{name}:shop".encode() not in contents(redis, name)

    def test_results(self, redis: Any, name: str) -> None:
        import dramatiq
        from dramatiq.brokers.redis import RedisBroker
        from dramatiq.results import ResultFailure, ResultMissing, Results
        from dramatiq.results.backends.redis import RedisBackend

        backend = RedisBackend(url=URL, namespace=name, use_namespace_prefix_keys=True)
        broker = RedisBroker(url=URL, namespace=name, middleware=[Results(backend=backend, store_results=True)])
        task, broken = dramatiq.actor(note, broker=broker), dramatiq.actor(fail, broker=broker)
        with services("eager"):
            sent = task.send(1)
            assert sent.get_result(backend=backend, block=True) == 1
            with pytest.raises(ResultFailure, match="no such order"):
                broken.send().get_result(backend=backend)
            empty_services()
            with pytest.raises(ResultMissing):
                sent.get_result(backend=backend, block=True)
        assert contents(redis, name) == {}

    def test_rabbitmq(self) -> None:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        broker = RabbitmqBroker(url="amqp://127.0.0.1:1")  # where no server is
        with services("memory"):
            broker.declare_queue("shop", ensure=True)
            broker.flush_all()
            broker.join("shop")
            assert broker.get_queue_message_counts("shop") == (0, 0, 0)
            for attribute in ("connection", "channel"):
                with pytest.raises(ConnectionRefused, match=r"^Dramatiq was refused `queue_purge`"):
                    getattr(broker, attribute).queue_purge("shop")


def test_huey(redis: Any, name: str) -> None:
    from huey import RedisHuey

    huey = RedisHuey(name, url=URL)
    task = huey.task()(note)
    task(1)
    before = contents(redis, name)
    assert len(before) == 1
    with services("memory"):
        huey.flush()
        huey.storage.flush_all()
        huey.flush_locks("lock")
        huey.revoke_by_id("1")
        assert (len(huey), huey.pending(), huey.scheduled(), huey.dequeue()) == (0, [], [], None)
    assert contents(redis, name) == before


def test_celery(redis: Any, name: str) -> None:
    from celery import Celery
    from kombu import Queue

    app = Celery(name, broker=URL, backend=URL)
    app.conf.task_default_queue = name
    app.send_task("none")
    before = contents(redis, name)
    assert redis.llen(name) == 1
    with services("memory"):
        app.control.purge()
        with app.connection_for_write() as connection:
            Queue(name, channel=connection.default_channel).purge()
            connection.default_channel.queue_delete(name)
        with app.pool.acquire(block=True) as connection:
            connection.default_channel.queue_purge(name)
        with app.producer_pool.acquire(block=True) as producer:
            producer.channel.queue_delete(name)
    assert contents(redis, name) == before


@pytest.mark.parametrize("act", ["put", "get_nowait", "clear"])
def test_kombu_by_itself_gets_nothing_from_the_redis_of_a_cache(redis: Any, name: str, act: str) -> None:
    from kombu import Connection
    from redis.exceptions import NoPermissionError

    def use(*arguments: str) -> None:
        with Connection(URL) as connection, connection.SimpleQueue(name) as queue:
            getattr(queue, arguments[0])(*arguments[1:])

    use("put", "order")
    before = contents(redis, name)
    with (
        refusing_foreign_keys("run-1234", lambda command, host, port: f"{command} at {host}:{port}"),
        pytest.raises(NoPermissionError, match=r"^[A-Z]+ at 127\.0\.0\.1:6379$"),
    ):
        use(act, *(["second"] if act == "put" else []))
    assert contents(redis, name) == before
