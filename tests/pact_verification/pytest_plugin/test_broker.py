"""pytest --pact-broker: the pacts that a broker selects."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker_double import BrokerDouble
from tests.pact_verification.pact_files import document
from tests.pact_verification.pytest_plugin.conftest import EMPTY, GREEN, RED, TOKEN, Pytest, Ran


@pytest.mark.no_database
class TestBroker:
    """--pact-broker: what the broker selects is what pytest collects."""

    @pytest.fixture
    def broker(self) -> Iterator[BrokerDouble]:
        with BrokerDouble(token=TOKEN) as double:
            double.create_pacticipant("testapp", main_branch="main")
            yield double

    @pytest.fixture
    def ask(self, project: Path, run_pytest: Pytest, broker: BrokerDouble) -> Pytest:
        """pytest --pact-broker on main, with the broker configured. No output may hold the token."""

        def ask(*arguments: str, settings: dict[str, Any] | None = None, **variables: str) -> Ran:
            here = {"PACT_BROKER_BASE_URL": broker.url, "PACT_BROKER_TOKEN": TOKEN, "GIT_BRANCH": "main"}
            own = {"PACT_CACHE_DIR": str(project / ".pact_cache"), **(settings or {})}
            ran = run_pytest("--pact-broker", *arguments, settings=own, **{**here, **variables})
            assert TOKEN not in ran.out
            assert not broker.results or {result.provider_version for result in broker.results} == {"p0"}
            return ran

        return ask

    @pytest.fixture
    def verified(self, broker: BrokerDouble) -> None:
        """A pact of main's that the provider's main branch has verified: it is not pending any more."""
        broker.publish(document(GREEN, RED), version="c1", branch="main")
        broker.publish_result("shop", "c1", "testapp", "p0", branch="main", success=True)

    def test_what_the_broker_selects_is_collected(
        self, verified: None, ask: Pytest, broker: BrokerDouble, pacts: Path
    ) -> None:
        """And nothing else, unless it is named."""
        broker.publish(document(RED, EMPTY, consumer="till/[1]"), version="t1", branch="main")
        for arguments in ((), ("-n2",)):
            ran = ask("-v", "-rx", *arguments)
            assert ran.exit_code == 1
            assert "2 pacts from " in ran.out
            assert f"{broker.url} for branch 'main', by mainBranch, matchingBranch, deployedOrReleased" in ran.out
            assert "  shop      version c1           latest from branch main, latest from main branch" in ran.out
            assert "  till/[1]  version t1  pending  latest from branch main, latest from main branch" in ran.out
            assert "Results will not be published. manage.py verify_pacts publishes them." in ran.out
            assert "1 failed, 2 passed, 1 xfailed" in ran.out
            assert "pending: status 404 instead of 200" in ran.out
        named = ask("pacts/b.json")
        assert "1 failed, 3 passed, 1 xfailed" in named.out

    def test_an_id_a_state_and_the_last_failure_find_it_again(self, verified: None, ask: Pytest) -> None:
        ran = ask("-v")
        (red,) = re.findall(r"^(\S*/broker/shop\.json::.*) FAILED", ran.out, re.MULTILINE)
        name = "red, given an item cup exists"
        for arguments in ((red,), ("--lf",), ("-k", "shop and red"), ("--sw",)):
            assert ask(*arguments).outcomes() == {name: "Failure"} or arguments == ("--sw",)
        assert ask("--sw").outcomes() == {name: "Failure"}

    def test_the_broker_is_asked_once_for_all_workers(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        """Its answer may change meanwhile."""
        ask("-n2")
        asked = [each for each in broker.requests if each.path.endswith("/for-verification") and each.method == "POST"]
        assert len(asked) == 1

    def test_its_options(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        broker.publish(document(RED, consumer="till"), version="t1", branch="feat/x")
        feature = '{"branch": "feat/x", "consumer": "till"}'
        ran = ask("--consumer-version-selector", feature, "--no-enable-pending")
        assert ran.outcomes() == {"red, given an item cup exists": "Failure"}
        assert "1 pact from " in ran.out
        url = broker.pact_url("till", "t1")
        for ran in (ask("--pact-url", url), ask(PACT_URL=url)):
            assert ran.outcomes() == {"red, given an item cup exists": "Failure"}
            assert f"1 pact from {url}" in ran.out
        since = ask("--include-wip-pacts-since", "2020-01-01", "--provider-branch", "main")
        assert "work in progress since 2020-01-01" in since.out
        assert "1 failed, 1 passed, 1 xfailed" in since.out

    def test_two_versions_of_a_consumer(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        broker.publish(document(RED), version="c2", branch="feat/x")
        ran = ask("-v")
        assert "broker/shop-c1.json::red, given an item cup exists FAILED" in ran.out
        assert "broker/shop-c2.json::red, given an item cup exists XFAIL" in ran.out

    def test_a_pact_that_can_not_be_read(self, verified: None, ask: Pytest, broker: BrokerDouble) -> None:
        """It fails with the reason, unless it is pending, and the others are collected."""
        broker.publish(document({"description": "d"}, consumer="till"), version="t1", branch="main")
        pending = ask("-rx", "-k", "till or list")
        assert pending.exit_code == 0, pending.out
        assert "1 passed, 1 deselected, 1 xfailed" in pending.out
        assert "pending: " in pending.out
        broker.publish_result("till", "t1", "testapp", "p0", branch="main", success=True)
        for arguments in ((), ("-n2",)):
            ran = ask(*arguments)
            assert ran.exit_code
            assert "interaction 1 ('d') has no request." in ran.out
            assert "2 failed, 1 passed" in ran.out

    def test_nothing_is_selected(self, ask: Pytest) -> None:
        ran = ask()
        assert ran.exit_code == pytest.ExitCode.NO_TESTS_COLLECTED
        assert "0 pacts from " in ran.out
        assert "The broker selects no pact, so none of its contracts is verified." in ran.out

    def test_what_can_not_be_asked_is_a_usage_error(
        self, ask: Pytest, run_pytest: Pytest, broker: BrokerDouble
    ) -> None:
        for ran, why in (
            (
                ask(PACT_BROKER_BASE_URL=""),
                "--pact-broker needs a broker, and none is configured. Set PACT_BROKER_BASE_",
            ),
            (ask(PACT_BROKER_TOKEN="other"), "It does not accept PACT_BROKER_TOKEN"),
            (ask(settings={"PACT_PROVIDER_NAME": ""}), "The provider has no name. Set PACT_PROVIDER_NAME"),
            (ask("--consumer-version-selector", "{"), "--consumer-version-selector"),
            (run_pytest("--pact-url", "http://127.0.0.1/"), "--pact-url chooses pacts of a broker. Add --pact-broker."),
        ):
            assert ran.exit_code == pytest.ExitCode.USAGE_ERROR, ran.out
            assert why in ran.out

    def test_a_file_of_an_earlier_answer_is_no_pact(self, verified: None, ask: Pytest, run_pytest: Pytest) -> None:
        ask("-k", "list")
        ran = run_pytest(".pact_cache/broker/shop.json", settings={"PACT_CACHE_DIR": ".pact_cache"})
        assert ran.exit_code == 2
        assert "stands for a pact that the broker does not select now. Use --pact-broker." in ran.out
