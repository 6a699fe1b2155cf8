import os
import threading
from pathlib import Path
from typing import Any

from django.db import migrations


def create(apps: Any, schema_editor: Any) -> None:
    if announce := os.environ.get("TESTAPP_MIGRATING"):
        Path(announce).touch()
        threading.Event().wait(600)
    if schema_editor.connection.alias == "default":
        apps.get_model("testapp", "Shelf").objects.create(label="the shelf that a migration made")


class Migration(migrations.Migration):
    dependencies = [("testapp", "0001_initial")]
    operations = [migrations.RunPython(create)]
