"""The two pipelines from start to finish: make's targets and the workflows' steps as processes, against a broker."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.broker_double import BrokerDouble, Fault
from tests.consumers.test_pacts_directory import contents
from tests.github_actions import OWN_ACTION, action_steps, fill
from tests.pact_verification.running import ROOT, Run, git, inherited

TOKEN = "t0ken-that-nobody-may-see"
PROVIDER = "pactflow-example-provider-python"
CONSUMER = "pactflow-example-consumer-python"
ONE_QUICK_TEST = "--quiet --numprocesses 0 tests/pact_verification/broker/test_selectors.py"

Make = Callable[..., Run]

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this project as it is now, clean, with our own virtual environment."""
    folder = tmp_path_factory.mktemp("pipeline") / "project"
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)  # with their times, or make would install everything again
    (folder / ".venv").symlink_to(ROOT / ".venv")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "--quiet", "--message", "m")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")  # as if it had been pushed
    return folder


@pytest.fixture
def broker() -> Iterator[BrokerDouble]:
    """The consumers' pacts are published from main, and one of them is deployed."""
    with BrokerDouble(token=TOKEN) as double:
        double.create_pacticipant(PROVIDER, main_branch="main")
        for name in ("production", "test"):
            double.create_environment(name, production=name == "production")
        for pact in sorted((ROOT / "pacts").glob("*.json")):
            double.publish(json.loads(pact.read_text()), version="c1", branch="main")
        double.record_deployment(CONSUMER, "c1", "production")
        double.record_deployment(CONSUMER, "c1", "test")
        yield double


@pytest.fixture
def run(project: Path, broker: BrokerDouble, tmp_path: Path) -> Callable[..., Run]:
    """A command in the project, as CI would run it. No output may hold the token."""

    def execute(*command: str, **variables: str) -> Run:
        outside = {key: value for key, value in inherited().items() if not key.startswith(("MAKE", "MFLAGS"))}
        here = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN, "PYTEST_ARGS": ONE_QUICK_TEST}
        here |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output")}
        finished = subprocess.run(
            command,
            cwd=project,
            env={**outside, **here, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert TOKEN not in finished.stdout + finished.stderr
        return Run(finished.returncode, finished.stdout, finished.stderr)

    return execute


@pytest.fixture
def make(run: Callable[..., Run]) -> Make:
    return lambda *arguments, **variables: run("make", *arguments, **variables)


@pytest.fixture
def github() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """What stands in for api.github.com: its URL, and the dispatches that it was sent."""
    dispatched: list[tuple[str, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            dispatched.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", dispatched
    server.shutdown()
    thread.join()
    server.server_close()


def head(project: Path) -> str:
    return git(project, "rev-parse", "HEAD")


def has(ran: Run, *texts: str) -> None:
    read = " ".join((ran.out + ran.err).split())
    for text in texts:
        assert text in read, ran.out + ran.err


def test_make_pacts_makes_them_all_again(make: Make, project: Path) -> None:
    made = project / "pacts"
    (missing, changed, *_) = sorted(made.glob("*.json"))
    missing.unlink()
    changed.write_text("{}")
    (made / "of-no-consumer.json").write_text("{}")
    try:
        ran = make("pacts")
        assert ran.exit_code == 0, ran
        assert contents(made) == contents(ROOT / "pacts")
    finally:
        git(project, "checkout", "--quiet", "--", "pacts")


def test_what_makes_command_line_names_is_in_the_line_that_runs_one_interaction_again(
    run: Callable[..., Run], make: Make, broker: BrokerDouble, tmp_path: Path
) -> None:
    url = f"PACT_BROKER_BASE_URL={broker.url}"
    ran = make("verify", url, f"PACTS=--json {tmp_path / 'json'}", PACT_BROKER_BASE_URL="")
    assert ran.exit_code == 0, ran
    (pact, *_) = json.loads((tmp_path / "json").read_text())["pacts"]
    again = run("/bin/sh", "-c", pact["interactions"][0]["rerun"], PACT_BROKER_BASE_URL="")
    assert again.exit_code == 0, again
    has(again, "1 interaction of 1 consumer: 1 verified")


class TestTheProviderChanged:
    def test_fake_ci_tests_verifies_publishes_asks_deploys_and_records(
        self, make: Make, broker: BrokerDouble, project: Path
    ) -> None:
        ran = make("fake_ci")
        assert ran.exit_code == 0, ran
        commands = ["-m pytest --quiet", "manage.py verify_pacts", "Computer says yes", "Deploying", "Recorded"]
        found = [ran.out.find(command) for command in commands]
        assert found == sorted(found)
        (version,) = {result.provider_version for result in broker.results}
        assert version.startswith(f"{head(project)}-fake.")
        assert [result.success for result in broker.results] == [True] * 5
        assert broker.versions(PROVIDER)[version].branches == ["main"]
        assert (PROVIDER, version) in broker.deployed("production")

    @pytest.mark.parametrize(
        ("branch", "said", "environment"),
        [
            ("main", "to production", "production"),
            ("test", "to test", "test"),
            ("feat/x", "Not deploying: branch feat/x does not.", ""),
        ],
    )
    def test_where_a_branch_deploys(
        self, make: Make, broker: BrokerDouble, branch: str, said: str, environment: str
    ) -> None:
        ran = make(
            "ci",
            GIT_COMMIT="p1",
            GIT_BRANCH=branch,
        )
        assert ran.exit_code == 0, ran
        has(ran, said)
        for name in ("production", "test"):
            assert ((PROVIDER, "p1") in broker.deployed(name)) is (name == environment)

    def test_a_red_test_stops_it(self, make: Make, broker: BrokerDouble) -> None:
        ran = make("fake_ci", PYTEST_ARGS="--numprocesses 0 tests/there_is_no_such_test.py")
        assert ran.exit_code != 0
        assert not broker.results
        assert "verify_pacts" not in ran.out

    def test_without_a_broker_there_is_nothing_to_test_for(self, make: Make) -> None:
        ran = make("ci", PACT_BROKER_BASE_URL="")
        assert ran.exit_code != 0
        has(ran, "There is no broker to ask: set PACT_BROKER_BASE_URL.")
        assert "pytest" not in ran.out

    def test_a_broken_contract_stops_it(self, make: Make, broker: BrokerDouble) -> None:
        broken = json.loads(next((ROOT / "pacts").glob("*-consumer-python-pact*.json")).read_text())
        broken["interactions"][0]["response"]["status"] = 418
        broker.publish(broken, version="c2", branch="main")
        broker.publish_result(CONSUMER, "c2", PROVIDER, "p0", branch="main", success=True)
        ran = make("fake_ci")
        assert ran.exit_code != 0
        has(ran, "- 418 I'm a Teapot + 200 OK", "The contracts are broken.")
        assert "May " not in ran.out
        assert [result.success for result in broker.results if result.provider_version != "p0"].count(False) == 1

    def test_what_was_left_over_narrows_nothing(self, make: Make, broker: BrokerDouble) -> None:
        left_over = {"PACT_URL": broker.pact_url(CONSUMER, "c1"), "PACTS": "pacts", "PACT_PROVIDER_STATE": ""}
        left_over |= {"PACT_DESCRIPTION": "nothing like it", "PACT_BROKER_INTERACTION_ID": "none"}
        ran = make("ci", GIT_COMMIT="p1", GIT_BRANCH="main", **left_over)
        assert ran.exit_code == 0, ran
        assert len(broker.results) == 5

    def test_a_failed_deployment_is_not_recorded(self, make: Make, project: Path, broker: BrokerDouble) -> None:
        makefile = project / "failing.mk"
        makefile.write_text("include Makefile\n\ndeploy_app:\n\tfalse\n")
        try:
            broker.publish_result(CONSUMER, "c1", PROVIDER, "p1", branch="main", success=True)
            ran = make(
                "--file", "failing.mk", "deploy", "MAKE=make --file failing.mk", GIT_COMMIT="p1", GIT_BRANCH="main"
            )
        finally:
            makefile.unlink()
        assert ran.exit_code != 0
        assert broker.deployed("production") == [(CONSUMER, "c1")]

    def test_what_can_not_be_recorded_fails(self, make: Make, broker: BrokerDouble) -> None:
        ran = make("record_deployment", GIT_COMMIT="unknown", GIT_BRANCH="main")
        assert ran.exit_code != 0
        has(ran, "The broker has no version unknown of", "verify_pacts --publish makes it known. Nothing is recorded.")
        ran = make("deploy", GIT_COMMIT="p1", GIT_BRANCH="feat/x")
        assert ran.exit_code != 0
        has(ran, "Branch feat/x does not deploy; main and test do")
        assert "Deploying" not in ran.out
        ran = make("record_deployment", GIT_COMMIT="p1", GIT_BRANCH="feat/x")
        assert ran.exit_code != 0
        has(ran, "Branch feat/x does not deploy")

    def test_only_branches_deploy(self, make: Make, project: Path) -> None:
        """Not a tag that is called main, nor a pull request from one."""
        tag = {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "main"}
        git(project, "checkout", "--quiet", "--detach")
        try:
            ran = make("deploy", GIT_COMMIT="p1", **tag)
        finally:
            git(project, "checkout", "--quiet", "main")
        assert ran.exit_code != 0
        has(ran, "No branch is checked out. Set GIT_BRANCH.")
        pull_request = {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "7/merge", "GITHUB_HEAD_REF": "main"}
        merge_request = {
            "GITLAB_CI": "true",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main",
        }
        for request in (pull_request, merge_request, merge_request | {"GIT_BRANCH": "main"}):
            ran = make("deploy", GIT_COMMIT="p1", **request)
            assert ran.exit_code != 0
            has(ran, "Branch main does not deploy")
            assert "Deploying" not in ran.out

    def test_a_broker_that_can_not_be_asked_is_told_of(self, make: Make) -> None:
        for target in ("record_deployment", "tag", "test_pact_changed_webhook"):
            ran = make(target, GIT_COMMIT="p1", GIT_BRANCH="main", PACT_BROKER_TOKEN="wrong")
            assert ran.exit_code != 0
            has(ran, "It does not accept PACT_BROKER_TOKEN")

    def test_tags(self, make: Make, broker: BrokerDouble) -> None:
        broker.publish_result(CONSUMER, "c1", PROVIDER, "p1", branch="main", success=True)
        assert make("tag", GIT_COMMIT="p1", GIT_BRANCH="feat/x").exit_code == 0
        assert broker.versions(PROVIDER)["p1"].tags == ["feat/x"]
        broker.fault("PUT", "/tags/", Fault(status=403))
        assert make("tag", GIT_COMMIT="p1", GIT_BRANCH="feat/y").exit_code != 0  # pact exits with 0

    def test_a_branchs_name_is_never_run(self, make: Make, project: Path) -> None:
        """Git allows such names, and make expands what comes from the environment once it is asked for."""
        for name in ("$(shell touch pwned)", "$(touch pwned)", '";touch${IFS}pwned;"'):
            for target in ("no_deploy", "deploy", "deploy_app", "can_i_deploy"):
                make(target, GIT_COMMIT=name, GIT_BRANCH=name)
        assert not (project / "pwned").exists()


class TestCanIDeploy:
    def test_no(self, make: Make, broker: BrokerDouble) -> None:
        broker.publish_result(CONSUMER, "c1", PROVIDER, "p1", branch="main", success=False)
        ran = make("can_i_deploy", GIT_COMMIT="p1", GIT_BRANCH="main")
        assert ran.exit_code != 0
        has(ran, "Computer says no", f"{CONSUMER} c1 and {PROVIDER} p1: the verification failed. http://")

    def test_where_to_it_asks(self, make: Make, broker: BrokerDouble) -> None:
        broker.publish_result(CONSUMER, "c1", PROVIDER, "p1", branch="main", success=True)
        for branch, environment in (("main", "production"), ("test", "test"), ("feat/x", "production")):
            ran = make("can_i_deploy", GIT_COMMIT="p1", GIT_BRANCH=branch)
            assert ran.exit_code == 0
            has(ran, f"May {PROVIDER} p1 go to {environment}?", "Computer says yes")

    def test_without_a_broker(self, make: Make) -> None:
        ran = make("can_i_deploy", PACT_BROKER_BASE_URL="")
        assert ran.exit_code != 0
        has(ran, "There is no broker to ask.")


class TestAPactChanged:
    def test_fake_ci_webhook_verifies_that_pact_alone(self, make: Make, broker: BrokerDouble, project: Path) -> None:
        for _ in range(2):
            ran = make("fake_ci_webhook", PACT_URL=broker.pact_url(CONSUMER, "c1"))
            assert ran.exit_code == 0, ran
        for result in broker.results:
            assert (result.consumer, result.success) == (CONSUMER, True)
            assert result.provider_version.startswith(f"{head(project)}-fake.")
        assert len({result.provider_version for result in broker.results}) == 2  # a new one each time

    def test_without_a_pact_it_verifies_nothing_else(self, make: Make, broker: BrokerDouble) -> None:
        for target, url in (("ci_webhook", ""), ("fake_ci_webhook", ""), ("ci_webhook", " ")):
            ran = make(target, PACT_URL=url)
            assert ran.exit_code != 0
            has(ran, "PACT_URL is not set: it names the pact to verify.")
        assert not broker.requests

    @pytest.mark.parametrize(
        ("name", "event"),
        [
            ("contract_requiring_verification_published", "contract_requiring_verification_published"),
            ("pact_changed", "contract_content_changed"),
        ],
    )
    def test_from_the_webhook_to_the_result(  # noqa: PLR0917  # the whole way of a changed contract
        self,
        make: Make,
        run: Callable[..., Run],
        broker: BrokerDouble,
        project: Path,
        github: tuple[str, list[tuple[str, dict[str, Any]]]],
        name: str,
        event: str,
    ) -> None:
        url, dispatched = github
        commit = head(project)
        broker.publish_result(CONSUMER, "c1", PROVIDER, commit, branch="main", success=True)
        api = {"GITHUB_API": url, "GITHUB_REPO": "me/it"}
        for _ in range(2):  # created, then updated
            assert make(f"create_or_update_{name}_webhook", **api).exit_code == 0
        (webhook,) = broker.webhooks.values()
        assert webhook["provider"] == {"name": PROVIDER}
        assert "consumer" not in webhook
        assert webhook["events"] == [{"name": event}]
        assert make(f"test_{name}_webhook").exit_code == 0
        path, sent = dispatched.pop()
        assert (path, sent["event_type"]) == ("/repos/me/it/dispatches", name)

        changed = json.loads(next((ROOT / "pacts").glob("*-consumer-python-pact*.json")).read_text())
        changed["interactions"][0]["description"] = "a request that was renamed"
        publish(run, broker, changed, version="c2", branch="feat/renamed")
        path, sent = dispatched.pop()
        before = len(broker.results)
        workflow = {"contract_requiring_verification_published": name, "pact_changed": "verify_changed_pact"}[name]
        event_context = {"client_payload": sent["client_payload"]}
        try:
            for step in steps(workflow, "verify", event_context, broker, commit):
                ran = run("bash", "-euo", "pipefail", "-c", step["run"], **step["env"])
                assert ran.exit_code == 0, ran
        finally:
            git(project, "checkout", "--quiet", "main")
        (result,) = broker.results[before:]
        assert (result.consumer, result.provider_version, result.success) == (CONSUMER, commit, True)

    def test_a_webhook_that_github_refuses(self, make: Make, broker: BrokerDouble) -> None:
        api = {"GITHUB_API": "http://127.0.0.1:1", "GITHUB_REPO": "me/it"}
        broker.publish_result(CONSUMER, "c1", PROVIDER, "p1", branch="main", success=True)
        assert make("create_or_update_pact_changed_webhook", **api).exit_code == 0
        ran = make("test_pact_changed_webhook")
        assert ran.exit_code != 0
        has(ran, "The call above was not taken.")

    def test_a_webhook_for_no_repository(self, make: Make, broker: BrokerDouble) -> None:
        ran = make("create_or_update_pact_changed_webhook")
        assert ran.exit_code != 0
        has(ran, "Set GITHUB_REPO to owner/name")
        assert not broker.webhooks

    def test_the_token_for_github(self, make: Make, broker: BrokerDouble) -> None:
        broker.fault("POST", "^/secrets$", Fault(status=201), times=1)
        secret = "a-github-token"
        ran = make("create_github_token_secret", GITHUB_TOKEN=secret)
        assert ran.exit_code == 0, ran
        assert secret not in ran.out + ran.err
        (request,) = broker.requests
        assert request.body == {"name": "githubToken", "value": secret}
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        for fault in (Fault(status=403), Fault.redirect("http://elsewhere"), Fault(status=200, body=b"<html>")):
            broker.fault("POST", "^/secrets$", fault, times=1)
            ran = make("create_github_token_secret", GITHUB_TOKEN="x")
            assert ran.exit_code != 0
            has(ran, "PactFlow did not take it")
        ran = make("create_github_token_secret", GITHUB_TOKEN="x", PACT_BROKER_BASE_URL="http://broker.example")
        assert ran.exit_code != 0
        has(ran, "http://broker.example is not https")


def publish(run: Callable[..., Run], broker: BrokerDouble, pact: dict[str, Any], *, version: str, branch: str) -> None:
    """As a consumer publishes: by the pact binary, so that the broker calls its webhooks."""
    file = Path(os.environ["PYTEST_CURRENT_TEST"]).name  # only a name that is new for each test
    folder = Path(re.sub(r"\W", "_", file))
    target = ROOT / ".pytest_cache" / folder.with_suffix(".json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(pact))
    try:
        ran = run(
            str(ROOT / ".venv/bin/pact"),
            "broker",
            "publish",
            str(target),
            "--consumer-app-version",
            version,
            "--branch",
            branch,
        )
    finally:
        target.unlink()
    assert ran.exit_code == 0, ran


# --- the workflows


def workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    return loaded


def steps(  # noqa: PLR0917  # what GitHub knows
    name: str, job: str, event: dict[str, Any], broker: BrokerDouble, sha: str, token: str = TOKEN
) -> Iterator[dict[str, Any]]:
    """A job's `run` steps and those of our own actions, with the environment that GitHub would give them."""
    loaded = workflow(name)
    context = {
        "github.event.client_payload.": event.get("client_payload", {}),
        "vars.": {"PACT_BROKER_BASE_URL": broker.url},
        "secrets.": {"PACT_BROKER_TOKEN": token},
        "github.": {"sha": sha, "ref_name": "main", "workflow": name},
    }

    found = loaded["jobs"][job]
    own = {"GITHUB_SHA": sha, "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}
    for step in found["steps"]:
        variables = {**loaded.get("env", {}), **found.get("env", {}), **step.get("env", {})}
        env = own | {key: fill(value, context) for key, value in variables.items()}
        if "run" in step:
            yield {"run": step["run"], "env": env}
        elif step["uses"].startswith(OWN_ACTION):
            given = {key: fill(value, context) for key, value in step.get("with", {}).items()}
            for each in action_steps(step["uses"].removeprefix(OWN_ACTION), given, {"env.": env}):
                assert each["working-directory"] == "."
                yield {"run": each["run"], "env": env | each["env"]}


class TestWorkflows:
    def test_build_verifies_asks_and_deploys(
        self, run: Callable[..., Run], broker: BrokerDouble, project: Path
    ) -> None:
        commit = head(project)
        for job in ("verify", "can-i-deploy", "deploy"):
            for step in steps("build", job, {}, broker, commit):
                ran = run("bash", "-euo", "pipefail", "-c", step["run"], **step["env"])
                assert ran.exit_code == 0, ran
        assert {(result.provider_version, result.success) for result in broker.results} == {(commit, True)}
        assert (PROVIDER, commit) in broker.deployed("production")

    def test_build_without_a_broker_verifies_the_pacts_that_are_here(
        self, run: Callable[..., Run], broker: BrokerDouble
    ) -> None:
        for step in steps("build", "verify", {}, broker, "p1", token=""):
            ran = run("bash", "-euo", "pipefail", "-c", step["run"], **step["env"])
            assert ran.exit_code == 0, ran
        has(ran, "(pacts/pactflow-example-catalogue-")
        assert not broker.requests

    def test_build_fails_where_a_contract_is_broken(
        self, run: Callable[..., Run], broker: BrokerDouble, project: Path
    ) -> None:
        pact = next((project / "pacts").glob("*-consumer-python-pact*.json"))
        broken = json.loads(pact.read_text())
        broken["interactions"][0]["response"]["status"] = 418
        pact.write_text(json.dumps(broken))
        try:
            *_, verify = steps("build", "verify", {}, broker, "p1", token="")
            assert run("bash", "-euo", "pipefail", "-c", verify["run"], **verify["env"]).exit_code == 1
        finally:
            git(project, "checkout", "--quiet", "--", "pacts")

    def test_build_runs_the_tests_and_can_fail(self, run: Callable[..., Run], broker: BrokerDouble) -> None:
        *services, step = [step for step in workflow("build")["jobs"]["test"]["steps"] if "run" in step]
        assert [each["run"].partition(" --")[0] for each in services] == [
            "sudo systemctl start mysql.service",  # the runner's own
            "sudo apt-get update",
        ]
        assert {entry["target"] for entry in workflow("build")["jobs"]["test"]["strategy"]["matrix"]["include"]} == {
            "check",
            "test",
        }
        for arguments, expected in ((ONE_QUICK_TEST, 0), ("--numprocesses 0 tests/there_is_no_such_test.py", 2)):
            ran = run("bash", "-c", step["run"], TARGET="test", PYTEST_ARGS=arguments)
            assert ran.exit_code == expected, ran

    @pytest.mark.parametrize("name", ["contract_requiring_verification_published", "verify_changed_pact"])
    def test_a_webhook_that_names_no_pact(
        self, run: Callable[..., Run], broker: BrokerDouble, project: Path, name: str
    ) -> None:
        """Else the broker's other pacts would be verified in its place."""
        for url in ("", " "):
            payload = {"pact_url": url, "sha": head(project), "branch": "main"}
            first, *_ = steps(name, "verify", {"client_payload": payload}, broker, "x")
            ran = run("bash", "-euo", "pipefail", "-c", first["run"], **first["env"])
            assert ran.exit_code != 0
            has(ran, "PACT_URL is not set: it names the pact to verify.")

    @pytest.mark.parametrize("sha", ["0" * 40, "$(touch pwned)", "--help", "main", ""])
    def test_a_webhook_that_names_no_commit_of_ours(
        self, run: Callable[..., Run], broker: BrokerDouble, project: Path, sha: str
    ) -> None:
        payload = {"pact_url": broker.pact_url(CONSUMER, "c1"), "sha": sha, "branch": "main"}
        first, *_ = steps(
            "contract_requiring_verification_published", "verify", {"client_payload": payload}, broker, "x"
        )
        ran = run("bash", "-euo", "pipefail", "-c", first["run"], **first["env"])
        assert ran.exit_code != 0
        assert not (project / "pwned").exists()

    def test_a_webhook_that_names_no_branch(self, run: Callable[..., Run], broker: BrokerDouble, project: Path) -> None:
        payload = {"pact_url": broker.pact_url(CONSUMER, "c1"), "sha": head(project), "branch": ""}
        named = "contract_requiring_verification_published"
        first, *_ = steps(named, "verify", {"client_payload": payload}, broker, "x")
        ran = run("bash", "-euo", "pipefail", "-c", first["run"], **first["env"])
        assert ran.exit_code != 0
        has(ran, "is on no branch")

    def test_a_webhook_that_names_a_forks_commit(
        self, run: Callable[..., Run], broker: BrokerDouble, project: Path
    ) -> None:
        tree = git(project, "rev-parse", "HEAD^{tree}")
        forks = git(
            project, "-c", "user.name=n", "-c", "user.email=e@example.org", "commit-tree", tree, "-m", "a fork's"
        )
        payload = {"pact_url": broker.pact_url(CONSUMER, "c1"), "sha": forks, "branch": "main"}
        first, *_ = steps(
            "contract_requiring_verification_published", "verify", {"client_payload": payload}, broker, "x"
        )
        try:
            ran = run("bash", "-euo", "pipefail", "-c", first["run"], **first["env"])
        finally:
            git(project, "checkout", "--quiet", "main")
        assert ran.exit_code != 0
        has(ran, "is on no branch of this repository")

    def test_a_version_of_fake_ci_is_verified_as_its_commit(
        self, run: Callable[..., Run], broker: BrokerDouble, project: Path
    ) -> None:
        version = f"{head(project)}-fake.1"
        payload = {"pact_url": broker.pact_url(CONSUMER, "c1"), "sha": version, "branch": "main"}
        try:
            for step in steps(
                "contract_requiring_verification_published", "verify", {"client_payload": payload}, broker, "x"
            ):
                ran = run("bash", "-euo", "pipefail", "-c", step["run"], **step["env"])
                assert ran.exit_code == 0, ran
        finally:
            git(project, "checkout", "--quiet", "main")
        assert [(result.provider_version, result.success) for result in broker.results] == [(version, True)]

    def test_what_waits_for_what(self) -> None:
        jobs = workflow("build")["jobs"]
        assert set(jobs["can-i-deploy"]["needs"]) == {"test", "image", "verify", "provider-contract"}
        assert jobs["deploy"]["needs"] == "can-i-deploy"
        assert "github.ref_name == 'main'" in jobs["deploy"]["if"]
        assert jobs["can-i-deploy"]["if"] == "needs.verify.outputs.broker == 'true'"

    def test_no_event_is_part_of_a_script(self) -> None:
        for path in (ROOT / ".github/workflows").glob("*.yml"):
            for job in workflow(path.stem)["jobs"].values():
                for step in job["steps"]:
                    assert "${{" not in step.get("run", "")
                    uses = step.get("uses", OWN_ACTION)
                    assert uses.startswith(OWN_ACTION) or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", uses)
