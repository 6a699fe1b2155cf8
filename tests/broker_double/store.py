"""What a Pact Broker knows: plain data, so that a whole state can be copied."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

# A branch with one of these names becomes its pacticipant's main branch when it has none.
MAIN_BRANCHES = ("develop", "main", "master")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _sha1(value: Any) -> str:
    return hashlib.sha1(_dumped(value).encode(), usedforsecurity=False).hexdigest()


def content_sha(pact: Json) -> str:
    """The pact version: the broker's own sum, over what affects a verification alone."""
    affecting: Json = {
        key: sorted((_ordered(each) for each in pact[key] or ()), key=_dumped)
        for key in ("interactions", "messages")
        if key in pact
    }
    metadata = pact.get("metadata", {})
    specification = metadata.get("pactSpecification") or metadata.get("pact-specification") or {}
    specification_version = specification.get("version") or metadata.get("pactSpecificationVersion")
    if specification_version:
        affecting["pact_specification_version"] = specification_version
    return _sha1(affecting)


def with_ids(pact: Json) -> Json:
    def identified(interaction: Json) -> Json:
        bare = {key: value for key, value in interaction.items() if key != "_id"}
        return {"_id": _sha1(_ordered(bare)), **bare}

    found: Json = {
        key: [identified(each) for each in pact[key]] for key in ("interactions", "messages") if pact.get(key)
    }
    return {**pact, **found}


@dataclass
class Pacticipant:
    name: str
    main_branch: str | None = None
    repository_url: str | None = None
    created: str = field(default_factory=now)
    updated: str | None = None


@dataclass
class Version:
    id: int  # in order of creation, over all pacticipants
    pacticipant: str
    number: str
    branches: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    created: str = field(default_factory=now)
    updated: str | None = None
    build_url: str | None = None


@dataclass
class Pact:
    consumer: str
    provider: str
    version: Version
    sha: str
    content: Json
    created: str = field(default_factory=now)

    @property
    def name(self) -> str:
        return f"Pact between {self.consumer} ({self.version.number}) and {self.provider}"


@dataclass
class Result:
    number: int
    consumer: str
    provider: str
    provider_version: str
    branches: list[str]
    pact_sha: str
    success: bool
    body: Json  # as it was posted
    wip: bool = False
    created: str = field(default_factory=now)

    @property
    def branch(self) -> str | None:
        return self.branches[-1] if self.branches else None


@dataclass
class Environment:
    uuid: str
    name: str
    display_name: str
    production: bool
    created: str = field(default_factory=now)


@dataclass
class Deployment:
    uuid: str
    version: Version
    environment: str
    released: bool = False
    created: str = field(default_factory=now)
    ended: str | None = None

    @property
    def current(self) -> bool:
        return self.ended is None

    @current.setter
    def current(self, current: bool) -> None:
        self.ended = None if current else now()


@dataclass
class Webhook:
    uuid: str
    body: Json  # as it was put
    created: str = field(default_factory=now)
    updated: str | None = None

    @property
    def provider(self) -> str | None:
        return (self.body.get("provider") or {}).get("name")

    @property
    def consumer(self) -> str | None:
        return (self.body.get("consumer") or {}).get("name")

    def hears(self, event: str, pact: Pact) -> bool:
        return (
            self.body.get("enabled", True)
            and event in [each["name"] for each in self.body.get("events", [])]
            and self.is_for(pact)
        )

    def is_for(self, pact: Pact) -> bool:
        return self.provider in (None, pact.provider) and self.consumer in (None, pact.consumer)


@dataclass
class Store:
    pacticipants: dict[str, Pacticipant] = field(default_factory=dict)
    numbered: dict[str, dict[str, Version]] = field(default_factory=dict)
    pacts: list[Pact] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    deployments: list[Deployment] = field(default_factory=list)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    is_pactflow: bool = False
    provider_contracts: list[Json] = field(default_factory=list)
    last_id: int = 0  # of a version

    # Pacticipants and their versions

    def pacticipant(self, name: str) -> Pacticipant:
        return self.pacticipants.setdefault(name, Pacticipant(name))

    def versions(self, pacticipant: str) -> list[Version]:
        return list(self.numbered.get(pacticipant, {}).values())

    def version(self, pacticipant: str, number: str) -> Version | None:
        return self.numbered.get(pacticipant, {}).get(number)

    def make_version(self, pacticipant: str, number: str) -> Version:
        self.pacticipant(pacticipant)
        ours = self.numbered.setdefault(pacticipant, {})
        if number not in ours:
            self.last_id += 1
            ours[number] = Version(self.last_id, pacticipant, number)
        return ours[number]

    def add_branch(self, version: Version, branch: str) -> bool:
        """Whether the version is new to the branch."""
        pacticipant = self.pacticipant(version.pacticipant)
        if pacticipant.main_branch is None and branch in MAIN_BRANCHES:
            pacticipant.main_branch = branch
            pacticipant.updated = now()
        return _added(version.branches, branch)

    def add_tag(self, version: Version, tag: str) -> bool:
        if not version.branches:
            self.add_branch(version, tag)  # the first tag of a version without a branch counts as one
        return _added(version.tags, tag)

    def latest(self, pacticipant: str, *, branch: str | None = None, tag: str | None = None) -> Version | None:
        found = [
            each
            for each in self.versions(pacticipant)
            if (branch is None or branch in each.branches) and (tag is None or tag in each.tags)
        ]
        return found[-1] if found else None

    def delete_branch(self, pacticipant: str, branch: str) -> bool:
        """Whether there was one."""
        found = [each for each in self.versions(pacticipant) if branch in each.branches]
        for each in found:
            each.branches.remove(branch)
        return bool(found)

    def delete_version(self, pacticipant: str, number: str) -> bool:
        """Whether there was one. Its pacts and deployments go with it; other versions may have the same content."""
        version = self.numbered.get(pacticipant, {}).pop(number, None)
        self.pacts = [each for each in self.pacts if each.version is not version]
        self.deployments = [each for each in self.deployments if each.version is not version]
        self.results = [
            each for each in self.results if (each.provider, each.provider_version) != (pacticipant, number)
        ]
        return version is not None

    def latest_of_main_branch(self, pacticipant: str) -> Version | None:
        branch = self.pacticipant(pacticipant).main_branch
        return self.latest(pacticipant, branch=branch) if branch else None

    # Pacts

    def publish(self, pact: Json, number: str, branch: str | None, tags: Iterable[str]) -> Pact:
        consumer, provider = pact["consumer"]["name"], pact["provider"]["name"]
        sha = content_sha(pact)
        self.pacticipant(provider)
        version = self.make_version(consumer, number)
        if branch:
            self.add_branch(version, branch)
        for tag in tags:
            self.add_tag(version, tag)
        existing = self.pact(consumer, provider, number)
        if existing is not None:
            if existing.sha != sha:
                raise ValueError(f"version {number} of {consumer} already has a pact with {provider}")
            return existing
        self.pacts.append(Pact(consumer, provider, version, sha, pact))
        return self.pacts[-1]

    def pact(self, consumer: str, provider: str, number: str) -> Pact | None:
        return next((each for each in self.between(consumer, provider) if each.version.number == number), None)

    def between(self, consumer: str, provider: str) -> list[Pact]:
        found = [each for each in self.pacts if (each.consumer, each.provider) == (consumer, provider)]
        return sorted(found, key=lambda pact: pact.version.id)

    def with_provider(self, provider: str) -> list[Pact]:
        return sorted((each for each in self.pacts if each.provider == provider), key=lambda pact: pact.version.id)

    def consumers_of(self, provider: str) -> list[str]:
        return sorted({pact.consumer for pact in self.with_provider(provider)})

    def latest_with_content(self, consumer: str, provider: str, sha: str) -> Pact | None:
        found = [each for each in self.between(consumer, provider) if each.sha == sha]
        return found[-1] if found else None

    # Results

    def add_result(self, pact: Pact, number: str, body: Json, *, success: bool, wip: bool = False) -> Result:
        version = self.make_version(pact.provider, number)
        highest = max((each.number for each in self.results), default=100)
        version.updated = now()
        result = Result(
            highest + 1, pact.consumer, pact.provider, number, version.branches, pact.sha, success, body, wip
        )
        self.results.append(result)
        return result

    def results_of(self, pact: Pact) -> list[Result]:
        return [
            each
            for each in self.results
            if (each.consumer, each.provider, each.pact_sha) == (pact.consumer, pact.provider, pact.sha)
        ]

    def result_by(self, pact: Pact, version: Version) -> Result | None:
        found = [each for each in self.results_of(pact) if each.provider_version == version.number]
        return found[-1] if found else None

    def met(self, one: Version | None, other: Version) -> bool:
        """Whether one of them, the provider's, has verified a pact of the other."""
        versions = {(each.pacticipant, each.number) for each in (one, other) if each}
        return any(
            {(pact.consumer, pact.version.number), (pact.provider, result.provider_version)} == versions
            for pact in self.pacts
            for result in self.results_of(pact)
        )

    def has_succeeded(self, pact: Pact, *, branch: str | None, tag: str | None = None, wip_counts: bool = True) -> bool:
        """Whether the pact is verified for the provider's branch (or tag): by one of its versions, or by one of another
        branch before this one existed. Without either, by any version at all."""
        attribute = "branches" if branch else "tags"
        name = branch or tag
        first = next((each.id for each in self.versions(pact.provider) if name in getattr(each, attribute)), None)
        for result in self.results_of(pact):
            if not result.success or (result.wip and not wip_counts):
                continue
            version = self.make_version(pact.provider, result.provider_version)
            names = getattr(version, attribute)
            if name is None or name in names or (branch and names and (first is None or version.id < first)):
                return True
        return False

    # Environments

    def add_environment(self, name: str, display_name: str | None, *, production: bool) -> Environment:
        environment = Environment(str(uuid.uuid4()), name, display_name or name.capitalize(), production)
        self.environments[environment.uuid] = environment
        return environment

    def has_environment(self, name: str) -> bool:
        return any(each.name == name for each in self.environments.values())

    def environment(self, name: str) -> Environment:
        return next(each for each in self.environments.values() if each.name == name)

    def record(self, version: Version, environment: Environment, *, released: bool = False) -> Deployment:
        there = [each for each in self.current(environment) if each.version.pacticipant == version.pacticipant]
        for each in there:
            if each.released == released and each.version is version:
                return each
            # A deployment takes the place of the last one; releases stand side by side.
            if not released and not each.released:
                each.current = False
        self.deployments.append(Deployment(str(uuid.uuid4()), version, environment.uuid, released))
        return self.deployments[-1]

    def current(self, environment: Environment | None = None) -> Iterator[Deployment]:
        return (
            each
            for each in self.deployments
            if each.current and (environment is None or each.environment == environment.uuid)
        )


def _added(names: list[str], name: str) -> bool:
    if name in names:
        return False
    names.append(name)
    return True
