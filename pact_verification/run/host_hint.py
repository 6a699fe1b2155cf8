"""A hint at PACT_HOST, for a project that answers by the host of a request."""

from collections.abc import Sequence
from http import HTTPStatus

from pact_verification.conf import conf
from pact_verification.results.exchange import NEAREST, Exchange
from pact_verification.results.report import Outcome, PactResult

NO_ROW = "matches the given query."
"""How Django's get_object_or_404() says that a row is not there."""

SUSPICIOUS = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
"""How a project answers that does not know the host: Django's DisallowedHost, or no site or tenant of that name."""


def _is_known(exchange: Exchange) -> bool:
    """Return whether the reason for a response is known: a URL pattern that is near, or a row that is not there."""
    return NEAREST in (exchange.no_route or "") or bool(exchange.refusal and NO_ROW in exchange.refusal.exception)


def host_hint(results: Sequence[PactResult]) -> tuple[str, ...]:
    """Return a note for the report if the host may be the reason for failures."""
    if conf.PACT_HOST:
        return ()
    interactions = [each for result in results for each in result.interactions]
    refusals = [each.exchange.refusal.exception for each in interactions if each.exchange.refusal]
    statuses = {each.exchange.response.status for each in interactions if each.exchange.response}
    if disallowed := next((refusal for refusal in refusals if "DisallowedHost" in refusal), None):
        what = f"The project refused the host of a request ({disallowed})."
    elif (
        len(statuses) == 1
        and statuses <= {*SUSPICIOUS}
        and all(each.outcome is not Outcome.VERIFIED for each in interactions)
        and not any(_is_known(each.exchange) for each in interactions)
    ):
        what = f"Every response was {statuses.pop()}."
    else:
        return ()
    hint = (
        f"{what} A request names the host 127.0.0.1, unless the pact names one. If the project chooses a site or a "
        "tenant by the host, set PACT_HOST to one that it knows."
    )
    return (hint,)
