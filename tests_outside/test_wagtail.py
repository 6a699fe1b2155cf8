"""Wagtail, as `wagtail start` makes it: many migrations, a tree of pages, and pages whose constructor asks a table."""

from tests_outside.documented import snippet
from tests_outside.project import Project, interaction, proved

SETTINGS = """
INSTALLED_APPS += ["wagtail.api.v2", "rest_framework"]
"""
URLS = """
from django.urls import path
from wagtail.api.v2.router import WagtailAPIRouter
from wagtail.api.v2.views import PagesAPIViewSet

api = WagtailAPIRouter("wagtailapi")
api.register_endpoint("pages", PagesAPIViewSet)
urlpatterns = [path("api/", api.urls)]
"""
STATES = """
from wagtail.models import Page

from home.models import HomePage
from pact_verification import provider_state


@provider_state("a page {title} is published")
def page(title: str) -> dict[str, int]:
    home = Page.objects.get(slug="home")
    return {"id": home.add_child(instance=HomePage(title=title)).pk}
"""


def test_wagtail(project: Project) -> None:
    project.do("wagtail", "start", "config", ".")
    project.append("config/settings/base.py", SETTINGS)
    project.append("config/settings/base.py", snippet("In your own project"))
    project.write("config/urls.py", URLS)
    project.write("home/pact_states.py", STATES)
    project.pact(
        interaction("home alone", "GET /api/pages/", response={"meta": {"total_count": 1}}),
        interaction(
            "two pages",
            "GET /api/pages/?type=home.HomePage&order=-title",
            states=["a page News is published"],
            response={"meta": {"total_count": 2}},
        ),
        interaction("still home alone", "GET /api/pages/", response={"meta": {"total_count": 1}}),
    )
    # 185 migrations: kept, as README advises.
    for isolation in ("transaction", "flush"):
        proved(
            project,
            "--keepdb",
            "--isolation",
            isolation,
            breaking=("config/urls.py", '("pages", PagesAPIViewSet)', '("all", PagesAPIViewSet)'),
            shows="- 200 OK + 404 Not Found",
        )
