"""A project on its settings for development: Celery is not eager, and its broker is the one on this machine."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import NotFound
from kombu import Connection
from redis import Redis
from redis.exceptions import ConnectionError as NoRedis

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.provider.small_project import Project, small_project
from tests.pact_verification.running import Run

SETTINGS = """
from project_settings import *

CELERY_BROKER_URL = {url!r}
CELERY_RESULT_BACKEND = {results!r}
CELERY_TASK_DEFAULT_QUEUE = {queue!r}
"""
APP = """
from celery import Celery

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
TASKS = """
from celery import shared_task
from django.db import connection


@shared_task
def confirm(pk):
    from shop.models import Item

    assert connection.in_atomic_block
    Item.objects.filter(pk=pk).update(name="confirmed")
    return pk


@shared_task
def fail(pk):
    raise ValueError(f"no such order {pk}")


@shared_task(bind=True, max_retries=2)
def try_again(self, pk):
    raise self.retry(countdown=3600)
"""
URLS = """
from celery import Celery, group
from celery.exceptions import TimeoutError
from django.db import transaction
from django.http import JsonResponse
from django.urls import path

from shop import tasks
from shop.celery import app
from shop.models import Item


def sends(name):
    def view(request):
        item = Item.objects.create(name="tea")
        transaction.on_commit(lambda: getattr(tasks, name).delay(item.pk))
        return JsonResponse({})

    return view


def result(request):
    item = Item.objects.create(name="tea")
    sent = tasks.confirm.delay(item.pk)
    item.refresh_from_db()
    try:
        results = [sent.get(), app.AsyncResult(sent.id).get()]
        failed = tasks.fail.AsyncResult(tasks.fail.delay(1).id).state
        same = results == [item.pk] * 2
        return JsonResponse({"name": item.name, "result": same, "state": sent.state, "failed": failed})
    except TimeoutError:
        return JsonResponse({"name": item.name, "state": tasks.confirm.AsyncResult(sent.id).state})


def nothing():
    pass


def others(request):
    tasks.fail.apply_async((1,), countdown=60)
    app.send_task("other.task", (1,))
    app.send_task("shop.tasks.confirm", (1,))
    group(tasks.confirm.s(1), tasks.confirm.s(2)).delay()
    late = Celery("late", broker=app.conf.broker_url, backend="redis://127.0.0.1:6379/9")
    late.conf.task_default_queue = app.conf.task_default_queue
    late.task(name="late")(nothing).delay()
    return JsonResponse({"state": tasks.confirm.AsyncResult("unknown").state})


def kept(request):
    from kombu.transport.memory import Channel

    waiting = sum(queue.qsize() for queue in Channel.queues.values())
    tasks.confirm.delay(1)
    return JsonResponse({"before": waiting, "after": sum(queue.qsize() for queue in Channel.queues.values())})


urlpatterns = [
    *(path(name, sends(name)) for name in ("confirm", "fail", "try_again")),
    *(path(view.__name__, view) for view in (result, others, kept)),
]
"""
CALLED = """
import django
from django.core.management import call_command

django.setup()
from celery.app.base import Celery
from celery.app.task import Task

before = dict(vars(Celery)), dict(vars(Task))
call_command("verify_pacts")
assert before == (dict(vars(Celery)), dict(vars(Task)))
from shop.tasks import confirm

confirm.delay(1)
"""


@dataclass
class Broker:
    """A broker on this machine, with a queue that nobody else uses."""

    url: str
    queue: str

    def messages(self) -> int:
        """Return how many messages the queue holds."""
        if self.url.startswith("redis"):
            with closing(Redis.from_url(self.url)) as redis:
                return int(redis.llen(self.queue))
        with Connection(self.url) as connection:
            try:
                return int(connection.channel().queue_declare(self.queue, passive=True).message_count)
            except NotFound:
                return 0

    def clear(self) -> None:
        """Remove all that the queue has left at the broker."""
        if self.url.startswith("redis"):
            with closing(Redis.from_url(self.url)) as redis:
                if keys := redis.keys(f"*{self.queue}*"):
                    redis.delete(*keys)
        else:
            with Connection(self.url) as connection:
                connection.channel().queue_delete(self.queue)
                connection.channel().exchange_delete(self.queue)


@pytest.fixture(params=["redis://127.0.0.1:6379/9", "amqp://guest:guest@127.0.0.1:5672//"], ids=["Redis", "RabbitMQ"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    broker = Broker(request.param, f"pact-verification-{secrets.token_hex(4)}")
    try:
        broker.messages()
    except (NoRedis, OSError) as error:
        pytest.skip(f"no broker answers at {broker.url}: {error}")
    yield broker
    broker.clear()


@pytest.fixture
def project(tmp_path: Path, broker: Broker) -> Iterator[Project]:
    with small_project(tmp_path, "the suite's") as project:
        settings = {"url": broker.url, "results": "redis://127.0.0.1:6379/9", "queue": broker.queue}
        project.write("celery_settings.py", SETTINGS.format(**settings))
        project.write("shop/__init__.py", "from shop.celery import app\n")
        project.write("shop/celery.py", APP)
        project.write("shop/tasks.py", TASKS)
        project.write("shop/urls.py", URLS)
        project.write("called.py", CALLED)
        yield project


def run(project: Project, *arguments: str, **environment: str) -> Run:
    ran = subprocess.run(
        project.command(*arguments),
        cwd=project.folder,
        env={**project.environment, "DJANGO_SETTINGS_MODULE": "celery_settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Run(ran.returncode, ran.stdout, ran.stderr)


def expect(project: Project, *interactions: Any) -> None:
    write_pact(project.folder / "pacts" / "web.json", *interactions, provider="shop", consumer="web")


def asks(name: str, body: Any = None) -> Any:
    return interaction(name, f"/{name}", response={"body": body or {}})


EAGER = {"name": "confirmed", "result": True, "state": "SUCCESS", "failed": "FAILURE"}


@pytest.mark.parametrize("options", [[], ["--parallel", "2"], ["--isolation", "flush"]])
def test_tasks_run_in_the_request(project: Project, broker: Broker, options: list[str]) -> None:
    flush = "--isolation" in options
    if flush:
        project.write("shop/tasks.py", TASKS.replace("assert connection", "assert not connection"))
    expect(
        project,
        *(asks("confirm"), asks("fail"), asks("try_again"), asks("result", EAGER)),
        asks("others", {"state": "PENDING"}),
    )
    ran = run(project, "django", "verify_pacts", "--json", "report.json", *options)
    assert ran.exit_code == 0, ran.out + ran.err
    assert broker.messages() == 0
    report = json.loads((project.folder / "report.json").read_text())
    warnings = [each["warnings"] for each in report["pacts"][0]["interactions"]]
    (fails,), (retries,) = warnings[1], warnings[2]
    pk = fails.partition("no such order ")[2].partition(" ")[0]
    assert fails == (
        f"The task shop.tasks.fail failed: ValueError: no such order {pk} (shop/tasks.py:17). In production a worker "
        "runs it, and the response is the same."
    )
    assert retries.startswith("The task shop.tasks.try_again failed: MaxRetriesExceededError: Can't retry shop.tasks.")
    assert (warnings[0], warnings[4]) == ([], [])
    assert [each.partition(" (")[0] for each in warnings[3]] == [
        "The task shop.tasks.fail failed: ValueError: no such order 1"
    ]
    assert report["notes"] == []


def test_tasks_are_kept_in_memory(project: Project, broker: Broker) -> None:
    project.write("celery_settings.py", (project.folder / "celery_settings.py").read_text() + "PACT_TASKS = 'memory'")
    expect(
        project,
        *(asks("confirm"), asks("fail"), asks("result", {"name": "tea", "state": "PENDING"})),
        *(asks("kept", {"before": 0, "after": 1}), asks("kept", {"before": 0, "after": 1})),
        asks("others", {"state": "PENDING"}),
    )
    ran = run(project, "django", "verify_pacts")
    assert ran.exit_code == 0, ran.out + ran.err
    assert broker.messages() == 0
    assert "warning" not in ran.out


@pytest.mark.no_database
def test_the_environment_names_the_broker(project: Project, broker: Broker) -> None:
    """Celery takes its variables before all settings."""
    expect(project, asks("confirm"))
    ran = run(
        *(project, "django", "verify_pacts"),
        CELERY_BROKER_URL=broker.url,
        CELERY_BROKER_WRITE_URL=broker.url,
        CELERY_RESULT_BACKEND="redis://127.0.0.1:6379/9",
    )
    assert ran.exit_code == 0, ran.out + ran.err
    assert broker.messages() == 0


@pytest.mark.no_database
def test_call_command_puts_all_of_it_back(project: Project, broker: Broker) -> None:
    expect(project, asks("confirm"), asks("others", {"state": "PENDING"}))
    ran = run(project, "called")
    assert ran.exit_code == 0, ran.out + ran.err
    assert broker.messages() == 1  # what was sent after the run


@pytest.mark.no_database
def test_pytest(project: Project, broker: Broker) -> None:
    expect(project, asks("confirm"), asks("fail"))
    sends = "from shop.tasks import confirm\n\n\ndef test_other():\n    confirm.delay(1)\n"
    project.write("test_other.py", sends)
    ran = run(project, "pytest", "-p", "pact_verification.pytest_plugin", "pacts", "test_other.py", "-Wdefault")
    assert "3 passed" in ran.out, ran.out + ran.err
    assert "PactWarning: 'fail': The task shop.tasks.fail failed: ValueError: no such order " in ran.out
    assert broker.messages() == 1  # what the other test sent
