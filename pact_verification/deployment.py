"""May this version be deployed? `pact broker can-i-deploy` decides; here is whether waiting can help, and why not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pact_verification.broker import Broker, Json, NotFound, Unreachable, linked
from pact_verification.errors import BrokerError, CannotVerify

VERIFYING_EVENTS = {"contract_requiring_verification_published", "contract_content_changed", "contract_published"}
"""A webhook for one of these starts a build of the provider that can bring the missing result."""

MANY = 20


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

    def ask(self) -> Answer:
        """What `can-i-deploy` asks too."""
        query = {"q[][pacticipant]": self.provider, "q[][version]": self.version, "latestby": "cvpv"}
        query["environment"] = self.environment
        try:
            matrix = self.broker.get(f"{self.broker.url}/matrix?{urlencode(query, safe='[]')}")
        except Unreachable:
            raise
        except BrokerError as error:
            self.broker.main_branch(self.provider)  # it may be that which the broker doesn't know
            names = self._environments()
            if not names or self.environment in names:
                raise
            raise BrokerError(
                f"{self.broker.url} has no environment {self.environment!r}. It has {', '.join(names)}."
            ) from error
        try:
            pairs = tuple(map(_pair, matrix["matrix"]))
            return Answer(matrix["summary"]["deployable"], str(matrix["summary"]["reason"]), pairs)
        except (KeyError, TypeError) as error:
            raise BrokerError(
                f"{self.broker.url} answered with a matrix that can't be read: {type(error).__name__}: {error}."
            ) from error

    def waiting_helps(self, answer: Answer) -> bool:
        """Whether the answer can change by itself: nothing failed, and a webhook's build may bring what is missing."""
        missing = [pair for pair in answer.pairs if pair.success is None]
        failed = any(pair.success is False for pair in answer.pairs)
        return answer.deployable is None and bool(missing) and not failed and self._webhook()

    def explain(self, answer: Answer) -> Iterator[str]:
        """Why the answer is not yes, and what to do about each reason."""
        if not answer.pairs:
            yield answer.reason
            yield from self._explain_version()
            return
        for pair in answer.pairs:
            if pair.success is False:
                yield f"{pair}: the verification failed. {pair.result}".rstrip()
                yield "  Mend the provider, or agree with the consumer; then verify and publish again."
            elif pair.success is None and pair.provider[0] == self.provider:
                yield f"{pair}: {self._who_verified(pair)}"
                yield (
                    "  Run verify_pacts --publish for this version; its selectors have to select what is in "
                    f"{self.environment}, as deployedOrReleased does."
                )
            elif pair.success is None:
                yield f"{pair}: the provider has not verified it."
                yield f"  A version of {pair.provider[0]} that verifies this contract has to be deployed first."
        if any(pair.success is None for pair in answer.pairs) and not self._webhook():
            yield (
                f"No webhook has {self.provider} verify a changed contract, so waiting would not help. "
                "make create_or_update_contract_requiring_verification_published_webhook makes one."
            )
        yield from self._explain_branch()

    # --- what is behind it

    def _environments(self) -> list[str]:
        try:
            found = self.broker.get(self.broker.link("pb:environments"))
            return [str(each["name"]) for each in found["_embedded"]["environments"]]
        except (BrokerError, KeyError, TypeError):
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
        except (BrokerError, KeyError, TypeError):
            return "there is no result of this version."

    def _explain_version(self) -> Iterator[str]:
        url = self.broker.link("pb:pacticipant-version", pacticipant=self.provider, version=self.version)
        try:
            self.broker.get(url)
        except NotFound:
            yield f"  The broker has no version {self.version} of {self.provider}{self._latest()}."
            yield "  Verify with --publish first, and ask with the same version (--provider-version, GIT_COMMIT)."
            return
        yield "  The broker knows the version, and no result of it: verify with --publish first."
        yield from self._explain_branch()

    def _latest(self) -> str:
        try:
            known = self.broker.get(self.broker.link("pb:pacticipant", pacticipant=self.provider))
            return f"; the latest is {known['_embedded']['latestVersion']['number']}"
        except (BrokerError, KeyError, TypeError):
            return ""

    def _explain_branch(self) -> Iterator[str]:
        try:
            url = self.broker.link("pb:pacticipant-version", pacticipant=self.provider, version=self.version)
            branches = self.broker.get(url)["_embedded"]["branchVersions"]
        except (BrokerError, KeyError, TypeError):
            return
        if not branches:
            yield (
                f"Version {self.version} of {self.provider} is on no branch, so matchingBranch, pending and webhooks "
                "pass it over. Publish with --provider-branch."
            )

    def _webhook(self) -> bool:
        """Whether somebody is told when a contract needs verifying. What can't be read is taken for no."""
        try:
            links = self.broker.get(self.broker.link("pb:webhooks"))["_links"]
            hrefs = [link["href"] for link in links.get("pb:webhooks") or links.get("webhooks") or ()]
            return any(self._verifies(self.broker.get(href)) for href in hrefs[:MANY])
        except (BrokerError, KeyError, TypeError):
            return False

    def _verifies(self, webhook: Json) -> bool:
        events = {event.get("name") for event in webhook.get("events", ())}
        provider = (webhook.get("provider") or {}).get("name", self.provider)
        return bool(events & VERIFYING_EVENTS) and provider == self.provider and webhook.get("enabled", True) is True


def decide(deployment: Deployment, retry: Sequence[str]) -> int:
    """The exit code of `pact broker can-i-deploy`, whose output goes where ours does."""
    command = [pact_binary(), "broker", "can-i-deploy", "--pacticipant", deployment.provider]
    command += ["--version", deployment.version, "--to-environment", deployment.environment, *retry]
    environ = {
        "PACT_BROKER_HTTP_RETRIES": "2",  # its 8 double their pauses, and stall for two minutes
        **os.environ,
        "PACT_BROKER_BASE_URL": deployment.broker.url,
        "PACT_DO_NOT_TRACK": "true",
    }
    return subprocess.run(command, env=environ, check=False).returncode  # noqa: S603  # no shell, and no secrets


def pact_binary() -> str:
    """The `pact` of pact-python-cli, beside this Python or on the path. Raises CannotVerify."""
    beside = Path(sys.executable).parent / "pact"
    found = str(beside) if beside.exists() else shutil.which("pact")
    if not found:
        raise CannotVerify("There is no `pact` here. It comes with the PyPI package pact-python-cli.")
    return found


def _pair(row: Mapping[str, Any]) -> Pair:
    result = row.get("verificationResult") or {}
    return Pair(
        _version(row["consumer"]),
        _version(row["provider"]),
        result.get("success"),
        linked(result, "self"),
        linked(row.get("pact"), "self"),
    )


def _version(side: Mapping[str, Any]) -> tuple[str, str]:
    return str(side["name"]), str((side.get("version") or {}).get("number") or "")
