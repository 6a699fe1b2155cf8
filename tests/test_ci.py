"""What other projects use in their CI: the action, the GitLab template and the pre-commit hook."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from tests.github_actions import action, action_steps
from tests.pact_verification.pact_files import EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import ROOT, Run, environment, git

ACTION = ".github/actions/verify-pacts"
RED = interaction("red", "/nothing", states=["an item cup exists"])
MANAGE = (
    "import sys\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
)

Script = Callable[..., Run]

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Another project, with a pact that it keeps."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "manage.py").write_text(MANAGE)
    write_pact(folder / "pacts/shop.json", EMPTY, GREEN)
    return folder


@pytest.fixture
def script(project: Path, tmp_path: Path) -> Script:
    """Run a script in the project, as a CI service's shell does."""

    def run(text: str, *shell: str, cwd: Path = project, **variables: Any) -> Run:
        (tmp_path / "script").write_text(text)
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        finished = subprocess.run(
            [*shell, str(tmp_path / "script")],
            cwd=cwd,
            env=environment(PYTHONPATH=str(ROOT), PATH=path, TMPDIR=str(tmp_path), **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(finished.returncode, finished.stdout, finished.stderr)

    return run


class TestAction:
    @pytest.fixture
    def act(self, project: Path, script: Script, tmp_path: Path) -> Callable[..., tuple[Run, dict[str, str]]]:
        """Run the steps until one fails; return the last one's run, and the outputs of all."""

        def act(job: dict[str, str] | None = None, **given: str) -> tuple[Run, dict[str, str]]:
            output = tmp_path / "output"
            output.write_text("")
            files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
            runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_ACTIONS": "true", **files}
            inputs = {
                "working-directory": "project",
                "install": "",
                **{k.replace("_", "-"): v for k, v in given.items()},
            }
            ran = Run(-1, "", "")
            for step in action_steps(ACTION, inputs, {"env.": job or {}}):
                cwd = tmp_path / step["working-directory"]
                shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
                ran = script(step["run"], *shell, cwd=cwd, **{**(job or {}), **runner, **step["env"]})
                if ran.exit_code:
                    break
            return ran, dict(line.split("=", 1) for line in output.read_text().splitlines())

        return act

    def test_green(self, act: Callable[..., Any], project: Path, tmp_path: Path) -> None:
        git(project, "init", "--quiet")
        git(project, "add", ".")
        ran, outputs = act(install="touch ../installed\necho done")
        assert ran.exit_code == 0, ran
        assert (tmp_path / "installed").exists()
        assert outputs["exit-code"] == "0"
        assert Path(outputs["html"]).read_text().startswith("<!doctype html>")
        assert sum(suite.tests for suite in JUnitXml.fromfile(outputs["junit"])) == 2
        assert "The contracts hold" in (tmp_path / "summary.md").read_text()
        assert Path(outputs["folder"]).is_relative_to(tmp_path)
        # Results are published for a clean tree alone.
        assert git(project, "ls-files", "--others") == ""

    def test_red_fails_and_keeps_its_reports(self, act: Callable[..., Any], project: Path) -> None:
        write_pact(project / "pacts/shop.json", EMPTY, RED)
        ran, outputs = act()
        assert (ran.exit_code, outputs["exit-code"]) == (1, "1"), ran
        assert [suite.failures for suite in JUnitXml.fromfile(outputs["junit"])] == [1]
        assert Path(outputs["html"]).exists()

    def test_what_could_not_run_fails(self, act: Callable[..., Any], project: Path) -> None:
        (project / "pacts/shop.json").write_text("{")
        ran, outputs = act()
        assert ran.exit_code == int(outputs["exit-code"]) == 2
        ran, outputs = act(install="false\ntrue")
        assert ran.exit_code == 1
        assert outputs == {}

    def test_arguments_are_lines_and_no_code(self, act: Callable[..., Any], project: Path) -> None:
        write_pact(project / "pacts/shop.json", EMPTY, RED)
        assert act(arguments="--description=an empty list\n\n--no-coverage-is-no-option\n")[0].exit_code == 2
        assert act(arguments="--description=an empty list\n")[0].exit_code == 0
        assert act(arguments="--description\nan empty list")[0].exit_code == 0
        ran, _ = act(arguments="$(touch pwned)\n`touch pwned`;touch pwned")
        assert ran.exit_code == 2
        assert not (project / "pwned").exists()

    def test_the_broker_is_an_input_or_the_jobs(self, act: Callable[..., Any]) -> None:
        refused = "PACT_BROKER_BASE_URL (--broker-url) is 'ftp://broker', and has to be an http:// or https:// URL."
        job = {"PACT_BROKER_BASE_URL": "ftp://broker", "PACT_BROKER_TOKEN": "t0ken-of-the-job"}
        assert refused in act(job)[0].err
        ran, _ = act(broker_url="ftp://broker", broker_token="t0ken-of-the-input")
        assert refused in ran.err
        assert "t0ken" not in ran.out + ran.err

    def test_no_input_is_part_of_a_script_and_every_action_is_pinned(self) -> None:
        for step in action(ACTION)["runs"]["steps"]:
            assert "${{" not in step.get("run", "")
            assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step.get("uses", f"actions/x@{'0' * 40}"))

    def test_the_documentation_has_its_inputs_and_outputs(self) -> None:
        text = (ROOT / "docs/howto/ci.md").read_text()
        for name, described in action(ACTION)["inputs"].items():
            default = f"`{described['default']}`" if described["default"] else "none"
            assert f"\n| `{name}` | {default} | {described['description']} |\n" in text
        for name in action(ACTION)["outputs"]:
            assert f"`{name}`" in text

    def test_reports_are_kept_whatever_happened(self) -> None:
        *_, verify, keep = action(ACTION)["runs"]["steps"]
        assert keep["uses"].startswith("actions/upload-artifact@")
        assert keep["if"].startswith("always() && ")
        assert keep["with"]["path"] == f"${{{{ steps.{verify['id']}.outputs.folder }}}}"


class TestGitLabTemplate:
    @pytest.fixture
    def job(self) -> dict[str, Any]:
        (job,) = yaml.safe_load((ROOT / "templates/verify-pacts.yml").read_text().encode()).values()
        return dict(job)

    @pytest.fixture
    def run_job(self, job: dict[str, Any], script: Script) -> Callable[..., Run]:
        def run_job(**variables: str) -> Run:
            gitlab = {"GITLAB_CI": "true", "CI_COMMIT_SHA": "aaaa", **job["variables"], **variables}
            return script("\n".join(job["script"]), "bash", "-eo", "pipefail", **gitlab)

        return run_job

    def test_green_and_red(self, run_job: Callable[..., Run], job: dict[str, Any], project: Path) -> None:
        assert run_job().exit_code == 0
        (page,) = job["artifacts"]["paths"]
        junit = project / job["artifacts"]["reports"]["junit"]
        assert (project / page / "report.html").exists()
        assert sum(suite.tests for suite in JUnitXml.fromfile(str(junit))) == 2
        write_pact(project / "pacts/shop.json", EMPTY, RED)
        assert run_job().exit_code == 1
        assert [suite.failures for suite in JUnitXml.fromfile(str(junit))] == [1]
        assert job["artifacts"]["when"] == "always"

    def test_arguments(self, run_job: Callable[..., Run], project: Path) -> None:
        write_pact(project / "pacts/shop.json", EMPTY, RED)
        assert run_job(VERIFY_PACTS_ARGUMENTS="--description empty --coverage").exit_code == 0

    def test_a_shell_without_arrays(self, job: dict[str, Any], script: Script) -> None:
        assert script("\n".join(job["script"]), "/bin/sh", "-e", **job["variables"]).exit_code == 0


class TestPreCommitHook:
    @pytest.fixture
    def hook(self) -> dict[str, Any]:
        (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
        return dict(hook)

    def test_it_fails_for_a_state_without_a_handler(self, hook: dict[str, Any], script: Script, project: Path) -> None:
        assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("pact-states", "system", False)
        assert script(hook["entry"], "/bin/sh").exit_code == 0
        write_pact(project / "pacts/shop.json", interaction("a list", states=["an item that flies"]))
        ran = script(hook["entry"], "/bin/sh")
        assert ran.exit_code == 1
        assert "an item that flies" in ran.out

    def test_the_files_that_it_looks_at(self, hook: dict[str, Any]) -> None:
        for name in ("shop/pact_states.py", "pact_states.py", "pacts/shop.json", "backend/pacts/a/b.json"):
            assert re.search(hook["files"], name)
        for name in ("shop/views.py", "my_pact_states.py", "impacts/shop.json", "pacts/README.md"):
            assert not re.search(hook["files"], name)
