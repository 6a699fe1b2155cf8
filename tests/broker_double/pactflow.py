"""What PactFlow has beyond the Pact Broker: provider contracts.

Nothing of PactFlow is recorded. The answers are those of the pact between pact_broker-client and PactFlow.
"""

import base64
from typing import Any

from tests.broker_double.bodies import Bodies
from tests.broker_double.resources import NOT_FOUND, Answer, Call, route
from tests.broker_double.store import Json


@route("POST", "/provider-contracts/provider/{provider}/publish")
def publish_provider_contract(call: Call, provider: str) -> Answer:
    if not call.store.is_pactflow:
        return NOT_FOUND
    if errors := _errors(call.given):
        return Answer(400, {"errors": errors})
    version = call.store.make_version(provider, call.given["pacticipantVersionNumber"])
    if branch := call.given.get("branch"):
        call.store.add_branch(version, branch)
    version.build_url = call.given.get("buildUrl")
    call.store.provider_contracts.append({"provider": provider, **call.given, "contract": _decoded(call.given)})
    return Answer(200, _published(call.bodies, provider, version.number))


def _errors(given: Json) -> Json:
    contract = given["contract"]
    needed = {"pacticipantVersionNumber": given.get("pacticipantVersionNumber")}
    needed |= {f"contract.{name}": contract.get(name) for name in ("content", "contentType", "specification")}
    return {name: ["can't be blank"] for name, value in needed.items() if not value}


def _decoded(given: Json) -> Json:
    """The contract, with texts in place of their base64."""

    def text(of: Json) -> dict[str, Any]:
        return {**of, "content": base64.b64decode(of["content"], validate=True).decode()}

    contract = text(given["contract"])
    results = contract.get("selfVerificationResults")
    return {**contract, "selfVerificationResults": text(results)} if results else contract


def _published(bodies: Bodies, provider: str, number: str) -> Json:
    return {
        "notices": [{"type": "success", "text": f"Provider contract published for {provider} version {number}"}],
        "_embedded": {"version": {"number": number}},
        "_links": {"pb:pacticipant-version-tags": [], "pb:branch-version": {"href": bodies.of_pacticipant(provider)}},
    }
