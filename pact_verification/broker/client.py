"""The Pact Broker's resources that a run reads.

The core could fetch pacts and publish results itself. It takes refused credentials for "no pacts", and a refused result
for a published one. It waits 127 seconds after a server error, and sends the token to any host that a link names. It
also publishes before the verdict is known. See docs/explanation/pact-core.md, Publishing.
"""

import shlex
from collections.abc import Sequence
from urllib.parse import quote

from pact_verification.broker.hal import Client, Json, NotFound, linked
from pact_verification.errors import BrokerError

MANY = 20


class Broker(Client):
    """A Pact Broker. Every method raises BrokerError."""

    _index: Json | None = None

    def link(self, *relations: str, **names: str) -> str:
        """Return the URL of the first relation that the index has, placeholders filled."""
        index = self._read_index()
        for relation in relations:
            if href := linked(index, relation):
                for name, value in names.items():
                    href = href.replace(f"{{{name}}}", quote(value, safe=""))
                return href
        raise self._no_broker(f"has no link {relations[0]!r} in what it answers")

    def require_environments(self) -> None:
        """Raise BrokerError if the broker is too old to know environments."""
        if not linked(self._read_index(), "pb:environments"):
            raise BrokerError(
                f"{self.url} knows no environments, so it can't record what is deployed. Upgrade the broker, or use "
                "tags: manage.py pact_broker can-i-deploy --pacticipant NAME --version VERSION --to TAG."
            )

    def require_environment(self, name: str) -> None:
        """Raise BrokerError if the broker does not have an environment. It names those that there are."""
        try:
            found = self.get(self.link("pb:environments"))
            names = [str(each["name"]) for each in found["_embedded"]["environments"]]
        except (BrokerError, KeyError, TypeError, AttributeError):
            return
        if name not in names:
            raise BrokerError(
                f"{self.url} has no environment {name!r}. It has {', '.join(names) or 'none'}; manage.py pact_broker "
                f"create-environment --name {shlex.quote(name)} makes one (with --production for production)."
            )

    def main_branch(self, provider: str) -> str | None:
        """Return the provider's main branch, or None when the broker knows none."""
        try:
            return str(self.get(self.link("pb:pacticipant", pacticipant=provider)).get("mainBranch") or "") or None
        except NotFound as error:
            raise self._unknown_provider(provider) from error

    def for_verification(self, provider: str, query: Json) -> Sequence[Json]:
        """Return the broker's list of the pacts that selectors select."""
        url = self.link("pb:provider-pacts-for-verification", "beta:provider-pacts-for-verification", provider=provider)
        try:
            answer = self.post(url, query, attempts=1)
        except NotFound as error:
            raise self._unknown_provider(provider) from error
        embedded = answer.get("_embedded")
        pacts = embedded.get("pacts") if isinstance(embedded, dict) and "errors" not in answer else None
        if not isinstance(pacts, list):
            raise BrokerError(f"{self.url} answered the selectors with something that is no list of pacts.")
        return pacts

    def _read_index(self) -> Json:
        if self._index is None:
            try:
                self._index = self.get(self.url)
            except NotFound as error:
                raise self._no_broker("has nothing there (404)") from error
        return self._index

    def _no_broker(self, why: str) -> BrokerError:
        return BrokerError(
            f"{self.url} is no Pact Broker that we can use: it {why}. PACT_BROKER_BASE_URL must be the address of the "
            "broker's own start page."
        )

    def _unknown_provider(self, provider: str) -> BrokerError:
        return BrokerError(
            f"{self.url} knows no provider {provider!r}. {self._known_names()}Is PACT_PROVIDER_NAME (or "
            "--provider-name) what consumers write in their pacts, and has one of them published?"
        )

    def _known_names(self) -> str:
        try:
            embedded = self.get(self.link("pb:pacticipants"))["_embedded"]["pacticipants"]
            names = [repr(entry["name"]) for entry in embedded]
        except (BrokerError, KeyError, TypeError):
            return ""
        return f"It knows {', '.join(names[:MANY])}{' and others' if len(names) > MANY else ''}. " if names else ""
