from pathlib import Path

import pytest

from pact_verification.errors import CannotVerify
from pact_verification.provider_version import ProviderVersion, find_version, require_checked_out
from tests.pact_verification.conftest import git

GITHUB = {"GITHUB_SHA": "aaaa", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}


def test_options_win_over_variables_over_githubs_over_git(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    assert find_version({}) == ProviderVersion(git(clone, "rev-parse", "HEAD"), "main")
    assert find_version(GITHUB) == ProviderVersion("aaaa", "main")
    both = GITHUB | {"GIT_COMMIT": "bbbb", "GIT_BRANCH": "b"}
    assert find_version(both) == ProviderVersion("bbbb", "b")
    given = find_version(both, number="cccc", branch="c", tags=("t",), build_url="http://build")
    assert given == ProviderVersion("cccc", "c", ("t",), "http://build")


def test_a_variable_that_is_empty_is_not_set(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    assert find_version({"GIT_COMMIT": "", "GIT_BRANCH": "", "GITHUB_SHA": ""}).branch == "main"


def test_branches_of_github(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    git(clone, "checkout", "--quiet", "--detach")
    pull_request = {"GITHUB_REF_NAME": "12/merge", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": "feat/x"}
    assert find_version(pull_request).branch == "feat/x"
    assert find_version({"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}).branch == ""


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_version({}) == ProviderVersion()


def test_the_commit_that_is_checked_out(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    commit = git(clone, "rev-parse", "HEAD")
    for number in (commit, commit[:7], f"{commit}-fake.1", f"{commit[:9]}+1"):
        require_checked_out(number)
    for number in ("", "-fake.1", commit[:6], f"{commit}0", "main", "1.2.3"):
        with pytest.raises(CannotVerify, match=f"but {commit} is checked out. Check out"):
            require_checked_out(number)
