from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from pact_verification.errors import CannotVerify
from pact_verification.provider_version import ProviderVersion, find_version, head, require_checked_out
from tests.pact_verification.conftest import git


@pytest.fixture(autouse=True)
def here(clone: Path) -> Iterator[None]:
    with override_settings(BASE_DIR=clone):
        yield


GITHUB = {"GITHUB_SHA": "aaaa", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}


def test_options_win_over_variables_over_githubs_over_git(clone: Path) -> None:
    assert find_version({}) == ProviderVersion(git(clone, "rev-parse", "HEAD"), "main")
    assert find_version(GITHUB) == ProviderVersion("aaaa", "main")
    both = GITHUB | {"GIT_COMMIT": "bbbb", "GIT_BRANCH": "b"}
    assert find_version(both) == ProviderVersion("bbbb", "b")
    given = find_version(both, number="cccc", branch="c", tags=("t",), build_url="http://build")
    assert given == ProviderVersion("cccc", "c", ("t",), "http://build")


def test_a_variable_that_is_empty_is_not_set(clone: Path) -> None:
    assert find_version({"GIT_COMMIT": " ", "GIT_BRANCH": "", "GITHUB_SHA": ""}).branch == "main"


def test_branches_of_github(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    pull_request = {"GITHUB_REF_NAME": "12/merge", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": "feat/x"}
    assert find_version(pull_request).branch == "feat/x"
    assert find_version({"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}).branch == ""


def test_without_git(tmp_path: Path) -> None:
    with override_settings(BASE_DIR=tmp_path):
        assert find_version({}) == ProviderVersion()


def test_the_commit_that_is_checked_out(clone: Path) -> None:
    commit = git(clone, "rev-parse", "HEAD")
    for number in (commit, commit[:7], f"{commit}-fake.1", f"{commit[:9]}+1"):
        require_checked_out(number)
    for number in ("", "-fake.1", commit[:6], f"{commit}0", "main", "1.2.3"):
        with pytest.raises(CannotVerify, match=f"but {commit} is checked out. Check out"):
            require_checked_out(number)


def test_a_git_that_fails_is_no_clean_tree(clone: Path) -> None:
    (clone / ".git/index").write_text("garbage")
    with pytest.raises(CannotVerify, match="git status fails, so nothing says that the tree is clean"):
        require_checked_out(git(clone, "rev-parse", "HEAD"))


def test_new_files_count_whatever_git_is_configured_to_show(clone: Path) -> None:
    git(clone, "config", "status.showUntrackedFiles", "no")
    (clone / "new").touch()
    with pytest.raises(CannotVerify, match="the working tree has changes: new"):
        require_checked_out(git(clone, "rev-parse", "HEAD"))


def test_a_stray_git_dir_is_not_asked(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert find_version({}).number == head()
    assert len(head()) == 40
