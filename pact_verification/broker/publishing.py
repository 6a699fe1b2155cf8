"""Publishes verification results, and reads them back from the broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from typing import Any

from pact_verification.broker.client import Broker
from pact_verification.broker.concurrency import concurrently
from pact_verification.broker.hal import NotFound, ServerFailure, Unreachable, linked
from pact_verification.broker.provider_version import KnownVersion
from pact_verification.errors import BrokerError
from pact_verification.pacts.sources import Progress, no_progress
from pact_verification.results.exchange import Exchange
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Publication

MAX_TEXT = 2000
"""The longest message in a published result."""


SILENCES = 2
"""After so many requests in a row without an answer, the broker counts as gone."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the broker is not known to hold something.

    Attributes:
        may_pass: whether another request may succeed.
    """

    reason: str
    may_pass: bool = False


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes the results of one version of the provider."""

    broker: Broker
    provider: str
    version: KnownVersion

    def publish(self, results: Sequence[PactResult], progress: Progress = no_progress) -> Publication:
        """Publish a result for each pact and read it back, several pacts at a time.

        What fails then is tried once more, one pact after the other, since a weak broker may bear no more. No error is
        raised: the Publication lists them all.
        """
        # The missing result of a pending pact is no error, as its failure would be none.
        expected = [result for result in results if is_publishable(result) or not _is_pending(result)]
        try:
            self._create_version()
        except Exception as error:  # noqa: BLE001  # the run keeps its verdict
            return self._publication(expected, [Failure(_text(error))] * len(expected))
        failures = concurrently(partial(self._try, []), expected, progress, "publishing the results")
        silences = 0
        for number, failure in enumerate(failures):
            if failure and failure.may_pass and silences < SILENCES:
                progress(number, len(expected), "publishing again what the broker has not taken")
                unreachable: list[str] = []
                failures[number] = self._try(unreachable, expected[number])
                silences = silences + 1 if unreachable else 0
        return self._publication(expected, failures, self._why_not_on_branch() if None in failures else None)

    def _publication(
        self, results: Sequence[PactResult], failures: Sequence[Failure | None], branch: Failure | None = None
    ) -> Publication:
        """Return what the broker holds.

        Args:
            failures: one for each result; None for one that the broker holds.
            branch: why the version is not known to be on its branch; None if it is.
        """
        if branch and not branch.may_pass:  # so no result is one of this branch
            failures = [failure or branch for failure in failures]
        names = [result.pact.name for result in results]
        published = tuple(name for name, failure in zip(names, failures, strict=True) if failure is None)
        missing = [(name, failure.reason) for name, failure in zip(names, failures, strict=True) if failure]
        if branch and branch.may_pass:
            missing.append(("the version's branch", f"It can't be read back: {branch.reason}"))
        return Publication(self.broker.url, self.version.number, self.version.branch, published, tuple(missing))

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

    def _why_not_on_branch(self) -> Failure | None:
        """Read the version's branches. A version that was deleted meanwhile is made again by its result, on none."""
        version, branch = self.version.number, self.version.branch
        try:
            url = self.broker.link("pb:pacticipant-version", pacticipant=self.provider, version=version)
            branches = {each["name"] for each in self.broker.get(url)["_embedded"]["branchVersions"]}
        except Exception as error:  # noqa: BLE001  # the run keeps its verdict
            return Failure(_text(error), may_pass=True)
        if branch in branches:
            return None
        return Failure(
            f"The broker has the results, but version {version} is not on branch {branch} there. Publish again."
        )

    def _try(self, unreachable: list[str], result: PactResult) -> Failure | None:
        """Publish a result and read it back.

        Args:
            unreachable: the errors of requests without an answer, which threads share. Nothing is sent after one.

        Returns:
            None if the broker holds the result.
        """
        if not is_publishable(result):
            return Failure("Some interactions were not verified, so neither success nor failure would be true.")
        if unreachable:
            return Failure(f"Not sent, since the broker did not answer before: {unreachable[0]}", may_pass=True)
        step = ""
        try:
            url = self._post(result)
            step = "The result was sent, but can't be read back: "
            why = self._why_not_held(result, url)
        except Exception as error:  # noqa: BLE001  # the run keeps its verdict
            if isinstance(error, Unreachable):
                unreachable.append(_text(error))
            return Failure(f"{step}{_text(error)}", may_pass=isinstance(error, Unreachable | ServerFailure))
        return Failure(why) if why else None

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
        case Outcome.MISMATCH | Outcome.STATE_ERROR | Outcome.PRODUCER_ERROR:
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
    response = "" if mismatch.response is None else f"response {mismatch.response + 1}: "
    description = f"{response}{mismatch.message}"[:MAX_TEXT]
    return {"attribute": mismatch.part, "identifier": mismatch.path, "description": description}
