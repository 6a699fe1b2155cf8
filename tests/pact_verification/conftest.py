import os
import secrets
from functools import partial
from pathlib import Path

import environ
import pytest

from tests.pact_verification.running import Databases, Verify, git, on_postgresql, run


@pytest.fixture(params=["postgresql"] if on_postgresql() else ["sqlite in memory", "sqlite on disk"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """DATABASES of the test app, of one kind after the other. None of the project's own exists: it is never needed."""
    if request.param == "postgresql":
        server = environ.Env.db_url_config(os.environ["DATABASE_URL"])
        name = f"no_such_{secrets.token_hex(4)}"
        return {"default": {**server, "NAME": name}, "audit": {**server, "NAME": f"{name}_audit"}}
    databases: Databases = {}
    for alias in ("default", "audit"):
        name = str(tmp_path / "no-such-directory" / alias)
        databases[alias] = {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
        if request.param == "sqlite on disk":
            databases[alias]["TEST"] = {"NAME": str(tmp_path / alias)}
    return databases


@pytest.fixture
def verify() -> Verify:
    return partial(run, "verify_pacts")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit, checked out and clean."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "file").write_text("as committed")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "--quiet", "--message", "m")
    return folder
