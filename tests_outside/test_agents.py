"""The pact_states.py that AGENTS.md shows to coding assistants, and the commands that it tells them."""

import re
import shlex

from tests_outside.documented import snippet
from tests_outside.environments import ROOT
from tests_outside.project import Project, interaction
from tests_outside.test_plain_views import add_shop

ME = """

def me(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"name": request.user.get_username()}, status=200 if request.user.is_authenticated else 401)
"""
GREEN = [
    interaction("a product", "GET /products/7", states=["a product with ID 7 exists"], response={"id": "7"}),
    interaction("no products", "GET /products", states=["no products exist"]),
    interaction("me", "GET /me", states=["the consumer is signed in"], response={"name": "consumer"}),
    interaction(
        "no price",
        "GET /products/7/price",
        states=["a product with ID 7 exists", "the price service is down"],
        status=503,
    ),
]


def test_an_assistant_follows_the_page(bare_project: Project) -> None:
    project = bare_project
    project.start()
    add_shop(project)
    project.append("shop/views.py", ME)
    project.append("config/urls.py", 'urlpatterns += [path("me", views.me)]\n')
    project.write("shop/pact_states.py", snippet("Provider states", "AGENTS.md"))
    project.do("python", "manage.py", "makemigrations")
    project.pact(*GREEN)
    lines = re.findall(r"^\$ python (.*)$", (ROOT / "AGENTS.md").read_text(), re.MULTILINE)
    key = re.findall(r"\b[0-9a-f]{10}\b", project.verify("--list").out)[0]
    for line in lines:
        ran = project.run("python", *shlex.split(line.replace("KEY", key), comments=True))
        # Nothing has failed yet, and the consumer of "me" reads the name.
        expected = 3 if "--last-failed" in line else 1 if "pact_impact" in line else 0
        assert ran.exit_code == expected, (line, ran.out)
    project.verify().has("shop: 4 interactions of 1 consumer: 4 verified")
    project.replace("shop/views.py", '"name": found.name', '"title": found.name')
    assert project.verify().exit_code == 0  # no consumer reads that name
    project.replace("shop/views.py", '{"id": found.id', '{"ID": found.id')
    assert project.verify().exit_code == 1
