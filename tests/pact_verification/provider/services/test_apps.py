"""Apps that send tasks, each in a project of its own, with the Redis of this machine or one that does not exist."""

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoRedis

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.provider.small_project import Project, small_project
from tests.pact_verification.running import has

TASKS = """
from django.db import connection

ran = []


def note(value):
    assert connection.in_atomic_block
    ran.append(value)
    return value


def fail(value):
    raise ValueError(f"no such order {value}")
"""
WARNING = (
    "The task shop.tasks.fail failed: ValueError: no such order 1 (shop/tasks.py:14). In production a worker runs it, "
    "and the response is the same."
)
DJANGO_RQ = """
import django_rq
from django.conf import settings
from django.http import JsonResponse
from django.urls import path

from shop import tasks


def eager(request):
    del tasks.ran[:]
    django_rq.get_queue(settings.QUEUE).enqueue(tasks.note, 1)
    django_rq.get_queue(settings.QUEUE, commit_mode="auto").enqueue(tasks.fail, 1)
    return JsonResponse({"ran": tasks.ran})


def ran(request):
    return JsonResponse({"ran": tasks.ran})


urlpatterns = [path("eager", eager), path("ran", ran)]
"""
SENDING = """
import django
from django.conf import settings

django.setup()
import django_rq

job = django_rq.get_queue(settings.QUEUE, commit_mode="auto").enqueue(print)
print(job.id)
"""
DJANGO_Q = """
from django.http import JsonResponse
from django.urls import path
from django_q.brokers import get_broker
from django_q.models import Task
from django_q.tasks import async_chain, async_task, result

from shop import tasks

loaded = get_broker()


def eager(request):
    del tasks.ran[:]
    for broker in (loaded, get_broker()):  # of the project's Redis, which does not exist
        broker.purge_queue()
        broker.delete_queue()
        assert (broker.queue_size(), broker.ping(), broker.get_stats("*")) == (0, True, [])
    task = async_task("shop.tasks.note", 1)
    async_task(tasks.fail, 1)
    async_task(tasks.note, 2, sync=True)
    async_chain([("shop.tasks.note", (3,)), ("shop.tasks.note", (4,))])
    failed = Task.objects.filter(success=False).count()
    return JsonResponse({"ran": tasks.ran, "result": result(task), "failed": failed})


def ran(request):
    return JsonResponse({"ran": tasks.ran, "tasks": Task.objects.count()})


urlpatterns = [path("eager", eager), path("ran", ran)]
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, "the suite's") as project:
        project.write("shop/tasks.py", TASKS)
        yield project


@pytest.fixture
def prefix() -> Iterator[str]:
    """The name of a queue in Redis that nobody else uses."""
    prefix = f"pact-verification-{secrets.token_hex(4)}"
    with closing(Redis(db=9)) as redis:
        try:
            redis.ping()
        except NoRedis:
            pytest.skip("no Redis answers at 127.0.0.1:6379")
        yield prefix
        if keys := redis.keys(f"*{prefix}*"):
            redis.delete(*keys)


def asks(name: str, **body: Any) -> Any:
    return interaction(name, f"/{name}", response={"body": body})


def configure(project: Project, urls: str, *, app: str, **settings: Any) -> None:
    project.apps.insert(0, app)
    project.write("shop/urls.py", urls)
    lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    project.write("project_settings.py", f"{(project.folder / 'project_settings.py').read_text()}\n{lines}\n")


def expect(project: Project, *interactions: Any) -> None:
    write_pact(project.folder / "pacts" / "web.json", *interactions, provider="shop", consumer="web")


def test_django_rq(project: Project, prefix: str) -> None:
    queues = {prefix: {"URL": "redis://127.0.0.1:6379/9"}}
    configure(project, DJANGO_RQ, app="django_rq", RQ_QUEUES=queues, QUEUE=prefix)
    project.write("sending.py", SENDING)
    expect(project, asks("eager", ran=[]), asks("ran", ran=[1]))
    ran = project.verify("--json", "report.json")
    assert ran.exit_code == 0, ran.out + ran.err
    report = json.loads((project.folder / "report.json").read_text())
    assert [each["warnings"] for each in report["pacts"][0]["interactions"]] == [[WARNING], []]
    with closing(Redis(db=9)) as redis:
        assert redis.keys(f"*{prefix}*") == []
        job = project.run("sending").out.strip()  # outside of a run a job lands there
        assert redis.keys(f"*{prefix}*") == [f"rq:queue:{prefix}".encode()]
        redis.delete(f"rq:job:{job}")
        redis.srem("rq:queues", f"rq:queue:{prefix}")


@pytest.mark.parametrize("mode", ["eager", "memory"])
def test_django_q(project: Project, mode: str) -> None:
    cluster = {"name": "shop", "timeout": 30, "retry": 60, "redis": {"host": "127.0.0.1", "port": 1}}
    configure(project, DJANGO_Q, app="django_q", Q_CLUSTER=cluster, PACT_TASKS=mode)
    expected = {"ran": [1, 2, 3, 4], "result": 1, "failed": 1} if mode == "eager" else {"ran": [2], "failed": 0}
    expect(project, asks("eager", **expected), asks("ran", ran=expected["ran"], tasks=0))
    ran = project.verify("--json", "report.json")
    assert ran.exit_code == 0, ran.out + ran.err
    report = json.loads((project.folder / "report.json").read_text())
    warnings = [each["warnings"] for each in report["pacts"][0]["interactions"]]
    assert warnings == [[WARNING] if mode == "eager" else [], []]


NOTE = (
    "The run does not see what the project sends through Kafka (confluent_kafka), HTTP (pycurl): the library does not "
    "use Python's sockets. Mock it in the provider states."
)


@pytest.mark.no_database
def test_libraries_that_a_run_does_not_see_are_named_before_the_first_interaction(project: Project) -> None:
    for library in ("confluent_kafka", "pycurl"):
        project.write(f"{library}.py", "")
    urls = (project.folder / "shop/urls.py").read_text()
    project.write("shop/urls.py", f"import confluent_kafka\nimport pycurl\n{urls}")
    ran = project.verify()
    assert ran.exit_code == 0, ran.out + ran.err
    assert ran.err == f"{NOTE}\n"
    assert ran.out.count(NOTE) == 1
    ran = project.run("pytest", "-p", "pact_verification.pytest_plugin", "pacts")
    has(ran, "1 passed", NOTE)
