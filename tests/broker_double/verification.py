"""Which pacts a provider is to verify, and what the broker says about each."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from tests.broker_double import metadata
from tests.broker_double.bodies import Bodies, at, link
from tests.broker_double.store import Environment, Json, Pact, Store

PENDING = "Read more at https://docs.pact.io/go/pending"
BETA = (
    "WARNING - this version of the Pact library uses a beta version of the API which will be removed in the future. "
    "Please upgrade your Pact library. See "
    "https://docs.pact.io/pact_broker/advanced_topics/provider_verification_results/#pacts-for-verification "
    "for minimum required versions."
)


@dataclass(frozen=True)
class Reason:
    """A selector that found a pact. `kind` is a key of RANKS."""

    kind: str
    pact: Pact
    name: str | None = None  # of the branch, the tag or the environment
    consumer: str | None = None
    fallback_for: str | None = None
    environment: Environment | None = None
    default: bool = False  # whether the selector is the broker's own, for a main branch
    environment_asked: str | None = None

    @property
    def number(self) -> str:
        return self.pact.version.number

    def order(self) -> tuple[Any, ...]:
        production = bool(self.environment and self.environment.production)
        return (RANKS.index(self.kind), production, self.name or "", self.pact.version.id)

    def short(self, store: Store) -> str:
        if self.kind == "environment":
            return self._dump(store)
        return {
            "latest": "latest",
            "branch": f"latest from branch {self.name}",
            "latest tag": f"latest with tag {self.name}",
            "tag": f"one of {self.consumer} {self.name}" if self.consumer else f"one of {self.name}",
            "deployed": f"deployed to {self.name}",
            "released": f"released in {self.name}",
            "main": "latest from main branch",
        }[self.kind]

    def _dump(self, store: Store) -> str:
        """What the real broker gives away of its objects, for want of a description."""
        identifier = list(store.pacticipants).index(self.pact.consumer) + 1
        described = {
            **({"consumer": self.consumer} if self.consumer else {}),
            "environment_name": self.name,
            "environment": "#<PactBroker::Deployments::Environment:0x00007f0000000000>",
            "consumer_version": f"Version: number={self.number}, pacticipant={identifier}",
        }
        return json.dumps(described, separators=(",", ":"))

    def long(self, provider: str) -> str:
        version = f"version of {self.consumer}" if self.consumer else "version"
        instead = (
            f" (fallback tag used as no pact was found with tag '{self.fallback_for}')" if self.fallback_for else ""
        )
        described = {
            "latest": f"latest version of {self.consumer or 'a consumer'} that has a pact with {provider}",
            "branch": f"latest {version} from branch '{self.name}'",
            "latest tag": f"latest {version} tagged '{self.name}'{instead}",
            "tag": f"all {self.consumer or 'consumer'} versions tagged '{self.name}'",
            "main": f"latest {version} from the main branch '{self.name}'",
            "environment": f"{self.consumer or 'a consumer'} version in environment {self.name}",
        }[self.kind]
        return f"{described} ({self.number})"

    def pairs(self) -> metadata.Pairs:
        # The broker's own selector for a consumer's main branch does not carry it, the one that is asked for does.
        is_latest = self.kind in ("latest", "latest tag", "branch", "main") and not self.default
        found = {
            "s[][b]": self.name if self.kind == "branch" else None,
            "s[][t]": self.fallback_for or self.name if self.kind in ("tag", "latest tag") else None,
            "s[][l]": "true" if is_latest else None,
            "s[][e]": self.environment_asked,
            "s[][cv]": str(self.pact.version.id),
        }
        return [(key, value) for key, value in found.items() if value]


RANKS = ["latest", "branch", "latest tag", "tag", "deployed", "released", "main", "environment"]


@dataclass
class Offer:
    """One pact content, with all that selected it."""

    reasons: list[Reason]
    wip: bool = False
    pact: Pact = field(init=False)

    def __post_init__(self) -> None:
        self.reasons.sort(key=Reason.order)
        self.pact = max((reason.pact for reason in self.reasons), key=lambda pact: pact.version.id)


@dataclass(frozen=True)
class Query:
    provider: str
    selectors: list[Json] | None = None
    branch: str | None = None
    tags: tuple[str, ...] = ()
    include_pending: bool = True
    wip_since: str | None = None
    beta: bool = False

    @classmethod
    def posted(cls, provider: str, body: Json) -> "Query":
        return cls(
            provider,
            body.get("consumerVersionSelectors") or None,
            body.get("providerVersionBranch"),
            tuple(body.get("providerVersionTags") or ()),
            body.get("includePendingStatus", True),
            body.get("includeWipPactsSince"),
        )


def answer(query: Query, bodies: Bodies) -> Json:
    store = bodies.store
    if query.selectors is None:
        selected = _by_default(store, query.provider)
    else:
        selected = (reason for selector in query.selectors for reason in _matching(store, query, selector))
    chosen = _squashed(selected, wip=False)
    named = query.branch or query.tags
    chosen += _squashed(_in_progress(store, query, chosen), wip=True) if query.wip_since and named else []
    return {
        "_embedded": {"pacts": [_body(query, offer, bodies) for offer in chosen]},
        "_links": {
            "self": link(bodies.to("pacts", "provider", query.provider, "for-verification"), "Pacts to be verified")
        },
    }


def _squashed(reasons: Iterable[Reason], *, wip: bool) -> list[Offer]:
    by_content: dict[tuple[str, str], list[Reason]] = {}
    for reason in reasons:
        ours = by_content.setdefault((reason.pact.consumer, reason.pact.sha), [])
        if reason not in ours:
            ours.append(reason)
    offers = [Offer(ours, wip) for ours in by_content.values()]
    return sorted(offers, key=lambda offer: (offer.pact.consumer, offer.pact.version.id))


def _head(pacts: list[Pact], *, branch: str | None = None, tag: str | None = None) -> Pact | None:
    found = [
        pact
        for pact in pacts
        if (branch is None or branch in pact.version.branches) and (tag is None or tag in pact.version.tags)
    ]
    return found[-1] if found else None


def _by_default(store: Store, provider: str) -> Iterator[Reason]:
    for consumer in store.consumers_of(provider):
        pacts = store.between(consumer, provider)
        main = store.pacticipant(consumer).main_branch
        head = _head(pacts, branch=main) if main else None
        yield (
            Reason("main", head, main, consumer, default=True)
            if head
            else Reason("latest", pacts[-1], consumer=consumer)
        )
        yield from _in_environments(store, pacts, {"deployedOrReleased": True})


def _matching(store: Store, query: Query, selector: Json) -> Iterator[Reason]:
    wanted = selector.get("consumer")
    for consumer in store.consumers_of(query.provider):
        if wanted in (None, consumer):
            yield from _matching_pacts(store, query, selector, store.between(consumer, query.provider))


def _matching_pacts(store: Store, query: Query, selector: Json, pacts: list[Pact]) -> Iterator[Reason]:
    consumer, tag = selector.get("consumer"), selector.get("tag")
    branch = query.branch if selector.get("matchingBranch") else selector.get("branch")
    if selector.get("mainBranch"):
        main = store.pacticipant(pacts[0].consumer).main_branch
        head = _head(pacts, branch=main) if main else None
        yield from [Reason("main", head, main, consumer)] if head else []
    elif branch:
        head = _head(pacts, branch=branch)  # a fallbackBranch is accepted, but the broker doesn't heed it
        yield from [Reason("branch", head, branch, consumer)] if head else []
    elif tag and selector.get("latest"):
        yield from _latest_with_tag(pacts, tag, selector.get("fallbackTag"), consumer)
    elif tag:
        yield from (Reason("tag", pact, tag, consumer) for pact in pacts if tag in pact.version.tags)
    elif selector.get("latest"):
        yield Reason("latest", pacts[-1], consumer=consumer)
    else:
        yield from _in_environments(store, pacts, selector)


def _latest_with_tag(pacts: list[Pact], tag: str, fallback: str | None, consumer: str | None) -> Iterator[Reason]:
    head = _head(pacts, tag=tag)
    if head:
        yield Reason("latest tag", head, tag, consumer)
    elif fallback and (head := _head(pacts, tag=fallback)):
        yield Reason("latest tag", head, fallback, consumer, fallback_for=tag)


def _in_environments(store: Store, pacts: list[Pact], selector: Json) -> Iterator[Reason]:
    asked = selector.get("environment")
    either = selector.get("deployedOrReleased")
    for deployment in store.current():
        environment = store.environments[deployment.environment]
        kind = "released" if deployment.released else "deployed"
        if asked not in (None, environment.name):
            continue
        if not {"deployed", "released", "deployedOrReleased"} & set(selector):
            kind = "environment"
        elif not selector.get(kind) and not either:
            continue
        for pact in pacts:
            if pact.version is deployment.version:
                yield Reason(
                    kind,
                    pact,
                    environment.name,
                    selector.get("consumer"),
                    environment=environment,
                    environment_asked=asked,
                )


def _in_progress(store: Store, query: Query, chosen: list[Offer]) -> Iterator[Reason]:
    since = datetime.fromisoformat(query.wip_since or "").date()
    asked_for = {(offer.pact.consumer, offer.pact.sha) for offer in chosen}
    for consumer in store.consumers_of(query.provider):
        pacts = store.between(consumer, query.provider)
        branches = {branch for pact in pacts for branch in pact.version.branches}
        tags = {tag for pact in pacts for tag in pact.version.tags}
        heads = [("branch", name, _head(pacts, branch=name)) for name in sorted(branches)]
        heads += [("latest tag", name, _head(pacts, tag=name)) for name in sorted(tags)]
        for kind, name, head in heads:
            assert head
            is_new = datetime.fromisoformat(head.created).date() >= since
            if is_new and (consumer, head.sha) not in asked_for and _unverified(store, query, head, wip_counts=False):
                yield Reason(kind, head, name)


def _unverified(store: Store, query: Query, pact: Pact, *, wip_counts: bool = True) -> list[str | None]:
    """The provider's branch, or those of its tags, or the provider at all (None), that the pact is not verified for."""
    if query.branch or not query.tags:
        verified = store.has_succeeded(pact, branch=query.branch, wip_counts=wip_counts)
        return [] if verified else [query.branch]
    return [tag for tag in query.tags if not store.has_succeeded(pact, branch=None, tag=tag, wip_counts=wip_counts)]


def _joined(words: list[str], *, quoted: bool = True) -> str:
    words = [f"'{word}'" for word in words] if quoted else words
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def _body(query: Query, offer: Offer, bodies: Bodies) -> Json:
    unverified = _unverified(bodies.store, query, offer.pact)
    pending = offer.wip or bool(unverified)
    if offer.wip:
        pairs = [("w", "true")]
    else:
        pairs = [pair for reason in offer.reasons for pair in reason.pairs()]
        pairs += [("p", str(pending).lower())] if query.include_pending else []
    notices = [{"when": "before_verification", "text": BETA}] if query.beta else []
    notices.append({"when": "before_verification", "text": _why_included(query, offer, bodies)})
    if query.include_pending:
        names = [name for name in unverified if name] if pending and not query.branch else list(query.tags)
        notices += _about_pending(query, names, pending=pending, wip=offer.wip)
    properties: Json = {"pending": pending} if query.include_pending else {}
    properties |= {"wip": True} if offer.wip else {}
    href = bodies.of_content(offer.pact, metadata.encode(pairs))
    return {
        "shortDescription": ", ".join(reason.short(bodies.store) for reason in offer.reasons),
        "verificationProperties": {**properties, "notices": notices},
        "_links": {"self": {"href": href, "name": offer.pact.name}},
    }


def _why_included(query: Query, offer: Offer, bodies: Bodies) -> str:
    href = bodies.of_content(offer.pact)
    if offer.wip:
        return _why_in_progress(query, offer, href + at("metadata", metadata.encode([("wip", "true")])))
    several = len(offer.reasons) > 1
    lines = []
    for kind, group in groupby(offer.reasons, key=lambda reason: reason.kind):
        reasons = list(group)
        if kind not in ("deployed", "released"):
            lines += [reason.long(query.provider) for reason in reasons]
            continue
        where = {"deployed": "currently deployed to", "released": "released and supported in"}[kind]
        for consumer in dict.fromkeys(reason.consumer for reason in reasons):
            label = f"version(s) of {consumer}" if consumer else "consumer version(s)"
            places = [f"{each.name} ({each.number})" for each in reasons if each.consumer == consumer]
            lines.append(f"{label} {where} {_joined(places, quoted=False)}")
    return (
        f"The pact at {href} is being verified because the pact content belongs to the consumer "
        f"version{'s' if several else ''} matching the following {'criteria' if several else 'criterion'}:\n"
        + "\n".join(f"    * {line}" for line in lines)
    )


def _why_in_progress(query: Query, offer: Offer, href: str) -> str:
    branches = [each.name or "" for each in offer.reasons if each.kind == "branch"]
    tags = [each.name or "" for each in offer.reasons if each.kind == "latest tag"]
    parts = [f"from branch{'es' if branches[1:] else ''} {_joined(branches)}"] if branches else []
    parts += [f"tagged with {_joined(tags)}"] if tags else []
    same = {1: "", 2: " (both have the same content)"}.get(len(offer.reasons), " (all have the same content)")
    one = len(branches) == 1 or len(tags) == 1
    return (
        f"The pact at {href} is being verified because it is a 'work in progress' pact (ie. it is the pact for the "
        f"latest version{'' if one else 's'} of {offer.pact.consumer} {' and '.join(parts)}{same} and it has not yet "
        f"been successfully verified by {_provider(query, list(query.tags), 'a')} when the pact's application version "
        "was explicitly specified in the consumer version selectors). Read more at https://docs.pact.io/go/wip"
    )


def _provider(query: Query, tags: list[str], article: str) -> str:
    if query.branch:
        return f"{article} version of {query.provider} from branch '{query.branch}'"
    if not tags:
        return query.provider
    return f"{article} version{'s' if tags[1:] else ''} of {query.provider} with tag {_joined(tags)}"


def _about_pending(query: Query, tags: list[str], *, pending: bool, wip: bool) -> list[Json]:
    one, any_of_them = _provider(query, tags, "a"), _provider(query, tags, "any")
    if not pending:
        text = (
            f"This pact has previously been successfully verified by {one}. If this verification fails, it will fail "
            f"the build. {PENDING}"
        )
        return [{"when": "before_verification", "text": text}]
    because = (
        "it was included as a 'work in progress' pact"
        if wip
        else f"a successful verification result for {one} has not yet been published"
    )
    these = ("with these tags " if tags[1:] else "with this tag ") if tags and not query.branch else ""
    still = f"This pact is still in pending state for {any_of_them} as"
    failed = f"{still} a successful verification result {these}has not yet been published"
    texts = {
        "before_verification": f"This pact is in pending state for this version of {query.provider} because {because}. "
        f"If this verification fails, it will not cause the overall build to fail. {PENDING}",
        "after_verification:success_true_published_false": f"{still} the successful verification results {these}have "
        "not yet been published.",
        "after_verification:success_false_published_false": failed,
        "after_verification:success_true_published_true": f"This pact is no longer in pending state for {any_of_them}, "
        f"as a successful verification result {these}has been published. If a verification for a version of "
        f"{query.provider} {these}fails in the future, it will fail the build. {PENDING}",
        "after_verification:success_false_published_true": failed,
    }
    return [{"when": when, "text": text} for when, text in texts.items()]
