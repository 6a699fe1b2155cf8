"""The double of a Pact Broker against recordings of a real one, then what only a double can do.

The recordings are one history of one broker (and a second, with credentials), so they are played in the order in which
they happened against one double. What happened in between, unrecorded, stands between them in STORY.
"""

import http.client
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.broker_double import BrokerDouble, Fault, Request, metadata, verification, webhooks
from tests.broker_double.comparing import differences, exchange, normal, receiver
from tests.broker_double.steps import contracts
from tests.broker_double.store import Store

Json = dict[str, Any]

pytestmark = pytest.mark.no_database
FOLDER = os.environ.get("PACT_BROKER_RECORDINGS", "")
recorded = pytest.mark.skipif(not FOLDER, reason="PACT_BROKER_RECORDINGS names no folder with recordings of a broker")

CONSUMER, PROVIDER = "pactflow-example-consumer-python", "pactflow-example-provider-django"
BASIC, READ_ONLY = ("pact", "s3cret"), ("reader", "readonly")

RETRY = "05-can-i-deploy-retry-then-yes"

# What is not compared, and why. A pattern is searched in "scenario[exchange] pointer".
NOT_COMPARED = {
    rf"^{RETRY}\[3\] /webhooks/more": "c6 was published before this recording began, and of the calls it made this "
    "holds the one for p4 (main); the double calls for p1 (deployed), too, as the real broker did in 09-publish-…",
}


# The history


@dataclass(frozen=True)
class Replay:
    """Exchanges of a recording, all of them unless said otherwise."""

    scenario: str
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class Meanwhile:
    """What happened unrecorded."""

    act: Callable[[BrokerDouble], object]


def pact_recorded_in(scenario: str, exchange: int) -> Json:
    body = recording(scenario)["exchanges"][exchange]["response"]["body"]
    published = {key: value for key, value in body.items() if key not in ("_links", "createdAt")}
    bare = [{key: value for key, value in each.items() if key != "_id"} for each in published["interactions"]]
    return {**published, "interactions": bare}


def published(number: str, branch: str | None, scenario: str, exchange: int) -> Meanwhile:
    return Meanwhile(lambda broker: broker.publish(pact_recorded_in(scenario, exchange), version=number, branch=branch))


def undeploy_the_provider(broker: BrokerDouble) -> None:
    for deployment in Client(broker).get(f"/pacticipants/{PROVIDER}")["_links"]["pb:deployed-environments"]:
        Client(broker).send("PATCH", urlsplit(deployment["href"]).path, {"currentlyDeployed": False})


def publish_calling_webhooks(broker: BrokerDouble, number: str, branch: str, pact: Json) -> Json:
    return Client(broker).send("POST", "/contracts/publish", contracts(pact, number, branch))


def c6() -> Json:
    return pact_recorded_in("30-pyffi-verify-failure", 4)


SUCCESS, WIP_FAILURE = "01-verify-selectors-success", "01-verify-selectors-wip-failure"

STORY = (
    Replay("00-create-environment"),
    Replay("04-no-pacts-unknown-provider"),
    Replay("09-publish-contracts-branch-first"),
    Replay("06-can-i-deploy-unknown"),
    Replay("04-no-pacts-selectors-match-none"),
    Replay("01-verify-selectors-pending-success"),
    Replay("05-can-i-deploy-yes"),
    Replay("07-record-deployment", stop=1),
    Replay("07-record-deployment", start=1),
    Replay("07-record-deployment-unknown-environment"),
    Meanwhile(lambda broker: broker.record_deployment(CONSUMER, "c1", "production")),
    published("c2", "feat-x", SUCCESS, 4),
    Replay(SUCCESS),
    Replay("01-verify-selectors-no-publish-no-branch"),
    published("c3", "feat-price", WIP_FAILURE, 5),
    Replay(WIP_FAILURE),
    Meanwhile(lambda broker: Client(broker).send("PUT", f"/pacticipants/{PROVIDER}/versions/p3c", {})),
    Replay("01-verify-selectors-matching-feature-branch"),
    Replay("02-verify-failure"),
    Replay("06-can-i-deploy-failed"),
    Replay("08-create-webhook"),
    Replay("08-update-webhook"),
    Replay("08-test-webhook"),
    Replay("09-publish-contracts-conflict"),
    Replay("09-publish-contracts-triggers-webhook"),
    published("c5", "feat-z", "03-verify-webhook-callback-success", 0),
    Replay("03-verify-webhook-callback-success"),
    Replay("03-verify-webhook-callback-failure-pending-enabled"),
    Replay("03-verify-webhook-callback-404"),
    published("c5b", None, SUCCESS, 3),
    Meanwhile(lambda broker: publish_calling_webhooks(broker, "c6", "main", c6())),
    Replay(RETRY, stop=3),
    Meanwhile(lambda broker: broker.publish_result(CONSUMER, "c6", PROVIDER, "p1")),
    Replay(RETRY, start=3),
    Replay("06-can-i-deploy-unknown-version"),
    Replay("20-list-environments"),
    Replay("20-describe-version"),
    Replay("20-create-or-update-pacticipant"),
    Meanwhile(undeploy_the_provider),
    Replay("30-pyffi-verify-selectors-success"),
    Replay("30-pyffi-no-pacts"),
    Meanwhile(lambda broker: broker.publish_result(CONSUMER, "c6", PROVIDER, "q1t")),
    Replay("30-pyffi-verify-url-source"),
    Replay("30-pyffi-verify-failure"),
    Replay("30-pyffi-verify-url-source-failure"),
)

STORY_WITH_CREDENTIALS = (
    Replay("10-auth-verify-401"),
    Replay("10-auth-verify-bearer-token-401"),
    Replay("30-pyffi-auth-401"),
    Replay("08-create-webhook-unknown-provider"),
    published("c1", "main", "10-auth-verify-ok", 3),
    Replay("10-auth-verify-ok"),
    Replay("10-auth-can-i-deploy-401"),
    Replay("10-auth-verify-read-only-publish"),
    Meanwhile(lambda broker: broker.publish_result(CONSUMER, "c1", PROVIDER, "q2")),
    Replay("30-pyffi-auth-read-only-publish"),
)

SCENARIOS = sorted({step.scenario for step in (*STORY, *STORY_WITH_CREDENTIALS) if isinstance(step, Replay)})


# Playing it


@cache
def recording(scenario: str) -> Json:
    found: Json = json.loads((Path(FOLDER) / f"{scenario}.json").read_text())
    return found


@dataclass(frozen=True)
class Client:
    broker: BrokerDouble

    def exchange(self, method: str, path: str, headers: dict[str, str], body: Any) -> Json:
        text = json.dumps(body) if isinstance(body, dict) else body
        return exchange(self.broker.url, method, path, headers, text)

    def send(self, method: str, path: str, body: Any = "", **headers: str) -> Json:
        return self.exchange(method, path, {"Accept": "application/hal+json", **headers}, body)

    def get(self, path: str) -> Any:
        return self.send("GET", path)["body"]


@dataclass
class Player:
    broker: BrokerDouble
    receiver: str
    received: list[Json]
    differences: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    # Where the recorded broker had a thing, and where ours has it: their uuids, and the ids in their metadata, differ.
    places: dict[str, str] = field(default_factory=dict)

    def play(self, step: Replay) -> None:
        whole = recording(step.scenario)
        for index, each in list(enumerate(whole["exchanges"]))[step.start : step.stop]:
            request = each["request"]
            body = json.loads(json.dumps(request["body"]).replace("127.0.0.1:8912", self.receiver))
            got = Client(self.broker).exchange(request["method"], self.ours(request["path"]), request["headers"], body)
            want = each["response"]
            got["headers"] = {name: got["headers"].get(name) for name in want["headers"]}
            assert (step.scenario, index) not in self.differences, "played twice"
            self.differences[step.scenario, index] = list(differences(normal(want, RECORDED_PLACES), self.normal(got)))
            self.learn(want, got)
        if step.stop is None:
            sent, self.received[:] = list(self.received), []
            wanted = whole.get("webhook_requests_sent_by_broker", [])
            self.differences[step.scenario, len(whole["exchanges"]) - 1] += webhook_differences(
                normal(wanted, RECORDED_PLACES), self.normal(sent)
            )

    def normal(self, value: Any) -> Any:
        return normal(value, {re.escape(self.receiver): "receiver", re.escape(self.broker.url): "http://broker"})

    def ours(self, path: str) -> str:
        known = max((each for each in self.places if path == each or path.startswith(each + "/")), key=len, default="")
        return self.places.get(known, "") + path[len(known) :]

    def learn(self, want: Any, got: Any) -> None:
        if isinstance(want, dict) and isinstance(got, dict):
            for key in want.keys() & got.keys():
                self.learn(want[key], got[key])
        elif isinstance(want, list) and isinstance(got, list):
            for one, other in zip(want, got, strict=False):
                self.learn(one, other)
        elif isinstance(want, str) and isinstance(got, str) and re.fullmatch(rf"{RECORDED_BROKER}/\S+", want):
            self.places[urlsplit(want).path] = urlsplit(got).path


RECORDED_BROKER = r"http://127\.0\.0\.1:(9292|939[34])"


RECORDED_PLACES = {"127.0.0.1:8912": "receiver", RECORDED_BROKER: "http://broker"}


def webhook_differences(want: list[Json], got: list[Json]) -> Iterator[str]:
    for sent in want:
        if sent not in got:
            yield f"/webhooks\n  recorded: {sent!r}\n  double:   {got!r}"
    for sent in got:
        if sent not in want:
            yield f"/webhooks/more\n  double:   {sent!r}"


def play() -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    with_credentials = partial(BrokerDouble, basic=BASIC, read_only=READ_ONLY)
    for story, double in ((STORY, BrokerDouble), (STORY_WITH_CREDENTIALS, with_credentials)):
        with double() as broker, receiver() as (address, received):
            player = Player(broker, address, received)
            for step in story:
                if isinstance(step, Replay):
                    player.play(step)
                else:
                    step.act(broker)
            found |= player.differences
    return found


@cache
def played() -> dict[tuple[str, int], list[str]]:
    return play()


def labelled(scenario: str | None = None) -> list[str]:
    return [
        f"{name}[{index}] {each}"
        for (name, index), found in played().items()
        for each in found
        if scenario in (None, name)
    ]


@recorded
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_answers_as_recorded(scenario: str) -> None:
    assert not [each for each in labelled(scenario) if not any(re.search(pattern, each) for pattern in NOT_COMPARED)]


@recorded
def test_every_recorded_exchange_is_played() -> None:
    every = {
        (path.stem, index)
        for path in Path(FOLDER).glob("*.json")
        for index, _ in enumerate(json.loads(path.read_text())["exchanges"])
    }
    assert every
    assert played().keys() == every


@recorded
def test_what_is_not_compared_does_differ() -> None:
    assert all(any(re.search(pattern, each) for each in labelled()) for pattern in NOT_COMPARED)


@recorded
@pytest.mark.parametrize(
    ("owner", "name", "mutant", "caught"),
    [
        (verification, "PENDING", "Read more elsewhere", ("01-verify-selectors-pending-success", 2)),
        (Store, "has_succeeded", lambda *_, **__: False, (SUCCESS, 2)),
        (Store, "current", lambda *_: iter(()), ("06-can-i-deploy-failed", 0)),
        (Store, "add_tag", lambda *_: True, ("01-verify-selectors-matching-feature-branch", 14)),
        (metadata, "for_version", lambda number: metadata.encode([("cvn", f"{number}!")]), (SUCCESS, 7)),
        (webhooks, "AGENT", "Pact Broker v1", ("09-publish-contracts-triggers-webhook", 1)),
    ],
)
def test_a_double_that_answers_otherwise_is_found_out(
    owner: object, name: str, mutant: object, caught: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, mutant)
    assert play()[caught]


# What only a double can do


def pact(consumer: str = "web", provider: str = "shop", description: str = "a request") -> Json:
    return {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": [{"description": description, "request": {"method": "GET"}, "response": {"status": 200}}],
        "metadata": {"pactSpecification": {"version": "3.0.0"}},
    }


def offered(broker: BrokerDouble, *selectors: Json, provider: str = "shop", **more: Any) -> list[tuple[str, list[str]]]:
    """Each pact's description, and the criteria in its notices."""
    path = f"/pacts/provider/{quote(provider, safe='')}/for-verification"
    answered = Client(broker).send("POST", path, {"consumerVersionSelectors": [*selectors], **more})
    assert answered["status"] == 200, answered
    return [
        (
            each["shortDescription"],
            re.findall(r"^    \* (.+)", each["verificationProperties"]["notices"][0]["text"], re.MULTILINE),
        )
        for each in answered["body"]["_embedded"]["pacts"]
    ]


def results_path(broker: BrokerDouble) -> str:
    return urlsplit(broker.pact_url("web", "c1")).path + "/verification-results"


RESULT = {"providerApplicationVersion": "p1", "success": True, "testResults": []}


@pytest.mark.parametrize("name", ["web shop", "café/größe", "100% [a&b]?", "..x"])
def test_any_name_can_be_a_pacticipant_s_or_a_branch_s(name: str) -> None:
    with BrokerDouble() as broker:
        broker.publish(pact(name, name), branch=f"feat/{name}")
        assert offered(broker, {"branch": f"feat/{name}"}, provider=name) == [
            (f"latest from branch feat/{name}", [f"latest version from branch 'feat/{name}' (c1)"])
        ]
        found = Client(broker).get(urlsplit(broker.pact_url(name, "c1")).path)
        assert found["provider"] == {"name": name}
        branch = quote(f"feat/{name}", safe="")
        path = f"/pacticipants/{quote(name, safe='')}/branches/{branch}/versions/p%2F1"
        assert Client(broker).send("PUT", path, {})["status"] == 201
        assert broker.versions(name)["p/1"].branches == [f"feat/{name}"]


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({"branch": "gone", "fallbackBranch": "main"}, []),
        ({"branch": "gone"}, []),
        ({"tag": "dev", "latest": True}, ["c3"]),
        ({"tag": "dev"}, ["c2", "c3"]),
        ({"tag": "gone", "fallbackTag": "dev", "latest": True}, ["c3"]),
        ({"latest": True}, ["c4"]),
        ({"latest": True, "consumer": "other"}, []),
        ({"deployed": True}, ["c2"]),
        ({"released": True}, ["c3"]),
        ({"deployedOrReleased": True}, ["c2", "c3"]),
        ({"environment": "test"}, ["c2"]),
        ({"deployed": True, "environment": "production"}, []),
        ({"mainBranch": True}, ["c1"]),
        ({"mainBranch": True, "consumer": "web"}, ["c1"]),
    ],
)
def test_selectors(selector: Json, wanted: list[str]) -> None:
    with BrokerDouble() as broker:
        broker.create_environment("test")
        broker.create_environment("production", production=True)
        for number, branch, tags in (("c1", "main", ()), ("c2", "a", ("dev",)), ("c3", "b", ("dev",)), ("c4", "c", ())):
            broker.publish(pact(description=number), version=number, branch=branch, tags=tags)
        broker.record_deployment("web", "c2", "test")
        links = Client(broker).get("/pacticipants/web/versions/c3")["_links"]["pb:record-release"]
        (href,) = [each["href"] for each in links if each["name"] == "production"]
        assert Client(broker).send("POST", urlsplit(href).path, {})["status"] == 201
        found = offered(broker, selector)
    assert [number for _, (line,) in found for number in re.findall(r"\((c\d)\)", line)] == wanted


def test_one_content_is_offered_once() -> None:
    with BrokerDouble() as broker:
        for number, branch in (("c1", "main"), ("c2", "feat/x")):
            broker.publish(pact(), version=number, branch=branch)
        assert offered(broker, {"mainBranch": True}, {"branch": "feat/x"}) == [
            (
                "latest from branch feat/x, latest from main branch",
                ["latest version from branch 'feat/x' (c2)", "latest version from the main branch 'main' (c1)"],
            )
        ]


def test_a_provider_that_has_not_verified_what_is_deployed_cannot_be_deployed() -> None:
    with BrokerDouble() as broker:
        broker.create_environment("production", production=True)
        broker.publish(pact())
        broker.record_deployment("web", "c1", "production")
        Client(broker).send("PUT", "/pacticipants/shop/branches/main/versions/p1", {})
        query = urlencode({"q[][pacticipant]": "shop", "q[][version]": "p1", "environment": "production"})
        before = Client(broker).get(f"/matrix?{query}")["summary"]
        broker.publish_result("web", "c1", "shop", "p1")
        after = Client(broker).get(f"/matrix?{query}")["summary"]
    assert (before["deployable"], before["unknown"], before["reason"]) == (
        None,
        1,
        "There is no verified pact between the version of web currently in production (c1) and version p1 of shop",
    )
    assert (after["deployable"], after["success"]) == (True, 1)


def test_what_was_done_can_be_looked_at() -> None:
    with BrokerDouble() as broker:
        broker.create_environment("production", production=True)
        sha = broker.publish(pact(), tags=["dev"])
        broker.create_pacticipant("shop", main_branch="trunk")
        broker.record_deployment("shop", "p0", "production")
        broker.record_deployment("shop", "p1", "production")
        Client(broker).send("PUT", "/pacticipants/shop/branches/trunk/versions/p1", {})
        Client(broker).send("POST", results_path(broker), RESULT)
        (result,) = broker.results
        assert (result.consumer, result.provider, result.provider_version) == ("web", "shop", "p1")
        assert (result.branch, result.success, result.body, result.pact_sha) == ("trunk", True, RESULT, sha)
        assert broker.deployed("production") == [("shop", "p1")]
        assert broker.versions("web")["c1"].tags == ["dev"]
        assert Client(broker).get("/pacticipants/shop")["mainBranch"] == "trunk"
        posted = broker.requests[1]
        assert (posted.method, posted.path, posted.body) == ("POST", results_path(broker), RESULT)
        assert posted.headers["accept"] == "application/hal+json"


@pytest.mark.parametrize(
    ("double", "authorization", "status"),
    [
        (partial(BrokerDouble, token="t0ken"), "Bearer t0ken", 200),
        (partial(BrokerDouble, token="t0ken"), "Bearer other", 401),
        (partial(BrokerDouble, token="t0ken"), "", 401),
        (partial(BrokerDouble, basic=BASIC), "", 401),
        (partial(BrokerDouble, basic=BASIC), "Bearer t0ken", 400),
    ],
)
def test_credentials(double: Callable[[], BrokerDouble], authorization: str, status: int) -> None:
    with double() as broker:
        assert Client(broker).send("GET", "/", Authorization=authorization)["status"] == status
        assert len(broker.requests) == 1


def test_a_request_that_it_cannot_read_is_answered_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with BrokerDouble() as broker:
        body = {"request": {"method": "POST", "url": "http://x", "headers": "nope"}}
        assert Client(broker).send("POST", "/webhooks", body)["status"] == 500
    assert "Traceback" in capsys.readouterr().err


def test_a_disabled_webhook_is_not_called() -> None:
    with BrokerDouble() as broker, receiver() as (address, received):
        for enabled in (True, False):
            url = f"http://{address}/{enabled}"
            broker.create_webhook("shop", event="contract_content_changed", enabled=enabled, url=url)
        answered = publish_calling_webhooks(broker, "c1", "main", pact())
        assert answered["status"] == 200
        assert [each["path"] for each in received] == ["/True"]
        assert json.loads(received[0]["body"])["pact_url"] == broker.pact_url("web", "c1")
        assert len(Client(broker).get("/webhooks")["_links"]["pb:webhooks"]) == len(broker.webhooks) == 2


def at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(act, range(number)))


def test_every_answer_takes_as_long_as_the_latency_says_and_requests_wait_side_by_side() -> None:
    with BrokerDouble(latency=0.25) as broker:
        before = time.monotonic()
        answered = at_once(8, lambda _: Client(broker).send("GET", "/")["status"])
        took = time.monotonic() - before
    assert answered == [200] * 8
    assert 0.25 <= took < 1  # one after another would take two seconds


def test_results_and_contracts_that_arrive_at_once_are_all_kept(request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)  # threads take turns within the store, if it lets them
    with BrokerDouble(latency=0.05) as broker:
        broker.publish(pact())
        path = results_path(broker)

        def publish(index: int) -> tuple[int, str]:
            publish_calling_webhooks(broker, f"c{index}", "main", pact(f"web {index}"))
            answered = Client(broker).send("POST", path, {**RESULT, "providerApplicationVersion": f"p{index}"})
            return answered["status"], answered["headers"]["location"]

        answered = at_once(24, publish)
        assert {status for status, _ in answered} == {201}
        assert len({location for _, location in answered}) == len(broker.results) == 24
        assert {each.provider_version for each in broker.results} == {f"p{index}" for index in range(24)}
        names = ["shop", "web", *(f"web {index}" for index in range(24))]
        ids = [each.id for name in names for each in broker.versions(name).values()]
        assert len(ids) == len(set(ids)) == 49


# Faults


def test_a_fault_comes_as_often_as_it_is_said_to_and_before_credentials() -> None:
    with BrokerDouble(token="t0ken") as broker:
        broker.fault("GET", r"^/$", Fault(status=503, body=b"no", headers={"Content-Type": "text/plain"}), times=1)
        assert [Client(broker).send("GET", "/")["status"] for _ in range(2)] == [503, 401]
        broker.fault("GET", r"^/$", Fault.redirect("http://elsewhere.example/"))
        for _ in range(2):
            answered = Client(broker).send("GET", "/")
            assert (answered["status"], answered["headers"]["location"]) == (302, "http://elsewhere.example/")


def test_malformed_json() -> None:
    with BrokerDouble() as broker:
        broker.fault("GET", r"^/$", Fault.malformed())
        with pytest.raises(json.JSONDecodeError):
            Client(broker).get("/")


def test_a_closed_connection() -> None:
    with BrokerDouble() as broker:
        broker.fault("GET", r"^/$", Fault.close())
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            Client(broker).get("/")


@pytest.mark.parametrize(("fault", "start"), [(Fault.hang(), b""), (Fault.drip(), b"HTTP/1.1 200 ")])
def test_a_double_that_keeps_someone_waiting_can_be_closed(fault: Fault, start: bytes) -> None:
    arrived = threading.Event()
    with BrokerDouble() as broker:
        broker.requests = Announcing(arrived)
        broker.fault("GET", r"^/$", fault)
        waiting = socket.create_connection(("127.0.0.1", urlsplit(broker.url).port or 0), timeout=10)
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n")
        received = waiting.recv(len(start)) if start else b""
        assert arrived.wait(10)
    with waiting:
        rest = b"".join(iter(lambda: waiting.recv(1000), b""))  # until the double closes its end
    assert received == start
    assert bool(rest) is bool(start)


class Announcing(list[Request]):
    def __init__(self, arrived: threading.Event) -> None:
        super().__init__()
        self.arrived = arrived

    def append(self, request: Request) -> None:
        super().append(request)
        self.arrived.set()


def test_a_dropped_result_is_answered_but_not_kept() -> None:
    with BrokerDouble() as broker:
        broker.publish(pact())
        broker.fault("POST", r"/verification-results$", Fault.drop())
        answered = Client(broker).send("POST", results_path(broker), RESULT)
        assert (answered["status"], answered["body"]["success"]) == (201, True)
        assert broker.results == []
        assert broker.versions("shop") == {}
        assert Client(broker).send("GET", urlsplit(answered["headers"]["location"]).path)["status"] == 404


def test_a_lie_about_a_result() -> None:
    with BrokerDouble() as broker:
        broker.publish(pact())
        broker.fault("POST", r"/verification-results$", Fault.lie())
        answered = Client(broker).send("POST", results_path(broker), RESULT)
        assert (answered["status"], answered["body"]["success"]) == (201, True)
        assert [(each.success, each.body) for each in broker.results] == [(False, RESULT)]
        assert Client(broker).get(urlsplit(answered["headers"]["location"]).path)["success"] is False
