"""manage.py can_i_deploy and record_deployment: the broker's answers, the waiting, and the explanation of a no."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pact_verification.broker.client import Broker
from pact_verification.broker.pact_cli import run_pact
from pact_verification.errors import CannotVerify
from pact_verification.system.credentials import Credentials
from tests.broker_double import BrokerDouble, Fault
from tests.certificates import self_signed
from tests.pact_verification.pact_files import document, interaction
from tests.pact_verification.reporters.test_github import commands
from tests.pact_verification.running import ROOT, TIMEOUT, Run, command, environment, has, run

TOKEN = "t0ken-that-nobody-may-see"

Ask = Callable[..., Run]

pytestmark = pytest.mark.no_database


@pytest.fixture
def broker() -> Iterator[BrokerDouble]:
    """Run a broker with two consumers, of which one is deployed."""
    with BrokerDouble(token=TOKEN) as double:
        double.create_pacticipant("testapp", main_branch="main")
        double.create_environment("production", production=True)
        for consumer in ("shop", "office"):
            double.publish(document(interaction("a"), consumer=consumer), version="c1", branch="main")
        double.record_deployment("shop", "c1", "production")
        yield double


def hal(document: dict[str, Any], status: int = 200) -> Fault:
    """Return an answer that the binary accepts."""
    return Fault(status=status, body=json.dumps(document).encode(), headers={"Content-Type": "application/hal+json"})


@pytest.fixture
def ask(broker: BrokerDouble) -> Ask:
    def asked(version: str, *arguments: str, to: str = "production", **variables: Any) -> Run:
        here: dict[str, Any] = {
            "PACT_BROKER_BASE_URL": broker.url,
            "PACT_BROKER_TOKEN": TOKEN,
            "GIT_COMMIT": version,
            **variables,
        }
        ran = run("can_i_deploy", "--to-environment", to, *arguments, **here)
        assert TOKEN not in ran.out + ran.err
        return ran

    return asked


def test_yes(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    ran = ask("p1")
    assert ran.exit_code == 0
    has(ran, "May testapp p1 go to production?", "shop c1 and testapp p1: verified.", "Computer says yes.")


def test_yes_since_no_consumer_depends_on_it(ask: Ask, broker: BrokerDouble) -> None:
    broker.create_environment("empty", production=False)
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    ran = ask("p1", to="empty")
    assert ran.exit_code == 0
    has(ran, "Nothing in empty depends on it, as far as the broker knows.")


def test_verified_and_failed(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=False)
    ran = ask("p1")
    assert ran.exit_code == 1
    has(ran, "shop c1 and testapp p1: the verification failed. http://", "Mend the provider")
    assert "asking" not in ran.out


def test_a_version_that_the_broker_does_not_know(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p0", branch="main", success=True)
    ran = ask("p1")
    assert ran.exit_code == 1
    assert ran.out == "May testapp p1 go to production?\nComputer says no.\n"
    assert ran.err.strip() == (
        "The broker has no version p1 of testapp; the latest is p0. verify_pacts --publish makes it known. "
        "Ask with the same version (--provider-version, GIT_COMMIT)."
    )


def test_another_version_has_verified_it(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p0", branch="main", success=True)
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    ran = ask("p1")
    assert ran.exit_code == 1
    has(
        ran,
        "version p0 of testapp verified it, and this one has no result.",
        "No webhook has this version of testapp verify it, so waiting would not help.",
    )
    assert "asking" not in ran.out


def test_no_version_has_verified_it_and_a_webhook_may_bring_it(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    broker.create_webhook("testapp")
    ran = ask("p1", "--retry-while-unknown", "2", "--retry-interval", "0")
    assert ran.exit_code == 1
    has(ran, "A result is missing; asking 2 times, every 0 s.", "no version of testapp has verified it.")
    asked = [request for request in broker.requests if request.path.startswith("/matrix")]
    assert len(asked) == 3


def test_it_comes_while_it_waits(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    broker.create_webhook("testapp")
    unknown = {
        "summary": {"deployable": None, "reason": "missing"},
        "notices": [],
        "matrix": [pair_without_result()],
    }
    broker.fault("GET", "^/matrix", hal(unknown), times=3)
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    ran = ask("p1", "--retry-while-unknown", "9", "--retry-interval", "0")
    assert ran.exit_code == 0, ran
    has(ran, "asking 9 times", "Computer says yes")


def test_a_version_without_a_branch(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=False)
    broker.versions("testapp")["p1"].branches.clear()
    body = json.dumps({"number": "p1", "_embedded": {"branchVersions": []}}).encode()
    broker.fault("GET", "/versions/p1$", Fault(status=200, body=body))
    ran = ask("p1")
    assert ran.exit_code == 1
    has(ran, "Version p1 of testapp is on no branch", "Publish with --provider-branch.")


def test_an_environment_that_is_not_there(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    ran = ask("p1", to="moon")
    assert ran.exit_code == 2
    has(ran, "has no environment 'moon'. It has production; manage.py pact_broker create-environment --name moon")


def test_a_broker_without_environments(ask: Ask) -> None:
    with BrokerDouble() as broker:
        broker.publish(document(interaction("a")), version="c1", branch="main")
        broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
        ran = ask("p1", PACT_BROKER_BASE_URL=broker.url, PACT_BROKER_TOKEN="")
        assert ran.exit_code == 2
        has(ran, "has no environment 'production'. It has none; manage.py pact_broker create-environment --name")
        index = {"_links": {"pb:pacticipant": {"href": f"{broker.url}/pacticipants/{{pacticipant}}"}}}
        broker.fault("GET", "^/$", hal(index))
        ran = ask("p1", PACT_BROKER_BASE_URL=broker.url, PACT_BROKER_TOKEN="")
    assert ran.exit_code == 2
    has(ran, "knows no environments, so it can't record what is deployed. Upgrade the broker, or use tags:")


@pytest.mark.parametrize(
    ("branch", "event", "waits"),
    [
        ("main", "contract_requiring_verification_published", True),
        ("main", "contract_content_changed", True),
        ("feat/x", "contract_requiring_verification_published", False),
        ("feat/x", "contract_content_changed", False),
        ("main", "provider_verification_published", False),
    ],
)
def test_waiting_helps_where_a_webhook_reaches(
    ask: Ask, broker: BrokerDouble, branch: str, event: str, *, waits: bool
) -> None:
    """The main branch's latest version, and what is deployed."""
    broker.publish_result("office", "c1", "testapp", "p1", branch=branch, success=True)
    broker.create_webhook("testapp", event=event)
    ran = ask("p1", "--retry-while-unknown", "1", "--retry-interval", "0")
    assert ran.exit_code == 1
    assert ("A result is missing; asking 1 times" in ran.out) is waits
    assert ("waiting would not help" in ran.err) is not waits


def test_a_deployed_version_of_another_branch_is_reached(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="hotfix", success=True)
    broker.record_deployment("testapp", "p1", "production")
    broker.create_webhook("testapp")
    assert "asking 1 times" in ask("p1", "--retry-while-unknown", "1", "--retry-interval", "0").out


def test_webhooks_that_may_not_be_read(ask: Ask, broker: BrokerDouble) -> None:
    """PactFlow's token for CI may not read webhooks. That does not mean that there are none."""
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    broker.create_webhook("testapp")
    broker.fault("GET", "^/webhooks", Fault(status=403))
    ran = ask("p1", "--retry-while-unknown", "1", "--retry-interval", "0")
    assert ran.exit_code == 1
    has(ran, "asking 1 times", "Whether a webhook has testapp verify it can't be read with PACT_BROKER_TOKEN.")


def test_an_empty_token_is_none() -> None:
    """The binary takes it for a yes."""
    with BrokerDouble(basic=("pact", "pact")) as broker:
        broker.publish(document(interaction("a")), version="c1", branch="main")
        broker.create_environment("production", production=True)
        broker.record_deployment("shop", "c1", "production")
        broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
        here: dict[str, Any] = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": "", "GIT_COMMIT": "p1"}
        here |= {"PACT_BROKER_USERNAME": "pact", "PACT_BROKER_PASSWORD": "pact"}
        ran = run("can_i_deploy", "--to-environment", "production", **here)
    assert ran.exit_code == 0, ran


def test_a_yes_with_a_failure_in_it_is_none(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    row = {**pair_without_result(), "verificationResult": {"success": False}}
    reply = {"summary": {"deployable": True, "reason": "yes"}, "notices": [], "matrix": [row]}
    broker.fault("GET", "^/matrix", hal(reply))
    assert ask("p1").exit_code == 1


def test_a_broker_that_restarts_while_it_waits(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    broker.create_webhook("testapp")
    unknown = {"summary": {"deployable": None, "reason": "missing"}, "notices": [], "matrix": [pair_without_result()]}
    broker.fault("GET", "^/matrix", hal(unknown), times=1)
    broker.fault("GET", "^/matrix", Fault(status=503), times=1)
    ran = ask("p1", "--retry-while-unknown", "1", "--retry-interval", "0")
    assert ran.exit_code == 2
    has(ran, "asking 1 times", "was answered with 503")
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    broker.fault("GET", "^/matrix", hal(unknown), times=1)
    broker.fault("GET", "^/matrix", Fault(status=503), times=1)
    ran = ask("p1", "--retry-while-unknown", "2", "--retry-interval", "0")
    assert ran.exit_code == 0, ran


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_it(broker: BrokerDouble, number: signal.Signals) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    broker.create_webhook("testapp")
    here = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN, "GIT_COMMIT": "p1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command("--to-environment", "production", "--retry-interval", "600", name="can_i_deploy"),
        env={**environment(), **here},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        while "asking" not in process.stdout.readline():
            pass
        process.send_signal(number)
        _, err = process.communicate(timeout=TIMEOUT)  # returns when no process holds the pipes any more
    assert process.returncode == (143 if number is signal.SIGTERM else -number)
    assert err.strip() == ("Interrupted." if number is signal.SIGTERM else "")


def test_pact_has_to_come_back(broker: BrokerDouble) -> None:
    broker.fault("GET", "", Fault.hang())
    with pytest.raises(
        CannotVerify, match=r"pact broker list-environments did not come back in 1 s, and was stopped\."
    ):
        run_pact(Broker(broker.url, Credentials(TOKEN)), "list-environments", seconds=1)


def test_what_pact_prints_is_searched_for_secrets(broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    quoting = {"error": f"token {TOKEN} is not allowed"}
    broker.fault("POST", "/deployed-versions", hal(quoting, 403))
    command = ["record-deployment", "--pacticipant", "testapp", "--version", "p1", "--environment", "production"]
    here: dict[str, Any] = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN}
    ran = run("pact_broker", *command, **here)
    assert ran.exit_code == 1
    has(ran, "(hidden) is not allowed")
    assert TOKEN not in ran.out + ran.err


def test_names_from_elsewhere_are_no_commands_to_githubs_runner(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(interaction("a"), consumer="##[error]x"), version="##[group]", branch="main")
    broker.record_deployment("##[error]x", "##[group]", "production")
    broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
    ran = ask("p1", "--retry-while-unknown", "0")
    assert ran.exit_code == 1
    assert "## [error]x" in ran.err
    assert commands(ran.out) == commands(ran.err) == []
    broker.fault("POST", "/deployed-versions", hal({"error": "##[error]refused"}, 403))
    command = ["record-deployment", "--pacticipant", "testapp", "--version", "p1", "--environment", "production"]
    here: dict[str, Any] = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN}
    ran = run("pact_broker", *command, **here)
    assert "## [error]refused" in ran.out + ran.err
    assert commands(ran.out) == commands(ran.err) == []


def test_pact_broker_without_a_command_or_a_broker(broker: BrokerDouble) -> None:
    here: dict[str, Any] = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN}
    for arguments, variables, why in (
        ([], here, "The command for `pact broker` is missing."),
        (["list-environments"], {}, "There is no broker to ask: set PACT_BROKER_BASE_URL."),
    ):
        ran = run("pact_broker", *arguments, **variables)
        assert ran.exit_code == 2
        has(ran, why)


def test_answers_of_another_shape(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
    uuid = broker.create_webhook("testapp")
    broker.fault("GET", uuid, Fault(status=200, body=b'{"provider": "testapp", "events": []}'))
    ran = ask("p1", "--retry-while-unknown", "0")
    assert ran.exit_code == 1
    has(ran, "Whether a webhook has testapp verify it can't be read")
    broker.fault("GET", "^/matrix", Fault(status=200, body=b'{"summary": {}, "matrix": ["x"]}'))
    ran = ask("p1")
    assert ran.exit_code == 2
    has(ran, "a matrix that can't be read")
    assert "Traceback" not in ran.err


def test_an_environment_without_a_name(ask: Ask) -> None:
    ran = ask("p1", to="")
    assert ran.exit_code == 2
    has(ran, "--to-environment or --environment is empty.")


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"PACT_BROKER_BASE_URL": ""}, "There is no broker to ask."),
        ({"PACT_BROKER_TOKEN": "wrong"}, "It does not accept PACT_BROKER_TOKEN"),
        ({"PACT_BROKER_BASE_URL": "http://127.0.0.1:1"}, "can't be reached: Connection refused"),
        ({"PACT_PROVIDER_NAME": "somebody"}, "knows no provider 'somebody'"),
    ],
)
def test_a_broker_that_can_not_be_asked(ask: Ask, variables: dict[str, str], why: str) -> None:
    ran = ask("p1", **variables)
    assert ran.exit_code == 2
    has(ran, why)
    assert "Traceback" not in ran.err


def test_a_version_that_was_deployed_and_replaced_is_not_reached(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish_result("office", "c1", "testapp", "p1", branch="hotfix", success=True)
    broker.record_deployment("testapp", "p1", "production")
    broker.publish_result("shop", "c1", "testapp", "p2", branch="main", success=True)
    broker.record_deployment("testapp", "p2", "production")
    broker.create_webhook("testapp")
    ran = ask("p1", "--retry-while-unknown", "1", "--retry-interval", "0")
    assert ran.exit_code == 1
    has(ran, "No webhook has this version of testapp verify it, so waiting would not help.")


def test_without_credentials_the_sentence_ends_well() -> None:
    with BrokerDouble() as broker:
        broker.create_environment("production", production=True)
        for consumer in ("shop", "office"):
            broker.publish(document(interaction("a"), consumer=consumer), version="c1", branch="main")
        broker.record_deployment("shop", "c1", "production")
        broker.publish_result("office", "c1", "testapp", "p1", branch="main", success=True)
        broker.fault("GET", "^/webhooks", Fault(status=403))
        here: dict[str, Any] = {"PACT_BROKER_BASE_URL": broker.url, "GIT_COMMIT": "p1"}
        ran = run("can_i_deploy", "--to-environment", "production", "--retry-while-unknown", "0", **here)
    has(ran, "Whether a webhook has testapp verify it can't be read without credentials.")


class TestRecordDeployment:
    @pytest.fixture
    def record(self, broker: BrokerDouble) -> Ask:
        def recorded(version: str, *arguments: str, to: str = "production", **variables: Any) -> Run:
            here: dict[str, Any] = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN}
            here |= {"GIT_COMMIT": version, **variables}
            return run("record_deployment", "--environment", to, *arguments, **here)

        return recorded

    def test_it_is_recorded(self, record: Ask, broker: BrokerDouble) -> None:
        broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
        ran = record("p1")
        assert (ran.exit_code, ran.err) == (0, "")
        assert ran.out == "Recorded: testapp p1 is deployed to production.\n"
        assert ("testapp", "p1") in broker.deployed("production")

    @pytest.mark.parametrize(
        ("to", "variables", "why"),
        [
            ("production", {}, "The broker has no version p1 of testapp; the latest is p0. verify_pacts --publish"),
            ("production", {"PACT_BROKER_TOKEN": "wrong"}, "It does not accept PACT_BROKER_TOKEN"),
            ("production", {"PACT_PROVIDER_NAME": "somebody"}, "knows no provider 'somebody'"),
            ("production", {"PACT_BROKER_BASE_URL": "http://127.0.0.1:1"}, "can't be reached: Connection refused"),
            ("production", {"PACT_BROKER_BASE_URL": ""}, "There is no broker to ask."),
            ("moon", {"GIT_COMMIT": "p0"}, "has no environment 'moon'. It has production; manage.py pact_broker"),
        ],
    )
    def test_what_can_not_be_recorded(
        self, record: Ask, broker: BrokerDouble, to: str, variables: dict[str, str], why: str
    ) -> None:
        broker.publish_result("shop", "c1", "testapp", "p0", branch="main", success=True)
        ran = record("p1", to=to, **variables)
        assert ran.exit_code == 2
        has(ran, why)
        assert TOKEN not in ran.out + ran.err
        assert ("testapp", "p1") not in broker.deployed("production")

    def test_a_broker_that_did_not_do_it(self, record: Ask, broker: BrokerDouble) -> None:
        broker.publish_result("shop", "c1", "testapp", "p1", branch="main", success=True)
        broker.fault("POST", "/deployed-versions", hal({"currentlyDeployed": False}))
        ran = record("p1")
        assert ran.exit_code == 2
        has(ran, "accepted the deployment, but does not list it as current.")

    def test_over_https_with_an_unknown_authority(self, record: Ask, tmp_path: Path) -> None:
        with BrokerDouble(tls=self_signed(tmp_path).context) as broker:
            ran = record("p1", PACT_BROKER_BASE_URL=broker.url)
        assert ran.exit_code == 2
        has(ran, "can't be asked over https: self-signed certificate. SSL_CERT_FILE or REQUESTS_CA_BUNDLE names")


def pair_without_result() -> dict[str, Any]:
    return {
        "consumer": {"name": "shop", "version": {"number": "c1"}},
        "provider": {"name": "testapp", "version": {"number": "p1"}},
        "verificationResult": None,
    }
