"""An app that records how many migrations each `migrate` has applied: the proof that a run made its databases."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

RECORD = "migrated.txt"
"""In the current directory. It has one line for each `migrate`."""


class Recorder(AppConfig):
    name = "benchmarks.recorder"

    def ready(self) -> None:
        # Django sends the signal once for each app. This app has no models, so Django sends none for it.
        post_migrate.connect(_record, sender=apps.get_app_config("contenttypes"))


def _record(plan: Iterable[tuple[Any, bool]] = (), **kwargs: Any) -> None:
    generated = sum(migration.app_label.startswith("app_") for migration, _ in plan)
    with Path(RECORD).open("a") as file:
        print(generated, file=file)


def take_record(folder: Path) -> list[int]:
    """Return how many migrations of the generated apps each `migrate` has applied, and forget it."""
    record = folder / RECORD
    if not record.exists():
        return []
    counts = [int(line) for line in record.read_text().split()]
    record.unlink()
    return counts
