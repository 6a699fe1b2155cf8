"""Plays the steps to a broker and notes its answers, without what differs from run to run.

The answers of a real broker are in answers.json. To record them anew, start an empty Pact Broker that accepts webhooks
to this machine, with these settings, and give its address to this module:

    PACT_BROKER_SEED_EXAMPLE_DATA=false
    PACT_BROKER_WEBHOOK_SCHEME_WHITELIST="http https"
    PACT_BROKER_WEBHOOK_HOST_WHITELIST="127.0.0.1"
    PACT_BROKER_WEBHOOK_HTTP_METHOD_WHITELIST="POST GET"

    python -m tests.broker_double.answers http://127.0.0.1:9292

No step asks for what the double leaves out altogether: HTML and other kinds of content, paging, labels, integrations,
badges, differences between pacts, triggered webhooks, retries of webhooks, and the Content-Type of a request.
"""

import json
import re
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.broker_double.comparing import exchange, normal, receiver
from tests.broker_double.steps import RECEIVER, STEPS, Link, Step
from tests.broker_double.store import Json

FILE = Path(__file__).with_name("answers.json")
KEPT_HEADERS = ("content-type", "location")

# In what the double differs all the same, and why. A pattern is searched in "step /pointer".
NOT_COMPARED = {
    r"^(branch version (again|read)|pacticipant: create again) /body/updatedAt": (
        "the broker gives it once a second has passed since the thing was made; the double doesn't measure"
    ),
    r"^pacticipants(: none)? /body/(_links/)?pacticipants$": "a deprecated copy, which the product doesn't read",
    r"^latest pacts of a provider /body/_links/(pacts|provider)$": "deprecated copies, which the product doesn't read",
    r"^publish c1 with another content /body/notices/1/text": (
        "the differences between the two pacts, for consumers; the product publishes no pacts"
    ),
    r"^pacts: provider's tag /body/_embedded/pacts/7/": (
        "for work in progress by the provider's tags, the broker names the consumer's tags before its branches, and "
        "the provider's tag once for each of these"
    ),
}


def recorded() -> Json:
    found: Json = json.loads(FILE.read_text())
    return found


def record(url: str) -> None:
    version = exchange(url, "GET", "/", {})["headers"]["x-pact-broker-version"]
    lines = [f"{json.dumps(name)}: {json.dumps(answer, ensure_ascii=False)}" for name, answer in play(url).items()]
    FILE.write_text(f'{{"broker": "Pact Broker {version}",\n"answers": {{\n' + ",\n".join(lines) + "\n}}\n")


def play(url: str) -> Json:
    """The broker's answers by the names of the steps."""
    answers: Json = {}
    played: Json = {}
    with receiver() as (address, _):
        places = {re.escape(urlsplit(url).netloc): "broker", re.escape(address): "receiver"}
        for step in STEPS:
            assert step.name not in answers, f"two steps have the name {step.name}"
            answer = _send(url, step, answers, f"http://{address}")
            answers[step.name] = answer
            kept = {name: value for name, value in answer["headers"].items() if name in KEPT_HEADERS}
            played[step.name] = normal({**answer, "headers": kept}, places)
    return played


def _send(url: str, step: Step, answers: Json, receiver_url: str) -> Json:
    path = step.path if isinstance(step.path, str) else _followed(step.path, answers)
    text = step.body if isinstance(step.body, str) else "" if step.body is None else json.dumps(step.body)
    headers = {"Accept": "application/hal+json", **({"Content-Type": step.content_type} if text else {})}
    return exchange(url, step.method, quote(path, safe="/%?&=[]"), headers, text.replace(RECEIVER, receiver_url))


def _followed(link: Link, answers: Json) -> str:
    found = answers[link.step]["body"]["_links"][link.relation]
    if isinstance(found, list):
        (found,) = [each for each in found if each["name"] == link.name]
    return f"{urlsplit(found['href']).path}{link.more}"


if __name__ == "__main__":
    record(sys.argv[1])
