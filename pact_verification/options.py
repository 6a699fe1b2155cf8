"""What a run is told, put together from the command's options, the environment and the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.pacts import Filter
from pact_verification.sources import LocalPacts, Source

if TYPE_CHECKING:
    from pact_verification.publishing import Publisher

YES, NO = {"true", "1", "yes", "on"}, {"", "false", "0", "no", "off"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to verify, and how. The command's options of the same names explain them.

    Attributes:
        source: where pacts come from.
        publisher: None when no results are published; `unpublished` then says why.
        notes: what a reader of the report has to know.
    """

    source: Source
    provider_name: str
    consumers: tuple[str, ...] = ()
    chosen: Filter = Filter()
    isolation: str = "transaction"
    request_timeout: float = 5.0
    allow_no_pacts: bool = False
    verbosity: int = 1
    publisher: "Publisher | None" = None
    unpublished: str = ""
    notes: tuple[str, ...] = ()


def read_options(given: Mapping[str, Any]) -> Options:
    """Put a run's options together. Raises CannotVerify for those that contradict each other or can't be used."""
    with_broker = not given["pacts"] and any((given["pact_url"], conf.pact_url, given["broker_url"], conf.broker_url))
    _refuse_contradictions(given, with_broker=with_broker)
    wants_to_publish = given["publish"]
    if wants_to_publish is None:
        wants_to_publish = _yes("PACT_BROKER_PUBLISH_VERIFICATION_RESULTS", conf.publish)
    options = Options(
        LocalPacts(tuple(given["pacts"] or conf.pacts)),
        given["provider_name"] or conf.provider_name,
        tuple(given["consumers"]),
        Filter.of(given["description"], given["state"], no_state=given["no_state"]),
        given["isolation"] or conf.isolation,
        given["request_timeout"] or conf.request_timeout,
        given["allow_no_pacts"],
        given["verbosity"],
        unpublished="These are files: only the results of a broker's pacts are." if wants_to_publish else "",
    )
    if not with_broker:
        return options
    from pact_verification.broker_options import at_broker  # here, since what it needs takes long to import

    return at_broker(options, given, wants_to_publish=wants_to_publish)


def _refuse_contradictions(given: Mapping[str, Any], *, with_broker: bool) -> None:
    if given["pacts"]:
        for name in ("broker_url", "pact_url"):
            if given[name]:
                raise CannotVerify(
                    f"--{name.replace('_', '-')} and {given['pacts'][0]} name two places for pacts. Leave one out."
                )
    elsewhere = {
        "--consumer-version-selector": given["consumer_version_selectors"],
        "--include-wip-pacts-since": given["include_wip_pacts_since"],
        "--publish": given["publish"],
    }
    for option, value in elsewhere.items():
        if value and not with_broker:
            where = f"{given['pacts'][0]} is on this machine" if given["pacts"] else "none is configured"
            raise CannotVerify(f"{option} needs a broker, and {where}. PACT_BROKER_BASE_URL or --broker-url names it.")


def _yes(variable: str, value: str) -> bool:
    if value.lower() not in YES | NO:
        raise CannotVerify(f"{variable} is {value!r}. Set it to true or false.")
    return value.lower() in YES
