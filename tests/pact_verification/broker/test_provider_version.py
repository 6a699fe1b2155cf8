import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from pact_verification.broker.provider_version import (
    ProviderVersion,
    find_version,
    head,
    ignored_code,
    require_checked_out,
    why_not_checked_out,
)
from pact_verification.errors import CannotVerify
from tests.pact_verification.running import git

pytestmark = pytest.mark.no_database  # it is about git and the environment


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
    assert find_version({"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}).branch is None


GITLAB = {
    "GITLAB_CI": "true",
    "CI_COMMIT_SHA": "aaaa",
    "CI_COMMIT_BRANCH": "feat/x",
    "CI_JOB_URL": "https://gitlab.example/me/it/-/jobs/7",
}


def test_a_ci_service_names_what_a_detached_head_does_not(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    version = find_version(GITLAB)
    assert version == ProviderVersion("aaaa", "feat/x", build_url="https://gitlab.example/me/it/-/jobs/7")
    assert version.detected == "GitLab CI"
    assert find_version({"GITLAB_CI": "true", "GIT_COMMIT": "bbbb", "CI_COMMIT_TAG": "v1"}).branch is None


def test_what_is_given_wins_over_the_ci_service(clone: Path) -> None:
    version = find_version(GITLAB | {"GIT_COMMIT": "bbbb", "GIT_BRANCH": "b"}, build_url="http://build")
    assert (version, version.detected) == (ProviderVersion("bbbb", "b", build_url="http://build"), None)
    version = find_version(GITLAB | {"GIT_BRANCH": "b"})
    assert (version.number, version.branch, version.detected) == ("aaaa", "b", "GitLab CI")


def test_a_ci_service_without_a_branch_leaves_it_to_git(clone: Path) -> None:
    teamcity = {"TEAMCITY_VERSION": "2025.11", "BUILD_VCS_NUMBER": "aaaa"}
    assert find_version(teamcity) == ProviderVersion("aaaa", "main")
    git(clone, "checkout", "--quiet", "--detach")
    version = find_version(teamcity)
    assert version == ProviderVersion("aaaa")
    assert version.without_branch == "TeamCity names no branch here, and git has none checked out"
    assert find_version({}).without_branch == "No branch is known"


@pytest.mark.parametrize(
    ("variables", "branch"),
    [
        ({"GIT_BRANCH": "origin/main"}, "main"),
        ({"GIT_BRANCH": "origin/feat/x", "BRANCH_NAME": "feat/x"}, "feat/x"),
        ({"GIT_BRANCH": "origin/x", "BRANCH_NAME": "origin/x"}, "origin/x"),  # what the branch is called
        ({"GIT_BRANCH": "PR-12", "BRANCH_NAME": "PR-12", "CHANGE_BRANCH": "feat/x"}, "feat/x"),
        ({"GIT_BRANCH": "mine", "BRANCH_NAME": "PR-12", "CHANGE_BRANCH": "feat/x"}, "mine"),  # the user has set it
        ({"GIT_BRANCH": "v1", "BRANCH_NAME": "v1", "TAG_NAME": "v1"}, None),
        ({"GIT_BRANCH": "detached"}, None),
        ({"GIT_BRANCH": "origin/detached", "GIT_LOCAL_BRANCH": "main"}, "main"),
        ({"BRANCH_NAME": "main"}, "main"),
    ],
)
def test_branches_of_jenkins(clone: Path, variables: dict[str, str], branch: str | None) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    jenkins = {"JENKINS_URL": "https://jenkins.example/", "BUILD_URL": "https://jenkins.example/job/x/7/"}
    version = find_version(jenkins | {"GIT_COMMIT": "aaaa"} | variables)
    assert version == ProviderVersion("aaaa", branch, build_url="https://jenkins.example/job/x/7/")
    assert version.detected == "Jenkins"
    assert (
        find_version(variables | {"GIT_BRANCH": "origin/main"}).branch == "origin/main"
    )  # Jenkins alone means a remote


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
    commit = head()
    assert find_version({}).number == commit
    assert commit is not None
    assert len(commit) == 40


FLAGS = ["--assume-unchanged", "--skip-worktree"]


def doubt(clone: Path) -> str:
    return why_not_checked_out(git(clone, "rev-parse", "HEAD")) or ""


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "--quiet", "--message", "m")


class TestWhatGitIsToldNotToLookAt:
    @pytest.mark.parametrize("flag", FLAGS)
    def test_a_file_that_is_as_committed_is_no_change(self, clone: Path, flag: str) -> None:
        git(clone, "update-index", flag, "file")
        flagged = git(clone, "ls-files", "-v")
        assert doubt(clone) == ""
        assert git(clone, "ls-files", "-v") == flagged  # the repository's own index is only read

    @pytest.mark.parametrize("flag", FLAGS)
    def test_a_file_that_changed(self, clone: Path, flag: str) -> None:
        git(clone, "update-index", flag, "file")
        (clone / "file").write_text("changed")
        assert git(clone, "status", "--porcelain") == ""
        assert doubt(clone).endswith(
            "but the working tree has changes: file (hidden from git status by git update-index)."
        )
        (clone / "new").touch()
        assert "changes: file (hidden from git status by git update-index), new." in doubt(clone)

    @pytest.mark.parametrize("flag", FLAGS)
    def test_a_file_that_is_gone(self, clone: Path, flag: str) -> None:
        git(clone, "update-index", flag, "file")
        (clone / "file").unlink()
        assert "the working tree has changes: file (hidden" in doubt(clone)

    def test_from_a_folder_within(self, clone: Path) -> None:
        (clone / "backend").mkdir()
        (clone / "backend" / "größe").touch()
        commit(clone)
        git(clone, "update-index", *FLAGS[:1], "file")
        (clone / "file").write_text("changed")
        with override_settings(BASE_DIR=clone / "backend"):
            assert "the working tree has changes: file (hidden" in doubt(clone)

    def test_a_sparse_checkout_lacks_files_and_hides_none(self, clone: Path) -> None:
        for folder in ("kept", "left-out", "große ", "a b"):
            (clone / folder).mkdir()
            (clone / folder / "file").write_text("as committed")
        commit(clone)
        git(clone, "sparse-checkout", "set", "kept")
        assert not (clone / "left-out").exists()
        assert doubt(clone) == ""
        (clone / "left-out").mkdir()
        (clone / "left-out" / "file").write_text("changed")
        assert "the working tree has changes: left-out/file" in doubt(clone)

    def test_line_ends_and_filters_are_gits_own(self, clone: Path) -> None:
        (clone / ".gitattributes").write_text("*.txt text eol=crlf\n*.upper filter=case\n")
        git(clone, "config", "filter.case.clean", "tr a-z A-Z")
        git(clone, "config", "filter.case.smudge", "tr A-Z a-z")
        for name in ("crlf.txt", "word.upper"):
            (clone / name).write_text("word\n")
        commit(clone)
        for name in ("crlf.txt", "word.upper"):
            (clone / name).unlink()
        git(clone, "checkout", ".")
        assert (clone / "crlf.txt").read_bytes() == b"word\r\n"
        git(clone, "update-index", "--assume-unchanged", "crlf.txt", "word.upper")
        assert doubt(clone) == ""

    @pytest.mark.parametrize("settings", [{"core.trustctime": "false"}, {"core.checkStat": "minimal"}])
    def test_a_file_of_the_same_size_and_time(self, clone: Path, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            git(clone, "config", name, value)
        file = clone / "file"
        os.utime(file, (1, 1))
        git(clone, "update-index", "--refresh")
        file.write_text("AS COMMITTED")
        os.utime(file, (1, 1))
        assert "the working tree has changes: file." in doubt(clone)

    def test_an_index_or_a_commit_that_stands_in_for_the_real_one(
        self, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original = git(clone, "rev-parse", "HEAD")
        (clone / "file").write_text("changed")
        commit(clone)
        changed = git(clone, "rev-parse", "HEAD")
        git(clone, "update-ref", "HEAD", original)
        git(clone, "replace", original, changed)
        assert git(clone, "status", "--porcelain") == ""
        assert "the working tree has changes: file." in doubt(clone)
        git(clone, "replace", "--delete", original)
        git(clone, "reset", "--quiet", "--hard")
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no-such-index"))
        assert why_not_checked_out(original) is None


class TestSubmodules:
    @pytest.fixture
    def submodule(self, clone: Path, tmp_path: Path) -> Path:
        library = tmp_path / "library"
        library.mkdir()
        git(library, "init", "--quiet")
        (library / "code.py").write_text("as committed")
        commit(library)
        git(clone, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
        git(clone, "config", "--file", ".gitmodules", "submodule.lib.ignore", "all")
        commit(clone)
        return clone / "lib"

    def test_a_clean_one(self, clone: Path, submodule: Path) -> None:
        assert doubt(clone) == ""

    def test_a_change_in_one_that_git_is_configured_to_ignore(self, clone: Path, submodule: Path) -> None:
        (submodule / "code.py").write_text("changed")
        assert git(clone, "status", "--porcelain") == ""
        assert "the working tree has changes: lib." in doubt(clone)

    def test_another_commit_of_it(self, clone: Path, submodule: Path) -> None:
        (submodule / "code.py").write_text("changed")
        commit(submodule)
        assert "the working tree has changes: lib." in doubt(clone)

    @pytest.mark.parametrize("flag", FLAGS)
    def test_a_change_in_one_that_git_is_told_not_to_look_at(self, clone: Path, submodule: Path, flag: str) -> None:
        git(submodule, "update-index", flag, "code.py")
        (submodule / "code.py").write_text("changed")
        assert "the working tree has changes: lib/code.py (hidden" in doubt(clone)
        git(clone, "update-index", flag, "lib")
        assert "the working tree has changes: lib" in doubt(clone)

    def test_one_that_is_not_checked_out(self, clone: Path, submodule: Path) -> None:
        git(clone, "submodule", "--quiet", "deinit", "lib")
        assert doubt(clone) == ""


def test_ignored_code_is_named(clone: Path) -> None:
    """Nothing can be compared with it. What tools leave, and what they install, is none of the project's."""
    assert ignored_code() is None
    (clone / ".gitignore").write_text("local_settings.py\n*.html\n__pycache__/\nvenv/\nmade/\n.tox/\n*.log\n")
    commit(clone)
    for name in ("venv/pyvenv.cfg", "venv/code.py", ".tox/a.py", "__pycache__/a.pyc", "a.log"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).touch()
    assert ignored_code() is None
    (clone / "app").mkdir()
    for name in ("local_settings.py", "app/local_settings.py", "app/page.html", "made/code.py"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).touch()
    assert ignored_code() == (
        "Git ignores app/local_settings.py, app/page.html, local_settings.py, made/, so nothing tells whether they "
        "belong to the commit."
    )
    assert doubt(clone) == ""
