"""The broker's resources: a method and a path lead to an answer."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from tests.broker_double import matrix, metadata, validation, verification, webhooks
from tests.broker_double.bodies import Bodies, at
from tests.broker_double.store import Json, Pact, Store, Version, Webhook, content_sha, now

HAL = "application/hal+json;charset=utf-8"
JSON = "application/json;charset=utf-8"
INTEGRATION = "/pacts/provider/{provider}/consumer/{consumer}"
CONTENT = f"{INTEGRATION}/pact-version/{{sha}}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    content_type: str | None = HAL
    headers: dict[str, str] = field(default_factory=dict)
    calls: tuple[webhooks.Call, ...] = ()  # made after the state is let go of: who is called may ask the broker


@dataclass(frozen=True)
class Call:
    """One request, as a resource sees it."""

    bodies: Bodies
    query: str
    body: Any

    @property
    def store(self) -> Store:
        return self.bodies.store

    @property
    def given(self) -> Json:
        return self.body if isinstance(self.body, dict) else {}


# An answer that says how a call went; the call is made, as above, after the state is let go of.
Later = Callable[[], Answer]
Handler = Callable[..., Answer | Later]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []

NOT_FOUND = Answer(404, {"error": "The requested document was not found on this server."}, JSON)
GONE = Answer(204, "", None)


def route(methods: str, path: str) -> Callable[[Handler], Handler]:
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?")

    def register(handler: Handler) -> Handler:
        ROUTES.extend((method, pattern, handler) for method in methods.split())
        return handler

    return register


def _unknown(role: str, name: str) -> Answer:
    return Answer(404, {"error": f"No {role} with name '{name}' found"})


def dispatch(method: str, path: str, call: Call) -> Answer | Later:
    matching = [(verb, found, handler) for verb, pattern, handler in ROUTES if (found := pattern.fullmatch(path))]
    for verb, found, handler in matching:
        if verb == method:
            if isinstance(call.body, str) and call.body:
                return Answer(400, {"error": f"JSON::ParserError - unexpected token at '{call.body}'"})
            return handler(call, **{name: unquote(value) for name, value in found.groupdict().items()})
    return Answer(405, "", None) if matching else NOT_FOUND


@route("GET", "")
def index(call: Call) -> Answer:
    return Answer(200, call.bodies.index())


# Pacts


@route("GET", "/pacts/provider/{provider}/for-verification")
def pacts_by_default(call: Call, provider: str) -> Answer:
    return _for_verification(call, verification.Query(provider, beta=True))


@route("POST", "/pacts/provider/{provider}/for-verification")
def pacts_by_selectors(call: Call, provider: str) -> Answer:
    errors = validation.query(call.given, call.store)
    if errors:
        return Answer(400, {"errors": errors})
    return _for_verification(call, verification.Query.posted(provider, call.given))


def _for_verification(call: Call, query: verification.Query) -> Answer:
    if query.provider not in call.store.pacticipants:
        return _unknown("provider", query.provider)
    return Answer(200, verification.answer(query, call.bodies))


@route("GET", "/pacts/provider/{provider}/latest")
def latest_of_provider(call: Call, provider: str) -> Answer:
    if provider not in call.store.pacticipants:
        return _unknown("provider", provider)
    return Answer(200, call.bodies.latest_pacts(provider))


@route("GET", f"{INTEGRATION}/version/{{number}}")
def pact_of_version(call: Call, provider: str, consumer: str, number: str) -> Answer:
    pact = call.store.pact(consumer, provider, number)
    return Answer(200, call.bodies.pact(pact, None, ())) if pact else NOT_FOUND


@route("GET", f"{INTEGRATION}/latest")
@route("GET", f"{INTEGRATION}/branch/{{branch}}/latest")
def latest_pact(call: Call, provider: str, consumer: str, branch: str | None = None) -> Answer:
    found = [each for each in call.store.between(consumer, provider) if branch in (None, *each.version.branches)]
    if not found:
        return NOT_FOUND
    return Answer(200, call.bodies.pact(found[-1], metadata.encode([("cv", str(found[-1].version.id))]), ()))


@route("GET", CONTENT)
@route("GET", f"{CONTENT}/metadata/{{encoded}}")
def pact_of_content(call: Call, provider: str, consumer: str, sha: str, encoded: str | None = None) -> Answer:
    pact, named = _in_context(call, provider, consumer, sha, encoded)
    return Answer(200, call.bodies.pact(pact, encoded, named)) if pact else NOT_FOUND


def _in_context(
    call: Call, provider: str, consumer: str, sha: str, encoded: str | None
) -> tuple[Pact | None, list[Version]]:
    """The pact as its URL's metadata has it, and the versions that these name."""
    pacts = [each for each in call.store.between(consumer, provider) if each.sha == sha]
    pairs = metadata.decode(encoded) if encoded else []
    ids = {value for key, value in pairs if key == "s[][cv]"}
    numbers = {value for key, value in pairs if key == "cvn"}
    named = [each for each in pacts if str(each.version.id) in ids or each.version.number in numbers]
    found = named or pacts
    return (found[-1] if found else None), [each.version for each in named]


# Results


@route("POST", f"{CONTENT}/verification-results")
@route("POST", f"{CONTENT}/metadata/{{encoded}}/verification-results")
def publish_result(call: Call, provider: str, consumer: str, sha: str, encoded: str | None = None) -> Answer:
    # Whichever version was offered, the answer is about the latest one with this content.
    pact = call.store.latest_with_content(consumer, provider, sha)
    if pact is None:
        return NOT_FOUND
    errors = validation.result(call.given)
    if errors:
        return Answer(400, {"errors": errors})
    wip = ("w", "true") in metadata.decode(encoded or "")
    number, success = call.given["providerApplicationVersion"], call.given["success"]
    result = call.store.add_result(pact, number, call.given, success=success, wip=wip)
    location = {"Location": call.bodies.of_result(result, pact)}
    return Answer(201, call.bodies.result(result, pact), headers=location)


@route("GET", f"{CONTENT}/verification-results/{{which}}")
@route("GET", f"{CONTENT}/metadata/{{encoded}}/verification-results/{{which}}")
def result(call: Call, *, provider: str, consumer: str, sha: str, which: str, encoded: str | None = None) -> Answer:
    pact = call.store.latest_with_content(consumer, provider, sha)
    results = call.store.results_of(pact) if pact else []
    found = [each for each in results if which in ("latest", str(each.number))]
    return Answer(200, call.bodies.result(found[-1], pact)) if pact and found else NOT_FOUND


# Pacticipants


@route("GET", "/pacticipants")
def pacticipants(call: Call) -> Answer:
    return Answer(200, call.bodies.pacticipants())


@route("POST", "/pacticipants")
def create_pacticipant(call: Call) -> Answer:
    errors = validation.pacticipant(call.given)
    if errors:
        return Answer(400, {"errors": errors})
    name = call.given["name"]
    made = _save_pacticipant(call, name)
    # So the real broker answers, misspelt address and all, even if there is such a pacticipant.
    body = call.bodies.pacticipant(call.store.pacticipant(name), full=False)
    return replace(made, status=201, body=body, headers={"Location": call.bodies.to("pacticpants", name)})


@route("GET", "/pacticipants/{name}")
def pacticipant(call: Call, name: str) -> Answer:
    found = call.store.pacticipants.get(name)
    return Answer(200, call.bodies.pacticipant(found)) if found else _unknown("pacticipant", name)


@route("PUT PATCH", "/pacticipants/{name}")
def save_pacticipant(call: Call, name: str) -> Answer:
    return _save_pacticipant(call, name)


def _save_pacticipant(call: Call, name: str) -> Answer:
    is_new = name not in call.store.pacticipants
    found = call.store.pacticipant(name)
    found.main_branch = call.given.get("mainBranch", found.main_branch)
    found.repository_url = call.given.get("repositoryUrl", found.repository_url)
    found.updated = None if is_new else now()
    location = {"Location": call.bodies.of_pacticipant(name)} if is_new else {}
    return Answer(201 if is_new else 200, call.bodies.pacticipant(found), headers=location)


@route("GET", "/pacticipants/{name}/latest-version")
@route("GET", "/pacticipants/{name}/branches/{branch}/latest-version")
def latest_version(call: Call, name: str, branch: str | None = None) -> Answer:
    found = call.store.latest(name, branch=branch)
    path = ["pacticipants", name, *(["branches", branch] if branch else []), "latest-version"]
    return Answer(200, call.bodies.version(found, call.bodies.to(*path))) if found else NOT_FOUND


@route("GET", "/pacticipants/{name}/branches/{branch}")
def branch(call: Call, name: str, branch: str) -> Answer:
    found = call.store.latest(name, branch=branch)
    return Answer(200, call.bodies.branch(name, branch)) if found else NOT_FOUND


@route("DELETE", "/pacticipants/{name}/branches/{branch}")
def delete_branch(call: Call, name: str, branch: str) -> Answer:
    return GONE if call.store.delete_branch(name, branch) else NOT_FOUND


@route("GET", "/pacticipants/{name}/versions/{number}")
def version(call: Call, name: str, number: str) -> Answer:
    found = call.store.version(name, number)
    return Answer(200, call.bodies.version(found)) if found else NOT_FOUND


@route("PUT", "/pacticipants/{name}/versions/{number}")
def save_version(call: Call, name: str, number: str) -> Answer:
    is_new = call.store.version(name, number) is None
    found = call.store.make_version(name, number)
    found.build_url = call.given.get("buildUrl")
    found.updated = None if is_new else now()
    return Answer(201 if is_new else 200, call.bodies.version(found))


@route("DELETE", "/pacticipants/{name}/versions/{number}")
def delete_version(call: Call, name: str, number: str) -> Answer:
    return GONE if call.store.delete_version(name, number) else NOT_FOUND


@route("GET", "/pacticipants/{name}/branches/{branch}/versions/{number}")
def branch_version(call: Call, name: str, branch: str, number: str) -> Answer:
    found = call.store.version(name, number)
    if found is None or branch not in found.branches:
        return NOT_FOUND
    return Answer(200, call.bodies.branch_version(found, branch, created=False))


@route("PUT", "/pacticipants/{name}/branches/{branch}/versions/{number}")
def save_branch_version(call: Call, name: str, branch: str, number: str) -> Answer:
    found = call.store.make_version(name, number)
    is_new = call.store.add_branch(found, branch)
    found.updated = now()
    location = {"Location": call.bodies.of_branch_version(found, branch)} if is_new else {}
    body = call.bodies.branch_version(found, branch, created=is_new)
    return Answer(201 if is_new else 200, body, headers=location)


@route("GET", "/pacticipants/{name}/versions/{number}/tags/{tag}")
def tag(call: Call, name: str, number: str, tag: str) -> Answer:
    found = call.store.version(name, number)
    return Answer(200, call.bodies.tag(found, tag)) if found and tag in found.tags else NOT_FOUND


@route("PUT", "/pacticipants/{name}/versions/{number}/tags/{tag}")
def save_tag(call: Call, name: str, number: str, tag: str) -> Answer:
    found = call.store.make_version(name, number)
    is_new = call.store.add_tag(found, tag)
    found.updated = now()
    location = {"Location": call.bodies.of_version(found) + at("tags", tag)} if is_new else {}
    return Answer(201 if is_new else 200, call.bodies.tag(found, tag), headers=location)


# Environments and what is in them


@route("GET", "/environments")
def environments(call: Call) -> Answer:
    return Answer(200, call.bodies.environments())


@route("POST", "/environments")
def create_environment(call: Call) -> Answer:
    given, store = call.given, call.store
    errors = validation.environment(given, store)
    if errors:
        return Answer(400, {"errors": errors})
    made = store.add_environment(given["name"], given.get("displayName"), production=given["production"])
    return Answer(201, call.bodies.environment(made), headers={"Location": call.bodies.of_environment(made)})


@route("GET", "/environments/{identifier}")
def environment(call: Call, identifier: str) -> Answer:
    found = call.store.environments.get(identifier)
    return Answer(200, call.bodies.environment(found)) if found else NOT_FOUND


@route("GET", "/environments/{identifier}/{kind}-versions/currently-(deployed|supported)")
def currently_there(call: Call, identifier: str, kind: str) -> Answer:
    found = call.store.environments.get(identifier)
    return Answer(200, call.bodies.currently_there(found, released=kind == "released")) if found else NOT_FOUND


@route("POST", "/pacticipants/{name}/versions/{number}/{kind}-versions/environment/{identifier}")
def record_deployment(call: Call, name: str, number: str, kind: str, identifier: str) -> Answer:
    found, there = call.store.version(name, number), call.store.environments.get(identifier)
    if found is None or there is None or kind not in ("deployed", "released"):
        return NOT_FOUND
    released = kind == "released"
    is_new = found not in [each.version for each in call.store.current(there) if each.released == released]
    made = call.store.record(found, there, released=released)
    location = {"Location": call.bodies.to(f"{kind}-versions", made.uuid)}
    return Answer(201 if is_new or not released else 200, call.bodies.deployment(made), headers=location)


@route("GET PATCH", "/{kind}-versions/{identifier}")
def deployment(call: Call, kind: str, identifier: str) -> Answer:
    found = next((each for each in call.store.deployments if each.uuid == identifier), None)
    if found is None or kind not in ("deployed", "released"):
        return NOT_FOUND
    flag = {"deployed": "currentlyDeployed", "released": "currentlySupported"}[kind]
    found.current = call.given.get(flag, found.current)
    return Answer(200, call.bodies.deployment(found))


@route("GET", "/matrix")
def can_i_deploy(call: Call) -> Answer:
    status, body = matrix.answer(matrix.Question.parsed(call.query), call.bodies)
    return Answer(status, body)


# Webhooks


@route("GET", "/webhooks")
def all_webhooks(call: Call) -> Answer:
    return Answer(200, call.bodies.webhooks())


@route("POST", "/webhooks")
def create_webhook(call: Call) -> Answer:
    return _save_webhook(call, str(uuid.uuid4()))


@route("GET", "/webhooks/{identifier}")
def webhook(call: Call, identifier: str) -> Answer:
    found = call.store.webhooks.get(identifier)
    return Answer(200, call.bodies.webhook(found)) if found else NOT_FOUND


@route("PUT", "/webhooks/{identifier}")
def save_webhook(call: Call, identifier: str) -> Answer:
    return _save_webhook(call, identifier)


def _save_webhook(call: Call, identifier: str) -> Answer:
    errors = validation.webhook(call.given, call.store)
    if errors:
        return Answer(400, {"errors": errors})
    found = call.store.webhooks.get(identifier)
    made = Webhook(identifier, call.given)
    if found:
        made.created, made.updated = found.created, now()
    call.store.webhooks[identifier] = made
    return Answer(200 if found else 201, call.bodies.webhook(made))


@route("DELETE", "/webhooks/{identifier}")
def delete_webhook(call: Call, identifier: str) -> Answer:
    return GONE if call.store.webhooks.pop(identifier, None) else NOT_FOUND


@route("POST", "/webhooks/{identifier}/execute")
def execute_webhook(call: Call, identifier: str) -> Answer | Later:
    found = call.store.webhooks.get(identifier)
    if found is None:
        return NOT_FOUND
    made = webhooks.for_test(call.bodies, found)
    return lambda: Answer(200, webhooks.execute(made, call.bodies))


# Publishing contracts


@dataclass
class Publication:
    consumer: str
    number: str
    branch: str | None
    tags: list[str]
    pacts: list[Json]

    @classmethod
    def of(cls, given: Json) -> "Publication":
        return cls(
            given["pacticipantName"],
            given["pacticipantVersionNumber"],
            given.get("branch"),
            given.get("tags") or [],
            [json.loads(base64.b64decode(each["content"])) for each in given["contracts"]],
        )


@route("POST", "/contracts/publish")
def publish_contracts(call: Call) -> Answer:
    errors = validation.contracts(call.given)
    if errors:
        return Answer(400, {"errors": errors})
    store, bodies, publication = call.store, call.bodies, Publication.of(call.given)
    consumer, number = publication.consumer, publication.number
    refused = [text for pact in publication.pacts if (text := _conflict(store, number, pact))]
    if refused:
        notices = [each for text in refused for each in (_notice("error", text), _notice("info", ""))]
        return Answer(409, {"notices": notices, "errors": {"contracts": refused}}, JSON)

    notices = [_notice("debug", _about_version(publication, is_new=store.version(consumer, number) is None))]
    if publication.branch is None:
        advice = "Configure the version branch to be the value of your repository branch."
        notices.append(_notice("prompt", f"  Next steps:\n    {advice}"))
    made = store.make_version(consumer, number)
    made.build_url = call.given.get("buildUrl", made.build_url)
    pacts, calls = [], []
    for content in publication.pacts:
        pact, about, to_make = _publish(bodies, publication, content)
        pacts.append(pact)
        notices += about
        calls += to_make
    body = {
        "logs": [
            {"level": each["type"], "message": each["text"], "deprecationWarning": "Replaced by notices"}
            for each in notices
        ],
        "notices": notices,
        "_embedded": {
            "pacticipant": {"name": consumer, "_links": {"self": {"href": bodies.of_pacticipant(consumer)}}},
            "version": bodies.embedded_version(made),
        },
        "_links": {
            "pb:pacticipant": {"title": "Pacticipant", "name": consumer, "href": bodies.of_pacticipant(consumer)},
            "pb:pacticipant-version": bodies.version_link(made, "Pacticipant version"),
            "pb:pacticipant-version-tags": [
                {"title": "Tag", "name": tag, "href": bodies.of_version(made) + at("tags", tag)}
                for tag in publication.tags
            ],
            "pb:contracts": [{"title": "Pact", "name": each.name, "href": bodies.of_pact(each)} for each in pacts],
        },
    }
    return Answer(200, body, calls=tuple(calls))


def _notice(kind: str, text: str) -> Json:
    return {"type": kind, "text": text}


def _conflict(store: Store, number: str, pact: Json) -> str | None:
    consumer, provider = pact["consumer"]["name"], pact["provider"]["name"]
    existing = store.pact(consumer, provider, number)
    if existing is None or existing.sha == content_sha(pact):
        return None
    return (
        f"Cannot change the content of the pact for {consumer} version {number} and provider {provider}, as race "
        "conditions will cause unreliable results for can-i-deploy. Each pact must be published with a unique consumer "
        "version number. Some Pact libraries generate random data when a concrete value for a type matcher is not "
        "specified, and this can cause the contract to mutate - ensure you have given example values for all type "
        "matchers. For more information see https://docs.pact.io/go/versioning"
    )


def _about_version(publication: Publication, *, is_new: bool) -> str:
    parts = [f"branch {publication.branch}"] if publication.branch else []
    parts += [f"tags {', '.join(publication.tags)}"] if publication.tags else []
    what = f"{'Created' if is_new else 'Updated'} {publication.consumer} version {publication.number}"
    return f"{what} with {' and '.join(parts)}" if parts else what


def _publish(bodies: Bodies, publication: Publication, content: Json) -> tuple[Pact, list[Json], list[webhooks.Call]]:
    store, number = bodies.store, publication.number
    consumer, provider = publication.consumer, content["provider"]["name"]
    existing = store.pact(consumer, provider, number)
    before = store.between(consumer, provider)
    pact = store.publish(content, number, publication.branch, publication.tags)
    changes = [] if existing else _changes(before, pact, publication.tags)
    events = webhooks.for_publication(bodies, pact, changed=bool(changes))
    calls = [each for of_event in events.values() for each in of_event]
    detected = ", ".join(_detected(event, changes, publication.tags, is_new=existing is None) for event in events)
    about = f"for {consumer} version {number} and provider {provider}"
    done = f"republished {about} with no content changes" if existing else f"published {about}"
    notices = [
        _notice("success", f"Pact successfully {done}."),
        _notice("debug", f"  View the published pact at {bodies.of_pact(pact)}"),
        _notice("debug", f"  Events detected: {detected}"),
    ]
    configured = any(each.is_for(pact) for each in store.webhooks.values())
    notices += [_about_call(bodies, each) for each in calls]
    if configured and not calls:
        notices.append(_notice("debug", "  No enabled webhooks found for the detected events"))
    advice = []
    if not any((each.consumer, each.provider) == (consumer, provider) for each in store.results):
        advice.append(
            f"    * Add Pact verification tests to the {provider} build. See "
            "https://docs.pact.io/go/provider_verification"
        )
    if not configured:
        advice.append(
            f"    * Configure separate {provider} pact verification build and webhook to trigger it when the pact "
            "content changes. See https://docs.pact.io/go/webhooks"
        )
    notices += [_notice("prompt", text) for text in (["  Next steps:", *advice] if advice else [])]
    return pact, notices, calls


def _changes(before: list[Pact], pact: Pact, tags: list[str]) -> list[str]:
    """In what the pact is new, in the broker's words."""
    if not before and not tags:
        return ["first time untagged pact published"]
    if not tags:
        return [] if before[-1].sha == pact.sha else ["pact content has changed since previous untagged version"]
    found = []
    for tag in tags:
        tagged = [each for each in before if tag in each.version.tags]
        if not tagged:
            found.append(f"first time any pact published for this consumer with consumer version tagged {tag}")
        elif tagged[-1].sha != pact.sha:
            found.append(f"pact content has changed since the last consumer version tagged with {tag}")
    return found


def _detected(event: str, changes: list[str], tags: list[str], *, is_new: bool) -> str:
    comment = ", ".join(changes) if event == "contract_content_changed" else None
    if is_new and not changes:
        s = "" if len(tags) == 1 else "s"
        before = f"previous version{s} with tag{s} {', '.join(tags)}"
        comment = f"pact content is the same as {before} and no new tags were applied"
    return f"{event} ({comment})" if comment else event


def _about_call(bodies: Bodies, call: webhooks.Call) -> Json:
    description = call.webhook.body.get("description")
    name = f'"{description}"' if description else call.webhook.uuid
    logs = bodies.to("triggered-webhooks", str(uuid.uuid4()), "logs")
    return _notice("debug", f"  Webhook {name} triggered for event {call.event}.\n    View logs at {logs}")
