"""A project on a Django that is too old: the installation leaves that Django alone, and the commands refuse it."""

from pathlib import Path

import pytest

from tests_outside.environments import Environments
from tests_outside.project import Project

OLD = "4.2"
TOO_OLD = (
    "(pact_verification.E101) Django is '{version}', not 5.2 or later. HINT: Upgrade the project to Django 5.2 or "
    "later, or take 'pact_verification' out of INSTALLED_APPS until then."
)


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_an_old_django_stays_and_is_refused(installer: str, environments: Environments, tmp_path: Path) -> None:
    environment = environments.before_installation(f"{installer}-django{OLD}", OLD)
    project = Project(tmp_path / "project", environment)
    version = project.run("django-admin", "version").out.strip()
    assert version.startswith(f"{OLD}.")
    environments.install(environment, installer)
    assert project.run("django-admin", "version").out.strip() == version
    project.start()
    refused = TOO_OLD.format(version=version)
    for command, exit_code in (("check", 1), ("verify_pacts", 2), ("pact_states", 2), ("can_i_deploy", 2)):
        ran = project.run("python", "-W", "ignore", "manage.py", command)
        assert ran.exit_code == exit_code, ran.out
        ran.has(refused)
        assert "Traceback" not in ran.out
