"""Whether a version may be deployed, why not, and the record of a deployment.

The broker decides. The `pact` binary asks the same question, but it can't explain the answer. Some options make it say
yes without asking. And it would have to end with the command.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pact_verification.broker.client import Broker
from pact_verification.broker.hal import Invalid, Json, NotFound, linked
from pact_verification.errors import BrokerError

REQUIRING = "contract_requiring_verification_published"
"""The event for a contract that the main branch's latest version, or a deployed version, has not verified."""

CHANGED = {"contract_content_changed", "contract_published"}
"""Older events. A build that they start verifies with the main branch's latest version."""

MAX_WEBHOOKS = 20
"""How many webhooks are read. With more, it may stay unknown whether waiting helps."""


class Pacticipant(NamedTuple):
    """A consumer or a provider, and its version where there is one."""

    name: str
    version: str | None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A version of a consumer and one of a provider, with the verification result.

    Attributes:
        success: None when there is no result.
        result_url: has the result, if there is one.
        pact_url: has the pact.
    """

    consumer: Pacticipant
    provider: Pacticipant
    success: bool | None
    result_url: str | None = None
    pact_url: str | None = None

    def __str__(self) -> str:
        return f"{self.consumer} and {self.provider}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The broker's decision. `deployable` is None while results are missing."""

    deployable: bool | None
    reason: str
    pairs: tuple[Pair, ...]

    @property
    def missing(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.success is None)

    @property
    def failed(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.success is False)

    @property
    def is_yes(self) -> bool:
        """Whether the version may be deployed. A yes with a failed verification is none."""
        return self.deployable is True and not self.failed


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version of the provider and the environment for it.

    Methods raise BrokerError.
    """

    broker: Broker
    provider: str
    version: str
    environment: str

    def __str__(self) -> str:
        return f"{self.provider} {self.version}"

    def ask(self) -> Decision:
        """Ask the broker whether the version may be deployed, as `pact broker can-i-deploy` does."""
        self.broker.require_environments()  # without them, the broker would answer another question
        query = {"q[][pacticipant]": self.provider, "q[][version]": self.version, "latestby": "cvpv"}
        query["environment"] = self.environment
        try:
            matrix = self.broker.get(f"matrix?{urlencode(query, safe='[]')}")
        except Invalid:
            self.broker.main_branch(self.provider)  # raises for an unknown provider
            self.broker.require_environment(self.environment)
            raise
        try:
            pairs = tuple(map(self._pair, matrix["matrix"]))
            return Decision(matrix["summary"]["deployable"], str(matrix["summary"]["reason"]), pairs)
        except (KeyError, TypeError, AttributeError) as error:
            raise BrokerError(
                f"{self.broker.url} answered with a matrix that can't be read: {type(error).__name__}: {error}."
            ) from error

    def record(self) -> None:
        """Record that the version is deployed to the environment, in place of the provider's version before."""
        self.broker.require_environments()
        self.broker.main_branch(self.provider)  # raises for an unknown provider
        try:
            links = self._read_version()["_links"]["pb:record-deployment"]
            urls = {str(link["name"]): str(link["href"]) for link in links}
        except NotFound as error:
            raise BrokerError(f"{self._unknown_version()} Nothing is recorded.") from error
        except (KeyError, TypeError) as error:
            raise BrokerError(f"{self.broker.url} has no link to record a deployment of {self}.") from error
        if self.environment not in urls:
            self.broker.require_environment(self.environment)
            raise BrokerError(f"{self.broker.url} has no link to record a deployment to {self.environment!r}.")
        recorded = self.broker.post(urls[self.environment], {})
        if recorded.get("currentlyDeployed") is not True:
            raise BrokerError(f"{self.broker.url} accepted the deployment, but does not list it as current.")

    def waiting_helps(self, decision: Decision) -> bool:
        """Tell whether a webhook's build may publish what is missing.

        If the credentials can't read webhooks, as with PactFlow's token for CI, the answer is yes.
        """
        if not decision.missing or decision.failed or not self._is_known():
            return False
        return all(self._webhook_verifies(pair.provider.name) is not False for pair in decision.missing)

    def explain(self, decision: Decision) -> Iterator[str]:
        """Yield the reasons against a deployment, and what to do about each."""
        if not self._is_known():
            yield f"{self._unknown_version()} Ask with the same version (--provider-version, GIT_COMMIT)."
            return
        if not decision.pairs:
            yield decision.reason
            yield "The broker knows the version, and no result of it: verify with --publish first."
        for pair in decision.failed:
            yield f"{pair}: the verification failed. {pair.result_url or ''}".rstrip()
        for pair in decision.missing:
            is_ours = pair.provider.name == self.provider
            yield f"{pair}: {self._who_verified(pair) if is_ours else 'the provider has not verified it.'}"
        yield from self._what_to_do(decision)
        yield from self._explain_branch()

    def _what_to_do(self, decision: Decision) -> Iterator[str]:
        missing = {pair.provider.name for pair in decision.missing}
        if decision.failed:
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
            verifies = self._webhook_verifies(provider)
            if verifies is None:
                given = (
                    f"with {self.broker.credentials.named}" if self.broker.credentials.named else "without credentials"
                )
                yield f"Whether a webhook has {provider} verify it can't be read {given}."
            elif not verifies:
                yield (
                    f"No webhook has this version of {provider} verify it, so waiting would not help. Webhooks reach "
                    "the main branch's latest version and those that are deployed now."
                )

    def _who_verified(self, pair: Pair) -> str:
        unknown = "there is no result of this version."
        try:
            latest_url = (
                linked(self.broker.get(pair.pact_url), "pb:latest-verification-results") if pair.pact_url else None
            )
            if latest_url is None:
                return unknown
            latest = self.broker.get(latest_url)
            verb = "verified it" if latest["success"] else "failed it"
            return (
                f"version {latest['providerApplicationVersion']} of {self.provider} {verb}, and this one has no result."
            )
        except NotFound:
            return f"no version of {self.provider} has verified it."
        except (BrokerError, KeyError, TypeError, AttributeError):
            return unknown

    def _is_known(self) -> bool:
        """Tell whether the broker knows the version. A broker that can't say is taken to know it."""
        try:
            self._read_version()
        except NotFound:
            return False
        except BrokerError:
            return True
        return True

    def _unknown_version(self) -> str:
        """Return a sentence on a version that the broker does not know, and the remedy."""
        try:
            known = self.broker.get(self.broker.link("pb:pacticipant", pacticipant=self.provider))
            latest = f"; the latest is {known['_embedded']['latestVersion']['number']}"
        except (BrokerError, KeyError, TypeError, AttributeError):
            latest = ""
        return (
            f"The broker has no version {self.version} of {self.provider}{latest}. "
            "verify_pacts --publish makes it known."
        )

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

    def _webhook_verifies(self, provider: str) -> bool | None:
        """Tell whether a webhook's build verifies with a provider.

        None when its webhooks can't be read.
        """
        try:
            links = self.broker.get(self.broker.link("pb:webhooks"))["_links"]
            hrefs = [link["href"] for link in links.get("pb:webhooks") or links.get("webhooks") or ()]
            events = {event for href in hrefs[:MAX_WEBHOOKS] for event in _events(self.broker.get(href), provider)}
            if provider != self.provider:
                helps = bool(events & {REQUIRING, *CHANGED})
            else:
                version = self._read_version()
                latest = {each["name"] for each in version["_embedded"]["branchVersions"] if each.get("latest")}
                of_main = self.broker.main_branch(provider) in latest
                helps = (REQUIRING in events and (of_main or _is_deployed(version))) or bool(
                    events & CHANGED and of_main
                )
        except (BrokerError, KeyError, TypeError, AttributeError):
            return None
        return helps or (None if len(hrefs) > MAX_WEBHOOKS else False)

    def _pair(self, row: Mapping[str, Any]) -> Pair:
        result = row.get("verificationResult") or {}
        return Pair(
            self._pacticipant(row["consumer"]),
            self._pacticipant(row["provider"]),
            result.get("success"),
            linked(result, "self"),
            linked(row.get("pact"), "self"),
        )

    def _pacticipant(self, side: Mapping[str, Any]) -> Pacticipant:
        """Read one side of a row.

        Without a result the broker leaves out the provider's version, which may be ours.
        """
        ours = self.version if side["name"] == self.provider else None
        number = (side.get("version") or {}).get("number")
        return Pacticipant(str(side["name"]), str(number) if number else ours)


def _events(webhook: Json, provider: str) -> set[str]:
    """Return the events of an enabled webhook that is for this provider or for all."""
    applies = (webhook.get("provider") or {}).get("name", provider) == provider
    return {event["name"] for event in webhook["events"]} if applies and webhook.get("enabled", True) is True else set()


def _is_deployed(version: Json) -> bool:
    """Tell whether a version is deployed to an environment now, or released there and supported."""
    links = version["_links"]
    return any(link.get("currently_deployed", True) for link in links.get("pb:deployed-environments") or ()) or any(
        link.get("currently_supported", True) for link in links.get("pb:released-environments") or ()
    )
