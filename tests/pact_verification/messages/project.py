"""A small project with message producers, and pacts of messages."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.pact_verification.provider.small_project import Project, small_project
from tests.pact_verification.running import Run

IMPORTS = """\
import os
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from pact_verification import Message, captured_messages, message_producer, provider_state
from shop.models import Item, Part
"""
MODELS = """

class Part(models.Model):
    item = models.ForeignKey(Item, models.CASCADE)
"""
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_kettle")]
    operations = [
        migrations.CreateModel(
            "Part",
            [
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False)),
                ("item", models.ForeignKey("shop.Item", models.CASCADE)),
            ],
        ),
    ]
"""


@contextmanager
def message_project(folder: Path, states: str = "", *, engine: str = "as the suite") -> Iterator[Project]:
    """Write the small project, with a second model and without its own pact.

    Args:
        states: what its pact_states.py has below the imports.
    """
    with small_project(folder, engine) as project:
        (folder / "pacts" / "web.json").unlink()
        project.write("shop/pact_states.py", IMPORTS + states)
        models = folder / "shop" / "models.py"
        models.write_text(models.read_text() + MODELS)
        project.write("shop/migrations/0003_part.py", MIGRATION)
        yield project


def asynchronous(
    description: str,
    content: Any,
    content_type: str = "application/json",
    encoded: str | bool = False,  # a pact has false or a text
    **more: Any,
) -> dict[str, Any]:
    """Return an asynchronous message of V4."""
    return {
        "type": "Asynchronous/Messages",
        "description": description,
        "contents": contents(content, content_type, encoded),
        **more,
    }


def synchronous(description: str, request: Any, *responses: Any, **more: Any) -> dict[str, Any]:
    """Return a synchronous message of V4, with JSON in its request and responses."""
    return {
        "type": "Synchronous/Messages",
        "description": description,
        "request": {"contents": contents(request)},
        "response": [{"contents": contents(each)} for each in responses],
        **more,
    }


def contents(content: Any, content_type: str = "application/json", encoded: str | bool = False) -> dict[str, Any]:
    """Return the contents of a message of V4."""
    return {"content": content, "contentType": content_type, "encoded": encoded}


def v3_message(description: str, content: Any, content_type: str = "application/json", **more: Any) -> dict[str, Any]:
    """Return a message of V3."""
    metadata = {"contentType": content_type, **more.pop("metadata", {})}
    return {"description": description, "contents": content, "metadata": metadata, **more}


def states(*names: str | tuple[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return provider states as a pact has them."""
    return [{"name": each} if isinstance(each, str) else {"name": each[0], "params": each[1]} for each in names]


def write(project: Project, *interactions: Mapping[str, Any], consumer: str = "mailer", name: str = "") -> Path:
    """Write a pact: V4 if an interaction names its type, else V3 with messages."""
    is_v4 = any("type" in each for each in interactions)
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": "shop"},
        "interactions" if is_v4 else "messages": list(interactions),
        "metadata": {"pactSpecification": {"version": "4.0" if is_v4 else "3.0.0"}},
    }
    return project.write(f"pacts/{name or consumer}.json", json.dumps(document))


def verify(project: Project, *options: str) -> tuple[Run, dict[str, dict[str, Any]]]:
    """Verify the pacts; return the run, and the interactions of its JSON report by description."""
    ran = project.verify("--json", "report.json", *options)
    report = project.folder / "report.json"
    if not report.exists():
        return ran, {}
    pacts = json.loads(report.read_text())["pacts"]
    return ran, {each["description"]: each for pact in pacts for each in pact["interactions"]}


def outcomes(interactions: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the outcomes by description."""
    return {description: each["outcome"] for description, each in interactions.items()}
