"""A history of requests to a broker. What a real one answered is in answers.json; the double has to answer the same."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.broker_double.store import Json

RECEIVER = "http://receiver"  # stands for an address that webhooks may call


@dataclass(frozen=True)
class Link:
    """A link of an earlier answer, by its relation. `name` chooses among several."""

    step: str
    relation: str
    name: str | None = None
    more: str = ""


@dataclass(frozen=True)
class Step:
    name: str
    method: str
    path: str | Link
    body: Any = None  # a text is sent as it is, anything else as JSON
    content_type: str = "application/json"


# What is published


def pact(consumer: str, interactions: list[Json], specification: str = "3.0.0", **more: Any) -> Json:
    return {
        "consumer": {"name": consumer},
        "provider": {"name": "prov"},
        **({"interactions": interactions} if "messages" not in more else {}),
        **more,
        "metadata": {"pactSpecification": {"version": specification}},
    }


def interaction(description: str, answered: Json, **more: Any) -> Json:
    response = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": answered}
    return {
        "description": description,
        **more,
        "request": {"method": "GET", "path": f"/{description}"},
        "response": response,
    }


ONE = interaction("one", {"a": 1}, providerStates=[{"name": "s"}])
TWO = interaction("two", {"b": [1, "ü"]}, providerStates=[{"name": "s", "params": {"id": 7}}])
CONS = pact("cons", [ONE, TWO])
REORDERED = pact("cons", [TWO, ONE])
CHANGED = pact("cons", [ONE])
CONFLICTING = pact("cons", [interaction("one", {"a": 2}, providerStates=[{"name": "s"}]), TWO])
MESSAGE = {"description": "an event", "contents": {"id": 1}, "metadata": {"contentType": "application/json"}}
MESSAGES = pact("msg", [], messages=[MESSAGE])
V4 = pact(
    "v4",
    [
        {
            "type": "Synchronous/HTTP",
            "key": "one",
            "description": "one",
            "pending": True,
            "comments": {"text": ["a comment"]},
            "request": {"method": "GET", "path": "/one"},
            "response": {
                "status": 200,
                "body": {"contentType": "application/json", "encoded": False, "content": {"a": 1}},
            },
        },
        {
            "type": "Asynchronous/Messages",
            "description": "an event",
            "contents": {"contentType": "application/json", "encoded": False, "content": {"id": 1}},
        },
    ],
    "4.0",
)
V2 = pact(
    "v2",
    [
        {
            "description": "one",
            "provider_state": "s",
            "request": {"method": "GET", "path": "/one"},
            "response": {"status": 200},
        }
    ],
    "2.0.0",
)


def contracts(content: Json, number: str, branch: str | None = "main", **more: Any) -> Json:
    consumer = content["consumer"]["name"]
    encoded = base64.b64encode(json.dumps(content, ensure_ascii=False).encode()).decode()
    return {
        "pacticipantName": consumer,
        "pacticipantVersionNumber": number,
        **({"branch": branch} if branch else {}),
        **more,
        "contracts": [
            {
                "consumerName": consumer,
                "providerName": content["provider"]["name"],
                "specification": "pact",
                "contentType": "application/json",
                "content": encoded,
            }
        ],
    }


def contracts_with(**changes: Any) -> Json:
    whole = contracts(CONS, "c1")
    return {**whole, "contracts": [{**whole["contracts"][0], **changes}]}


def publish(name: str, content: Json, number: str = "c1", branch: str | None = "main", **more: Any) -> Step:
    return Step(f"publish {name}", "POST", "/contracts/publish", contracts(content, number, branch, **more))


# What is asked

MAIN = [{"mainBranch": True}]
WIP_SINCE = "2020-01-01"


def offered(name: str, selectors: Any = None, **more: Any) -> Step:
    """Ask which pacts to verify: with pending status, for the branch main, unless `more` says otherwise."""
    body = {"includePendingStatus": True, "providerVersionBranch": "main", **more}
    body = {key: value for key, value in body.items() if value is not None}
    if selectors is not None:
        body["consumerVersionSelectors"] = selectors
    return Step(f"pacts: {name}", "POST", "/pacts/provider/prov/for-verification", body)


def refused(*selectors: Any) -> Iterator[Step]:
    for selector in selectors:
        yield offered(f"selector {json.dumps(selector)}", [selector])


def selector(pacticipant: str, version: str) -> str:
    return f"q[][pacticipant]={pacticipant}&q[][version]={version}"


def matrix(name: str, *selectors: str, more: str = "latestby=cvpv&environment=production") -> Step:
    return Step(f"matrix: {name}", "GET", "/matrix?" + "&".join([*selectors, more]))


RESULT = {
    "success": True,
    "providerApplicationVersion": "p1",
    "buildUrl": "http://ci/1",
    "testResults": [{"interactionDescription": "one", "success": True}],
    "verifiedBy": {
        "implementation": "pact-python",
        "version": "4",
        "clientLanguage": {"name": "python", "testFramework": "Django", "version": "5"},
    },
}
C1 = Link("pact of a version", "pb:publish-verification-results")


def result(name: str, changes: Json | str, path: Link = C1) -> Step:
    """Publish RESULT with changes, of which None removes; or the text."""
    body: Any = changes
    if isinstance(changes, dict):
        body = {key: value for key, value in {**RESULT, **changes}.items() if value is not None}
    return Step(f"result: {name}", "POST", path, body)


WEBHOOK_PATH = "/webhooks/1b5e23a8-6f0c-4b8e-9d63-0f2c7f6a1d10"
WEBHOOK: Json = {
    "description": "w",
    "provider": {"name": "prov"},
    "events": [{"name": "contract_requiring_verification_published"}],
    "enabled": True,
    "request": {
        "method": "POST",
        "url": f"{RECEIVER}/x",
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer s3cret"},
        "body": {
            "sha": "${pactbroker.providerVersionNumber}",
            "pact": "${pactbroker.pactUrl}",
            "b": "${pactbroker.providerVersionBranch}",
            "d": "${pactbroker.providerVersionDescriptions}",
            "c": "${pactbroker.consumerVersionNumber} ${pactbroker.unheardOf}",
        },
    },
}


def webhook(name: str, **changes: Any) -> Step:
    return Step(f"webhook: {name}", "PUT", WEBHOOK_PATH, {**WEBHOOK, **changes})


def asking(name: str, **changes: Any) -> Step:
    """A webhook with another request."""
    return webhook(name, request={**WEBHOOK["request"], **changes})


def get(name: str, path: str | Link) -> Step:
    return Step(name, "GET", path)


def record(name: str, step: str, kind: str = "deployment", environment: str = "production") -> Step:
    return Step(name, "POST", Link(step, f"pb:record-{kind}", environment), {})


def environment(name: str, /, **body: Any) -> Step:
    return Step(f"environment: {name}", "POST", "/environments", body)


# The history

BEGINNING = (
    environment("test", name="test", displayName="Test", production=False),
    environment("production", name="production", displayName="Production", production=True),
    environment("duplicate", name="test", displayName="Test 2", production=False),
    environment("without production", name="stage"),
    environment("without a name", production=True),
    environment("name with a space", name="a b", production=True),
    environment("production is a text", name="stage", production="yes"),
    Step("environment: malformed", "POST", "/environments", '{"name":'),
    get("environments", "/environments"),
    get("environment of its own", Link("environment: test", "self")),
    get("environment: unknown", "/environments/1b5e23a8-6f0c-4b8e-9d63-0f2c7f6a1d10"),
    get("index", "/"),
    offered("unknown provider", MAIN),
    get("pacticipant: unknown", "/pacticipants/nobody"),
    get("pacticipants: none", "/pacticipants"),
    publish("c1", CONS),
    publish("c1 again", CONS),
    publish("c1 with another content", CONFLICTING),
    publish("c2 on a feature branch", CHANGED, "c2", "feat/x"),
    publish("v4, mixed", V4),
    publish("messages", MESSAGES),
    publish("no interactions", pact("zero", [])),
    publish("with tags", pact("tagged", [ONE]), branch=None, tags=["prod", "dev"]),
    publish("with a build's address", pact("built", [ONE]), buildUrl="http://ci/1"),
    publish("v2", V2),
    Step("publish malformed", "POST", "/contracts/publish", '{"pacticipantName":'),
    Step("publish nothing", "POST", "/contracts/publish", {}),
    Step("publish an unfinished contract", "POST", "/contracts/publish", {**contracts(CONS, "c1"), "contracts": [{}]}),
    Step("publish undecodable content", "POST", "/contracts/publish", contracts_with(content="%%%")),
    Step("publish content that is no JSON", "POST", "/contracts/publish", contracts_with(content="e30x")),
    Step("publish with a branch that is no text", "POST", "/contracts/publish", {**contracts(CONS, "c1"), "branch": 1}),
    Step("publish with tags that are no list", "POST", "/contracts/publish", contracts(CONS, "c1", tags="dev")),
    get("provider", "/pacticipants/prov"),
    get("pacticipants", "/pacticipants"),
)

PACTS = (
    get("pact of a version", "/pacts/provider/prov/consumer/cons/version/c1"),
    get("pact: latest", "/pacts/provider/prov/consumer/cons/latest"),
    get("pact: v4", "/pacts/provider/prov/consumer/v4/version/c1"),
    get("pact: messages", "/pacts/provider/prov/consumer/msg/version/c1"),
    get("pact: no interactions", "/pacts/provider/prov/consumer/zero/version/c1"),
    get("pact: unknown version", "/pacts/provider/prov/consumer/cons/version/nope"),
    get("pact: unknown consumer", "/pacts/provider/prov/consumer/nobody/version/c1"),
    get("pact: latest of a branch", "/pacts/provider/prov/consumer/cons/branch/main/latest"),
    get("pact: latest of an unknown branch", "/pacts/provider/prov/consumer/cons/branch/nope/latest"),
    get("latest pacts of a provider", "/pacts/provider/prov/latest"),
    get("latest pacts of an unknown provider", "/pacts/provider/nobody/latest"),
)

SELECTORS = (
    offered("main branch", MAIN),
    offered("main branch and work in progress", MAIN, includeWipPactsSince=WIP_SINCE),
    offered("no selectors"),
    offered("no selectors, an empty list", []),
    offered("without pending status", MAIN, includePendingStatus=False),
    offered("pending status not mentioned", MAIN, includePendingStatus=None),
    offered("provider without a branch", MAIN, providerVersionBranch=None),
    offered(
        "work in progress for a provider without a branch",
        MAIN,
        providerVersionBranch=None,
        includeWipPactsSince=WIP_SINCE,
    ),
    offered("a consumer's branch", [{"branch": "main", "consumer": "cons"}]),
    offered("fallback branch", [{"branch": "nope", "fallbackBranch": "main"}]),
    offered("tag", [{"tag": "dev"}]),
    offered("latest with a tag", [{"tag": "dev", "latest": True}]),
    offered("fallback tag", [{"tag": "no", "latest": True, "fallbackTag": "dev"}]),
    offered("latest", [{"latest": True, "consumer": "cons"}, {"latest": True, "consumer": "v2"}]),
    offered("an unknown key beside a known one", [{"mainBranch": True, "consumer": "cons", "brunch": "main"}]),
    *refused(
        {"brunch": "main"},
        {"mainBranch": True, "tag": "dev"},
        {"mainBranch": True, "branch": "main"},
        {"mainBranch": True, "fallbackBranch": "main"},
        {"mainBranch": True, "latest": False},
        {"tag": "dev", "branch": "main"},
        {"environment": "production", "branch": "main"},
        {"deployed": True, "branch": "main", "latest": True},
        {"deployed": True, "released": True},
        {"deployed": True, "deployedOrReleased": True},
        {"released": True, "deployedOrReleased": True},
        {"matchingBranch": True, "branch": "main"},
        {"matchingBranch": True, "latest": True},
        {"matchingBranch": False},
        {"mainBranch": False},
        {"mainBranch": "true"},
        {"deployed": "yes"},
        {"latest": "yes"},
        {"latest": False},
        {"branch": "main", "latest": False},
        {"branch": "main", "fallbackBranch": "main", "latest": False},
        {"fallbackBranch": "main"},
        {"tag": "dev", "fallbackTag": "prod"},
        {"fallbackTag": "dev"},
        {"environment": "nope"},
        {},
        {"consumer": "cons"},
        {"branch": "main", "consumer": " "},
        {"branch": None},
        {"branch": ""},
        {"branch": 1},
        {"tag": True},
        {"environment": ["production"]},
        "main",
        None,
    ),
    offered("several mistakes", [{"mainBranch": True}, {"brunch": "x"}, {"tag": "a", "branch": "b"}]),
    offered("selectors that are no list", "main"),
    offered("matching branch without a branch", [{"matchingBranch": True}], providerVersionBranch=None),
    offered("a date that is none", MAIN, includeWipPactsSince="yesterday"),
    offered("pending status that is none", MAIN, includePendingStatus="yes"),
    offered("tags that are no list", MAIN, providerVersionTags="dev"),
    offered("a branch that is no text", MAIN, providerVersionBranch=1),
    offered("a blank branch", MAIN, providerVersionBranch=" "),
    offered("an empty branch", MAIN, providerVersionBranch=""),
    offered("an unknown consumer", [{"mainBranch": True, "consumer": "nobody"}]),
    offered("nothing matches", [{"branch": "nope"}]),
    Step("pacts: malformed", "POST", "/pacts/provider/prov/for-verification", '{"a":'),
    get("pacts: by GET", "/pacts/provider/prov/for-verification"),
)

VERSIONS = (
    Step("branch version", "PUT", "/pacticipants/prov/branches/main/versions/p1", {}),
    Step("branch version again", "PUT", "/pacticipants/prov/branches/main/versions/p1", {}),
    get("branch version read", "/pacticipants/prov/branches/main/versions/p1"),
    get("branch version: not on that branch", "/pacticipants/prov/branches/nope/versions/p1"),
    Step("branch version: a name to be quoted", "PUT", "/pacticipants/prov/branches/feat%2Fa%20b/versions/p%2F2", {}),
    Step("branch version: new pacticipant", "PUT", "/pacticipants/new/branches/main/versions/1", {}),
    get("branch", "/pacticipants/prov/branches/main"),
    get("branch: unknown", "/pacticipants/prov/branches/nope"),
    get("branch: latest version", "/pacticipants/prov/branches/main/latest-version"),
    get("latest version", "/pacticipants/prov/latest-version"),
    get("provider with a main branch", "/pacticipants/prov"),
    get("version", "/pacticipants/prov/versions/p1"),
    get("version: a name to be quoted", "/pacticipants/prov/versions/p%2F2"),
    get("version: unknown", "/pacticipants/prov/versions/nope"),
    get("version: unknown pacticipant", "/pacticipants/nobody/versions/1"),
    Step("version: put", "PUT", "/pacticipants/prov/versions/p8", {"buildUrl": "http://ci/8"}),
    Step("version: put again", "PUT", "/pacticipants/prov/versions/p8", {}),
    Step("tag", "PUT", "/pacticipants/prov/versions/p1/tags/dev", {}),
    Step("tag again", "PUT", "/pacticipants/prov/versions/p1/tags/dev", {}),
    get("tag read", "/pacticipants/prov/versions/p1/tags/dev"),
    get("tag: unknown", "/pacticipants/prov/versions/p1/tags/nope"),
    Step("tag: new version", "PUT", "/pacticipants/prov/versions/p7/tags/new", {}),
    get("version that has a tag alone", "/pacticipants/prov/versions/p7"),
    Step("pacticipant: create", "POST", "/pacticipants", {"name": "made", "mainBranch": "trunk"}),
    Step("pacticipant: create again", "POST", "/pacticipants", {"name": "made"}),
    Step("pacticipant: create without a name", "POST", "/pacticipants", {}),
    Step("pacticipant: update", "PATCH", "/pacticipants/made", {"repositoryUrl": "http://git/made"}),
    Step("pacticipant: update an unknown one", "PATCH", "/pacticipants/patched", {"mainBranch": "main"}),
)

ENVIRONMENTS = (
    matrix("unknown version, nothing deployed", selector("prov", "nope")),
    matrix("no result, nothing deployed", selector("prov", "p1")),
    get("version c1 of cons", "/pacticipants/cons/versions/c1"),
    get("version c1 of v4", "/pacticipants/v4/versions/c1"),
    get("version c1 of msg", "/pacticipants/msg/versions/c1"),
    record("deploy cons", "version c1 of cons"),
    record("deploy v4", "version c1 of v4"),
    record("release msg", "version c1 of msg", "release"),
    Step(
        "deploy an unknown version",
        "POST",
        "/pacticipants/cons/versions/nope/deployed-versions/environment/1b5e23a8-6f0c-4b8e-9d63-0f2c7f6a1d10",
        {},
    ),
    Step(
        "deploy to an unknown environment",
        "POST",
        "/pacticipants/cons/versions/c1/deployed-versions/environment/1b5e23a8-6f0c-4b8e-9d63-0f2c7f6a1d10",
        {},
    ),
    get("deployed version", Link("deploy cons", "self")),
    get("released version", Link("release msg", "self")),
    matrix("unknown version", selector("prov", "nope")),
    matrix("no result", selector("prov", "p1")),
    matrix("unknown environment", selector("prov", "p1"), more="latestby=cvpv&environment=nope"),
    matrix("unknown pacticipant", selector("nobody", "p1")),
    matrix("no environment", selector("prov", "p1"), more="latestby=cvpv"),
    matrix("no environment, as the command line asks", selector("prov", "p1"), more="latestby=cvp&latest=true"),
    matrix("unknown version, no environment", selector("prov", "nope"), more="latestby=cvp&latest=true"),
    matrix("a tag", selector("prov", "p1"), more="tag=prod&latestby=cvp&latest=true"),
    get("matrix: nothing", "/matrix"),
)

RESULTS = (
    get("result: none yet", Link("pact of a version", "pb:latest-verification-results")),
    result("without success", {"success": None}),
    result("without a version", {"providerApplicationVersion": None}),
    result("success is a text", {"success": "yes"}),
    result("build's address is none", {"buildUrl": "nope"}),
    result("empty version", {"providerApplicationVersion": ""}),
    result("blank version", {"providerApplicationVersion": "  "}),
    result("version is a number", {"providerApplicationVersion": 1}),
    result("version of two lines", {"providerApplicationVersion": "p1\nx"}),
    result("malformed", '{"a"'),
    result("published", {}),
    get("result: its own", Link("result: published", "self")),
    get("pact of a version, verified", "/pacts/provider/prov/consumer/cons/version/c1"),
    get("result: latest", Link("pact of a version", "pb:latest-verification-results")),
    result("another of the same version", {"success": False}),
    get("result: latest after another", Link("pact of a version", "pb:latest-verification-results")),
    get("result: the first is still there", Link("result: published", "self")),
    result("of a new version", {"providerApplicationVersion": "p9", "buildUrl": None, "verifiedBy": None}),
    get("version that a result made", "/pacticipants/prov/versions/p9"),
    result("unknown content", {}, Link("pact of a version", "pb:pact-version", more="0/verification-results")),
    get("result: unknown number", Link("pact of a version", "pb:pact-version", more="/verification-results/999")),
    matrix("failed", selector("prov", "p1")),
    matrix("successful and unknown", selector("prov", "p9")),
    result("successful at last", {}),
    matrix("successful at last", selector("prov", "p1")),
    matrix("successful at last, no environment", selector("prov", "p1"), more="latestby=cvp&latest=true"),
    matrix("latest of a branch", "q[][pacticipant]=prov&q[][branch]=main", more="latestby=cvp&latest=true"),
    matrix("latest", "q[][pacticipant]=prov&q[][latest]=true"),
    matrix("no such branch", "q[][pacticipant]=prov&q[][branch]=nope"),
    matrix("successful, nothing said of the others", selector("prov", "p1"), more="latestby=cvpv"),
    matrix("consumer, no environment", selector("cons", "c1"), more="latestby=cvp&latest=true"),
    matrix("consumer, nothing said of the others", selector("cons", "c1"), more="latestby=cvpv"),
    offered("after a success", MAIN, includeWipPactsSince=WIP_SINCE),
    offered("environment", [{"environment": "production"}]),
    offered(
        "one content in many ways",
        [
            {"mainBranch": True, "consumer": "cons"},
            {"environment": "production", "consumer": "cons"},
            {"deployed": True, "consumer": "cons"},
            {"branch": "main", "consumer": "cons"},
        ],
    ),
    offered("main branch and environment", [*MAIN, {"environment": "production"}]),
    offered("deployed", [{"deployed": True}]),
    offered("released", [{"released": True}]),
    offered("a consumer's deployed", [{"deployed": True, "consumer": "cons"}]),
    offered("deployed or released in an environment", [{"deployedOrReleased": True, "environment": "production"}]),
    offered("deployed where nothing is", [{"deployed": True, "environment": "test"}]),
    offered("pending for another branch", [{"mainBranch": True, "consumer": "cons"}], providerVersionBranch="feat/y"),
    offered(
        "provider's tag", MAIN, providerVersionBranch=None, providerVersionTags=["dev"], includeWipPactsSince=WIP_SINCE
    ),
    offered("provider's tags", MAIN, providerVersionBranch=None, providerVersionTags=["dev", "new"]),
    offered("no selectors, after deployments"),
    get("pacts: by GET, after deployments", "/pacts/provider/prov/for-verification"),
    matrix("consumer", selector("cons", "c1")),
    matrix("consumer, unknown version", selector("cons", "nope")),
    matrix("both", selector("cons", "c1"), selector("prov", "p1"), more="latestby=cvpv"),
    matrix("both, provider's version unknown", selector("cons", "c1"), selector("prov", "p77"), more="latestby=cvpv"),
    matrix("both, no result", selector("v4", "c1"), selector("prov", "p1"), more="latestby=cvpv"),
    record("deploy prov p1", "version"),
    record("deploy prov p9", "version that a result made"),
    get("version once deployed", "/pacticipants/prov/versions/p1"),
    get("version deployed", "/pacticipants/prov/versions/p9"),
    record("deploy prov p9 again", "version that a result made"),
    get("version deployed twice", "/pacticipants/prov/versions/p9"),
    record("deploy prov p1 again", "version"),
    get("version deployed, replaced and deployed again", "/pacticipants/prov/versions/p1"),
    record("deploy prov p9 once more", "version that a result made"),
    get("version deployed once more", "/pacticipants/prov/versions/p9"),
    get("version released", "/pacticipants/msg/versions/c1"),
    record("release msg again", "version c1 of msg", "release"),
    get("version released twice", "/pacticipants/msg/versions/c1"),
    get("consumer released", "/pacticipants/msg"),
    get("provider deployed", "/pacticipants/prov"),
    get("currently supported", Link("environment: production", "pb:currently-supported-released-versions")),
    get("currently deployed", Link("environment: production", "pb:currently-deployed-deployed-versions")),
    result("failed by what is deployed", {"success": False, "providerApplicationVersion": "p9"}),
    matrix("consumer, failed by what is deployed", selector("cons", "c1")),
    matrix("failed, nothing said of the others", selector("prov", "p9"), more="latestby=cvpv"),
    matrix("consumer, failed, nothing said of the others", selector("cons", "c1"), more="latestby=cvpv"),
    matrix("once deployed", selector("prov", "p1")),
    matrix("consumer, provider deployed", selector("cons", "c1")),
)

WEBHOOKS = (
    get("webhooks: none", "/webhooks"),
    get("webhook: unknown", WEBHOOK_PATH),
    Step("webhook: execute an unknown one", "POST", f"{WEBHOOK_PATH}/execute", {}),
    webhook("put"),
    webhook("put again"),
    get("webhook: read", WEBHOOK_PATH),
    get("webhooks", "/webhooks"),
    Step("webhook: execute", "POST", f"{WEBHOOK_PATH}/execute", {}),
    webhook("unknown provider", provider={"name": "nobody"}),
    webhook("unknown event", events=[{"name": "nope"}]),
    webhook("no events", events=[]),
    webhook("enabled is a text", enabled="yes"),
    asking("scheme", url="ftp://x"),
    asking("an address that is none", url="nope"),
    asking("method", method="DELETE"),
    asking("a template in the host", url="http://${pactbroker.consumerName}/x"),
    Step("webhook: without a request", "PUT", WEBHOOK_PATH, {"description": "w"}),
    Step("webhook: request is a text", "PUT", WEBHOOK_PATH, {"request": "POST http://x"}),
    Step("webhook: empty request", "PUT", WEBHOOK_PATH, {"request": {}}),
    Step("webhook: request without an address", "PUT", WEBHOOK_PATH, {"request": {"method": "POST"}}),
    Step("webhook: request without a method", "PUT", WEBHOOK_PATH, {"request": {"url": RECEIVER}}),
    webhook("event without a name", events=[{}]),
    webhook("provider without a name", provider={}),
    webhook("provider is a text", provider="prov"),
    Step("webhook: malformed", "PUT", WEBHOOK_PATH, '{"a":'),
    webhook("disabled", enabled=False),
    get("webhook: read while disabled", WEBHOOK_PATH),
    publish("while the webhook is disabled", pact("quiet", [ONE])),
    webhook("enabled"),
    publish("c3, which calls the webhook", CONFLICTING, "c3"),
    publish("c3 again", CONFLICTING, "c3"),
    publish("c4, the same content", CONFLICTING, "c4"),
    publish("c5, the same content on another branch", CONFLICTING, "c5", "feat/z"),
    publish("c6, reordered", pact("cons", CONFLICTING["interactions"][::-1]), "c6"),
    publish("tagged again, with one more tag", pact("tagged", [ONE]), "c2", None, tags=["prod", "test"]),
    publish("tagged, changed", pact("tagged", [TWO]), "c3", None, tags=["prod"]),
    publish("tagged, the same", pact("tagged", [TWO]), "c4", None, tags=["prod", "test"]),
    publish("tagged, the same once more", pact("tagged", [TWO]), "c5", None, tags=["prod", "test"]),
    publish("c7, the same content with a new tag", CONFLICTING, "c7", tags=["new"]),
    publish("c8, the same content with that tag", CONFLICTING, "c8", tags=["new"]),
    Step("webhook: delete", "DELETE", WEBHOOK_PATH),
    Step("webhook: delete again", "DELETE", WEBHOOK_PATH),
)

END = (
    Step("delete a branch", "DELETE", "/pacticipants/cons/branches/feat%2Fx"),
    Step("delete an unknown branch", "DELETE", "/pacticipants/cons/branches/nope"),
    offered("after the branch is deleted", [{"branch": "feat/x"}]),
    Step(
        "undeploy",
        "PATCH",
        Link("deploy prov p9", "self"),
        {"currentlyDeployed": False},
        "application/merge-patch+json",
    ),
    Step(
        "end the support",
        "PATCH",
        Link("release msg again", "self"),
        {"currentlySupported": False},
        "application/merge-patch+json",
    ),
    get("version no longer supported", "/pacticipants/msg/versions/c1"),
    get("version undeployed", "/pacticipants/prov/versions/p9"),
    offered("deployed and released in the end", [{"deployedOrReleased": True}]),
    matrix("in the end", selector("prov", "p1")),
    Step("delete a version", "DELETE", "/pacticipants/cons/versions/c1"),
    Step("delete an unknown version", "DELETE", "/pacticipants/cons/versions/c1"),
    result("of a deleted pact", {}),
    offered("after the version is deleted", [{"deployed": True}]),
    get("unknown path", "/nope"),
    Step("head", "HEAD", "/"),
    Step("a method that is not allowed", "PUT", "/matrix", {}),
    Step("another method that is not allowed", "DELETE", "/pacts/provider/prov/for-verification"),
)

STEPS = (*BEGINNING, *PACTS, *SELECTORS, *VERSIONS, *ENVIRONMENTS, *RESULTS, *WEBHOOKS, *END)
