"""manage.py provider_version: assignments for a shell."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.running import Run, git, run

pytestmark = pytest.mark.no_database


def provider_version(cwd: Path, **variables: str) -> Run:
    return run("provider_version", cwd=cwd, settings={"BASE_DIR": str(cwd)}, **variables)


def test_it_is_gits_where_nothing_else_names_it(clone: Path) -> None:
    ran = provider_version(clone)
    assert (ran.exit_code, ran.err) == (0, "")
    assert ran.out == f"GIT_COMMIT={git(clone, 'rev-parse', 'HEAD')}\nGIT_BRANCH=main\nPULL_REQUEST=\n"


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
    teamcity = provider_version(clone, TEAMCITY_VERSION="2025.11", BUILD_VCS_NUMBER="aaaa")
    assert "TeamCity names no branch here, and git has none checked out. Set GIT_BRANCH." in teamcity.err


def test_the_build_of_a_merge_request(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    variables = {"CI_COMMIT_SHA": "aaaa", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main", "CI_MERGE_REQUEST_IID": "7"}
    ran = provider_version(clone, GITLAB_CI="true", **variables)
    assert ran.out == "GIT_COMMIT=aaaa\nGIT_BRANCH=main\nPULL_REQUEST=true\n"


@pytest.mark.parametrize("name", ["provider_version", "can_i_deploy", "verify_pacts"])
def test_help_says_what_is_detected(clone: Path, tmp_path: Path, name: str) -> None:
    settings = {"BASE_DIR": str(clone)}
    gitlab: dict[str, Any] = {
        "GITLAB_CI": "true",
        "CI_COMMIT_SHA": "aaaa",
        "CI_COMMIT_BRANCH": "feat/x",
        "CI_JOB_URL": "https://gitlab.example/1",
        "COLUMNS": "200",
    }
    ran = run(name, "--help", settings=settings, **gitlab)
    assert (ran.exit_code, ran.err) == (0, "")
    assert ran.out.endswith(
        "\n\ndetected here: GitLab CI; version aaaa, branch feat/x, build URL https://gitlab.example/1\n"
    )
    token = {"PACT_BROKER_TOKEN": "t0ken-that-nobody-may-see"}
    leaking = gitlab | token | {"CI_COMMIT_BRANCH": "x-t0ken-that-nobody-may-see", "CI_JOB_URL": "https://a:b@c"}
    ran = run(name, "--help", settings=settings, **leaking)
    assert ran.out.endswith("detected here: GitLab CI; version aaaa, branch x-(hidden), no build URL\n")
    ran = run(name, "--help", settings=settings, COLUMNS="200")
    commit = git(clone, "rev-parse", "HEAD")
    assert ran.out.endswith(f"detected here: no CI service; version {commit}, branch main, no build URL\n")
    for folder in (tmp_path, tmp_path / "missing"):  # neither has a repository
        ran = run(name, "--help", settings={"BASE_DIR": str(folder)}, COLUMNS="200")
        assert ran.out.endswith("detected here: no CI service; no version, no branch, no build URL\n")
