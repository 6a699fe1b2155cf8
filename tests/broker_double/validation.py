"""What a Pact Broker refuses, and its words for it."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from tests.broker_double.store import Json, Store

EVENTS = (
    "contract_published",
    "contract_content_changed",
    "provider_verification_published",
    "provider_verification_succeeded",
    "provider_verification_failed",
    "contract_requiring_verification_published",
)
WHITELIST = "See /doc/webhooks#whitelist for more information."

Check = Callable[[Any], str | None]  # what is wrong with a value
Errors = dict[str, list[str]]


def a_text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def a_boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be boolean"


def true(value: Any) -> str | None:
    return None if value is True else "must be one of: true"


def true_or_false(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be one of: true, false"


def a_list(value: Any) -> str | None:
    return None if isinstance(value, list) else "must be an array"


def a_hash(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be a hash"


def a_branch(value: Any) -> str | None:
    if isinstance(value, str) or value is True:
        return None
    return "must be a string or branch must be equal to true"


def a_date(value: Any) -> str | None:
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        return "must be a date"
    return None


def _blank(value: Any) -> str | None:
    return "cannot be blank" if isinstance(value, str) and value and not value.strip() else None


def _checked(given: Json, *, required: dict[str, Check], optional: dict[str, Check]) -> Errors:
    """The names of the values that are missing, empty, or of another type."""
    found: Errors = {name: ["is missing"] for name in required if name not in given}
    for name, check in (required | optional).items():
        if name in given:
            error = "must be filled" if given[name] in (None, "", [], {}) else check(given[name])
            found |= {name: [error]} if error else {}
    return found


# Which pacts to verify

SELECTOR: dict[str, Check] = {
    "mainBranch": true,
    "tag": a_text,
    "branch": a_branch,
    "matchingBranch": true,
    "latest": true_or_false,
    "fallbackTag": a_text,
    "fallbackBranch": a_text,
    "consumer": a_text,
    "deployed": true,
    "released": true,
    "deployedOrReleased": true,
    "environment": a_text,
}
ENVIRONMENTAL = {"environment", "deployed", "released", "deployedOrReleased"}
NOTHING_SELECTED = (
    "must specify a value for environment or tag or branch, or specify mainBranch=true, matchingBranch=true, "
    "latest=true, deployed=true, released=true or deployedOrReleased=true"
)


def query(body: Json, store: Store) -> Errors:
    """The errors in what a provider asks about the pacts to verify."""
    # A key that the broker doesn't know is no error.
    given = {key: value for key, value in body.items() if value is not None}
    branch = given.pop("providerVersionBranch", None)
    checks = {
        "providerVersionTags": a_list,
        "includePendingStatus": true_or_false,
        "includeWipPactsSince": a_date,
        "consumerVersionSelectors": a_list,
    }
    found = {name: [error] for name, check in checks.items() if name in given and (error := check(given[name]))}
    if branch is not None and (error := a_text(branch) or _blank(branch) or _empty_branch(branch, given)):
        found["providerVersionBranch"] = [error]
    if "consumerVersionSelectors" not in found:
        selectors = enumerate(given.get("consumerVersionSelectors", []))
        texts = [f"{text} (at index {index})" for index, each in selectors for text in _selector(each, body, store)]
        found |= {"consumerVersionSelectors": texts} if texts else {}
    return found


def _empty_branch(branch: str, given: Json) -> str | None:
    if (
        branch
        or given.get("providerVersionTags")
        or not given.keys() & {"includePendingStatus", "includeWipPactsSince"}
    ):
        return None
    return (
        "when pending or WIP pacts are enabled and there are no tags provided, the provider version branch must not "
        "be an empty string, as it is used in the calculations for WIP/pending. A value must be provided "
        "(recommended), or it must not be set at all."
    )


def _selector(selector: Any, body: Json, store: Store) -> list[str]:
    if not isinstance(selector, dict):
        return ["must be a hash"]
    wrong = _checked(selector, required={}, optional=SELECTOR)
    if wrong:
        return [f"{name} {text}" for name, texts in wrong.items() for text in texts]
    return [text for is_wrong, text in _contradictions(selector, body, store) if is_wrong]


def _contradictions(selector: Json, body: Json, store: Store) -> Iterator[tuple[Any, str]]:
    keys = set(selector) & SELECTOR.keys()
    get = selector.get
    not_the_latest = get("latest") is False
    yield _blank(get("consumer")), "consumer cannot be blank"
    yield not keys - {"consumer", "latest", "fallbackTag", "fallbackBranch"} and not get("latest"), NOTHING_SELECTED
    alone = "cannot specify {}=true with any other criteria apart from consumer"
    yield "mainBranch" in keys and keys - {"mainBranch", "consumer", "latest"}, alone.format("mainBranch")
    yield "mainBranch" in keys and not_the_latest, "cannot specify mainBranch=true with latest=false"
    yield "matchingBranch" in keys and keys - {"matchingBranch", "consumer"}, alone.format("matchingBranch")
    yield (
        "matchingBranch" in keys and not body.get("providerVersionBranch"),
        "the providerVersionBranch must be specified when the selector matchingBranch=true is used",
    )
    yield keys >= {"tag", "branch"}, "cannot specify both a tag and a branch"
    ours, others = sorted(keys - ENVIRONMENTAL - {"consumer"}), sorted(keys & ENVIRONMENTAL)
    yield ours and others, f"cannot specify the {_fields(ours)} with the {_fields(others)}"
    yield "fallbackTag" in keys and not get("latest"), "fallbackTag can only be set if latest is true"
    yield "fallbackTag" in keys and "tag" not in keys, "a tag must be specified when a fallbackTag is specified"
    yield (
        "fallbackBranch" in keys and "branch" not in keys,
        "a branch must be specified when a fallbackBranch is specified",
    )
    yield "fallbackBranch" in keys and not_the_latest, "fallbackBranch can only be set if latest is true"
    yield "branch" in keys and not_the_latest, "cannot specify a branch with latest=false"
    yield (
        "environment" in keys and not store.has_environment(selector["environment"]),
        f"environment with name '{get('environment')}' does not exist",
    )
    for one, other in (
        ("deployed", "released"),
        ("deployed", "deployedOrReleased"),
        ("released", "deployedOrReleased"),
    ):
        yield keys >= {one, other}, f"cannot specify both {one}=true and {other}=true"


def _fields(names: list[str]) -> str:
    return f"field{'s' if names[1:] else ''} {'/'.join(names)}"


# What is posted or put


def result(given: Json) -> Errors:
    found = _checked(given, required={"success": a_boolean, "providerApplicationVersion": a_text}, optional={})
    blank = _blank(given.get("providerApplicationVersion"))
    return found | ({"providerApplicationVersion": [blank]} if blank else {})


CONTRACT: dict[str, Check] = dict.fromkeys(
    ("consumerName", "providerName", "content", "contentType", "specification"), a_text
)


def contracts(given: Json) -> Errors:
    needed: dict[str, Check] = {"pacticipantName": a_text, "pacticipantVersionNumber": a_text, "contracts": a_list}
    found = _checked(given, required=needed, optional={"branch": a_text, "tags": a_list})
    if "contracts" not in found:
        texts = [
            f"{text} (at index {index})" for index, each in enumerate(given["contracts"]) for text in _contract(each)
        ]
        found |= {"contracts": texts} if texts else {}
    return found


def _contract(contract: Json) -> Iterator[str]:
    wrong = _checked(contract, required=CONTRACT, optional={})
    yield from (f"{name} {text}" for name, texts in wrong.items() for text in texts)
    try:
        content = base64.b64decode(contract.get("content") or "?", validate=True)
    except binascii.Error:
        yield "is not valid Base64"
        content = b""
    if "content" in contract and not _parses(content):
        yield "content could not be parsed as application/json"


def _parses(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def pacticipant(given: Json) -> Errors:
    return _checked(given, required={"name": a_text}, optional={})


def environment(given: Json, store: Store) -> Errors:
    found = _checked(given, required={"name": a_text, "production": true_or_false}, optional={})
    if "name" not in found and " " in given["name"]:
        found["name"] = ["cannot contain spaces"]
    elif "name" not in found and store.has_environment(given["name"]):
        found["name"] = [f"name '{given['name']}' is already used by an existing environment."]
    return found


def webhook(given: Json, store: Store) -> Errors:
    hashes: dict[str, Check] = {"consumer": a_hash, "provider": a_hash}
    given = {key: value for key, value in given.items() if value is not None}
    roles = {key: given.pop(key) for key in hashes if given.get(key) == {}}
    found = _checked(given, required={"request": a_hash}, optional={**hashes, "enabled": a_boolean})
    for key in hashes.keys() - found.keys():
        if key in roles or (key in given and not given[key].get("name")):
            found[f"{key}.name"] = ["cannot be blank"]
        elif key in given and given[key]["name"] not in store.pacticipants:
            found[f"{key}.name"] = ["does not match an existing pacticipant"]
    if given.get("events") == []:
        found["events"] = ["size cannot be less than 1"]
    events = enumerate(given.get("events", []))
    wrong = [f"{text} (at index {index})" for index, each in events if (text := _event(each))]
    found |= {"events": wrong} if wrong else {}
    return found if "request" in found else found | _webhook_request(given["request"])


def _event(event: Json) -> str | None:
    if "name" not in event:
        return "name is missing"
    return None if event["name"] in EVENTS else f"name must be one of: {', '.join(EVENTS)}"


def _webhook_request(request: Json) -> Errors:
    wrong = _checked(request, required={"method": a_text, "url": a_text}, optional={})
    found = {f"request.{name}": texts for name, texts in wrong.items()}
    if "method" not in wrong and request["method"] not in ("POST", "GET"):
        found["request.method"] = [f"must be one of POST, GET. {WHITELIST}"]
    if "url" in wrong:
        return found
    address = urlsplit(re.sub(r"\$\{[^}]*\}", "template", request["url"]))
    if not address.scheme or not address.hostname:
        found["request.url"] = ["is not a valid URL eg. http://example.org"]
    elif "${" in urlsplit(request["url"]).netloc:
        found["request.url"] = ["cannot have a template parameter in the host"]
    elif address.scheme not in ("http", "https"):
        found["request.url"] = [f"scheme must be http, https. {WHITELIST}"]
    return found
