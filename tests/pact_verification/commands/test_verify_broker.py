"""manage.py verify_pacts with a broker, which is a double over real HTTP."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.broker_double import BrokerDouble, Fault
from tests.certificates import Certificate, self_signed
from tests.pact_verification.pact_files import document, interaction
from tests.pact_verification.running import Run, Verify, git, has, run

TOKEN = "t0ken-that-nobody-may-see"
EMPTY = interaction("an empty list", response={"body": []})
GREEN = interaction("a list", states=["an item cup exists"], response={"body": ["cup"]})
RED = interaction("a list", states=["an item cup exists"], response={"body": ["pot"]})
UNKNOWN_STATE = interaction("a list", states=["an item that flies"], response={"body": ["cup"]})

MARKED = document({**RED, "type": "Synchronous/HTTP", "pending": True}, version="4.0")

Ask = Callable[..., Run]

pytestmark = [pytest.mark.no_database, pytest.mark.measured]


@pytest.fixture
def broker() -> Iterator[BrokerDouble]:
    with BrokerDouble(token=TOKEN) as double:
        double.create_pacticipant("testapp", main_branch="main")
        yield double


@pytest.fixture
def ask(verify: Verify, broker: BrokerDouble) -> Ask:
    """Run verify_pacts for version p1 on main with the broker. No output may contain the token."""

    def run(*arguments: str | Path, **options: Any) -> Run:
        here = {
            "PACT_BROKER_BASE_URL": broker.url,
            "PACT_BROKER_TOKEN": TOKEN,
            "GIT_COMMIT": "p1",
            "GIT_BRANCH": "main",
        }
        ran = verify(*arguments, **{**here, **options})
        assert TOKEN not in ran.out + ran.err
        return ran

    return run


def published(broker: BrokerDouble) -> list[tuple[str, str, bool]]:
    results = [(result.consumer, result.provider_version, result.success) for result in broker.results]
    return [result for result in results if result[1] != "p0"]


def no_longer_pending(broker: BrokerDouble) -> None:
    broker.publish_result("shop", "c1", "testapp", "p0", branch="main", success=True)


def writes(broker: BrokerDouble) -> list[str]:
    return [
        request.path
        for request in broker.requests
        if request.method != "GET" and not request.path.endswith("/for-verification")
    ]


class TestPublishing:
    def test_green_is_published_and_read_back(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(EMPTY, GREEN), version="c1", branch="main")
        broker.create_environment("production", production=True)
        broker.record_deployment("shop", "c1", "production")
        run = ask(
            "--publish",
            "--provider-tag",
            "prod ü/1",
            GITHUB_SERVER_URL="https://github.example",
            GITHUB_REPOSITORY="me/it",
            GITHUB_RUN_ID="7",
        )
        assert run.exit_code == 0, run
        has(
            run,
            "shop version c1 pending latest from branch main, deployed to production, latest from main branch",
            "Results will be published for p1 of branch main.",
            f"Published 1 result for version p1 of branch main to {broker.url}, and read back.",
            "2 verified, in",
        )
        assert published(broker) == [("shop", "p1", True)]
        assert (broker.versions("testapp")["p1"].branches, broker.versions("testapp")["p1"].tags) == (
            ["main"],
            ["prod ü/1"],
        )
        body = broker.results[0].body
        assert body["buildUrl"] == "https://github.example/me/it/actions/runs/7"
        assert [each["success"] for each in body["testResults"]] == [True, True]
        assert all(len(each["interactionId"]) == 40 for each in body["testResults"])

    def test_the_selection_is_shown_before_anything_runs(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(UNKNOWN_STATE), version="c1", branch="main")
        no_longer_pending(broker)
        run = ask("--publish")
        assert run.exit_code == 2
        assert run.err.index("shop  version c1") < run.err.index("1 provider state has no handler")
        has(run, "an item that flies", "needed by shop: a list (version c1: latest from branch main")
        assert not published(broker)

    def test_nothing_is_published_unless_it_is_asked_for(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        run = ask(CI="true")
        assert run.exit_code == 0
        has(run, "Results will not be published.", "Results were not published. --publish or PACT_BROKER_PUBLISH_")
        assert not writes(broker)

    def test_the_environment_asks_and_the_option_wins(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        wanted = {"PACT_BROKER_PUBLISH_VERIFICATION_RESULTS": "true"}
        assert ask("--no-publish", **wanted).exit_code == 0
        assert not writes(broker)
        assert ask(**wanted).exit_code == 0
        assert published(broker) == [("shop", "p1", True)]

    def test_red_is_published_as_red(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(EMPTY, RED), version="c1", branch="main")
        no_longer_pending(broker)
        run = ask("--publish")
        assert run.exit_code == 1
        assert published(broker) == [("shop", "p1", False)]
        green, red = broker.results[-1].body["testResults"]
        assert green["success"] is True
        assert red["success"] is False
        assert red["mismatches"][0]["attribute"] == "body"
        assert red["mismatches"][0]["identifier"] == "$[0]"

    def test_a_state_that_fails_is_published_as_red(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(interaction("a", states=["the item raises"])), version="c1", branch="main")
        no_longer_pending(broker)
        run = ask("--publish")
        assert run.exit_code == 1
        assert published(broker) == [("shop", "p1", False)]
        assert "the item raises" in broker.results[-1].body["testResults"][0]["exceptions"][0]["message"]

    def test_a_pending_failure_is_green_and_published_as_red(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(RED), version="c1", branch="main")
        run = ask("--publish")
        assert run.exit_code == 0
        has(run, "pending: does not fail the run", "1 failed (pending)", "no contract is broken")
        assert published(broker) == [("shop", "p1", False)]
        has(ask("--publish", "--verbosity", "2"), "This pact is still in pending state")

    def test_pending_can_be_turned_off(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(RED), version="c1", branch="main")
        assert ask("--no-enable-pending").exit_code == 1

    def test_nor_does_a_pacts_own_mark_count_then(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(MARKED, version="c1", branch="main")
        no_longer_pending(broker)
        assert ask().exit_code == 0
        run = ask("--no-enable-pending", "--publish")
        assert run.exit_code == 1
        has(run, "1 failed, in", "The contracts are broken")
        assert "pending" not in run.out.replace("--no-enable-pending", "")
        assert published(broker) == [("shop", "p1", False)]

    def test_work_in_progress(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.publish(document(RED, EMPTY), version="c2", branch="feat/x")
        run = ask("--publish")
        assert run.exit_code == 0
        has(run, "shop version c2 work in progress latest from branch feat/x")
        assert sorted(published(broker)) == [("shop", "p1", False), ("shop", "p1", True)]

    def test_a_new_state_of_a_pending_pact_does_not_stop_the_build(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.publish(document(UNKNOWN_STATE), version="c2", branch="feat/x")
        run = ask("--publish")
        assert run.exit_code == 0
        has(
            run,
            "For pending interactions: 1 provider state has no handler",
            "def an_item_that_flies",
            "1 state error (pending)",
        )
        assert sorted(published(broker)) == [("shop", "p1", False), ("shop", "p1", True)]

    def test_a_filter_does_not_publish(self, ask: Ask, broker: BrokerDouble) -> None:
        """The core would publish success for a part of a pact, even for an empty one."""
        broker.publish(document(EMPTY, RED), version="c1", branch="main")
        no_longer_pending(broker)
        wanted = {"PACT_BROKER_PUBLISH_VERIFICATION_RESULTS": "true"}
        for narrowed in (["--description", "empty"], ["--no-state"], ["--consumer", "shop", "--no-state"]):
            run = ask(*narrowed, **wanted)
            assert run.exit_code == 0
            has(run, "Results were not published.", "chooses a part")
        assert ask("--state", "nothing like it", **wanted).exit_code == 3
        run = ask("--publish", "--description", "empty")
        assert run.exit_code == 2
        has(run, "Results can't be published: --description 'empty' chooses a part")
        run = ask(PACT_DESCRIPTION="empty", **wanted)
        assert run.exit_code == 0
        has(run, "Results were not published. PACT_DESCRIPTION='empty' chooses a part of a pact")
        run = ask("--publish", PACT_DESCRIPTION="empty")
        assert run.exit_code == 2
        has(run, "Results can't be published: PACT_DESCRIPTION='empty' chooses a part")
        assert not writes(broker)

    def test_one_interaction_by_its_id_at_the_broker(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(EMPTY, RED), version="c1", branch="main")
        no_longer_pending(broker)
        url = broker.pact_url("shop", "c1")
        served = requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5).json()
        green, red = (each["_id"] for each in served["interactions"])
        assert ask(PACT_BROKER_INTERACTION_ID=red).exit_code == 1
        run = ask(PACT_BROKER_INTERACTION_ID=green)
        assert run.exit_code == 0
        has(run, "1 interaction of 1 consumer: 1 verified")

    def test_a_detached_head_in_a_merge_request(self, ask: Ask, broker: BrokerDouble, tmp_path: Path) -> None:
        """The branch and the build are those that the CI service names."""
        broker.publish(document(GREEN), version="c1", branch="main")
        run = ask(
            "--publish",
            cwd=tmp_path,
            GIT_COMMIT="",
            GIT_BRANCH="",
            GITLAB_CI="true",
            CI_COMMIT_SHA="p1",
            CI_MERGE_REQUEST_IID="7",
            CI_MERGE_REQUEST_SOURCE_BRANCH_NAME="feat/x",
            CI_JOB_URL="https://gitlab.example/me/it/-/jobs/7",
        )
        assert run.exit_code == 0, run
        has(run, "Results will be published for p1 of branch feat/x, which GitLab CI names.")
        assert broker.versions("testapp")["p1"].branches == ["feat/x"]
        assert broker.results[0].body["buildUrl"] == "https://gitlab.example/me/it/-/jobs/7"

    @pytest.mark.parametrize("option", ["--exit-first", "--last-failed"])
    def test_what_may_be_a_part_does_not_publish(
        self, ask: Ask, broker: BrokerDouble, option: str, tmp_path: Path
    ) -> None:
        broker.publish(document(EMPTY, RED), version="c1", branch="main")
        cache = {"PACT_CACHE_DIR": str(tmp_path)}
        assert ask(settings=cache).exit_code == 0  # pending
        refused = ask("--publish", option, settings=cache)
        assert refused.exit_code == 2
        has(refused, "Results can't be published:", option)
        asked_by_environment = ask(option, settings=cache, PACT_BROKER_PUBLISH_VERIFICATION_RESULTS="true")
        has(asked_by_environment, "Results were not published.", option)
        assert not writes(broker)

    def test_an_empty_pact_is_not_green_and_not_published(self, ask: Ask, broker: BrokerDouble) -> None:
        """The core would pass an empty pact, and publish success."""
        broker.publish(document(), version="c1", branch="main")
        broker.publish(document(GREEN, consumer="office"), version="c1", branch="main")
        run = ask("--publish", "--no-enable-pending")
        assert run.exit_code == 3
        has(run, "nothing was verified for", "holds no interactions")
        run = ask("--publish", "--no-enable-pending", "--allow-no-pacts")
        assert run.exit_code == 0
        has(run, "holds no interactions, so no result is published for it.")
        assert published(broker) == [("office", "p1", True)] * 2

    def test_what_did_not_run_is_published_neither_way(self, ask: Ask, broker: BrokerDouble) -> None:
        """A state that hangs stops the run. Its pact has failed, and the result of the other is not known."""
        slow = interaction("slow", states=["it takes 600 seconds"])
        broker.publish(document(slow, consumer="a"), version="c1", branch="main")
        broker.publish(document(GREEN, consumer="b"), version="c1", branch="main")
        run = ask("--publish", "--no-enable-pending", "--request-timeout", "0.2")
        assert run.exit_code == 1
        has(run, "Some interactions were not verified, so neither success nor failure would be true.")
        assert published(broker) == [("a", "p1", False)]

    def test_a_pending_pact_that_did_not_run_fails_nothing(self, ask: Ask, broker: BrokerDouble) -> None:
        slow = interaction("slow", states=["it takes 600 seconds"])
        broker.publish(document(slow, consumer="a"), version="c1", branch="main")
        broker.publish(document(GREEN, consumer="b"), version="c1", branch="main")
        run = ask("--publish", "--request-timeout", "0.2")
        assert run.exit_code == 0, run
        assert published(broker) == [("a", "p1", False)]

    def test_a_pending_pact_that_hangs_keeps_no_other_from_its_verdict(self, ask: Ask, broker: BrokerDouble) -> None:
        slow = interaction("slow", states=["it takes 600 seconds"])
        broker.publish(document(GREEN), version="c1", branch="main")
        no_longer_pending(broker)
        broker.publish(document(slow, consumer="a"), version="c1", branch="main")
        run = ask("--publish", "--request-timeout", "0.2")
        assert run.exit_code == 0, run
        assert sorted(published(broker)) == [("a", "p1", False), ("shop", "p1", True)]

    def test_a_failed_contract_stays_the_verdict_when_publishing_fails_too(
        self, ask: Ask, broker: BrokerDouble
    ) -> None:
        broker.publish(document(RED), version="c1", branch="main")
        no_longer_pending(broker)
        broker.fault("POST", "/verification-results$", Fault(status=403))
        run = ask("--publish")
        assert run.exit_code == 1
        has(run, "Not at the broker for version p1 of branch main: shop (version c1", "The contracts are broken")

    def test_secrets_of_a_response_do_not_go_to_the_broker(self, ask: Ask, broker: BrokerDouble) -> None:
        wants = interaction("a", "/about", response={"headers": {"Set-Cookie": "session=none"}})
        broker.publish(document(wants), version="c1", branch="main")
        ask("--publish")
        mismatch = broker.results[0].body["testResults"][0]["mismatches"][0]
        missing = 'Expected "session=(hidden)" but received nothing'
        assert mismatch == {"attribute": "header", "identifier": "Set-Cookie", "description": missing}

    def test_descriptions_are_published_as_the_pact_has_them(self, ask: Ask, broker: BrokerDouble) -> None:
        """A secret in a description is hidden. A credential that is a common word hides nothing."""
        token, password = "a request for a token with a test token", "a login with hunter2"
        broker.publish(
            document(
                interaction(token, "/about", request={"headers": {"Authorization": "Bearer token"}}),
                interaction(password, "/about", request={"headers": {"X-Api-Key": "hunter2"}}),
            ),
            version="c1",
            branch="main",
        )
        ask("--publish")
        results = broker.results[0].body["testResults"]
        assert [each["interactionDescription"] for each in results] == [token, "a login with (hidden)"]

    def test_without_a_version_or_a_branch(self, ask: Ask, broker: BrokerDouble, tmp_path: Path) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        run = ask("--publish", GIT_COMMIT="", cwd=tmp_path)
        assert run.exit_code == 2
        has(run, "Results can't be published without the provider's version", "GIT_COMMIT")
        run = ask("--publish", GIT_BRANCH="", cwd=tmp_path)
        assert run.exit_code == 2
        has(run, "Results can't be published without the provider's branch", "GIT_BRANCH")
        assert not writes(broker)


@pytest.mark.parametrize(
    ("where", "fault", "why"),
    [
        (
            "POST /verification-results$",
            Fault(status=401),
            "answered with 401 Unauthorized. PACT_BROKER_TOKEN may not write",
        ),
        ("POST /verification-results$", Fault(status=403), "403 Forbidden. PACT_BROKER_TOKEN may not write there"),
        ("POST /verification-results$", Fault(status=404), "was answered with 404: it is not there"),
        ("POST /verification-results$", Fault(status=409), "It conflicts with what the broker holds"),
        (
            "POST /verification-results$",
            Fault(status=503),
            "503 Service Unavailable. That is the broker's own trouble",
        ),
        ("POST /verification-results$", Fault.close(), "closed the connection over POST"),
        ("POST /verification-results$", Fault.hang(), "did not answer POST"),
        ("POST /verification-results$", Fault.malformed(), "something that is not JSON"),
        ("POST /verification-results$", Fault.drop(), "The broker accepted the result and does not have it"),
        ("POST /verification-results$", Fault.lie(), "The broker holds success: false, the run published true."),
        ("PUT /branches/", Fault(status=401), "may not write there"),
        ("PUT /branches/", Fault(status=200, body=b"<html>log in</html>"), "something that is not JSON"),
        ("PUT /branches/", Fault(status=200, body=b'{"_links": {"pb:branch": {"name": "b"}}}'), "made 'b' of 'main'"),
        ("PUT /branches/", Fault(status=500), "500 Internal Server Error"),
        ("PUT /tags/", Fault(status=403), "may not write there"),
        ("GET /verification-results/", Fault(status=502), "The result was sent, but can't be read back"),
    ],
)
def test_what_the_broker_does_not_hold_afterwards_is_not_green(
    ask: Ask, broker: BrokerDouble, where: str, fault: Fault, why: str
) -> None:
    """The core would log a refused result and report success, after 127 seconds for a server error."""
    broker.publish(document(GREEN), version="c1", branch="main")
    method, path = where.split()
    broker.fault(method, path, fault)
    run = ask("--publish", "--provider-tag", "t", "--broker-timeout", "2")
    assert run.exit_code == 4, run
    has(
        run,
        "1 verified",
        "Not at the broker for version p1 of branch main: shop (version c1: latest from branch main",
        why,
        "Verified, but the broker does not hold the results.",
    )
    assert "Published" not in run.out


@pytest.mark.parametrize(
    "answer", [{"_links": {"self": "x"}}, {"_links": {"self": {}}}, {"_links": [1]}, {"_links": {"self": {"href": 5}}}]
)
def test_an_odd_answer_does_not_lose_the_verdict(ask: Ask, broker: BrokerDouble, answer: dict[str, Any]) -> None:
    broker.publish(document(RED), version="c1", branch="main")
    no_longer_pending(broker)
    broker.fault("POST", "/verification-results$", Fault(status=201, body=json.dumps(answer).encode()))
    run = ask("--publish")
    assert run.exit_code == 1
    has(run, "The contracts are broken.", "Not at the broker")
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", "http://[bad/x"), ("PUT", json.dumps({"errors": json.loads("[" * 700 + "]" * 700)}))],
)
def test_oddities_before_the_first_result_do_not_lose_it_either(
    ask: Ask, broker: BrokerDouble, method: str, body: str
) -> None:
    broker.publish(document(RED), version="c1", branch="main")
    no_longer_pending(broker)
    if method == "PUT":
        broker.fault("PUT", "/branches/", Fault(status=409, body=body.encode()))
    else:
        index = requests.get(broker.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=9).json()
        index["_links"]["pb:pacticipant-branch-version"]["href"] = body
        broker.fault("GET", "^/$", Fault(status=200, body=json.dumps(index).encode()))
    run = ask("--publish")
    assert run.exit_code == 1
    has(run, "The contracts are broken.", "Not at the broker")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ({"_embedded": {"branchVersions": []}}, "version p1 is not on branch main there. Publish again."),
        ({"_embedded": {"branchVersions": [{"name": "mai"}]}}, "version p1 is not on branch main there."),
    ],
)
def test_the_branch_is_read_back_too(ask: Ask, broker: BrokerDouble, version: dict[str, Any], why: str) -> None:
    """A version that was deleted meanwhile is made again by its result, on no branch."""
    broker.publish(document(GREEN), version="c1", branch="main")
    broker.fault("GET", "/versions/p1$", Fault(status=200, body=json.dumps(version).encode()))
    run = ask("--publish")
    assert run.exit_code == 4
    has(run, "Not at the broker for version p1 of branch main: shop", why)
    assert "Published" not in run.out


def test_an_older_result_is_not_the_one_that_was_sent(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(GREEN), version="c1", branch="main")
    assert ask("--publish").exit_code == 0
    broker.fault("POST", "/verification-results$", Fault.drop())
    run = ask("--publish")
    assert run.exit_code == 4
    has(run, "The broker accepted the result and does not have it")


def test_results_from_before_the_broker_fell_silent_are_shown(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(GREEN), version="c1", branch="main")
    broker.publish(document(GREEN, consumer="office"), version="c1", branch="main")
    broker.fault("POST", "/consumer/shop/.*/verification-results$", Fault.hang())
    run = ask("--publish", "--broker-timeout", "2")
    assert run.exit_code == 4
    has(run, "Published 1 result for version p1", "Not at the broker for version p1 of branch main: shop (version c1")
    assert published(broker) == [("office", "p1", True)]


def test_one_result_that_is_missing_of_two(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(GREEN), version="c1", branch="main")
    broker.publish(document(GREEN, consumer="office"), version="c1", branch="main")
    broker.fault("POST", "/consumer/shop/.*/verification-results$", Fault(status=409))
    run = ask("--publish")
    assert run.exit_code == 4
    has(run, "Published 1 result for version p1", "Not at the broker for version p1 of branch main: shop")
    assert published(broker) == [("office", "p1", True)]


def test_a_server_error_that_passes_is_no_reason_to_fail(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(GREEN), version="c1", branch="main")
    broker.fault("POST", "/verification-results$", Fault(status=502), times=1)
    assert ask("--publish").exit_code == 0
    assert published(broker) == [("shop", "p1", True)]


def test_another_versions_later_result_does_not_hide_ours(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(GREEN), version="c1", branch="main")
    answer = json.dumps({"providerApplicationVersion": "p9", "success": False}).encode()
    broker.fault("GET", "/verification-results/latest$", Fault(status=200, body=answer))
    assert ask("--publish").exit_code == 0


class TestSelecting:
    def test_the_defaults(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        ask()
        query = next(request.body for request in broker.requests if request.method == "POST")
        assert query["consumerVersionSelectors"] == [
            {"mainBranch": True},
            {"matchingBranch": True},
            {"deployedOrReleased": True},
        ]
        assert query["includePendingStatus"] is True
        assert query["providerVersionBranch"] == "main"
        assert "includeWipPactsSince" in query  # on the main branch only
        broker.requests.clear()
        ask(GIT_BRANCH="feat/x")
        query = next(request.body for request in broker.requests if request.method == "POST")
        assert query["providerVersionBranch"] == "feat/x"
        assert "includeWipPactsSince" not in query

    def test_without_a_branch_there_is_no_matching_one(self, ask: Ask, broker: BrokerDouble, tmp_path: Path) -> None:
        """The broker would refuse the selector."""
        broker.publish(document(GREEN), version="c1", branch="main")
        run = ask(GIT_BRANCH="", cwd=tmp_path)
        assert run.exit_code == 0
        has(run, "No branch is known, so the selectors have no matchingBranch.")
        variables = {"GIT_BRANCH": "", "GIT_COMMIT": "", "TEAMCITY_VERSION": "2025.11", "BUILD_VCS_NUMBER": "p1"}
        has(ask(cwd=tmp_path, **variables), "TeamCity names no branch here, and git has none checked out, so the sel")
        refused = ask("--publish", cwd=tmp_path, **variables)
        assert refused.exit_code == 2
        has(refused, "without the provider's branch: neither --provider-branch, GIT_BRANCH, TeamCity nor git names it")
        query = next(request.body for request in broker.requests if request.method == "POST")
        assert query["consumerVersionSelectors"] == [{"mainBranch": True}, {"deployedOrReleased": True}]

    def test_selectors_of_ones_own(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.publish(document(EMPTY), version="c2", branch="feat/x")
        selector = '{"branch": "feat/x", "consumer": "shop"}'
        run = ask("--consumer-version-selector", selector, "--include-wip-pacts-since", "2020-01-01", GIT_BRANCH="b")
        assert run.exit_code == 0
        has(run, "by branch=feat/x consumer=shop, and work in progress since 2020-01-01")
        query = next(request.body for request in broker.requests if request.method == "POST")
        assert query["consumerVersionSelectors"] == [{"branch": "feat/x", "consumer": "shop"}]
        assert query["includeWipPactsSince"] == "2020-01-01"

    def test_an_environment_is_named_in_our_words(self, ask: Ask, broker: BrokerDouble) -> None:
        """The broker describes such a selector by a dump of its own objects."""
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.create_environment("production", production=True)
        broker.record_deployment("shop", "c1", "production")
        selectors = ('{"mainBranch": true}', '{"environment": "production"}')
        run = ask(*(argument for each in selectors for argument in ("--consumer-version-selector", each)))
        assert run.exit_code == 0, run
        has(run, "shop (version c1: latest from main branch, in environment production; pending)")
        assert "#<" not in run.out + run.err

    def test_an_environment_that_is_not_there(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.create_environment("production", production=True)
        run = ask("--consumer-version-selector", '{"environment": "moon"}')
        assert run.exit_code == 2
        has(run, "has no environment 'moon'. It has production; manage.py pact_broker create-environment --name moon")

    @pytest.mark.parametrize("key", ["fallbackBranch", "fallbackToMainBranch"])
    def test_a_key_that_the_broker_ignores(self, ask: Ask, broker: BrokerDouble, key: str) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        value = "main" if key == "fallbackBranch" else True
        selector = json.dumps({"branch": "feat/x", key: value})
        run = ask("--no-enable-pending", "--consumer-version-selector", selector)
        assert run.exit_code == 3
        instead = '{"branch": "main"}' if key == "fallbackBranch" else '{"mainBranch": true}'
        has(run, f"chose no pact. The open-source Pact Broker ignores {key}; a second", f"'{instead}' chooses those")

    def test_only_some_consumers(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.publish(document(RED, consumer="office"), version="c1", branch="main")
        run = ask("--no-enable-pending", "--consumer", "shop")
        assert run.exit_code == 0
        has(
            run,
            "office (version c1: latest from branch main, latest from main branch) is a pact of 'office', which",
        )
        assert ask("--consumer", "shpo").exit_code == 3

    def test_nothing_selected(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="feat/x")
        selector = ("--consumer-version-selector", '{"deployedOrReleased": true}', "--no-enable-pending")
        run = ask(*selector, "--publish")
        assert run.exit_code == 3
        has(run, f"0 pacts from {broker.url} for branch 'main', by deployedOrReleased.", "nothing was verified")
        assert ask(*selector, "--publish", "--allow-no-pacts").exit_code == 0
        assert not writes(broker)

    def test_pacts_of_messages(self, ask: Ask, broker: BrokerDouble) -> None:
        """The project has no producer, so a consumer's message fails alone."""
        message = {"description": "a thing happened", "type": "Asynchronous/Messages", "contents": {"content": 1}}
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.publish(document(message, consumer="listener", version="4.0"), version="c1", branch="main")
        run = ask("--publish")
        assert run.exit_code == 0
        has(run, "No producer for the message 'a thing happened'.", "1 verified, 1 producer error (pending)")
        assert sorted(published(broker)) == [("listener", "p1", False), ("shop", "p1", True)]
        run = ask("--no-enable-pending")
        assert run.exit_code == 1
        has(run, "No producer for the message 'a thing happened'.", "1 verified, 1 producer error")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (document({**GREEN, "response": None}, consumer="odd"), "response is null, and should be an object."),
            (document({**GREEN, "description": None}, consumer="odd"), ""),
            ({**document(consumer="odd"), "interactions": None}, "interactions is null, and should be a list."),
            (document({**GREEN, "response": {"status": "200"}}, consumer="odd"), "response.status is the text '200'"),
            (document({**GREEN, "providerStates": "a state"}, consumer="odd"), ""),
            (document(consumer="odd"), "has no interactions: nothing was verified"),
            (
                {**document({**GREEN, "type": "Synchronous/HTTP"}, consumer="odd", version="4.0")}
                | {"metadata": {"pactSpecification": {"version": "4.0"}, "plugins": [{"name": "csv", "version": "1"}]}},
                "The pact needs the Pact plugin csv 1",
            ),
        ],
        ids=["response", "description", "interactions", "status", "states", "empty", "plugin"],
    )
    def test_a_pending_pact_never_fails_the_build(
        self, ask: Ask, broker: BrokerDouble, tmp_path: Path, content: dict[str, Any], told: str
    ) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        no_longer_pending(broker)
        broker.publish(content, version="o1", branch="main")
        run = ask("--publish", PACT_PLUGIN_DIR=str(tmp_path))
        assert run.exit_code == 0, run
        has(run, told)
        assert ("shop", "p1", True) in published(broker)

    def test_files_are_verified_in_spite_of_a_broker(self, ask: Ask, broker: BrokerDouble, tmp_path: Path) -> None:
        pact = tmp_path / "shop.json"
        pact.write_text(json.dumps(document(GREEN)))
        run = ask(pact, PACT_BROKER_PUBLISH_VERIFICATION_RESULTS="true", PACT_URL=f"{broker.url}/pact")
        assert run.exit_code == 0
        has(
            run,
            "Results were not published. Only results of a broker's pacts can be published, and these pacts are files.",
        )
        assert not broker.requests


FOR_VERIFICATION = "/for-verification$"


@pytest.mark.parametrize(
    ("path", "fault", "why"),
    [
        ("^/$", Fault(status=401), "401 Unauthorized. It does not accept PACT_BROKER_TOKEN"),
        ("^/$", Fault(status=400), "A broker with basic authentication answers a token so: set PACT_BROKER_USERNAME"),
        ("^/$", Fault(status=403), "403 Forbidden. PACT_BROKER_TOKEN may not read there"),
        ("^/$", Fault(status=500), "That is the broker's own trouble"),
        ("^/$", Fault.close(), "closed the connection over GET"),
        ("^/$", Fault.hang(), "did not answer GET"),
        ("^/$", Fault.drip(), "did not answer GET"),
        ("^/$", Fault.malformed(), "something that is not JSON"),
        ("^/$", Fault(status=200, body=b"{}"), "is no Pact Broker that we can use: it has no link"),
        ("^/$", Fault(status=404), "is no Pact Broker that we can use: it has nothing there (404)"),
        ("^/$", Fault(status=200, body=b'"text"'), "something that is not JSON"),
        (FOR_VERIFICATION, Fault(status=401), "It does not accept PACT_BROKER_TOKEN"),
        (
            FOR_VERIFICATION,
            Fault(status=400, body=b'{"errors": {"a": ["b is wrong"]}}'),
            "400 Bad Request (a: b is wrong)",
        ),
        (FOR_VERIFICATION, Fault(status=200, body=b"{}"), "something that is no list of pacts"),
        (
            FOR_VERIFICATION,
            Fault(status=200, body=b'{"_embedded": {"pacts": [{}]}}'),
            "lists a pact that can't be read",
        ),
        (FOR_VERIFICATION, Fault.hang(), "did not answer POST"),
        (
            FOR_VERIFICATION,
            Fault(status=200, body=b'{"errors": ["x"], "_embedded": {"pacts": []}}'),
            "no list of pacts",
        ),
        ("^/$", Fault(status=200, body=b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"), "something that is not JSON"),
        ("/pact-version/", Fault(status=404), "was answered with 404"),
        ("/pact-version/", Fault.malformed(), "it is not JSON"),
        ("/pact-version/", Fault(status=200, body=b"{}"), "is not a pact"),
    ],
)
def test_a_broker_that_can_not_be_asked_is_never_no_pacts(
    ask: Ask, broker: BrokerDouble, path: str, fault: Fault, why: str
) -> None:
    """The core would report "No pacts found" for each, which --allow-no-pacts accepts."""
    broker.publish(document(GREEN), version="c1", branch="main")
    broker.fault("GET" if path != FOR_VERIFICATION else "POST", path, fault)
    slow = () if path == FOR_VERIFICATION else ("--broker-timeout", "2")  # one of them with what is the default
    run = ask("--publish", "--allow-no-pacts", *slow)
    assert run.exit_code == 2, run
    has(run, why)
    assert "Traceback" not in run.err
    assert not writes(broker)


class TestCredentials:
    def test_basic(self, verify: Verify) -> None:
        with BrokerDouble(basic=("pact", "s3cret"), read_only=("reader", "readonly")) as broker:
            broker.publish(document(GREEN), version="c1", branch="main")
            here = {"PACT_BROKER_BASE_URL": broker.url, "GIT_COMMIT": "p1", "GIT_BRANCH": "main"}
            writer = {"PACT_BROKER_USERNAME": "pact", "PACT_BROKER_PASSWORD": "s3cret"}
            assert verify("--publish", **here, **writer).exit_code == 0
            wrong = verify("--publish", **here, **{**writer, "PACT_BROKER_PASSWORD": "wrong-one"})
            assert wrong.exit_code == 2
            has(wrong, "It does not accept PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD: is that for")
            assert "wrong-one" not in wrong.out + wrong.err
            reader = {"PACT_BROKER_USERNAME": "reader", "PACT_BROKER_PASSWORD": "readonly"}
            run = verify("--publish", **here, **reader)
            assert run.exit_code == 4
            has(run, "PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD may not write there")
            run = verify(**here, PACT_BROKER_TOKEN="t0ken")
            assert run.exit_code == 2
            has(run, "A broker with basic authentication answers a token so")
            run = verify(**here)
            assert run.exit_code == 2
            has(run, "It wants credentials: set PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and")

    @pytest.mark.parametrize("verbosity", ["0", "1", "2", "3"])
    @pytest.mark.parametrize("status", [200, 400])
    def test_a_broker_that_quotes_the_token(self, ask: Ask, broker: BrokerDouble, verbosity: str, status: int) -> None:
        broker.publish(document(GREEN, RED), version="c1", branch="main")
        if status == 400:
            body = json.dumps({"error": f"what is Bearer {TOKEN}?"}).encode()
            broker.fault("POST", "", Fault(status=400, body=body))
        run = ask("--verbosity", verbosity, "--publish")  # `ask` searches all output for the token
        assert run.exit_code == (2 if status == 400 else 0)

    def test_a_broker_that_quotes_the_token_elsewhere(self, ask: Ask, broker: BrokerDouble) -> None:
        """The token is in a reason, a notice and a header, and where a text is cut."""
        broker.publish(document(GREEN), version="c1", branch="main")
        listed = {
            "shortDescription": f"Bearer {TOKEN}",
            "verificationProperties": {"notices": [{"when": "before_verification", "text": TOKEN}]},
            "_links": {"self": {"href": broker.pact_url("shop", "c1")}},
        }
        body = json.dumps({"_embedded": {"pacts": [listed]}}).encode()
        broker.fault("POST", FOR_VERIFICATION, Fault(status=200, body=body), times=1)
        run = ask("--verbosity", "2")
        assert run.exit_code == 0
        has(run, "version c1: Bearer (hidden)")
        broker.fault("GET", "^/$", Fault(status=200, body=b"no", headers={"Content-Type": f"text/{TOKEN}"}), times=1)
        has(ask(), "not JSON (text/(hidden))")
        long = json.dumps({"error": "x" * 490 + TOKEN}).encode()
        broker.fault("GET", "^/$", Fault(status=500, body=long))
        run = ask()
        assert run.exit_code == 2
        assert TOKEN[:6] not in run.err

    def test_a_link_that_two_parsers_read_differently(self, ask: Ask, broker: BrokerDouble) -> None:
        """A backslash ends the host for the HTTP client, and a user name for the URL comparison."""
        broker.publish(document(GREEN), version="c1", branch="main")
        with BrokerDouble() as elsewhere:
            for host in (f"{elsewhere.url}\\@{broker.url[7:]}", f"http://{broker.url[7:]}@{elsewhere.url[7:]}"):
                entry = {"_links": {"self": {"href": f"{host}/a/pact"}}}
                listed = json.dumps({"_embedded": {"pacts": [entry]}}).encode()
                broker.fault("POST", FOR_VERIFICATION, Fault(status=200, body=listed), times=1)
                run = ask("--publish")
                assert run.exit_code == 2
                has(run, "which is another origin; nothing is sent there.")
            assert not elsewhere.requests

    def test_no_other_origin_hears_of_the_token(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        with BrokerDouble() as elsewhere:
            broker.fault("GET", "^/$", Fault.redirect(f"{elsewhere.url}/"), times=1)
            run = ask("--publish")
            assert run.exit_code == 2
            has(run, f"It redirects to {elsewhere.url}/, which is not followed")
            entry = {"_links": {"self": {"href": f"{elsewhere.url}/a/pact"}}}
            listed = json.dumps({"_embedded": {"pacts": [entry]}}).encode()
            broker.fault("POST", FOR_VERIFICATION, Fault(status=200, body=listed))
            run = ask("--publish")
            assert run.exit_code == 2
            has(run, f"links to {elsewhere.url}/a/pact, which is another origin; nothing is sent there.")
            assert not elsewhere.requests

    @pytest.mark.parametrize(
        ("variables", "why"),
        [
            (
                {"PACT_BROKER_USERNAME": "u", "PACT_BROKER_PASSWORD": "p"},
                "Both PACT_BROKER_TOKEN and PACT_BROKER_USERNAME",
            ),
            (
                {"PACT_BROKER_TOKEN": "", "PACT_BROKER_USERNAME": "u"},
                "PACT_BROKER_USERNAME is set and PACT_BROKER_PASSWORD is not",
            ),
            (
                {"PACT_BROKER_TOKEN": "", "PACT_BROKER_PASSWORD": "p"},
                "PACT_BROKER_PASSWORD is set and PACT_BROKER_USERNAME is not",
            ),
            ({"PACT_BROKER_TOKEN": "line\nend"}, "PACT_BROKER_TOKEN can't be sent"),
            (
                {"PACT_BROKER_BASE_URL": "http://me:s3cret@localhost:1"},
                "PACT_BROKER_BASE_URL (--broker-url) holds a user name or a password",
            ),
            (
                {"PACT_BROKER_BASE_URL": "broker.example"},
                "PACT_BROKER_BASE_URL (--broker-url) is 'broker.example', and has to be an http",
            ),
            ({"PACT_BROKER_BASE_URL": "http://[::1"}, "and has to be an http"),
            ({"PACT_BROKER_BASE_URL": "http://127.0.0.1:1"}, "can't be reached: Connection refused. Is it running"),
            ({"PACT_BROKER_BASE_URL": "http://no-such-host.invalid"}, "can't be reached: "),
            ({"PACT_URL": "/a/file"}, "PACT_URL (--pact-url) is '/a/file', and has to be an http:// or https:// URL"),
            ({"PACT_BROKER_PUBLISH_VERIFICATION_RESULTS": "maybe"}, "is 'maybe'. Set it to true or false"),
            ({"PACT_PROVIDER_NAME": "testap"}, "knows no provider 'testap'. It knows 'testapp'"),
        ],
    )
    def test_configuration_that_can_not_work(self, ask: Ask, variables: dict[str, str], why: str) -> None:
        run = ask(**variables)
        assert run.exit_code == 2
        has(run, why)
        assert "s3cret" not in run.out + run.err
        assert "Traceback" not in run.err


def test_names_from_elsewhere_do_not_reach_the_terminal_as_they_are(ask: Ask, broker: BrokerDouble) -> None:
    evil = interaction("a", states=["clear\x1b[2Jscreen\n::error::forged"])
    broker.publish(document(evil), version="c1", branch="main")
    no_longer_pending(broker)
    run = ask()
    assert run.exit_code == 2
    has(run, r"clear\x1b[2Jscreen\n::error::forged")
    assert "\x1b" not in run.out + run.err
    assert "\n::error" not in run.out + run.err


def test_a_traceback_that_is_asked_for_changes_no_exit_code(ask: Ask) -> None:
    run = ask("--traceback", PACT_BROKER_BASE_URL="http://127.0.0.1:1")
    assert run.exit_code == 2
    has(run, "Traceback (most recent call last)", "can't be reached: Connection refused")


def test_one_pact_that_is_listed_twice(ask: Ask, broker: BrokerDouble) -> None:
    broker.publish(document(GREEN), version="c1", branch="main")
    entry = {"_links": {"self": {"href": broker.pact_url("shop", "c1")}}}
    listed = json.dumps({"_embedded": {"pacts": [entry, entry]}}).encode()
    broker.fault("POST", FOR_VERIFICATION, Fault(status=200, body=listed))
    run = ask("--publish")
    assert run.exit_code == 2
    has(run, "selected one pact twice")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--publish", "--provider-branch", ".."], "Results can't be published for a version, branch or tag '..'."),
        (["--publish", "--provider-version", "a\nb"], r"for a version, branch or tag 'a\nb'."),
        (["--broker-url", "http://127.0.0.1:1/?a=b"], "Leave out the part that begins with '?'"),
        (["--pact-url", "http://127.0.0.1:1/", "--consumer-version-selector", "{}"], "names one pact, and"),
        (
            ["--consumer-version-selector", '{"mainBanch": true}'],
            "unknown key 'mainBanch'. Did you mean 'mainBranch'? There are",
        ),
        (["--include-wip-pacts-since", "yesterday"], "'yesterday' is not a date such as 2026-01-31"),
        (["--include-wip-pacts-since", "2026-01-01", "--no-enable-pending"], "exclude each other"),
        (["--broker-url", "http://127.0.0.1:1", "pacts"], "--broker-url and pacts name two places for pacts"),
        (
            ["--publish", "--build-url", "https://ci/my job"],
            "--build-url is 'https://ci/my job', and has to be an http",
        ),
        (["--build-url", "https://me:s3@ci/1"], "--build-url is 'https://(hidden)@ci/1', and has to be"),
        (["--publish", "pacts"], "--publish needs a broker, and pacts is on this machine"),
    ],
)
def test_options_that_can_not_work(ask: Ask, broker: BrokerDouble, arguments: list[str], why: str) -> None:
    run = ask(*arguments)
    assert run.exit_code == 2
    has(run, why)
    assert not broker.requests


def test_options_that_need_a_broker(verify: Verify) -> None:
    for arguments in (["--publish"], ["--consumer-version-selector", '{"mainBranch": true}']):
        run = verify(*arguments)
        assert run.exit_code == 2
        has(
            run,
            f"{arguments[0]} needs a broker, and none is configured. PACT_BROKER_BASE_URL or --broker-url names it.",
        )


class TestReports:
    def test_whose_pact_it_is_and_the_line_that_runs_it_again(
        self, ask: Ask, broker: BrokerDouble, tmp_path: Path
    ) -> None:
        """The line contains the URL of the pact's content, so a newer pact does not change its meaning."""
        broker.publish(document(EMPTY, RED), version="c1", branch="main")
        no_longer_pending(broker)
        reports = [f"--{name}={tmp_path / name}" for name in ("json", "html", "junit")]
        run = ask(*reports, "--isolation", "flush")
        assert run.exit_code == 1
        broker.publish(document(EMPTY), version="c2", branch="main")
        (pact,) = json.loads((tmp_path / "json").read_text())["pacts"]
        assert (pact["consumer_version"], pact["pending"]) == ("c1", False)
        assert pact["reason"] == "latest from branch main, latest from main branch"
        for report in (run.out, *((tmp_path / name).read_text() for name in ("html", "junit"))):
            assert "version c1: latest from branch main, latest from main branch" in report
        line = pact["interactions"][1]["rerun"]
        _, is_typed, options = line.partition(" -m django verify_pacts --isolation flush ")
        assert is_typed
        assert options.startswith("--pact-url http://127.0.0.1:")
        again = ask("--isolation", "flush", *shlex.split(options))
        assert again.exit_code == 1
        has(again, "1 interaction of 1 consumer: 1 failed", "✗ a list", "named by its URL")

    def test_under_make_the_line_names_the_broker(self, ask: Ask, broker: BrokerDouble) -> None:
        """A variable on make's command line is not in the environment of the user's shell."""
        broker.publish(document(RED), version="c1", branch="main")
        assert f"--broker-url {broker.url} --pact-url" in ask(MAKELEVEL="1").out
        assert "--broker-url" not in ask().out

    def test_one_of_two_versions_that_fails_is_remembered(self, ask: Ask, broker: BrokerDouble, tmp_path: Path) -> None:
        """Both versions have the same keys. The one that passes must not hide the other's failure."""
        cache = {"PACT_CACHE_DIR": str(tmp_path)}
        broker.publish(document(RED), version="c1", branch="main")
        broker.create_environment("production", production=True)
        broker.record_deployment("shop", "c1", "production")
        broker.publish(document(GREEN), version="c2", branch="main")
        has(ask(settings=cache), "2 interactions of 1 consumer: 1 verified, 1 failed")
        has(ask("--last-failed", settings=cache), "2 interactions of 1 consumer: 1 verified, 1 failed")


class TestPactUrl:
    def test_that_pact_alone_is_verified_and_published(self, ask: Ask, broker: BrokerDouble, clone: Path) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        broker.publish(document(RED, consumer="office"), version="c1", branch="main")
        commit = git(clone, "rev-parse", "HEAD")
        url = broker.pact_url("shop", "c1")
        run = ask("--publish", PACT_URL=url, GIT_COMMIT=commit, cwd=clone)
        assert run.exit_code == 0, run
        has(run, f"1 pact from {url}", "shop version c1 named by its URL")
        assert published(broker) == [("shop", commit, True)]
        assert not any(request.path.endswith("/for-verification") for request in broker.requests)

    def test_its_failure_fails_the_run_though_it_may_be_pending(
        self, ask: Ask, broker: BrokerDouble, clone: Path
    ) -> None:
        broker.publish(document(RED), version="c1", branch="main")
        commit = git(clone, "rev-parse", "HEAD")
        run = ask("--publish", "--pact-url", broker.pact_url("shop", "c1"), GIT_COMMIT=commit, cwd=clone)
        assert run.exit_code == 1
        assert published(broker) == [("shop", commit, False)]

    def test_nor_does_the_pacts_own_mark_excuse_it(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(MARKED, version="c1", branch="main")
        run = ask(PACT_URL=broker.pact_url("shop", "c1"))
        assert run.exit_code == 1
        has(run, "1 failed, in", "The contracts are broken")
        assert "pending" not in run.out

    def test_another_commit_is_not_published_for(self, ask: Ask, broker: BrokerDouble, clone: Path) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        asked = {"PACT_URL": broker.pact_url("shop", "c1"), "cwd": clone}
        commit = git(clone, "rev-parse", "HEAD")
        run = ask("--publish", GIT_COMMIT="0123456789abcdef", **asked)
        assert run.exit_code == 2
        has(run, f"Results are published for 0123456789abcdef, but {commit} is checked out. Check out 0123456789abcdef")
        (clone / "file").write_text("changed")
        (clone / "new").touch()
        run = ask("--publish", GIT_COMMIT=commit, **asked)
        assert run.exit_code == 2
        has(run, "but the working tree has changes: file, new. Check out")
        assert not broker.requests
        assert ask(GIT_COMMIT=commit, **asked).exit_code == 0  # without --publish the version does not matter
        assert not writes(broker)

    def test_changes_that_are_hidden_from_git_are_found(self, ask: Ask, broker: BrokerDouble, clone: Path) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        asked = {
            "PACT_URL": broker.pact_url("shop", "c1"),
            "GIT_COMMIT": git(clone, "rev-parse", "HEAD"),
            "cwd": clone,
        }
        (clone / ".git/info/exclude").write_text("local_settings.py")
        (clone / "local_settings.py").touch()
        run = ask("--publish", **asked)
        assert run.exit_code == 0, run
        has(run, "Git ignores local_settings.py, so nothing tells whether they belong to the commit.")
        git(clone, "update-index", "--assume-unchanged", "file")
        (clone / "file").write_text("changed")
        run = ask("--publish", **asked)
        assert run.exit_code == 2
        has(run, "but the working tree has changes: file (hidden from git status by git update-index). Check out")

    def test_by_selectors_the_same_is_a_note(self, ask: Ask, broker: BrokerDouble, clone: Path) -> None:
        """A build may write files, and a version need not be a commit."""
        broker.publish(document(GREEN), version="c1", branch="main")
        commit = git(clone, "rev-parse", "HEAD")
        run = ask("--publish", GIT_COMMIT="0123456789abcdef", cwd=clone)
        assert run.exit_code == 0
        has(run, f"Results are published for 0123456789abcdef, but {commit} is checked out.")
        for number in (commit, "1.2.3"):
            assert "Results are published for" not in ask("--publish", GIT_COMMIT=number, cwd=clone).out

    def test_without_git_nothing_tells_which_commit_it_is(self, ask: Ask, broker: BrokerDouble, tmp_path: Path) -> None:
        broker.publish(document(GREEN), version="c1", branch="main")
        run = ask("--publish", PACT_URL=broker.pact_url("shop", "c1"), cwd=tmp_path)
        assert run.exit_code == 2
        has(run, "git doesn't say which commit is checked out")

    def test_another_host_gets_no_token_and_no_results(self, ask: Ask, broker: BrokerDouble, clone: Path) -> None:
        """The core would send the token to any host that a pact's URL names."""
        with BrokerDouble() as elsewhere:
            elsewhere.publish(document(GREEN), version="c1", branch="main")
            url = elsewhere.pact_url("shop", "c1")
            run = ask(PACT_URL=url)
            assert run.exit_code == 0
            run = ask("--publish", PACT_URL=url, GIT_COMMIT=git(clone, "rev-parse", "HEAD"), cwd=clone)
            assert run.exit_code == 2
            has(run, f"Results can't be published: The pact at {url} is not at the configured broker, {broker.url}.")
            run = ask("--publish", PACT_URL=url, PACT_BROKER_BASE_URL="")
            assert run.exit_code == 2
            has(run, "PACT_BROKER_BASE_URL is not set")
            assert [request.headers.get("authorization") for request in elsewhere.requests] == [None]
        assert not broker.requests

    def test_a_pact_that_is_not_there(self, ask: Ask, broker: BrokerDouble) -> None:
        url = f"{broker.url}/pacts/provider/testapp/consumer/shop/pact-version/{'0' * 40}"
        run = ask(PACT_URL=url)
        assert run.exit_code == 2
        has(run, f"There is no pact at {url} (404).")

    def test_a_pact_of_another_provider(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(GREEN, provider="warehouse"), version="c1", branch="main")
        run = ask(PACT_URL=broker.pact_url("shop", "c1"))
        assert run.exit_code == 2
        has(run, "is a pact with the provider 'warehouse', and this is 'testapp'")


class TestOverHttps:
    """The run loads no certificates for a provider on this machine, and still checks the broker's."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Certificate:
        return self_signed(tmp_path)

    @pytest.fixture
    def secure_broker(self, certificate: Certificate) -> Iterator[BrokerDouble]:
        with BrokerDouble(token=TOKEN, tls=certificate.context) as broker:
            broker.publish(document(GREEN), version="c1", branch="main")
            yield broker

    @pytest.fixture
    def here(self, secure_broker: BrokerDouble) -> dict[str, Any]:
        return {
            "PACT_BROKER_BASE_URL": secure_broker.url,
            "PACT_BROKER_TOKEN": TOKEN,
            "GIT_COMMIT": "p1",
            "GIT_BRANCH": "main",
        }

    def test_an_unknown_authority(self, verify: Verify, secure_broker: BrokerDouble, here: dict[str, Any]) -> None:
        ran = verify("--publish", **here)
        assert secure_broker.requests == []  # so no server has received the token
        assert ran.exit_code == 2
        has(ran, "can't be asked over https: self-signed certificate. SSL_CERT_FILE or REQUESTS_CA_BUNDLE names a file")

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_one_variable_is_enough(
        self, verify: Verify, here: dict[str, Any], certificate: Certificate, variable: str
    ) -> None:
        """For our requests and for the `pact` binary."""
        here[variable] = str(certificate.file)
        ran = verify("--publish", **here)
        assert ran.exit_code == 0, ran
        has(ran, "Published 1 result", "1 verified")
        ran = run("pact_broker", "list-environments", **here)
        assert ran.exit_code == 0, ran

    def test_the_machines_own_variable_does_not_hide_it(
        self, verify: Verify, here: dict[str, Any], certificate: Certificate, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        machine = {"REQUESTS_CA_BUNDLE": str(self_signed(tmp_path / "other").file)}
        ran = verify(**here, **machine)
        assert ran.exit_code == 2
        has(ran, f"The certificates in REQUESTS_CA_BUNDLE ({machine['REQUESTS_CA_BUNDLE']}) do not sign it.")
        machine["SSL_CERT_FILE"] = str(certificate.file)
        ran = verify(**here, **machine)
        assert ran.exit_code == 0, ran
        swapped: dict[str, Any] = {
            "SSL_CERT_FILE": machine["REQUESTS_CA_BUNDLE"],
            "REQUESTS_CA_BUNDLE": machine["SSL_CERT_FILE"],
        }
        ran = run("pact_broker", "list-environments", **here, **swapped)
        assert ran.exit_code == 0, ran

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_a_file_that_is_not_there(self, verify: Verify, here: dict[str, Any], variable: str) -> None:
        ran = verify(**here, **{variable: "/no/such/file"})
        assert ran.exit_code == 2
        has(ran, f"{variable} is '/no/such/file', and nothing is there.")


class TestListAndFailOnPending:
    def test_the_list_writes_nothing_to_the_broker(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(EMPTY), version="c1", branch="main")
        before = writes(broker)
        run = ask("--list", "--publish")
        assert (run.exit_code, writes(broker), published(broker)) == (0, before, [])
        has(
            run,
            "shop: an empty list pending (not verified so far): does not fail the run (version c1: latest from",
            "1 interaction of 1 consumer, 1 pending. Nothing was run.",
        )

    def test_a_list_that_the_broker_refuses(self, ask: Ask) -> None:
        assert ask("--list", PACT_BROKER_TOKEN="another").exit_code == 2

    def test_what_is_published_stays_the_same_if_pending_failures_count(self, ask: Ask, broker: BrokerDouble) -> None:
        broker.publish(document(RED), version="c1", branch="main")
        run = ask("--publish", "--fail-on-pending")
        assert (run.exit_code, published(broker)) == (1, [("shop", "p1", False)])
        has(run, "pending: fails the run (--fail-on-pending)", "1 failed (pending)", "Published 1 result")
