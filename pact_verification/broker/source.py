"""Sources of pacts at a broker: the pacts that selectors select, or the pact at a URL."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pact_verification.broker.client import Broker
from pact_verification.broker.concurrency import concurrently
from pact_verification.broker.hal import Invalid, NotFound, linked
from pact_verification.broker.selectors import Selector, selector_text, unused_fallbacks
from pact_verification.errors import BrokerError, CannotVerify, UnreadablePact
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.pact import AtBroker, Pact
from pact_verification.pacts.reading import parse_pact, unreadable
from pact_verification.pacts.sources import Progress, Selection, narrow, no_progress

WIP_DAYS = 90
"""By default the broker selects work in progress that is at most this old."""

MAIN_BRANCHES = {"main", "master"}
"""These branches count as main when the broker knows no main branch."""

ENVIRONMENT_DUMP = re.compile(r"""\{"environment_name":"([^"]*)"[^}]*\}""")
"""What the broker's description is for a selector with only an environment: its own object, written out."""


@dataclass(frozen=True, slots=True)
class ListedPact:
    """A pact in the broker's list, before its download.

    AtBroker explains the attributes.
    """

    broker: Broker
    url: str
    reason: str
    pending: bool = False
    wip: bool = False
    notices: tuple[tuple[str, str], ...] = ()

    def fetch(self, provider: str) -> Pact:
        """Download and read the pact.

        A pact that can't be read becomes a stand-in with one unverifiable interaction.

        Raises:
            CannotVerify: the broker does not return the pact, the answer is no pact, or the pact is another provider's.
        """
        content = self.broker.content(self.url)
        document: Any = {}
        pact: Pact | None
        try:
            pact = parse_pact(content, self.url, provider=provider)
            document = json.loads(content)
        except UnreadablePact as error:
            try:
                document = json.loads(content)
            except (ValueError, RecursionError):  # the broker's answer is no JSON at all
                raise error from None
            pact = unreadable(error, self.url, provider)
        if pact is None:
            raise CannotVerify(f"{self.url} is not a pact: it names no consumer and provider.")
        if pact.provider != provider:
            raise CannotVerify(
                f"{self.url} is a pact with the provider {pact.provider!r}, and this is {provider!r}. "
                f"To verify it, use --provider-name {pact.provider!r}, or the setting PACT_PROVIDER_NAME."
            )
        version = linked(document, "pb:consumer-version", "name") or "?"
        mark = "; work in progress" if self.wip else "; pending" if self.pending else ""
        return replace(
            pact,
            interactions=tuple(replace(each, pending=each.pending or self.pending) for each in pact.interactions),
            source=f"version {version}: {self.reason}{mark}",
            at_broker=AtBroker(
                self.url,
                version,
                self.reason,
                linked(document, "pb:publish-verification-results"),
                linked(document, "pb:latest-verification-results"),
                self.pending,
                self.wip,
                self.notices,
            ),
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """The pacts that a broker selects.

    Attributes:
        asked: the broker's URL and the selectors, or the pact's URL. Reports show it.
        notes: remarks on how they were selected.
    """

    asked: str
    pacts: tuple[ListedPact, ...]
    notes: tuple[str, ...] = ()

    def fetch(self, provider: str, progress: Progress = no_progress) -> list[Pact]:
        """Download the pacts, several at a time. Raise CannotVerify when that fails."""
        return concurrently(lambda pact: pact.fetch(provider), self.pacts, progress, "downloading pacts")


@dataclass(frozen=True, slots=True)
class BrokerPacts:
    """The pacts that selectors select.

    Attributes:
        branch: the provider's branch, or None when it is unknown. matchingBranch and pending pacts depend on it.
        tags: the provider's tags, for teams that use no branches.
        pending: whether pacts may be pending. The broker decides which pacts are.
        wip_since: the earliest day of work in progress. The default is WIP_DAYS ago on the main branch. Other branches
            get no work in progress by default, and neither does a run without pending pacts.
    """

    broker: Broker
    selectors: tuple[Selector, ...]
    branch: str | None = None
    tags: tuple[str, ...] = ()
    pending: bool = True
    wip_since: date | None = None

    def ask(self, provider: str) -> Listing:
        """Ask the broker which pacts it selects, without downloading them.

        Raises:
            CannotVerify: the broker does not answer, or its list can't be read.
        """
        with self.broker.at_once():
            since = self.wip_since or self._default_since(provider)
            try:
                entries = self.broker.for_verification(provider, self._query(since))
            except Invalid:
                for selector in self.selectors:
                    if selector.get("environment"):
                        self.broker.require_environment(selector["environment"])
                raise
        pacts = tuple(map(self._listed, entries))
        notes = unused_fallbacks(self.selectors, [text for pact in pacts for _, text in pact.notices])
        return Listing(self._asked(since), pacts, tuple(notes))

    def select(
        self, provider: str, consumers: Sequence[str], chosen: Filter, progress: Progress = no_progress
    ) -> Selection:
        """Ask the broker, and download its pacts. Raise CannotVerify when that fails."""
        listing = self.ask(provider)
        pacts = listing.fetch(provider, progress)
        urls = [pact.at_broker.results_url for pact in pacts if pact.at_broker and pact.at_broker.results_url]
        if len(set(urls)) < len(urls):
            raise BrokerError(
                f"{self.broker.url} selected one pact twice. Two results can't be published for one pact."
            )
        return narrow(pacts, consumers, chosen, asked=listing.asked, notes=listing.notes, pending=self.pending)

    def _default_since(self, provider: str) -> date | None:
        """Return the default for the earliest day of work in progress.

        Only a run on the main branch selects work in progress by default.
        """
        if not self.pending or not self.branch:
            return None
        main = self.broker.main_branch(provider)
        on_main = self.branch == main if main else self.branch in MAIN_BRANCHES
        return datetime.now(UTC).date() - timedelta(days=WIP_DAYS) if on_main else None

    def _asked(self, since: date | None) -> str:
        of = f" for branch {self.branch!r}" if self.branch else ""
        wip = f", and work in progress since {since}" if since else ""
        return f"{self.broker.url}{of}, by {', '.join(map(selector_text, self.selectors))}{wip}"

    def _query(self, since: date | None) -> dict[str, Any]:
        query: dict[str, Any] = {
            "consumerVersionSelectors": list(self.selectors),
            "includePendingStatus": self.pending,
            "includeWipPactsSince": since and since.isoformat(),
            "providerVersionBranch": self.branch,
            "providerVersionTags": list(self.tags),
        }
        return {key: value for key, value in query.items() if value not in (None, [])}

    def _listed(self, entry: Mapping[str, Any]) -> ListedPact:
        try:
            url = str(entry["_links"]["self"]["href"])
            properties = entry.get("verificationProperties") or {}
            reason = ENVIRONMENT_DUMP.sub(r"in environment \1", str(entry.get("shortDescription") or "selected"))
            pending, wip = (self.pending and properties.get(name) is True for name in ("pending", "wip"))
            notices = tuple((str(notice["when"]), str(notice["text"])) for notice in properties.get("notices", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise BrokerError(
                f"{self.broker.url} lists a pact that can't be read: {type(error).__name__}: {error}."
            ) from error
        return ListedPact(self.broker, url, reason, pending, wip, notices)


@dataclass(frozen=True, slots=True)
class PactAtUrl:
    """The pact at a URL, which a webhook of the broker passes to CI.

    No interaction is pending, even if the pact marks it as pending.
    """

    broker: Broker
    url: str
    pending = False

    def ask(self, provider: str) -> Listing:
        """List the pact without a request."""
        return Listing(self.url, (ListedPact(self.broker, self.url, "named by its URL"),))

    def select(
        self, provider: str, consumers: Sequence[str], chosen: Filter, progress: Progress = no_progress
    ) -> Selection:
        """Download the pact. Raise CannotVerify when that fails."""
        try:
            pacts = self.ask(provider).fetch(provider, progress)
        except NotFound as error:
            raise BrokerError(
                f"There is no pact at {self.url} (404). Was it deleted, or is the URL cut short?"
            ) from error
        return narrow(pacts, consumers, chosen, asked=self.url, pending=False)
