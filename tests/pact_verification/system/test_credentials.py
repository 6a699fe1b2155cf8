"""A broker may quote its credentials in whatever it says. None of what a run shows quotes them again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pact_verification.pacts.pact import AtBroker, Pact
from pact_verification.results.coverage import Coverage, Operation, Use
from pact_verification.results.exchange import Endpoint
from pact_verification.results.masking import without_credentials
from pact_verification.results.report import PactResult, Publication, Report
from pact_verification.text import Place
from tests.broker_double import BrokerDouble, Fault
from tests.pact_verification.pact_files import document, interaction
from tests.pact_verification.running import Run, Verify, has, run

pytestmark = pytest.mark.no_database

SECRET = "n0body-may-see"
TOKEN = f"""t'"<&%+{SECRET}"""
"""It is spelt otherwise in a URL, a shell, HTML, XML, JSON, Markdown, and as a workflow command."""


@pytest.fixture
def broker() -> Iterator[BrokerDouble]:
    """A broker that quotes the token wherever it has words of its own or a consumer's."""
    with BrokerDouble(token=TOKEN) as double:
        double.create_pacticipant("testapp", main_branch="main")
        red = interaction(f"red {TOKEN}", "/nothing", states=[f"an item {TOKEN} exists"])
        pacts = {f"shop {TOKEN}": [interaction("ok", response={"body": []}), red], f"office {TOKEN}": []}
        for consumer, interactions in pacts.items():
            double.publish(document(*interactions, consumer=consumer), version=f"c-{TOKEN}", branch=f"feat/{TOKEN}")
        quoting = Fault(status=503, reason=f"No {TOKEN} today", body=json.dumps({"error": f"not {TOKEN}"}).encode())
        double.fault("POST", "/verification-results$", quoting)
        yield double


def variables(broker: BrokerDouble) -> dict[str, Any]:
    return {
        "PACT_BROKER_BASE_URL": broker.url,
        "PACT_BROKER_TOKEN": TOKEN,
        "GIT_COMMIT": "p1",
        "GIT_BRANCH": "main",
    }


def no_output_has_the_secret(ran: Run, *files: Path) -> None:
    texts = {"stdout": ran.out, "stderr": ran.err, **{file.name: file.read_text() for file in files}}
    for name, text in texts.items():
        assert text, name
        assert SECRET not in text, (name, text[max(0, text.index(SECRET) - 300) :][:600])
        assert "(hidden)" in text.replace("\\", ""), name


def test_no_report_quotes_a_broker_that_quotes_its_token(verify: Verify, broker: BrokerDouble, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("json", "junit", "html")}
    summary = tmp_path / "summary"
    for consumer in ("shop", "office"):  # none is pending, so each stands in annotations and in JUnit's errors
        broker.publish_result(f"{consumer} {TOKEN}", f"c-{TOKEN}", "testapp", "p0", branch="main", success=True)
    ran = verify(
        "--publish",
        "--coverage",
        "--durations=9",
        "--verbosity=3",
        "--consumer-version-selector",
        json.dumps({"branch": f"feat/{TOKEN}"}),
        *(f"--{name}={file}" for name, file in files.items()),
        **variables(broker),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert ran.exit_code == 1, ran
    has(ran, "2 pacts from", "::error ", "No (hidden) today (not (hidden))", "python -m django verify_pacts --pact-url")
    no_output_has_the_secret(ran, summary, *files.values())
    assert "%22%3C" not in files["json"].read_text()  # part of the token, as a URL spells it


@pytest.mark.parametrize("arguments", [(), ("--check",), ("--stubs",)])
def test_nor_do_the_states(broker: BrokerDouble, arguments: tuple[str, ...]) -> None:
    lacking = document(interaction("a", states=[f"unknown {TOKEN}"]), consumer=f"other {TOKEN}")
    broker.publish(lacking, version=f"c-{TOKEN}", branch=f"feat/{TOKEN}")
    selector = json.dumps({"branch": f"feat/{TOKEN}"})
    ran = run("pact_states", "--consumer-version-selector", selector, *arguments, **variables(broker))
    assert "(hidden)" in ran.out
    assert SECRET not in ran.out + ran.err


@pytest.mark.parametrize("name", ["verify_pacts", "can_i_deploy", "pact_states", "pact_broker"])
def test_nor_does_an_error(broker: BrokerDouble, name: str) -> None:
    broker.fault("GET", ".", Fault(status=503, reason=f"No {TOKEN} today"))
    arguments = {"can_i_deploy": ["--to-environment", "e"], "pact_broker": ["list-environments"]}.get(name, [])
    ran = run(name, *arguments, **variables(broker))
    assert ran.exit_code == 2
    assert "503 No (hidden) today" in ran.err
    assert SECRET not in ran.out + ran.err


def test_nor_does_a_usage_error(verify: Verify, broker: BrokerDouble) -> None:
    ran = verify(f"--tokn={TOKEN}", **variables(broker))
    assert ran.exit_code == 2
    assert "unrecognized arguments: --tokn=(hidden)" in ran.err
    assert SECRET not in ran.err


def test_every_part_of_a_report_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACT_BROKER_TOKEN", TOKEN)
    text = f"it said {TOKEN}"
    at_broker = AtBroker(text, text, text, text, text, notices=((text, text),))
    uses = (Use(text, (200,)),)
    report = Report(
        text,
        (PactResult(Pact(text, text, (), Path("p"), text, at_broker), (), text),),
        (text,),
        (text,),
        1.0,
        text,
        Publication(text, text, text, (text,), ((text, text),)),
        text,
        coverage=Coverage((Operation(text, Endpoint(text, text, Place(text, 1)), uses),), nowhere=((text, uses[0]),)),
        nothing_because=text,
    )
    hidden = without_credentials(report)
    assert SECRET not in repr(hidden)
    assert repr(hidden).count("it said (hidden)") == repr(report).count("it said ")
