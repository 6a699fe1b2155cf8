"""Verification results to the broker, and back: what it doesn't hold afterwards was not published."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any

from pact_verification.broker.client import Broker
from pact_verification.broker.hal import NotFound, Unreachable, linked
from pact_verification.broker.provider_version import ProviderVersion
from pact_verification.errors import BrokerError
from pact_verification.results.exchange import Exchange
from pact_verification.results.mismatch import Mismatch
from pact_verification.results.report import InteractionResult, Outcome, PactResult, Publication

MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes the results of one version of the provider."""

    broker: Broker
    provider: str
    version: ProviderVersion

    def publish(self, results: Iterable[PactResult]) -> Publication:
        """Publish a result for each pact, then read each back.

        Nothing is raised: what went wrong stands in the Publication. Once the broker doesn't answer, it gets no more
        results; what it got before is still read back.
        """
        results = list(results)
        everything = range(len(results))
        why: dict[int, str] = {}
        urls: dict[int, str] = {}
        unknown: set[int] = set()
        with _noting(why, everything):
            self._create_version()
        if why:
            why = dict.fromkeys(everything, why[0])
        for number in everything:
            if number in why:
                continue
            if not is_publishable(results[number]):
                at_broker = results[number].pact.at_broker
                if at_broker and at_broker.pending:  # it never fails a build
                    unknown.add(number)
                    continue
                why[number] = "Not all of it was verified, so neither success nor failure would be true."
                continue
            with _noting(why, everything[number:]):
                urls[number] = self._post(results[number])
        for number, url in urls.items():
            if number in why:
                continue
            with _noting(why, everything[number:], "It was sent, but can't be read back: "):
                if doubt := self._doubt(results[number], url):
                    why[number] = doubt
        published = tuple(results[number].pact.name for number in everything if number not in {*why, *unknown})
        missing = tuple((results[number].pact.name, why[number]) for number in sorted(why))
        return Publication(self.broker.url, self.version.number, self.version.branch, published, missing)

    def _create_version(self) -> None:
        names = {"pacticipant": self.provider, "version": self.version.number}
        answer = self.broker.put(
            self.broker.link("pb:pacticipant-branch-version", branch=self.version.branch, **names), {}
        )
        for relation, wanted in (("pb:branch", self.version.branch), ("pb:version", self.version.number)):
            if linked(answer, relation, "name") not in {wanted, ""}:
                raise BrokerError(f"The broker made {linked(answer, relation, 'name')!r} of {wanted!r}.")
        for tag in self.version.tags:
            self.broker.put(self.broker.link("pb:pacticipant-version-tag", tag=tag, **names), {})

    def _post(self, result: PactResult) -> str:
        """Publish a result; its URL."""
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

    def _doubt(self, result: PactResult, url: str) -> str:
        """Why the broker does not hold the result; empty when it does.

        The pact's latest result is what others see. Another one may have come meanwhile, so ours has a URL too.
        """
        held: dict[str, Any] = {}
        at_broker = result.pact.at_broker
        for place in (at_broker.latest_result_url if at_broker else "", url):
            if not place:
                continue
            try:
                held = dict(self.broker.get(place))
            except NotFound:
                continue
            ours = _number(linked(held, "self")) in {_number(url), ""} or not url
            if ours and held.get("providerApplicationVersion") == self.version.number:
                wanted = is_success(result)
                if held.get("success") is wanted:
                    return ""
                return (
                    f"The broker holds success: {str(held.get('success')).lower()}, and we saw {str(wanted).lower()}."
                )
        other = held.get("providerApplicationVersion")
        found = f"; its latest result is of version {other}" if other else ""
        return f"The broker took it and does not have it{found}."


def _number(url: str) -> str:
    """A result's number at the broker, from any of its URLs."""
    return url.rpartition("/verification-results/")[2]


@contextmanager
def _noting(why: dict[int, str], numbers: Sequence[int], prefix: str = "") -> Iterator[None]:
    """Note why the first of some results is not at the broker; all of them, when it doesn't answer any more.

    Whatever happens here, the verdict on the contracts is not lost over it.
    """
    try:
        yield
    except Unreachable as error:
        for number in numbers:
            why.setdefault(number, f"{prefix}{error}")
    except Exception as error:  # noqa: BLE001  # see above
        text = str(error) if isinstance(error, BrokerError) else f"{type(error).__name__}: {error}"
        why[numbers[0]] = f"{prefix}{text}"


def is_publishable(result: PactResult) -> bool:
    """Whether a result is true to publish: a failure is one whatever else there is, a success needs everything.

    Of a pact that a stopped run didn't come to, neither is known.
    """
    return is_success(result) or any(_has_failed(each) for each in result.interactions)


def _has_failed(result: InteractionResult) -> bool:
    """Whether an interaction was tried and failed, or can't be verified at all."""
    match result.outcome:
        case Outcome.MISMATCH | Outcome.STATE_ERROR:
            return True
        case Outcome.NOT_VERIFIED:
            return result.interaction.unverifiable is not None or result.exchange != Exchange()
        case _:
            return False


def is_success(result: PactResult) -> bool:
    """What is published. A pending failure doesn't fail the run, but it is one."""
    return bool(result.interactions) and all(each.outcome is Outcome.VERIFIED for each in result.interactions)


def _test_result(result: InteractionResult) -> dict[str, Any]:
    """In the shape that the core publishes (see the recorded exchanges of a broker)."""
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
