"""Webhooks: who is called when, with what; and the call itself, by real HTTP."""

import http.client
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from tests.broker_double import metadata
from tests.broker_double.bodies import Bodies, link, masked
from tests.broker_double.store import Json, Pact, Store, Version, Webhook

AGENT = "Pact Broker v2.120.0"
SECONDS = 10


@dataclass(frozen=True)
class Call:
    webhook: Webhook
    event: str
    values: dict[str, str]  # for ${pactbroker.…}


def pact_url(bodies: Bodies, pact: Pact) -> str:
    return bodies.of_content(pact, metadata.encode([("cvn", pact.version.number), ("w", "true")]))


def _values(bodies: Bodies, pact: Pact, version: Version | None, descriptions: str) -> dict[str, str]:
    def branch(of: Version | None) -> str:
        return of.branches[-1] if of and of.branches else ""

    return {
        "consumerName": pact.consumer,
        "consumerVersionNumber": pact.version.number,
        "consumerVersionBranch": branch(pact.version),
        "consumerVersionTags": ", ".join(pact.version.tags),
        "providerName": pact.provider,
        "providerVersionNumber": version.number if version else "",
        "providerVersionBranch": branch(version),
        "providerVersionDescriptions": descriptions,
        "pactUrl": pact_url(bodies, pact),
    }


def for_test(bodies: Bodies, webhook: Webhook) -> Call:
    store = bodies.store
    pacts = sorted((each for each in store.pacts if webhook.is_for(each)), key=lambda pact: pact.version.id)
    results = store.results_of(pacts[-1]) if pacts else []
    version = store.version(results[-1].provider, results[-1].provider_version) if results else None
    values = _values(bodies, pacts[-1], version, "") if pacts else {}
    return Call(webhook, "test", values)


def wanting(store: Store, pact: Pact) -> list[tuple[Version, str]]:
    """The provider's versions that have to verify this content, and what each is."""
    found: dict[str, tuple[Version, list[str]]] = {}
    main = store.latest_of_main_branch(pact.provider)
    candidates = [(main, "latest from main branch")] if main else []
    for deployment in store.current():
        if deployment.version.pacticipant == pact.provider:
            verb = "released" if deployment.released else "deployed"
            candidates.append((deployment.version, f"{verb} in {store.environments[deployment.environment].name}"))
    for version, description in candidates:
        if store.result_by(pact, version) is None:
            found.setdefault(version.number, (version, []))[1].append(description)
    return [(version, ", ".join(descriptions)) for version, descriptions in found.values()]


def for_publication(bodies: Bodies, pact: Pact, *, changed: bool) -> dict[str, list[Call]]:
    """The events of a publication, in the broker's order, with the calls that each makes."""
    versions: dict[str, list[tuple[Version | None, str]]] = {"contract_published": [(None, "")]}
    if needed := wanting(bodies.store, pact):
        versions["contract_requiring_verification_published"] = [*needed]
    if changed:
        versions["contract_content_changed"] = [(None, "")]
    return {
        event: [
            Call(webhook, event, _values(bodies, pact, version, described))
            for webhook in bodies.store.webhooks.values()
            if webhook.hears(event, pact)
            for version, described in of_event
        ]
        for event, of_event in versions.items()
    }


def _filled(text: str, values: dict[str, str], *, quoted: bool) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        return json.dumps(values[found[1]], ensure_ascii=False)[1:-1] if quoted else values[found[1]]

    return re.sub(r"\$\{pactbroker\.(\w+)\}", value, text)


def execute(call: Call, bodies: Bodies) -> Json:
    """Sends the request; what the broker says of it."""
    request = call.webhook.body["request"]
    body: Any = request.get("body", "")
    is_text = isinstance(body, str)
    text = body if is_text else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    text = _filled(text, call.values, quoted=not is_text)
    target = urlsplit(_filled(request["url"], call.values, quoted=False))
    given = {name: _filled(value, call.values, quoted=False) for name, value in request.get("headers", {}).items()}
    agent, accept = {"User-Agent": AGENT}, {name: value for name, value in given.items() if name.lower() == "accept"}
    length = {"Host": target.netloc, "Content-Length": str(len(text.encode()))}
    headers = {**(accept or {"Accept": "*/*"}), **agent, **given, **length}

    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    context = json.dumps({"base_url": bodies.url, "event_name": call.event}, separators=(",", ":"))
    lines = [f"HTTP/1.1 {request['method']} {target.geturl()}"]
    lines += [f"{name}: {value}" for name, value in masked(headers).items()] + [text]
    received: Json = {}
    success = False
    try:
        status, line, answered = _send(target, request["method"], headers, text)
    except OSError as error:
        received = {"error": {"message": str(error), "backtrace": []}}
        lines.append(f"Error executing webhook - {error}")
    else:
        success = 200 <= status < 300
        received = {"status": status, "headers": answered}
        lines += [line, *(f"{name}: {value}" for name, value in answered.items())]
    href = bodies.to("webhooks", call.webhook.uuid)
    return {
        "request": {"headers": masked(headers), "body": text if is_text else json.loads(text), "url": _path(target)},
        "response": received,
        "logs": f"[{stamp}] DEBUG: Webhook context {context}\n"
        + "".join(f"[{stamp}] INFO: {line}\n" for line in lines),
        "success": success,
        "_links": {
            "webhook": link(href),
            "try-again": link(f"{href}/execute", "Execute the webhook again"),
        },
    }


def _send(target: SplitResult, method: str, headers: dict[str, str], text: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=SECONDS)
    try:
        connection.putrequest(method, _path(target), skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(text.encode())
        response = connection.getresponse()
        response.read()
        line = f"HTTP/{response.version // 10}.{response.version % 10} {response.status} {response.reason}"
        return response.status, line, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def _path(target: SplitResult) -> str:
    return urlunsplit(("", "", target.path or "/", target.query, ""))
