"""A src/ layout, with settings in several files: base, dev, and those for contracts."""

from tests_outside.documented import snippet
from tests_outside.project import Project, interaction, proved

VIEWS = """
from django.conf import settings
from django.http import HttpRequest, JsonResponse


def about(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"currency": settings.CURRENCY})
"""
URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("about", views.about)]
"""
DEV = """
from config.settings.base import *

CURRENCY = "USD"
EMAIL_BACKEND = "no.such.module"
"""
PACT = """
CURRENCY = "EUR"
PACT_PATHS = ["../pacts"]
"""


def test_split_settings(bare_project: Project) -> None:
    """The command is typed in the top folder. manage.py names the settings for development."""
    project = bare_project
    (project.folder / "src").mkdir()
    project.do("django-admin", "startproject", "config", "src")
    project.do("python", "manage.py", "startapp", "shop", cwd="src")
    settings = (project.folder / "src/config/settings.py").read_text()
    (project.folder / "src/config/settings.py").unlink()
    project.write("src/config/settings/__init__.py", "")
    project.write("src/config/settings/base.py", settings)
    project.replace("src/config/settings/base.py", "parent.parent", "parent.parent.parent")
    project.append("src/config/settings/base.py", "INSTALLED_APPS += ['shop']\n")
    project.append("src/config/settings/base.py", snippet("In your own project"))
    project.write("src/config/settings/dev.py", DEV)
    settings = snippet("Which settings a run uses", "docs/howto/settings-of-a-run.md")
    project.write("src/config/settings/pact.py", settings)
    project.append("src/config/settings/pact.py", PACT)
    project.replace("src/manage.py", "config.settings", "config.settings.dev")
    project.manage_py = "src/manage.py"
    project.write("src/shop/views.py", VIEWS)
    project.write("src/config/urls.py", URLS)
    project.pact(interaction("about", "GET /about", response={"currency": "EUR"}))
    proved(
        project,
        "--settings",
        "config.settings.pact",
        breaking=("src/config/settings/pact.py", "EUR", "GBP"),
        shows="# $.currency: 'GBP' (text) came, and the contract has 'EUR' (text)",
    )
    assert sorted(path.name for path in project.folder.iterdir()) == ["pacts", "src"]
