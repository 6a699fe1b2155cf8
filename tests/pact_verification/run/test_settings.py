"""What the settings say about a run: the host of requests, and the folder of the project."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.provider.small_project import SETTINGS, Project, small_project
from tests.pact_verification.running import Run, has, without_progress

pytestmark = pytest.mark.no_database

URLS = """
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from shop.models import Item


def host(request):
    names = request.get_host(), request.META["SERVER_NAME"], request.META["SERVER_PORT"]
    return JsonResponse([*names, request.build_absolute_uri("/"), settings.ALLOWED_HOSTS[0]], safe=False)


def tenant(request):
    if request.get_host() != "shop.example.com":
        raise Http404
    return JsonResponse(["tenant"], safe=False)


def strict(request):
    if request.get_host() != "shop.example.com":
        raise DisallowedHost(request.get_host())
    return JsonResponse(["strict"], safe=False)


def missing(request):
    get_object_or_404(Item, name="no such item")


urlpatterns = [path(view.__name__, view) for view in (host, tenant, strict, missing)]
"""
HINT = (
    "A request names the host 127.0.0.1, unless the pact names one. If the project chooses a site or a tenant by the "
    "host, set PACT_HOST to one that it knows."
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, "") as project:
        project.write("shop/urls.py", URLS)
        yield project


def expect(project: Project, *each: dict[str, Any], folder: str = "pacts") -> None:
    (project.folder / folder).mkdir(exist_ok=True)
    write_pact(project.folder / folder / "web.json", *each, provider="shop", consumer="web")


def verify(project: Project, settings: str, *options: str) -> Run:
    project.write("project_settings.py", f"{SETTINGS}\n{settings}\n")
    return project.verify(*options)


def test_requests_are_for_the_host_of_the_setting_unless_the_pact_names_one(project: Project) -> None:
    asked = interaction("by the verifier", "/host", response={"body": ANSWER})
    named = interaction(
        "by the pact",
        "/host",
        request={"headers": {"Host": "other.example"}},
        response={"body": ["other.example", "127.0.0.1", "", "http://other.example/", "shop.example.com"]},
    )
    named["response"]["matchingRules"] = {"body": {"$[2]": {"matchers": [{"match": "type"}]}}}
    expect(project, asked, named)
    run = verify(project, 'PACT_HOST = "shop.example.com:8000"\nALLOWED_HOSTS = ["own.example"]')
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out


ANSWER = [
    "shop.example.com:8000",
    "shop.example.com",
    "8000",
    "http://shop.example.com:8000/",
    "shop.example.com",
]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/tenant", "Every response was 404."),
        ("/strict", "The project refused the host of a request (DisallowedHost: 127.0.0.1"),
    ],
)
def test_a_project_that_does_not_know_the_host_gets_a_hint(project: Project, path: str, what: str) -> None:
    expect(project, interaction("one", path, response={"body": [path[1:]]}))
    run = verify(project, "")
    assert run.exit_code == 1
    has(run, what, HINT)
    run = verify(project, 'PACT_HOST = "shop.example.com"')
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    expect(project, interaction("one", path, response={"status": 418}))
    run = verify(project, 'PACT_HOST = "other.example.com"')
    assert run.exit_code == 1
    assert "PACT_HOST" not in run.out


@pytest.mark.parametrize("path", ["/missing", "/tenants"])
def test_there_is_no_hint_where_the_reason_is_known(project: Project, path: str) -> None:
    expect(project, interaction("one", path))
    run = verify(project, "")
    assert run.exit_code == 1
    assert "404 Not Found came instead of 200" in run.out
    assert "PACT_HOST" not in run.out


def test_there_is_no_hint_where_another_interaction_was_verified(project: Project) -> None:
    expect(project, interaction("one", "/tenant"), interaction("none", "/tenant", response={"status": 404}))
    run = verify(project, "")
    assert run.exit_code == 1
    assert "PACT_HOST" not in run.out


@pytest.mark.parametrize("setting", ["https://shop.example.com", "a b", "my_shop", 5])
def test_a_host_that_is_none_is_refused(project: Project, setting: object) -> None:
    expect(project, interaction("one", "/host"))
    run = verify(project, f"PACT_HOST = {setting!r}")
    assert run.exit_code == 2
    assert f"PACT_HOST is {setting!r}, not a host." in run.err


def test_pact_paths_are_relative_to_the_base_dir(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    (project.folder / "src").mkdir()
    expect(project, interaction("one", "/tenant", response={"status": 404}), folder="contracts")
    layout = 'from pathlib import Path\nBASE_DIR = Path(__file__).parent / "src"\nPACT_PATHS = ["../contracts"]'
    run = verify(project, layout)
    assert run.exit_code == 0, run
    has(run, "web  (contracts/web.json)")
    elsewhere = subprocess.run(
        project.command("django", "verify_pacts"),
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert f"web  ({project.folder}/contracts/web.json)" in elsewhere.stdout


def test_last_failed_survives_a_base_dir_that_each_process_makes(project: Project) -> None:
    expect(
        project,
        interaction("red", "/tenant"),
        interaction("green", "/tenant", response={"status": 404}),
    )
    temporary = (
        "import atexit, shutil, tempfile\nBASE_DIR = tempfile.mkdtemp()\n"
        "atexit.register(shutil.rmtree, BASE_DIR, True)\n"
        "del PACT_CACHE_DIR"
    )
    assert verify(project, temporary).exit_code == 1
    run = verify(project, temporary, "--last-failed")
    assert run.exit_code == 1
    has(run, "1 interaction of 1 consumer: 1 failed")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_manage_py_that_does_not_ask_for_its_name(project: Project, processes: str) -> None:
    expect(project, *(interaction(f"{n}", "/tenant", response={"status": 404}) for n in range(20)))
    project.write(
        "manage.py",
        "import os, sys\nfrom django.core.management import execute_from_command_line\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project_settings")\nexecute_from_command_line(sys.argv)\n',
    )
    run = subprocess.run(
        [sys.executable, "manage.py", "verify_pacts", "--parallel", processes],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, without_progress(run.stderr)) == (0, "")
    assert "20 verified" in run.stdout
