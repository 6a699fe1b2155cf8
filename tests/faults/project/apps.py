from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from tests.faults.project import acts


class ProjectConfig(AppConfig):
    name = "tests.faults.project"
    label = "faults"

    def ready(self) -> None:
        post_migrate.connect(_migrated, sender=self)


def _migrated(**kwargs: Any) -> None:
    acts.at("post_migrate")
