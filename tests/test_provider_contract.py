"""make publish_provider_contract as a process, against PactFlow's double."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from pact_verification.broker.provider_version import ProviderVersion
from pact_verification.errors import CannotVerify
from tests import provider_contract, self_verification
from tests.broker_double import BrokerDouble, Fault
from tests.pact_verification.running import ROOT, Run, has
from tests.self_verification import Proof, read_proof, serving

TOKEN = "t0ken-that-nobody-may-see"
PROVIDER = "pactflow-example-provider-python"
FEW_REQUESTS = "--max-examples=1 --phases=examples,fuzzing"
BUILD = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "me/it", "GITHUB_RUN_ID": "7"}

BROKEN = """
from django.http import JsonResponse
from config.settings import *

def breaks_its_document(get_response):
    def respond(request):
        return JsonResponse({"state": "ok"}) if request.path == "/health/live" else get_response(request)
    return respond

MIDDLEWARE = [*MIDDLEWARE, "broken.breaks_its_document"]
"""

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]


@pytest.fixture
def pactflow() -> Iterator[BrokerDouble]:
    with BrokerDouble(token=TOKEN, pactflow=True) as double:
        double.create_pacticipant(PROVIDER, main_branch="main")
        yield double


def environment(url: str, **variables: str) -> dict[str, str]:
    own = ("PACT_", "DJANGO_", "GIT_", "GITHUB_", "MAKE", "MFLAGS")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(own)},
        "PACT_BROKER_BASE_URL": url,
        "PACT_BROKER_TOKEN": TOKEN,
        "PACT_BROKER_HTTP_RETRIES": "0",
        "GIT_COMMIT": "p1",
        "GIT_BRANCH": "feat/x",
        "SCHEMATHESIS_ARGS": FEW_REQUESTS,
        **variables,
    }


def publish(url: str, **variables: str) -> Run:
    """Run the target as CI does. No output may hold PactFlow's token."""
    finished = subprocess.run(
        ["make", "publish_provider_contract"],  # noqa: S607  # whichever make the developer has
        cwd=ROOT,
        env=environment(url, **variables),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert TOKEN not in finished.stdout + finished.stderr
    return Run(finished.returncode, finished.stdout, finished.stderr)


def breaking(folder: Path) -> dict[str, str]:
    """Variables with which the service breaks its document."""
    (folder / "broken.py").write_text(BROKEN)
    (folder / "sitecustomize.py").write_text('import os; os.environ["DJANGO_SETTINGS_MODULE"] = "broken"')
    return {"PYTHONPATH": str(folder)}


def test_a_service_that_keeps_its_document(pactflow: BrokerDouble) -> None:
    ran = publish(pactflow.url, **BUILD)
    assert ran.exit_code == 0, ran
    has(ran, "No issues found", f"PactFlow has the document of {PROVIDER} p1, and that the service keeps it.")
    (published,) = pactflow.provider_contracts
    contract = published["contract"]
    document = yaml.safe_load(contract["content"])
    assert document["info"]["title"] == "Products"
    assert "/products/{id}" in document["paths"]
    assert (contract["contentType"], contract["specification"]) == ("application/yaml", "oas")
    assert (published["provider"], published["pacticipantVersionNumber"]) == (PROVIDER, "p1")
    assert (published["branch"], published["buildUrl"]) == ("feat/x", "https://github.example/me/it/actions/runs/7")
    proof = contract["selfVerificationResults"]
    assert (proof["success"], proof["verifier"], proof["contentType"]) == (True, "schemathesis", "text/plain")
    assert f"Schemathesis v{proof['verifierVersion']}" in proof["content"]
    assert "Tested: 9" in proof["content"]
    assert pactflow.versions(PROVIDER)["p1"].branches == ["feat/x"]


def test_a_service_that_breaks_its_document(pactflow: BrokerDouble, tmp_path: Path) -> None:
    ran = publish(pactflow.url, SCHEMATHESIS_ARGS=f"{FEW_REQUESTS} --output-sanitize=false", **breaking(tmp_path))
    assert ran.exit_code != 0
    has(ran, '"status" is a required property', "and that the service BREAKS it.")
    (published,) = pactflow.provider_contracts
    proof = published["contract"]["selfVerificationResults"]
    assert proof["success"] is False
    assert '"status" is a required property' in proof["content"]
    assert "Authorization: Bearer [Filtered]" in proof["content"]
    assert not re.search("[0-9a-f]{40}", proof["content"] + ran.out + ran.err)  # a token of DRF's
    assert "buildUrl" not in published


def test_a_broker_that_is_not_pactflow() -> None:
    with BrokerDouble(token=TOKEN) as broker:
        ran = publish(broker.url)
        assert ran.exit_code != 0
        has(ran, f"{broker.url} takes no provider contracts. That needs PactFlow")
        assert "Schemathesis" not in ran.out
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{broker.url}/provider-contracts/provider/{PROVIDER}/publish"
        assert requests.post(url, headers=headers, json={}, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PACT_BROKER_BASE_URL": ""}, "PactFlow's address is not known."),
        ({"PACT_BROKER_TOKEN": "wrong"}, "It does not accept PACT_BROKER_TOKEN"),
    ],
)
def test_what_is_found_out_before_the_service_starts(
    pactflow: BrokerDouble, variables: dict[str, str], said: str
) -> None:
    ran = publish(pactflow.url, **variables)
    assert ran.exit_code != 0
    has(ran, said)
    assert "Schemathesis" not in ran.out


def test_without_proof_nothing_is_published(pactflow: BrokerDouble) -> None:
    ran = publish(pactflow.url, SCHEMATHESIS_ARGS="--no-such-option")
    assert ran.exit_code != 0
    has(ran, "Schemathesis did not finish: exit code 2. Nothing is published.")
    assert not pactflow.provider_contracts


def test_sigterm_ends_it_and_nothing_is_published(pactflow: BrokerDouble) -> None:
    """The fixture around all tests finds a server or a file that is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.provider_contract"],
        cwd=ROOT,
        env=environment(pactflow.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Schemathesis sends requests"):
            process.terminate()
            break
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, "", "Interrupted.\n")
    assert not pactflow.provider_contracts


@pytest.mark.parametrize(
    ("fault", "number", "said"),
    [
        (Fault(401), "p1", "401"),
        (Fault(500), "p1", "500"),
        (Fault.close(), "p1", "did not take"),
        (None, "", "pacticipantVersionNumber"),  # the double's own answer is 400
    ],
)
def test_pactflow_refuses(  # noqa: PLR0917  # what the binary needs around it
    pactflow: BrokerDouble,
    fault: Fault | None,
    number: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (("BASE_URL", pactflow.url), ("TOKEN", TOKEN), ("HTTP_RETRIES", "0")):
        monkeypatch.setenv(f"PACT_BROKER_{name}", value)
    if fault:
        pactflow.fault("POST", "/publish$", fault)
    document, report = (tmp_path / name for name in ("openapi.yaml", "report.txt"))
    document.touch()
    report.touch()
    broker, proof = provider_contract.find_pactflow(), Proof(True, document, report, "4")
    with pytest.raises(CannotVerify) as raised:
        provider_contract.publish(broker, ProviderVersion(number, "main"), proof)
    shown = f"{capsys.readouterr().out}{raised.value}"
    assert "PactFlow did not take the provider contract, as above." in shown
    assert said in shown
    assert TOKEN not in shown
    assert not pactflow.provider_contracts


class TestWhatIsProof:
    """Of Schemathesis's JSON report, the parts that are read."""

    @pytest.fixture
    def read(self, tmp_path: Path) -> Callable[..., bool]:
        def written(exit_code: int, **changed: Any) -> bool:
            found: dict[str, Any] = {
                "schemathesis_version": "4",
                "complete": True,
                "failures": [],
                "errors": [],
                "operations": {"total": 9, "tested": 9},
                "warnings": {"missing_auth": [], "missing_test_data": []},
            }
            verdict = tmp_path / "verdict.json"
            verdict.write_text(json.dumps({**found, **changed}))
            return read_proof(exit_code, verdict, tmp_path / "openapi.yaml", tmp_path / "report.txt").kept

        return written

    def test_it_is(self, read: Callable[..., bool]) -> None:
        assert read(0)
        failures = [{"title": "Undocumented HTTP status code"}]
        assert not read(1, failures=failures)
        assert not read(1, failures=failures, errors=[{"title": "Connection failed"}])

    @pytest.mark.parametrize(
        ("exit_code", "changed", "said"),
        [
            (1, {"errors": [{"title": "Connection failed"}]}, "Connection failed"),
            (130, {}, "exit code 130"),
            (2, {"operations": None, "complete": False}, "exit code 2"),
            (2, {"failures": [{"title": "Server error"}]}, "exit code 2"),
            (0, {"operations": {"total": 9, "tested": 8}}, "8 of 9 operations were tested"),
            (0, {"warnings": {"missing_auth": ["POST /products"], "missing_test_data": []}}, "POST /products"),
            (0, {"warnings": {"missing_auth": [], "missing_test_data": ["GET /product"]}}, "GET /product"),
            (0, {"complete": False}, "exit code 0"),
        ],
    )
    def test_it_is_none(self, read: Callable[..., bool], exit_code: int, changed: dict[str, Any], said: str) -> None:
        with pytest.raises(CannotVerify, match=f"proves nothing: .*{said}"):
            read(exit_code, **changed)

    def test_there_is_no_report(self, tmp_path: Path) -> None:
        with pytest.raises(CannotVerify, match="did not finish: exit code 1"):
            read_proof(1, tmp_path / "verdict.json", tmp_path / "openapi.yaml", tmp_path / "report.txt")


def test_a_service_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_verification, "START_SECONDS", 1)
    with pytest.raises(CannotVerify, match="The service did not start"), serving({"PATH": os.environ["PATH"]}):
        pass


def test_the_workflows_job_publishes_where_a_token_for_pactflow_is_there() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/build.yml").read_text())["jobs"]["provider-contract"]
    assert "if" not in job  # GitHub would skip can-i-deploy with it
    pactflow = "needs.verify.outputs.broker == 'true' && contains(vars.PACT_BROKER_BASE_URL, '.pactflow.io')"
    assert [step["if"] for step in job["steps"]] == [pactflow] * 3
    assert job["permissions"] == {"contents": "read"}
    assert job["steps"][-1]["run"] == "make publish_provider_contract"
    assert set(job["steps"][-1]["env"]) == {"PACT_BROKER_BASE_URL", "PACT_BROKER_TOKEN"}
