import os
from pathlib import Path

import pytest

from tests_outside.environments import Environments
from tests_outside.project import Project


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Return the environments, which all processes of this session share."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "environments"
    folder.mkdir(exist_ok=True)
    return Environments(folder)


@pytest.fixture
def project(environments: Environments, tmp_path: Path) -> Project:
    """Return an empty folder for a project, in the environment with all packages."""
    return Project(tmp_path / "project", environments.everything())


@pytest.fixture
def bare_project(environments: Environments, tmp_path: Path) -> Project:
    """Return one in an environment with Django, what pact_verification needs, and nothing else."""
    return Project(tmp_path / "project", environments.bare())
