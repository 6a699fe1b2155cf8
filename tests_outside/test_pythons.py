"""Plain views and DRF on each Python and each Django that work together.

OUTSIDE_PYTHONS and OUTSIDE_DJANGOS select some, as `make test_outside OUTSIDE_PYTHONS="3.11 3.13"` does. A Python that
is not on this machine is skipped, and named. One that OUTSIDE_PYTHONS names has to be here.
"""

import os
from pathlib import Path

import pytest

from tests_outside import test_drf, test_plain_views
from tests_outside.environments import Environments, find_python
from tests_outside.project import Project
from tests_outside.test_drf import add_notes
from tests_outside.test_plain_views import add_shop

# https://docs.djangoproject.com/en/stable/faq/install/
PYTHONS = {
    "5.2": ("3.11", "3.12", "3.13", "3.14"),
    "6.0": ("3.12", "3.13", "3.14"),
    "6.1": ("3.12", "3.13", "3.14"),
}
WANTED = os.environ.get("OUTSIDE_PYTHONS", "").split()
PAIRS = [
    (python, django)
    for django in os.environ.get("OUTSIDE_DJANGOS", "").split() or PYTHONS
    for python in PYTHONS[django]
    if python in (WANTED or PYTHONS["5.2"])
]


@pytest.mark.parametrize(("python", "django"), PAIRS)
def test_pythons_and_djangos(python: str, django: str, environments: Environments, tmp_path: Path) -> None:
    if not find_python(python):
        assert not WANTED, f"Python {python} is not on this machine."
        pytest.skip(f"Python {python} is not on this machine.")
    environment = environments.of(python, django)
    project = Project(tmp_path / "project", environment)
    assert project.run("django-admin", "version").out.startswith(f"{django}.")
    project.start()
    add_shop(project)
    add_notes(project)
    project.do("python", "manage.py", "makemigrations")
    project.pact(*test_plain_views.GREEN)
    project.pact(*test_drf.GREEN, consumer="notebook")
    ran = project.verify()
    assert ran.exit_code == 0, ran.out
    ran.has("shop: 12 interactions of 2 consumers: 12 verified", "The contracts hold.")
    assert "Warning" not in ran.out, ran.out
    project.replace("shop/views.py", '"name": found.name', '"title": found.name')
    assert project.verify().exit_code == 1
