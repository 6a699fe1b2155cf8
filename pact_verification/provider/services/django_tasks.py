"""Django's tasks, and the package django-tasks: their backend is in this process by the setting TASKS."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from pact_verification.provider.services.attributes import replaced
from pact_verification.provider.services.failures import note

PACKAGES = ("django.tasks", "django_tasks")


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""
    packages = [package for package in PACKAGES if package in sys.modules]
    with ExitStack() as cleanup:
        for package in packages:
            immediate = import_module(f"{package}.backends.immediate").ImmediateBackend
            attributes = {"supports_defer": True, "_execute_task": _noting(immediate._execute_task)}
            cleanup.enter_context(replaced(immediate, **attributes))

        def empty() -> None:
            for package in packages:
                for backend in sys.modules[package].task_backends.all():
                    if clear := getattr(backend, "clear", None):
                        clear()

        yield empty


def _noting(execute: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def execute_task(backend: Any, result: Any) -> None:
        """Run a task, and note its failure. Keep one with a delay: in production it runs after the response."""
        if result.task.run_after is not None:
            return
        execute(backend, result)
        for error in result.errors:
            last = error.traceback.rstrip().rpartition("\n")[2]
            note(result.task.module_path, f"{last}{_place_in(error.traceback)}")

    return execute_task


def _place_in(trace: str) -> str:
    """Return the last line of a traceback that names a file. The backend keeps only the traceback's text."""
    places = [line.strip() for line in trace.splitlines() if line.lstrip().startswith('File "')]
    return f" ({places[-1]})" if places else ""
