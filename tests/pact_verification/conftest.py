import os
import secrets
from functools import partial
from pathlib import Path

import environ
import pytest

from tests.pact_verification.running import Databases, Verify, git, on_postgresql, run


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """Return the test app's DATABASES. The project's own databases don't exist, because a run never needs them.

    On SQLite the test databases are in memory, as Django makes them. A test marked `each_kind_of_sqlite` runs once more
    with files.
    """
    kind = getattr(request, "param", "sqlite in memory")
    if on_postgresql():
        server = environ.Env.db_url_config(os.environ["DATABASE_URL"])
        name = f"no_such_{secrets.token_hex(4)}"
        return {"default": {**server, "NAME": name}, "audit": {**server, "NAME": f"{name}_audit"}}
    databases: Databases = {}
    for alias in ("default", "audit"):
        name = str(tmp_path / "no-such-directory" / alias)
        databases[alias] = {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
        if kind == "sqlite on disk":
            databases[alias]["TEST"] = {"NAME": str(tmp_path / alias)}
    return databases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked `each_kind_of_sqlite` with test databases in memory and in files."""
    is_marked = any(metafunc.definition.iter_markers("each_kind_of_sqlite"))
    if is_marked and not on_postgresql() and "databases" in metafunc.fixturenames:
        metafunc.parametrize("databases", ["sqlite in memory", "sqlite on disk"], indirect=True)


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
