"""Publishes verification results, and reads them back from the broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from typing import Any

from pact_verification.broker.client import Broker
from pact_verification.broker.concurrency import concurrently
from pact_verification.broker.hal import NotFound, Unreachable, linked
from pact_verification.broker.provider_version import KnownVersion
from pact_verification.errors import BrokerError
from pact_verification.pacts.sources import Progress, no_progress
from pact_verification.results.exchange import Exchange
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Publication

MAX_TEXT = 2000
"""The longest message in a published result."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes the results of one version of the provider."""

    broker: Broker
    provider: str
    version: KnownVersion

    def publish(self, results: Sequence[PactResult], progress: Progress = no_progress) -> Publication:
        """Publish a result for each pact and read it back, several pacts at a time.

        No error is raised: the Publication lists them all. After a request without an answer, the broker gets no
        further results.
        """
        # The missing result of a pending pact is no error, as its failure would be none.
        expected = [result for result in results if is_publishable(result) or not _is_pending(result)]
        unreachable: list[str] = []
        try:
            self._create_version()
            publish = partial(self._why_not_published, unreachable)
            errors = concurrently(publish, expected, progress, "publishing the results")
            if None in errors:
                self._require_branch()
        except Exception as error:  # noqa: BLE001  # the run keeps its verdict
            errors = [_text(error)] * len(expected)
        pairs = [(result.pact.name, error) for result, error in zip(expected, errors, strict=True)]
        published = tuple(name for name, error in pairs if error is None)
        missing = tuple((name, error) for name, error in pairs if error is not None)
        return Publication(self.broker.url, self.version.number, self.version.branch, published, missing)

    def _create_version(self) -> None:
        names = {"pacticipant": self.provider, "version": self.version.number}
        answer = self.broker.put(
            self.broker.link("pb:pacticipant-branch-version", branch=self.version.branch, **names), {}
        )
        for relation, wanted in (("pb:branch", self.version.branch), ("pb:version", self.version.number)):
            if linked(answer, relation, "name") not in {wanted, None}:
                raise BrokerError(f"The broker made {linked(answer, relation, 'name')!r} of {wanted!r}.")
        for tag in self.version.tags:
            self.broker.put(self.broker.link("pb:pacticipant-version-tag", tag=tag, **names), {})

    def _require_branch(self) -> None:
        """Raise BrokerError if the version is not on its branch. A version that was deleted meanwhile has none."""
        url = self.broker.link("pb:pacticipant-version", pacticipant=self.provider, version=self.version.number)
        branches = self.broker.get(url)["_embedded"]["branchVersions"]
        if self.version.branch not in {each["name"] for each in branches}:
            raise BrokerError(
                f"The broker has the results, but version {self.version.number} is not on branch "
                f"{self.version.branch} there. Publish again."
            )

    def _why_not_published(self, unreachable: list[str], result: PactResult) -> str | None:
        """Publish a result and read it back. Return the error, or None when the broker holds the result.

        Args:
            unreachable: the errors of requests without an answer. Threads share the list.
        """
        if not is_publishable(result):
            return "Some interactions were not verified, so neither success nor failure would be true."
        if unreachable:
            return unreachable[0]
        step = ""
        try:
            url = self._post(result)
            step = "The result was sent, but can't be read back: "
            return self._why_not_held(result, url)
        except Exception as error:  # noqa: BLE001  # the run keeps its verdict
            if isinstance(error, Unreachable):
                unreachable.append(_text(error))
            return f"{step}{_text(error)}"

    def _post(self, result: PactResult) -> str | None:
        """Publish a result, and return its URL if the broker names it."""
        at_broker = result.pact.at_broker
        if not at_broker or not at_broker.results_url:
            raise BrokerError("The broker gave no link to publish its results to.")
        return linked(self.broker.post(at_broker.results_url, self._document(result)), "self")

    def _document(self, result: PactResult) -> dict[str, Any]:
        document: dict[str, Any] = {
            "providerApplicationVersion": self.version.number,
            "success": is_success(result),
            "testResults": [_test_result(each) for each in result.interactions],
            "verifiedBy": {
                "implementation": "pact-python",
                "version": installed("pact-python"),
                "clientLanguage": {
                    "name": "python",
                    "testFramework": "Django",
                    "version": installed("Django"),
                },
            },
        }
        return document | ({"buildUrl": self.version.build_url} if self.version.build_url else {})

    def _why_not_held(self, result: PactResult, url: str | None) -> str | None:
        """Return an error when the broker does not hold the result.

        The pact's latest result is what the broker's users see. A newer result may have replaced this one there. So
        the result's own URL is read too.
        """
        held: dict[str, Any] = {}
        at_broker = result.pact.at_broker
        for result_url in (at_broker.latest_result_url if at_broker else None, url):
            if not result_url:
                continue
            try:
                held = dict(self.broker.get(result_url))
            except NotFound:
                continue
            is_this_result = _number(linked(held, "self")) in {_number(url), None} or url is None
            if is_this_result and held.get("providerApplicationVersion") == self.version.number:
                wanted = is_success(result)
                if held.get("success") is wanted:
                    return None
                found, sent = (str(each).lower() for each in (held.get("success"), wanted))
                return f"The broker holds success: {found}, the run published {sent}."
        other = held.get("providerApplicationVersion")
        found = f"; its latest result is of version {other}" if other else ""
        return f"The broker accepted the result and does not have it{found}."


def _number(url: str | None) -> str | None:
    """Return a result's number at the broker, which all of its URLs end with."""
    return None if url is None else url.rpartition("/verification-results/")[2]


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, BrokerError) else f"{type(error).__name__}: {error}"


def _is_pending(result: PactResult) -> bool:
    return bool(result.pact.at_broker and result.pact.at_broker.pending)


def is_publishable(result: PactResult) -> bool:
    """Tell whether a pact's result is known.

    One failed interaction makes the pact a failure. A success needs every interaction to be verified. A pact that a
    stopped run did not reach is neither.
    """
    return is_success(result) or any(_has_failed(each) for each in result.interactions)


def _has_failed(result: InteractionResult) -> bool:
    """Tell whether an interaction failed, was tried without a verdict, or can't be verified at all."""
    match result.outcome:
        case Outcome.MISMATCH | Outcome.STATE_ERROR:
            return True
        case Outcome.NOT_VERIFIED:
            return result.interaction.unverifiable is not None or result.exchange != Exchange()
        case _:
            return False


def is_success(result: PactResult) -> bool:
    """Tell whether every interaction was verified.

    A pending interaction that failed does not fail the run, but it prevents a success.
    """
    return bool(result.interactions) and all(each.outcome is Outcome.VERIFIED for each in result.interactions)


def _test_result(result: InteractionResult) -> dict[str, Any]:
    """Return an interaction's result in the form that the core publishes."""
    success = result.outcome is Outcome.VERIFIED
    document: dict[str, Any] = {"interactionDescription": result.interaction.description, "success": success}
    if result.interaction.id:
        document["interactionId"] = result.interaction.id
    if result.mismatches:
        document["mismatches"] = [_mismatch(mismatch) for mismatch in result.mismatches]
    elif not success:
        document["exceptions"] = [{"message": (result.error or result.outcome.value)[:MAX_TEXT]}]
    return document


def _mismatch(mismatch: Mismatch) -> dict[str, str]:
    return {"attribute": mismatch.part, "identifier": mismatch.path, "description": mismatch.message[:MAX_TEXT]}
