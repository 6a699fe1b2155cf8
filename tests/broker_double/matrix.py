"""Can this version be deployed? As `pact broker can-i-deploy` asks it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from tests.broker_double import metadata
from tests.broker_double.bodies import Bodies, link
from tests.broker_double.store import Json, Pact, Result, Store, Version


@dataclass(frozen=True)
class Selector:
    """A pacticipant's version in the question: as asked for, or implied by the environment, or none."""

    pacticipant: str
    description: str
    version: Version | None = None


@dataclass
class Question:
    selectors: list[dict[str, str]]
    environment: str | None = None
    tag: str | None = None
    latest: str | None = None  # "true": the other side's latest versions count, if nothing else says which do

    @classmethod
    def parsed(cls, query: str) -> "Question":
        question = cls([])
        for key, value in parse_qsl(query):
            if key.startswith("q[]["):
                attribute = key[4:-1]
                if not question.selectors or attribute in question.selectors[-1]:
                    question.selectors.append({})
                question.selectors[-1][attribute] = value
            elif key in ("environment", "tag", "latest"):
                setattr(question, key, value)
        return question

    def errors(self, store: Store) -> list[str]:
        if not self.selectors:
            return ["Please provide 1 or more version selectors."]
        unknown = [name for each in self.selectors if (name := each["pacticipant"]) not in store.pacticipants]
        if unknown:
            return [f"Pacticipant {name} not found" for name in unknown]
        if self.environment and not store.has_environment(self.environment):
            return [f"Environment with name '{self.environment}' does not exist"]
        return []

    def warnings(self) -> list[str]:
        found = []
        if len(self.selectors) == 1 and not self.environment and not self.tag:
            found.append(
                "WARN: It is recommended to specify the environment into which you are deploying. Without the "
                "environment, this result will not be reliable."
            )
        if any("version" not in each for each in self.selectors):
            found.append(
                "WARN: It is recommended to specify the version number (rather than the tag or branch) of the "
                "pacticipant you wish to deploy to avoid race conditions. Without a version number, this result will "
                "not be reliable."
            )
        return found


def answer(question: Question, bodies: Bodies) -> tuple[int, Json]:
    store = bodies.store
    errors = question.errors(store)
    if errors:
        return 400, {"errors": errors}
    specified = [_specified(store, each) for each in question.selectors]
    rows: list[Row] = []
    reasons = []
    for consumer, provider in _integrations(store, question, specified):
        row, reason = _row(store, consumer, provider)
        if row and row not in rows:
            rows.append(row)
        reasons += [reason] if reason else []
    missing = [each.description for each in specified if each.version is None]
    return 200, _summary(question.warnings(), missing, rows, reasons, bodies)


def _specified(store: Store, asked: dict[str, str]) -> Selector:
    name = asked["pacticipant"]
    number, branch, tag = asked.get("version"), asked.get("branch"), asked.get("tag")
    if number:
        version = store.version(name, number)
        none = f"No pacts or verifications have been published for version {number} of {name}"
        return Selector(name, f"version {number} of {name}" if version else none, version)
    version = store.latest(name, branch=branch, tag=tag)
    part = f" from branch {branch}" if branch else f" with tag {tag}" if tag else ""
    if version is None:
        return Selector(name, f"No version of {name}{part} exists")
    return Selector(name, f"the {'' if branch else 'latest '}version of {name}{part} ({version.number})", version)


def _integrations(store: Store, question: Question, specified: list[Selector]) -> list[tuple[Selector, Selector]]:
    """Consumer and provider, for each pact that matters."""
    by_name = {each.pacticipant: each for each in specified}
    found: list[tuple[Selector, Selector]] = []
    for consumer, provider in sorted({(pact.consumer, pact.provider) for pact in store.pacts}):
        if len(specified) > 1:
            if consumer in by_name and provider in by_name:
                found.append((by_name[consumer], by_name[provider]))
        elif consumer in by_name:
            version = by_name[consumer].version
            if version and store.pact(consumer, provider, version.number):
                found += [(by_name[consumer], each) for each in _others(store, question, by_name[consumer], provider)]
        elif provider in by_name:
            others = _others(store, question, by_name[provider], consumer)
            # A consumer that isn't there doesn't matter; a provider that isn't does.
            found += [(each, by_name[provider]) for each in others if each.version]
    return found


def _others(store: Store, question: Question, ours: Selector, name: str) -> list[Selector]:
    """What the other side has there."""
    if question.environment:
        there = [
            each.version
            for each in store.current(store.environment(question.environment))
            if each.version.pacticipant == name
        ]
        which = "one of the versions" if there[1:] else "the version"
        found = [
            Selector(name, f"{which} of {name} currently in {question.environment} ({each.number})", each)
            for each in there
        ]
        none = (
            f"a version of {name} currently in {question.environment} "
            "(no version is currently recorded as deployed/released in this environment)"
        )
        return found or [Selector(name, none)]
    if question.tag or question.latest:
        latest = store.latest(name, tag=question.tag)
        described = f"the latest version of {name}" + (f" with tag {question.tag}" if question.tag else "")
        return [Selector(name, f"{described} ({latest.number if latest else 'no such version exists'})", latest)]
    versions = store.versions(name)[::-1]
    return [
        Selector(name, f"version {each.number} of {name}", each) for each in versions if store.met(ours.version, each)
    ]


@dataclass(frozen=True)
class Row:
    pact: Pact
    provider_version: Version | None
    result: Result | None


def _row(store: Store, consumer: Selector, provider: Selector) -> tuple[Row | None, str | None]:
    """None for a consumer's version that has no pact with the provider."""
    assert consumer.version
    pact = store.pact(consumer.pacticipant, provider.pacticipant, consumer.version.number)
    if pact is None:
        return None, None
    result = store.result_by(pact, provider.version) if provider.version else None
    if result is None:
        reason = f"There is no verified pact between {consumer.description} and {provider.description}"
        return Row(pact, None, None), reason
    failed = f"The verification for the pact between {consumer.description} and {provider.description} failed"
    return Row(pact, provider.version, result), None if result.success else failed


def _summary(warnings: list[str], missing: list[str], rows: list[Row], reasons: list[str], bodies: Bodies) -> Json:
    successes = [row.result.success for row in rows if row.result]
    unknown = len(rows) - len(successes)
    deployable = False if missing else None if unknown else all(successes)
    texts = missing or list(dict.fromkeys(reasons))
    kind = "error" if texts else "success"
    if not texts:
        done = "All required verification results are published and successful"
        texts = [done if rows else "There are no missing dependencies"]
    return {
        "summary": {
            "deployable": deployable,
            "reason": "\n".join([*warnings, *texts]),
            "success": successes.count(True),
            "failed": successes.count(False),
            "unknown": unknown,
        },
        "notices": [
            *({"type": "warning", "text": text} for text in warnings),
            *({"type": kind, "text": text} for text in texts),
        ],
        "matrix": [_row_body(row, bodies) for row in rows],
    }


def _row_body(row: Row, bodies: Bodies) -> Json:
    pact, result = row.pact, row.result
    return {
        "consumer": _pacticipant(pact.consumer, pact.version, bodies),
        "provider": _pacticipant(pact.provider, row.provider_version, bodies),
        "pact": {"createdAt": pact.created, "_links": {"self": link(bodies.of_pact(pact))}},
        "verificationResult": {
            "success": result.success,
            "verifiedAt": result.created,
            "_links": {
                "self": link(bodies.of_result(result, pact, metadata.for_version(pact.version.number))),
            },
        }
        if result
        else None,
    }


def _pacticipant(name: str, version: Version | None, bodies: Bodies) -> Json:
    return {
        "name": name,
        "version": _version(version, bodies) if version else None,
        "_links": {"self": link(bodies.of_pacticipant(name))},
    }


def _version(version: Version, bodies: Bodies) -> Json:
    branches = bodies.branch_versions(version)
    there = [each.environment for each in bodies.store.current() if each.version is version]
    return {
        "number": version.number,
        "branch": version.branches[-1] if version.branches else None,
        "branches": branches,
        "branchVersions": branches,
        "environments": [bodies.environment(bodies.store.environments[uuid], full=False) for uuid in there],
        "_links": {"self": link(bodies.of_version(version))},
        "tags": [
            {
                "name": tag,
                "latest": bodies.store.latest(version.pacticipant, tag=tag) is version,
                "_links": {"self": link(bodies.of_tag(version, tag))},
            }
            for tag in version.tags
        ],
    }
