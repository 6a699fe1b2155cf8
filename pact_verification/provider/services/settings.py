"""Settings that name services: CHANNEL_LAYERS of Channels, and TASKS of Django."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.conf import settings

CHANNEL_LAYER = "channels.layers.InMemoryChannelLayer"


@contextmanager
def replaced_settings(*, eager: bool) -> Iterator[None]:
    """Keep channel layers and tasks in this process until the block ends.

    Args:
        eager: whether tasks run in the request.
    """
    own: dict[str, Any] = {}
    if layers := getattr(settings, "CHANNEL_LAYERS", None):
        own["CHANNEL_LAYERS"] = {alias: {"BACKEND": CHANNEL_LAYER} for alias in layers}
    if tasks := getattr(settings, "TASKS", None):
        backend = "immediate.ImmediateBackend" if eager else "dummy.DummyBackend"
        own["TASKS"] = {
            alias: {**config, "BACKEND": f"{_tasks()}.backends.{backend}"} for alias, config in tasks.items()
        }
    if not own:
        yield
        return
    from django.test.utils import override_settings  # here, because it imports Django's test client

    replaced = override_settings(**own)
    with warnings.catch_warnings(action="ignore"):  # Django warns about deprecated settings of the project
        replaced.enable()
    try:
        yield
    finally:
        with warnings.catch_warnings(action="ignore"):
            replaced.disable()


def _tasks() -> str:
    """Return the package whose backends the project uses: Django's own, or the one that it grew from."""
    if "django_tasks" in sys.modules or not find_spec("django.tasks"):
        return "django_tasks"
    return "django.tasks"
