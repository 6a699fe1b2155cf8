"""manage.py provider_version: assignments for a shell."""

import subprocess
from pathlib import Path

import pytest

from tests.pact_verification.running import Run, git, run

pytestmark = pytest.mark.no_database


def provider_version(cwd: Path, **variables: str) -> Run:
    return run("provider_version", cwd=cwd, settings={"BASE_DIR": str(cwd)}, **variables)


def test_it_is_gits_where_nothing_else_names_it(clone: Path) -> None:
    ran = provider_version(clone)
    assert (ran.exit_code, ran.err) == (0, "")
    assert ran.out == f"GIT_COMMIT={git(clone, 'rev-parse', 'HEAD')}\nGIT_BRANCH=main\n"


@pytest.mark.parametrize("branch", ["feat/it's", "$(touch evil)", "a b"])
def test_a_shell_reads_the_same_name(clone: Path, branch: str) -> None:
    ran = provider_version(clone, GIT_COMMIT="c1", GIT_BRANCH=branch)
    read = subprocess.run(
        ["/bin/sh", "-c", f'{ran.out}printf %s "$GIT_BRANCH"'], cwd=clone, capture_output=True, text=True, check=True
    )
    assert read.stdout == branch
    assert not (clone / "evil").exists()


def test_a_name_that_is_not_known_is_an_error(clone: Path, tmp_path: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    detached = provider_version(clone)
    assert (detached.exit_code, detached.out) == (2, "")
    assert "No branch is checked out. Set GIT_BRANCH." in detached.err
    (tmp_path / "elsewhere").mkdir()
    elsewhere = provider_version(tmp_path / "elsewhere")
    assert (elsewhere.exit_code, elsewhere.out) == (2, "")
    assert "No commit is checked out. Set GIT_COMMIT." in elsewhere.err
