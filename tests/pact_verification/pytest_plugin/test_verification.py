"""What fails, what is pending, and what the failure says."""

import json
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.pytest_plugin.conftest import EMPTY, GREEN, TOKEN, Pytest
from tests.pact_verification.reporters.test_github import commands

pytestmark = pytest.mark.unmeasured


@pytest.mark.no_database
def test_junitxml(pacts: Path, run_pytest: Pytest) -> None:
    (suite,) = JUnitXml.fromfile(str(run_pytest("pacts").junit))
    assert (suite.tests, suite.failures, suite.errors) == (5, 1, 0)
    (red,) = [case for case in suite if case.result]
    assert red.result[0].message == "status 404 instead of 200"
    assert "+ 404 Not Found" in red.result[0].text


@pytest.mark.no_database
def test_messages_beside_http_interactions(project: Path, run_pytest: Pytest) -> None:
    """Of a pact of specification 3."""
    pact = write_pact(project / "pacts" / "p.json", EMPTY, GREEN)
    document = json.loads(pact.read_text())
    document["messages"] = [{"description": "m", "contents": {}}]
    pact.write_text(json.dumps(document))
    assert "2 passed, 1 failed" in run_pytest("pacts").out.replace("1 failed, 2 passed", "2 passed, 1 failed")


@pytest.mark.no_database
class TestWhatIsNotGreen:
    def test_pending_is_an_expected_failure(self, project: Path, run_pytest: Pytest) -> None:
        pending = interaction("to come", "/nothing", type="Synchronous/HTTP", pending=True)
        write_pact(project / "pacts" / "p.json", pending, {**EMPTY, "type": "Synchronous/HTTP"}, version="4.0")
        ran = run_pytest("pacts", "-rx")
        assert ran.exit_code == 0
        assert "1 passed, 1 xfailed" in ran.out
        assert "pending: status 404 instead of 200" in ran.out

    def test_a_pending_interaction_that_hangs_ends_the_session(self, project: Path, run_pytest: Pytest) -> None:
        stuck = {**EMPTY, "description": "stuck", "request": {"path": "/slow", "query": {"seconds": ["30"]}}}
        typed = {"type": "Synchronous/HTTP", "pending": True}
        write_pact(project / "pacts" / "p.json", {**stuck, **typed}, {**EMPTY, **typed}, version="4.0")
        ran = run_pytest("pacts", settings={"PACT_REQUEST_TIMEOUT": 0.2}, PYTHONWARNINGS="ignore")
        # The server's thread is still in there, so nothing else runs: not on its locks, nor beside what it may write.
        assert list(ran.outcomes().values()) == ["Skipped"]
        assert ran.exit_code == 1
        assert "Not run: 'stuck' did not come back, and the run was stopped." in ran.out

    def test_a_request_that_the_core_changed(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json", interaction("a", "//items"), EMPTY)
        ran = run_pytest("pacts")
        assert "1 failed, 1 passed" in ran.out
        assert "The request that arrived is not the pact's: path is '/items', the pact says '//items'." in ran.out

    def test_a_state_error(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json", interaction("a", states=["the item raises"]), EMPTY)
        ran = run_pytest("pacts")
        assert "1 failed, 1 passed" in ran.out
        assert "The state 'the item raises' raised RuntimeError: no such warehouse (" in ran.out

    def test_a_missing_state_has_a_stub(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json", interaction("a", states=["the item raise"]), EMPTY)
        ran = run_pytest("pacts")
        assert "1 failed, 1 passed" in ran.out
        assert '@provider_state("the item raise")' in ran.out
        assert 'did you mean "the item raises"?' in ran.out

    def test_a_pact_that_holds_nothing(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "p.json")
        write_pact(project / "pacts" / "q.json", EMPTY)
        ran = run_pytest("pacts")
        assert ran.exit_code == 2
        assert "pacts/p.json holds no interactions, so nothing of it can be verified." in ran.out

    def test_a_pact_that_can_not_be_read(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(project / "pacts" / "q.json", EMPTY)
        (project / "pacts" / "p.json").write_text("{")
        ran = run_pytest("pacts")
        assert ran.exit_code == 2
        assert "pacts/p.json can't be read: it is not JSON" in ran.out

    def test_a_message_without_contents(self, project: Path, run_pytest: Pytest) -> None:
        message = {**EMPTY, "type": "Asynchronous/Messages"}
        write_pact(project / "pacts" / "p.json", message, version="4.0")
        ran = run_pytest("pacts")
        assert ran.exit_code == 1
        assert "The pact says nothing of the message but its type at most, so there is nothing to compare." in ran.out
        write_pact(project / "pacts" / "p.json", {**message, "pending": True}, version="4.0")
        assert run_pytest("pacts").exit_code == 0

    def test_a_teardown_that_fails_is_a_warning(self, project: Path, run_pytest: Pytest) -> None:
        write_pact(
            project / "pacts" / "p.json", interaction("lid", states=["the teardown fails"], response={"body": []})
        )
        (project / "pytest.ini").write_text("[pytest]\n")
        ran = run_pytest("pacts", PYTHONWARNINGS="default")
        assert "1 passed, 1 warning" in ran.out
        assert "PactWarning: 'lid': The teardown of " in ran.out
        assert "the lid does not close" in ran.out
        red = interaction("lid", "/nothing", states=["the teardown fails"])
        write_pact(project / "pacts" / "p.json", red)  # as an error it doesn't hide what is wrong
        assert "- 200 OK" in run_pytest("pacts").out


@pytest.mark.no_database
def test_settings_that_make_no_sense(pacts: Path, run_pytest: Pytest) -> None:
    ran = run_pytest("pacts/b.json", settings={"PACT_ISOLATION": "flsh"})
    assert ran.exit_code == 1
    assert "(pact_verification.E002) PACT_ISOLATION is 'flsh', not " in ran.out


def test_what_a_pact_quotes_is_shown_without_credentials_and_is_no_command(project: Path, run_pytest: Pytest) -> None:
    token = TOKEN
    words = f"{token} ##[error]x\n::error::y \u202e\x9b"
    red = interaction(words, "/nothing", states=[("an item cup exists", {"n": words})])
    later = interaction("later", "/nothing", response={"body": words}, type="Synchronous/HTTP", pending=True)
    write_pact(project / "pacts" / "a.json", interaction(words, states=[words]), red, consumer=words)
    write_pact(project / "pacts" / "b.json", later, consumer=words, version="4.0")
    write_pact(project / "pacts" / "c.json", consumer=words)
    for ran in (
        run_pytest("-v", "-ra", PACT_BROKER_TOKEN=token),
        run_pytest("-v", "-ra", str(project / "pacts" / "c.json"), PACT_BROKER_TOKEN=token),
        run_pytest("-v", "-ra", PACT_BROKER_TOKEN=token, PACT_PROVIDER_NAME=f"of {token}"),
    ):
        assert ran.exit_code
        for text in (ran.out, ran.junit.read_text()):
            assert [each for each in (token, "##[", "\u202e", "\x9b") if each in text] == []
        assert commands(ran.out) == []


@pytest.mark.no_database
def test_what_was_collected_is_what_is_verified(pacts: Path, project: Path, run_pytest: Pytest) -> None:
    """A pact may change before the core reads it."""
    red = interaction("red", response={"body": ["999"]})
    write_pact(pacts / "a.json", red)
    write_pact(pacts / "b.json", EMPTY, {**EMPTY, "description": "another"})
    write_pact(project / "new", EMPTY)
    (project / "conftest.py").write_text(
        "import shutil\n"
        "def pytest_collection_finish(session):\n"
        "    shutil.copy('new', 'pacts/a.json')\n"
        "    open('pacts/b.json', 'w').close()\n"
    )
    ran = run_pytest("pacts")
    assert list(ran.outcomes().values()) == ["Failure", "Passed", "Passed"], ran.out
    assert '-   "999"' in ran.out


@pytest.mark.no_database
def test_the_sql_queries_of_what_fails(project: Path, run_pytest: Pytest) -> None:
    red = interaction("red", states=["an item cup exists"], response={"body": ["pot"]})
    write_pact(project / "pacts" / "p.json", red)
    assert 'FROM "testapp_item"' not in run_pytest("pacts").out
    assert 'FROM "testapp_item"' in run_pytest("pacts", "--pact-debug-sql").out
