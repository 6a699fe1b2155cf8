"""May this version be deployed? `pact broker can-i-deploy` decides; here is whether waiting can help, and why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pact_verification.broker.client import Broker
from pact_verification.broker.hal import Json, NotFound, linked
from pact_verification.errors import BrokerError

REQUIRING = "contract_requiring_verification_published"
"""The event that has the main branch's latest version and each deployed one verify a contract (F39)."""

CHANGED = {"contract_content_changed", "contract_published"}
"""The older ones, whose build verifies with the main branch's latest version."""

MANY = 20
"""More webhooks than that are not looked at: what they say is then not known."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A consumer's version and a provider's, and whether the one was verified by the other.

    Attributes:
        consumer, provider: with their versions, which are empty where there is none.
        success: None when nothing was published.
        result: where the result can be seen.
        pact: the pact's URL.
    """

    consumer: tuple[str, str]
    provider: tuple[str, str]
    success: bool | None
    result: str = ""
    pact: str = ""

    def __str__(self) -> str:
        named = [f"{name} {version}".rstrip() for name, version in (self.consumer, self.provider)]
        return " and ".join(named)


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's. `deployable` is None while it isn't known."""

    deployable: bool | None
    reason: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version of the provider on its way into an environment. Methods raise BrokerError."""

    broker: Broker
    provider: str
    version: str
    environment: str

    def __str__(self) -> str:
        return f"{self.provider} {self.version}"

    def ask(self) -> Answer:
        """What `can-i-deploy` asks too."""
        self.broker.main_branch(self.provider)  # raises when there is no such provider
        names = self._environments()
        if names and self.environment not in names:
            raise BrokerError(
                f"{self.broker.url} has no environment {self.environment!r}. It has {', '.join(names)}; "
                "pact broker create-environment makes one."
            )
        query = {"q[][pacticipant]": self.provider, "q[][version]": self.version, "latestby": "cvpv"}
        query["environment"] = self.environment
        matrix = self.broker.get(f"{self.broker.url}/matrix?{urlencode(query, safe='[]')}")
        try:
            pairs = tuple(map(self._pair, matrix["matrix"]))
            return Answer(matrix["summary"]["deployable"], str(matrix["summary"]["reason"]), pairs)
        except (KeyError, TypeError, AttributeError) as error:
            raise BrokerError(
                f"{self.broker.url} answered with a matrix that can't be read: {type(error).__name__}: {error}."
            ) from error

    def waiting_helps(self, answer: Answer) -> bool:
        """Whether the answer can change by itself: nothing failed, and a webhook's build may bring what is missing.

        Where webhooks can't be read, as with the token that PactFlow gives to CI, it may.
        """
        missing = [pair for pair in answer.pairs if pair.success is None]
        if (
            answer.deployable is not None
            or not missing
            or len(missing) < sum(not pair.success for pair in answer.pairs)
        ):
            return False
        return all(self._somebody_verifies(pair.provider[0]) is not False for pair in missing)

    def explain(self, answer: Answer) -> Iterator[str]:
        """Why the answer is not yes, and what to do about each reason."""
        if not answer.pairs:
            yield answer.reason
            yield from self._explain_version()
            return
        for pair in answer.pairs:
            if pair.success is False:
                yield f"{pair}: the verification failed. {pair.result}".rstrip()
            elif pair.success is None and pair.provider[0] == self.provider:
                yield f"{pair}: {self._who_verified(pair)}"
            elif pair.success is None:
                yield f"{pair}: the provider has not verified it."
        yield from self._what_to_do(answer)
        yield from self._explain_branch()

    def _what_to_do(self, answer: Answer) -> Iterator[str]:
        missing = {pair.provider[0] for pair in answer.pairs if pair.success is None}
        if any(pair.success is False for pair in answer.pairs):
            yield (
                "Mend the provider, or agree with the consumer; then verify and publish again. (A pending pact's "
                "failure doesn't fail verify_pacts, and counts here once its consumer is deployed.)"
            )
        if self.provider in missing:
            yield (
                "Run verify_pacts --publish for this version; its selectors have to select what is in "
                f"{self.environment}, as deployedOrReleased does."
            )
        for provider in sorted(missing - {self.provider}):
            yield f"A version of {provider} that verifies this contract has to be deployed first."
        for provider in sorted(missing):
            verifies = self._somebody_verifies(provider)
            if verifies is None:
                yield f"Whether a webhook has {provider} verify it can't be read with {self.broker.credentials.named}."
            elif not verifies:
                yield (
                    f"No webhook has this version of {provider} verify it, so waiting would not help. (Webhooks reach "
                    "the main branch's latest version and deployed ones; make "
                    "create_or_update_contract_requiring_verification_published_webhook makes one.)"
                )

    # --- what is behind it

    def _environments(self) -> list[str]:
        try:
            found = self.broker.get(self.broker.link("pb:environments"))
            return [str(each["name"]) for each in found["_embedded"]["environments"]]
        except (BrokerError, KeyError, TypeError, AttributeError):
            return []

    def _who_verified(self, pair: Pair) -> str:
        try:
            latest = self.broker.get(linked(self.broker.get(pair.pact), "pb:latest-verification-results"))
            said = "verified it" if latest["success"] else "failed it"
            return (
                f"version {latest['providerApplicationVersion']} of {self.provider} {said}, and this one has no result."
            )
        except NotFound:
            return f"no version of {self.provider} has verified it."
        except (BrokerError, KeyError, TypeError, AttributeError):
            return "there is no result of this version."

    def _explain_version(self) -> Iterator[str]:
        try:
            self._read_version()
        except NotFound:
            yield f"The broker has no version {self.version} of {self.provider}{self._latest()}."
            yield "Verify with --publish first, and ask with the same version (--provider-version, GIT_COMMIT)."
            return
        yield "The broker knows the version, and no result of it: verify with --publish first."
        yield from self._explain_branch()

    def _latest(self) -> str:
        try:
            known = self.broker.get(self.broker.link("pb:pacticipant", pacticipant=self.provider))
            return f"; the latest is {known['_embedded']['latestVersion']['number']}"
        except (BrokerError, KeyError, TypeError, AttributeError):
            return ""

    def _explain_branch(self) -> Iterator[str]:
        try:
            branches = self._read_version()["_embedded"]["branchVersions"]
        except (BrokerError, KeyError, TypeError, AttributeError):
            return
        if not branches:
            yield (
                f"Version {self.version} of {self.provider} is on no branch, so matchingBranch, pending and webhooks "
                "pass it over. Publish with --provider-branch."
            )

    def _read_version(self) -> Json:
        url = self.broker.link("pb:pacticipant-version", pacticipant=self.provider, version=self.version)
        return self.broker.get(url)

    def _somebody_verifies(self, provider: str) -> bool | None:
        """Whether a webhook's build brings a provider's missing result; None when that can't be read."""
        try:
            links = self.broker.get(self.broker.link("pb:webhooks"))["_links"]
            hrefs = [link["href"] for link in links.get("pb:webhooks") or links.get("webhooks") or ()]
            events = {event for href in hrefs[:MANY] for event in _events(self.broker.get(href), provider)}
            if provider != self.provider:
                helps = bool(events & {REQUIRING, *CHANGED})
            else:
                version = self._read_version()
                latest = {each["name"] for each in version["_embedded"]["branchVersions"] if each.get("latest")}
                of_main = self.broker.main_branch(provider) in latest
                deployed = bool(version["_links"].get("pb:deployed-environments"))
                helps = (REQUIRING in events and (of_main or deployed)) or bool(events & CHANGED and of_main)
        except (BrokerError, KeyError, TypeError, AttributeError):
            return None
        return helps or (None if len(hrefs) > MANY else False)

    def _pair(self, row: Mapping[str, Any]) -> Pair:
        result = row.get("verificationResult") or {}
        return Pair(
            self._version_of(row["consumer"]),
            self._version_of(row["provider"]),
            result.get("success"),
            linked(result, "self"),
            linked(row.get("pact"), "self"),
        )

    def _version_of(self, side: Mapping[str, Any]) -> tuple[str, str]:
        """A side's name and version. Where there is no result, the provider's is null: if it is us, it is ours."""
        ours = self.version if side["name"] == self.provider else ""
        return str(side["name"]), str((side.get("version") or {}).get("number") or ours)


def _events(webhook: Json, provider: str) -> set[str]:
    """The events for which an enabled webhook is called, if it is for this provider or for all."""
    for_it = (webhook.get("provider") or {}).get("name", provider) == provider
    return {event["name"] for event in webhook["events"]} if for_it and webhook.get("enabled", True) is True else set()
