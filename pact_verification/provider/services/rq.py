"""RQ and django-rq: jobs run in the request, or go no further. Nothing asks Redis, also not for a job's status.

Methods act on the jobs that the interaction has sent. Every other method finds a connection that refuses it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import wraps
from inspect import signature
from typing import Any

from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)

from pact_verification.provider.services.attributes import replaced, replaced_everywhere
from pact_verification.provider.services.failures import note_failure
from pact_verification.provider.services.refusing import NoServer, instead_of

NO_REDIS = NoServer("RQ")

STATUSES = {
    CanceledJobRegistry: JobStatus.CANCELED,
    DeferredJobRegistry: JobStatus.DEFERRED,
    FailedJobRegistry: JobStatus.FAILED,
    FinishedJobRegistry: JobStatus.FINISHED,
    ScheduledJobRegistry: JobStatus.SCHEDULED,
    StartedJobRegistry: JobStatus.STARTED,
}
"""The status of the jobs in a registry."""


class Kept:
    """The jobs that the interaction has sent.

    Args:
        eager: whether jobs run in the request.
    """

    def __init__(self, *, eager: bool) -> None:
        self.eager = eager
        self.jobs: dict[str, Job] = {}
        self.unlisted: set[str] = set()
        """The ids of jobs that were removed from their queue or registry, and still exist."""

    def clear(self) -> None:
        """Forget all jobs."""
        self.jobs.clear()
        self.unlisted.clear()

    def keep(self, origin: str, job: Job, status: JobStatus) -> Job:
        """Keep a job that was sent to a queue."""
        job.origin, job.enqueued_at, job._status = origin, datetime.now(UTC), status
        self.jobs[job.id] = job
        self.unlisted.discard(job.id)
        return job

    def get(self, job: Job | str) -> Job:
        """Return the job with an id."""
        known = getattr(job, "id", job)
        if known not in self.jobs:
            raise NoSuchJobError(f"No such job: {known}")
        return self.jobs[known]

    def ids(self, origin: str, status: JobStatus | None) -> list[str]:
        """Return the ids of the jobs in a queue or a registry."""
        jobs = self.jobs.values()
        return [job.id for job in jobs if (job.origin, job._status) == (origin, status) and job.id not in self.unlisted]

    def remove(self, job: Job | str, *, delete: bool = False) -> int:
        """Remove a job from its queue or registry, or altogether. Returns how many there were."""
        removed = str(getattr(job, "id", job))
        found = removed in self.jobs and removed not in self.unlisted
        self.unlisted.add(removed)
        if delete:
            self.jobs.pop(removed, None)
        return int(found)

    def enqueue(self, origin: str, job: Job) -> Job:
        """Send a job to a queue."""
        self.keep(origin, job, JobStatus.QUEUED)
        if self.eager:
            _run(job)
        return job

    def requeue(self, job: Job | str) -> Job:
        """Send a job again that has failed."""
        found = self.get(job)
        if found._status != JobStatus.FAILED:
            raise InvalidJobOperation("Cannot requeue non-failed job")
        return self.enqueue(found.origin, found)

    def cancel(self, job: Job) -> dict[str, list[str]]:
        """Cancel a job."""
        if job._status == JobStatus.CANCELED:
            raise InvalidJobOperation(f"Cannot cancel already canceled job: {job.id}")
        job._status = JobStatus.CANCELED
        self.unlisted.discard(job.id)
        return {}


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""
    kept = Kept(eager=eager)
    with ExitStack() as cleanup:
        for owner, attributes in _without_redis():
            cleanup.enter_context(replaced(owner, **attributes))
        cleanup.enter_context(replaced_everywhere(Queue, **_of_queues(kept)))
        cleanup.enter_context(replaced_everywhere(Job, **_of_jobs(kept)))
        cleanup.enter_context(replaced_everywhere(BaseRegistry, **_of_registries(kept)))
        yield kept.clear


def _without_redis() -> Iterator[tuple[type, dict[str, Any]]]:
    """Yield RQ's classes that hold a connection, with attributes that give them one that refuses all."""
    modules = [module for name, module in sys.modules.items() if name.startswith("rq.")]
    for owner in {each for module in modules for each in vars(module).values() if isinstance(each, type)}:
        if owner.__module__.startswith("rq.") and _takes_connection(vars(owner).get("__init__", object)):
            methods = {name: each.__func__ for name, each in vars(owner).items() if isinstance(each, classmethod)}
            refused = {name: classmethod(_refused(each)) for name, each in methods.items() if _takes_connection(each)}
            yield owner, {"connection": instead_of(NO_REDIS, "connection"), **refused}


def _takes_connection(function: Callable[..., Any]) -> bool:
    return "connection" in signature(function).parameters


def _refused(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a class's method that gets no connection from its caller."""
    parameters = signature(method)

    @wraps(method)
    def without_redis(*args: Any, **options: Any) -> Any:
        call = parameters.bind(*args, **options)
        call.arguments["connection"] = NO_REDIS
        return method(*call.args, **call.kwargs)

    return without_redis


def _of_queues(kept: Kept) -> dict[str, Any]:
    names = ("func", "args", "kwargs", "job_id", "meta", "description", "on_success", "on_failure", "depends_on")

    def enqueue_many(queue: Queue, datas: Any, *args: Any, **options: Any) -> list[Job]:
        return [queue.enqueue_job(queue.create_job(**{name: getattr(data, name) for name in names})) for data in datas]

    def ids(queue: Queue, offset: int = 0, length: int = -1) -> list[str]:
        found = kept.ids(queue.name, JobStatus.QUEUED)[offset:]
        return found if length < 0 else found[:length]

    def empty(queue: Queue) -> int:
        return sum(kept.remove(each, delete=True) for each in ids(queue))

    def position(queue: Queue, job: Job | str) -> int | None:
        found, wanted = ids(queue), str(getattr(job, "id", job))
        return found.index(wanted) if wanted in found else None

    def every(owner: type[Queue], *args: Any, **options: Any) -> list[Queue]:
        return [owner(name, connection=NO_REDIS) for name in dict.fromkeys(job.origin for job in kept.jobs.values())]

    return {
        "all": classmethod(every),
        "compact": lambda queue: None,
        "count": property(lambda queue: len(ids(queue))),
        "delete": lambda queue, delete_jobs=True: empty(queue) if delete_jobs else None,
        "empty": empty,
        "enqueue_job": lambda queue, job, *args, **options: kept.enqueue(queue.name, job),
        "enqueue_many": enqueue_many,
        "fetch_job": lambda queue, job_id: kept.jobs.get(job_id),
        "get_job_ids": ids,
        "get_job_position": position,
        "remove": lambda queue, job_or_id, *args, **options: kept.remove(job_or_id),
        # A job with a delay runs after the response, in production.
        "schedule_job": lambda queue, job, *args, **options: kept.keep(queue.name, job, JobStatus.SCHEDULED),
    }


def _of_jobs(kept: Kept) -> dict[str, Any]:
    def fetch(owner: type[Job], id: str, *args: Any, **options: Any) -> Job:  # callers may name it
        return kept.get(id)

    def fetch_many(owner: type[Job], job_ids: Iterable[str], *args: Any, **options: Any) -> list[Job | None]:
        return [kept.jobs.get(each) for each in job_ids]

    def exists(owner: type[Job], job_id: str, *args: Any, **options: Any) -> bool:
        return job_id in kept.jobs

    def set_status(job: Job, status: JobStatus, *args: Any, **options: Any) -> None:
        job._status = status

    def delete(job: Job, *args: Any, **options: Any) -> None:
        kept.remove(job, delete=True)

    nothing = ("cleanup", "delete_dependents", "heartbeat", "latest_result", "refresh", "save", "save_meta")
    return {
        **{name: lambda job, *args, **options: None for name in nothing},
        "cancel": lambda job, *args, **options: kept.cancel(job),
        "delete": delete,
        "dependent_ids": property(lambda job: []),
        "exists": classmethod(exists),
        "fetch": classmethod(fetch),
        "fetch_dependencies": lambda job, *args, **options: [
            kept.jobs[each] for each in job._dependency_ids if each in kept.jobs
        ],
        "fetch_many": classmethod(fetch_many),
        "get_meta": lambda job, *args, **options: job.meta,
        "get_status": lambda job, *args, **options: job._status,
        "requeue": lambda job, *args, **options: kept.requeue(job),
        "result": property(lambda job: job._result),
        "results": lambda job: [],
        "return_value": lambda job, *args, **options: job._result,
        "set_status": set_status,
    }


def _of_registries(kept: Kept) -> dict[str, Any]:
    def ids(registry: BaseRegistry, start: int = 0, end: int = -1, *args: Any, **options: Any) -> list[str]:
        status = next((status for owner, status in STATUSES.items() if isinstance(registry, owner)), None)
        return kept.ids(registry.name, status)[start : end + 1 or None]

    def remove(registry: BaseRegistry, job: Job | str, *args: Any, delete_job: bool = False, **options: Any) -> int:
        return kept.remove(job, delete=delete_job)

    return {
        "__contains__": lambda registry, job: getattr(job, "id", job) in ids(registry),
        "add": lambda registry, *args, **options: 0,
        "cleanup": lambda registry, *args, **options: [],
        "get_job_count": lambda registry, *args, **options: len(ids(registry)),
        "count": property(lambda registry: len(ids(registry))),
        "get_job_ids": ids,
        "remove": remove,
        "requeue": lambda registry, job, *args, **options: kept.requeue(job),
    }


def _run(job: Job) -> None:
    try:
        result = job.perform()
    except Exception as error:  # noqa: BLE001  # the job may raise anything
        job._status = JobStatus.FAILED
        note_failure(job.func_name, error)
        if callback := job.failure_callback:
            callback(job, job.connection, type(error), error, error.__traceback__)
        return
    job._status = JobStatus.FINISHED
    if callback := job.success_callback:
        callback(job, job.connection, result)
