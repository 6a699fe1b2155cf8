"""RQ and django-rq: jobs run in the request, or go no further. Nothing asks Redis, also not for a job's status."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.queue import Queue

from pact_verification.provider.services.attributes import replaced
from pact_verification.provider.services.failures import note_failure


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""
    jobs: dict[str, Job] = {}
    """What the interaction has sent, by the jobs' ids."""

    def keep(queue: Queue, job: Job, status: JobStatus) -> Job:
        job.origin, job.enqueued_at, job._status = queue.name, datetime.now(UTC), status
        jobs[job.id] = job
        return job

    def enqueue(queue: Queue, job: Job, *args: Any, **options: Any) -> Job:
        keep(queue, job, JobStatus.QUEUED)
        if eager:
            _run(job)
        return job

    def schedule(queue: Queue, job: Job, *args: Any, **options: Any) -> Job:
        """Keep a job with a delay: in production it runs after the response."""
        return keep(queue, job, JobStatus.SCHEDULED)

    def enqueue_many(queue: Queue, datas: Any, *args: Any, **options: Any) -> list[Job]:
        names = ("func", "args", "kwargs", "job_id", "meta", "description", "on_success", "on_failure", "depends_on")
        return [queue.enqueue_job(queue.create_job(**{name: getattr(data, name) for name in names})) for data in datas]

    def fetch(owner: type[Job], id: str, *args: Any, **options: Any) -> Job:  # callers may name it
        if id not in jobs:
            raise NoSuchJobError(f"No such job: {id}")
        return jobs[id]

    nothing = {name: lambda job, *args, **options: None for name in ("save", "save_meta", "refresh", "latest_result")}
    with ExitStack() as cleanup:
        cleanup.enter_context(
            replaced(
                Queue,
                enqueue_job=enqueue,
                enqueue_many=enqueue_many,
                schedule_job=schedule,
                fetch_job=lambda queue, job_id: jobs.get(job_id),
            )
        )
        cleanup.enter_context(
            replaced(
                Job,
                fetch=classmethod(fetch),
                get_status=lambda job, *args, **options: job._status,
                return_value=lambda job, *args, **options: job._result,
                **nothing,
            )
        )
        yield jobs.clear


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
