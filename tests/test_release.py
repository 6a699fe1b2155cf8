"""A release: what `make release` refuses and builds, and the workflow that publishes."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.github_actions import fill
from tests.pact_verification.running import ROOT, Run, git, inherited
from tests.release import NOTES, main, section
from tests_outside.environments import Environments

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
TAG = f"v{VERSION}"
SAID = "### Added\n\n* A thing.\n\n```console\n$ make\n```"
WHEEL, SDIST = f"django_pact_verification-{VERSION}-py3-none-any.whl", f"django_pact_verification-{VERSION}.tar.gz"

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this project as it is now, with a changelog of the version, pushed to a remote."""
    folder = tmp_path_factory.mktemp("release")
    project, remote = folder / "project", folder / "remote.git"
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).exists():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project / name)  # with their times, or make would install everything again
    (project / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## [{VERSION}] - 2026-12-01\n\n{SAID}\n\n## [0.0.1]\n\n* Old.\n"
    )
    (project / ".venv").symlink_to(ROOT / ".venv")
    git(folder, "init", "--quiet", "--bare", str(remote))
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "config", "user.name", "n")
    git(project, "config", "user.email", "e@example.org")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "m")
    git(project, "remote", "add", "origin", str(remote))
    git(project, "push", "--quiet", "origin", "main")
    return project


@pytest.fixture
def project(released: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The clone without what another test left, as the working directory."""
    monkeypatch.chdir(released)
    monkeypatch.delenv("RELEASE_TAG", raising=False)
    yield released
    git(released, "checkout", "--quiet", "main")
    git(released, "reset", "--quiet", "--hard", "origin/main")
    git(released, "clean", "--quiet", "--force")
    for tag in git(released, "tag", "--list").split():
        git(released, "tag", "--delete", tag)
    shutil.rmtree(released / "dist", ignore_errors=True)


@pytest.fixture
def step(project: Path, tmp_path: Path) -> Callable[..., Run]:
    """Run a command in the clone."""

    def run(*command: str, **variables: str) -> Run:
        outside = {key: value for key, value in inherited().items() if not key.startswith(("MAKE", "MFLAGS"))}
        path = f"{tmp_path}:{os.environ['PATH']}"
        finished = subprocess.run(
            command,
            cwd=project,
            env={**outside, "PATH": path, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(finished.returncode, finished.stdout, finished.stderr)

    return run


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


class TestMakeRelease:
    def test_it_builds_and_says_what_is_next(self, step: Callable[..., Run], project: Path) -> None:
        (project / "dist").mkdir()
        (project / "dist/django_pact_verification-0.0.1.tar.gz").touch()
        ran = step("make", "release")
        assert ran.exit_code == 0, ran
        assert ran.out == (
            f"Version {VERSION} is built and checked:\n  dist/{WHEEL}\n  dist/{SDIST}\n  dist/notes.md\n"
            f"Nothing is pushed. To publish it: make release PUSH=1. That pushes the tag {TAG}, and the workflow "
            "`release` publishes the version at PyPI and GitHub.\n"
        )
        assert ran.err.count("PASSED") == 2
        assert sorted(path.name for path in (project / "dist").iterdir()) == sorted([WHEEL, SDIST, "notes.md"])
        assert (project / NOTES).read_text() == f"{SAID}\n"
        assert git(project, "tag", "--list") == git(project, "ls-remote", "--tags", "origin") == ""

    def test_push_pushes_the_tag_and_nothing_else(
        self,
        step: Callable[..., Run],
        project: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert step("make", "--dry-run", "release", "PUSH=1").out.endswith("-m tests.release --push\n")
        (project / "dist").mkdir()
        monkeypatch.setattr("tests.release.build", list)  # another test has seen what it builds
        assert main(["--push"]) == 0
        assert capsys.readouterr().out.endswith(
            f"The tag {TAG} is pushed. The workflow `release` tests the version again and publishes it.\n"
        )
        try:
            remote = git(project, "ls-remote", "origin")
            pushed = {line.partition("\t")[2]: line.partition("\t")[0] for line in remote.splitlines()}
            commit = git(project, "rev-parse", "HEAD")
            assert pushed.pop(f"refs/tags/{TAG}^{{}}") == pushed.pop("refs/heads/main") == commit
            assert pushed.keys() <= {"HEAD", f"refs/tags/{TAG}"}
            git(project, "tag", "--delete", TAG)  # known to the remote alone
            assert main([]) == 2
            assert f"* The tag {TAG} exists. Raise `version` in pyproject.toml.\n" in capsys.readouterr().err
        finally:
            git(project, "push", "--quiet", "origin", f":refs/tags/{TAG}")

    def test_it_names_all_reasons_and_builds_nothing(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        git(project, "tag", TAG)
        (project / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n* A thing.\n")
        assert main([]) == 2
        assert capsys.readouterr() == (
            "",
            (
                f"Version {VERSION} can't be released:\n"
                "* The tree has changes that are not committed:\nM CHANGELOG.md\n"
                f"* CHANGELOG.md says nothing below a heading '## [{VERSION}] - YYYY-MM-DD'. Write it for users.\n"
                f"* The tag {TAG} exists. Raise `version` in pyproject.toml.\n"
            ),
        )
        assert not (project / "dist").exists()

    def test_a_file_that_git_does_not_know_is_a_change(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "pact_verification/left.py").touch()
        assert main([]) == 2
        assert "?? pact_verification/left.py\n" in capsys.readouterr().err

    def test_a_commit_that_is_not_on_main_is_not_tagged(
        self, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        git(project, "commit", "--quiet", "--allow-empty", "--message", "not pushed")
        assert main(["--push"]) == 2
        assert "* origin/main does not have this commit. Push the branch first, and fetch.\n" in capsys.readouterr().err
        assert git(project, "tag", "--list") == ""

    def test_the_tag_of_another_version(
        self, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RELEASE_TAG", "v9.9")
        assert main([]) == 2
        assert f"* The tag is 'v9.9', and pyproject.toml has the version of '{TAG}'." in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("changelog", "said"),
        [
            ("## [1.0] - 2026-12-01\n\n* New.\n\n* More.\n\n## [0.9] - 2026-11-01\n\n* Old.\n", "* New.\n\n* More.\n"),
            ("## 1.0 - 2026-12-01\n* New.\n", "* New.\n"),
            ("## [1.0] - 2026-12-01\n\n## [0.9] - 2026-11-01\n\n* Old.\n", "\n"),
            ("## [1.0]\n\n* New.\n", None),
            ("## [1.0.1] - 2026-12-01\n\n* New.\n", None),
            ("## [1x0] - 2026-12-01\n\n* New.\n", None),
        ],
    )
    def test_the_changelogs_section(self, changelog: str, said: str | None) -> None:
        assert section(f"# Changelog\n\n{changelog}", "1.0") == said


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


class TestDistribution:
    def test_the_metadata(self, dist: Path) -> None:
        found = metadata(dist / WHEEL)
        assert (found["Name"], found["License-Expression"]) == ("django-pact-verification", "MIT")
        assert found.get_all("Provides-Extra") == ["pytest"]
        assert "pytest-django>=4.11; extra == 'pytest'" in found.get_all("Requires-Dist", [])
        classifiers = found.get_all("Classifier", [])
        assert {"Typing :: Typed", "Framework :: Django"} <= set(classifiers)
        assert not [each for each in classifiers if each.startswith("License ::")]  # the expression replaces them
        with zipfile.ZipFile(dist / WHEEL) as wheel:
            assert "pact_verification/py.typed" in wheel.namelist()

    def test_no_bound_lets_an_installer_replace_the_projects_django(self, dist: Path) -> None:
        """pip upgrades an older Django for a lower bound, and downgrades a newer one for an upper bound."""
        required = metadata(dist / WHEEL).get_all("Requires-Dist", [])
        assert [each for each in required if re.match(r"django\b(?!-)", each, re.IGNORECASE)] == ["django"]

    def test_its_urls_are_in_one_repository_and_their_pages_exist(self, dist: Path) -> None:
        urls = dict(each.split(", ") for each in metadata(dist / WHEEL).get_all("Project-URL", []))
        assert urls.keys() == {"Documentation", "Source", "Changelog", "Issues"}
        for url in urls.values():
            assert url.startswith(urls["Source"])
            if page := re.search(r"/(?:tree|blob)/main/(.+)", url):
                assert (ROOT / page[1]).exists()

    def test_pypis_page_has_no_link_that_only_works_in_the_repository(self, dist: Path) -> None:
        urls = dict(each.split(", ") for each in metadata(dist / WHEEL).get_all("Project-URL", []))
        page = metadata(dist / WHEEL).get_payload()
        assert isinstance(page, str)
        links = re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)\"", page)
        targets = {first or second for first, second in links}
        assert [link for link in targets if not link.startswith(("https://", "#"))] == []
        raw = urls["Source"].replace("github.com", "raw.githubusercontent.com")
        files = [
            link.removeprefix(prefix).partition("#")[0]
            for prefix in (f"{urls['Source']}/blob/{TAG}/", f"{raw}/{TAG}/")
            for link in targets
            if link.startswith(prefix)
        ]
        assert files
        assert [file for file in files if not (ROOT / file).exists()] == []

    def test_the_sdist_builds_the_same_wheel(self, dist: Path, tmp_path: Path) -> None:
        with tarfile.open(dist / SDIST) as archive:
            archive.extractall(tmp_path, filter="data")
        (folder,) = tmp_path.iterdir()
        assert {path.name for path in folder.iterdir()} == {
            ".gitignore",
            "CHANGELOG.md",
            "LICENSE",
            "PKG-INFO",
            "README.md",
            "pact_verification",
            "pyproject.toml",
        }
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        assert (folder / "dist" / WHEEL).read_bytes() == (dist / WHEEL).read_bytes()


class TestWorkflow:
    @pytest.fixture
    def workflow(self) -> dict[Any, Any]:
        loaded: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
        return loaded

    @pytest.fixture
    def jobs(self, workflow: dict[str, Any]) -> dict[str, Any]:
        return dict(workflow["jobs"])

    def test_it_runs_for_tags_alone(self, workflow: dict[Any, Any]) -> None:
        assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true

    def test_one_step_waits_for_the_other(self, jobs: dict[str, Any]) -> None:
        needs = {name: job.get("needs") for name, job in jobs.items()}
        assert needs == {"build": None, "test": "build", "publish": "test", "github-release": "publish"}

    def test_each_job_has_the_permissions_that_it_needs(self, workflow: dict[str, Any]) -> None:
        assert workflow["permissions"] == {}
        assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
            "build": {"contents": "read"},
            "test": {"contents": "read"},
            "publish": {"id-token": "write"},
            "github-release": {"contents": "write"},
        }

    def test_the_job_that_pypi_trusts_runs_no_code_of_the_repository(self, jobs: dict[str, Any]) -> None:
        publish = jobs["publish"]
        assert publish["environment"]["name"] == "pypi"
        assert [re.sub("@.*", "", step["uses"]) for step in publish["steps"]] == [
            "actions/download-artifact",
            "pypa/gh-action-pypi-publish",
        ]
        assert publish["steps"][-1]["with"] == {"attestations": True}  # and no password
        assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text()

    def test_it_uses_the_versions_of_actions_that_the_other_workflows_use(self) -> None:
        used: dict[str, set[str]] = {}
        for path in (ROOT / ".github").rglob("*.yml"):
            for name, version in re.findall(r"uses: ([\w/-]+)@(.+)", path.read_text()):
                used.setdefault(name, set()).add(version)
        assert {name: versions for name, versions in used.items() if len(versions) > 1} == {}

    def test_it_tests_the_built_wheel_on_each_supported_python(self, jobs: dict[str, Any]) -> None:
        build = yaml.safe_load((ROOT / ".github/workflows/build.yml").read_text())["jobs"]["outside"]
        assert jobs["test"]["strategy"]["matrix"] == {"python": build["strategy"]["matrix"]["python"]}
        step = jobs["test"]["steps"][-1]
        assert step["run"] == "make test_outside"
        assert step["env"]["OUTSIDE_DIST"] == "dist"

    @staticmethod
    def artifacts(jobs: dict[str, Any], action: str) -> dict[str, str]:
        """Return the paths of the artifacts that the jobs upload or download."""
        steps = [step for job in jobs.values() for step in job["steps"]]
        used = [step["with"] for step in steps if step.get("uses", "").startswith(f"actions/{action}-artifact@")]
        return {each["name"]: each["path"] for each in used}

    def test_the_projects_outside_get_the_built_wheel(
        self, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OUTSIDE_DIST", str(dist))
        assert Environments(tmp_path)._wheel() == str(dist / WHEEL)
        assert list(tmp_path.iterdir()) == []

    def test_its_scripts_build_and_release(
        self, jobs: dict[str, Any], step: Callable[..., Run], project: Path, tmp_path: Path
    ) -> None:
        context = {"github.": {"ref_name": TAG, "repository": "me/it", "token": "t0ken"}}
        build, release = (
            next(each for each in jobs[job]["steps"] if "run" in each) for job in ("build", "github-release")
        )

        def run(found: dict[str, Any]) -> Run:
            variables = {name: fill(value, context) for name, value in found["env"].items()}
            return step("bash", "-euo", "pipefail", "-c", found["run"], **variables)

        git(project, "tag", TAG)
        ran = run(build)
        assert ran.exit_code == 0, ran
        assert "Nothing is pushed" not in ran.out
        kept = {name: set(project.glob(path)) for name, path in self.artifacts(jobs, "upload").items()}
        packages = {project / "dist" / WHEEL, project / "dist" / SDIST}
        assert kept == {"distribution": packages, "notes": {project / NOTES}}
        assert self.artifacts(jobs, "download") == {"distribution": "dist", "notes": "notes"}
        gh = tmp_path / "gh"
        gh.write_text('#!/bin/sh\nprintf "%s\\n" "$GH_REPO" "$GH_TOKEN" "$@"\n')
        gh.chmod(0o755)
        (project / NOTES).unlink()  # it is in an artifact of its own
        assert run(release).out.split() == [
            *("me/it", "t0ken", "release", "create", TAG, "--verify-tag", "--title", TAG),
            *("--notes-file", "notes/notes.md", f"dist/{WHEEL}", f"dist/{SDIST}"),
        ]
