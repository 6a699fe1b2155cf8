"""Pacts with contents that a Pact plugin compares: a content matcher of our own, as the Pact core starts one."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.core import shout_plugin
from tests.pact_verification.provider.small_project import Project, small_project
from tests.pact_verification.running import Run, has

pytestmark = pytest.mark.no_database

SHOUT = shout_plugin.CONTENT_TYPE
VIEWS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("shout", lambda request: HttpResponse({says!r}, content_type="application/x-shout"))]
"""
PRODUCERS = """
from pact_verification import Message, message_producer


@message_producer("a shout")
def shout():
    return Message({says!r}.encode(), "application/x-shout")


@message_producer("an echo")
def echo(request):
    return Message(f"{{request.content.decode()}} {says}".encode(), "application/x-shout")
"""


def contents(text: str) -> dict[str, Any]:
    return {"content": b64encode(text.encode()).decode(), "contentType": SHOUT, "encoded": "base64"}


def write_pact(path: Path, consumer: str) -> None:
    """Write a pact as a consumer's test with a plugin leaves it."""
    own = {"pluginConfiguration": {"shout": {"loud": True}}, "pending": False}
    metadata = {"metadata": {"contentType": SHOUT}}
    response = {"status": 200, "headers": {"Content-Type": [SHOUT]}, "body": contents("HÉ!")}
    interactions: list[Mapping[str, Any]] = [
        {"type": "Asynchronous/Messages", "description": "a shout", "contents": contents("HÉ!"), **metadata},
        {"type": "Synchronous/HTTP", "description": "by HTTP", "request": {"path": "/shout"}, "response": response},
        {
            "type": "Synchronous/Messages",
            "description": "an echo",
            "request": {"contents": contents("ho"), **metadata},
            "response": [{"contents": contents("HO HÉ!"), **metadata}],
        },
    ]
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": "shop"},
        "interactions": [{**each, **own} for each in interactions],
        "metadata": {
            "pactSpecification": {"version": "4.0"},
            "plugins": [{"name": "shout", "version": "0.1.0", "configuration": {}}],
        },
    }
    path.write_text(json.dumps(document))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, "") as project:
        write_pact(tmp_path / "pacts" / "web.json", "web")
        yield project


def verify(project: Project, *options: str, says: str = "hé!", plugin: str = "") -> Run:
    manifest = {
        "pluginInterfaceVersion": 1,
        "name": "shout",
        "version": "0.1.0",
        "executableType": "exec",
        "entryPoint": sys.executable,
        "args": [shout_plugin.__file__, plugin],
    }
    project.write("plugins/shout-0.1.0/pact-plugin.json", json.dumps(manifest))
    project.write("shop/urls.py", VIEWS.format(says=says))
    project.write("shop/pact_states.py", PRODUCERS.format(says=says))
    ran = subprocess.run(
        project.command("django", "verify_pacts", *options),
        cwd=project.folder,
        env={**project.environment, "PACT_PLUGIN_DIR": str(project.folder / "plugins")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Run(ran.returncode, ran.stdout, ran.stderr)


def test_messages_and_http_are_verified_by_the_plugin(project: Project) -> None:
    write_pact(project.folder / "pacts" / "mobile.json", "mobile")
    ran = verify(project, "--parallel", "2")
    has(ran, "shop: 6 interactions of 2 consumers: 6 verified")
    assert ran.exit_code == 0


def test_a_mismatch_is_in_the_plugins_words(project: Project) -> None:
    ran = verify(project, says="psst")
    has(ran, "# $: 'psst' is not 'HÉ!', however loud ! body $ - HÉ! + psst")
    has(ran, "# $: 'ho psst' is not 'HO HÉ!', however loud", "3 interactions of 1 consumer: 3 failed")
    assert ran.exit_code == 1


def test_a_plugin_that_crashes_fails_the_run(project: Project) -> None:
    ran = verify(project, plugin="crashes")
    has(ran, "Call to compare contents handler failed", "3 interactions of 1 consumer: 3 failed")
    assert ran.exit_code == 1
