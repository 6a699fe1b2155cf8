"""What a run is told, put together from the command's options, the environment and the settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pact_verification.broker import ANSWER_SECONDS, Broker, Credentials, origin
from pact_verification.broker_source import BrokerPacts, PactAtUrl
from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.pacts import Filter
from pact_verification.provider_version import ProviderVersion, changes, find_version, head, require_checked_out
from pact_verification.publishing import Publisher
from pact_verification.selectors import default_selectors, read_selector
from pact_verification.sources import LocalPacts, Source

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
    publisher: Publisher | None = None
    unpublished: str = ""
    notes: tuple[str, ...] = ()


def read_options(given: Mapping[str, Any]) -> Options:
    """Put a run's options together. Raises CannotVerify for those that contradict each other or can't be used."""
    provider = given["provider_name"] or conf.provider_name
    version = find_version(
        os.environ,
        number=given["provider_version"],
        branch=given["provider_branch"],
        tags=tuple(given["provider_tags"]),
        build_url=given["build_url"],
    )
    chosen = Filter.of(given["description"], given["state"], no_state=given["no_state"])
    pact_url = "" if given["pacts"] else given["pact_url"] or conf.pact_url
    timeout = given["broker_timeout"]
    broker = None if given["pacts"] else configured_broker(given["broker_url"], timeout)
    _refuse_contradictions(given, with_broker=broker is not None or bool(pact_url))
    source: Source
    if pact_url:
        _require_http(pact_url, "--pact-url")
        asked = broker if broker and origin(broker.url) == origin(pact_url) else _anonymous(pact_url, timeout)
        source = PactAtUrl(asked, pact_url)
    elif broker:
        source = _broker_source(broker, version, given)
    else:
        source = LocalPacts(tuple(given["pacts"] or conf.pacts))
    unpublished = _why_not_published(given, broker, pact_url, chosen)
    publisher = Publisher(broker, provider, version) if broker and not unpublished else None
    notes = []
    if broker and not pact_url and not version.branch:
        notes.append(
            "No branch is known, so the selectors have no matchingBranch. --provider-branch or GIT_BRANCH names it."
        )
    if publisher:
        _require_version(version)
        if pact_url:
            require_checked_out(version.number)
        elif version.number == head() and changes():
            notes.append(
                f"The working tree has changes that are not in {version.number}, for which results are published."
            )
    return Options(
        source,
        provider,
        tuple(given["consumers"]),
        chosen,
        given["isolation"] or conf.isolation,
        given["request_timeout"] or conf.request_timeout,
        given["allow_no_pacts"],
        given["verbosity"],
        publisher,
        unpublished,
        tuple(notes),
    )


def configured_broker(url: str | None, answer_seconds: float | None = None) -> Broker | None:
    """The broker that is configured, with its credentials; None when none is.

    Args:
        url: wins over the environment's.
        answer_seconds: how long an answer may take; None is the default.
    """
    url = url or conf.broker_url
    if not url:
        return None
    _require_http(url, "PACT_BROKER_BASE_URL")
    if conf.broker_token and conf.broker_username:
        raise CannotVerify("Both PACT_BROKER_TOKEN and PACT_BROKER_USERNAME are set. Unset the one that is not meant.")
    if bool(conf.broker_username) != bool(conf.broker_password):
        there, lacking = ("USERNAME", "PASSWORD") if conf.broker_username else ("PASSWORD", "USERNAME")
        raise CannotVerify(f"PACT_BROKER_{there} is set and PACT_BROKER_{lacking} is not. Set both, or neither.")
    credentials = Credentials(conf.broker_token, conf.broker_username, conf.broker_password)
    if not credentials.header.isprintable() or not credentials.header.isascii():
        raise CannotVerify(
            f"{credentials.named} can't be sent: it has a line end or another character that no header has."
        )
    return Broker(url, credentials, answer_seconds or ANSWER_SECONDS)


def _anonymous(url: str, answer_seconds: float | None) -> Broker:
    """The host of a pact's URL, which is not the configured broker: it gets no credentials (F36)."""
    parts = urlsplit(url)
    return Broker(f"{parts.scheme}://{parts.netloc}", Credentials(), answer_seconds or ANSWER_SECONDS)


def _broker_source(broker: Broker, version: ProviderVersion, given: Mapping[str, Any]) -> BrokerPacts:
    selectors = tuple(map(read_selector, given["consumer_version_selectors"])) or default_selectors(version.branch)
    if any(selector.get("matchingBranch") for selector in selectors) and not version.branch:
        raise CannotVerify(
            "The selector matchingBranch needs the provider's branch, and none is known. --provider-branch or "
            "GIT_BRANCH names it."
        )
    wip = given["include_wip_pacts_since"]
    if wip and not version.branch:
        raise CannotVerify(
            "--include-wip-pacts-since needs the provider's branch. --provider-branch or GIT_BRANCH names it."
        )
    if wip and not given["enable_pending"]:
        raise CannotVerify(
            "--include-wip-pacts-since and --no-enable-pending exclude each other: such pacts are pending."
        )

    return BrokerPacts(broker, selectors, version.branch, version.tags, given["enable_pending"], wip)


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


def _why_not_published(given: Mapping[str, Any], broker: Broker | None, pact_url: str, chosen: Filter) -> str:
    """Why results are not published; empty when they are, and where nobody would expect it."""
    wanted = given["publish"]
    if wanted is None:
        wanted = _yes("PACT_BROKER_PUBLISH_VERIFICATION_RESULTS", conf.publish)
    if not broker and not pact_url:
        return "There is no broker that these pacts come from." if wanted else ""
    if not wanted:
        return "--publish or PACT_BROKER_PUBLISH_VERIFICATION_RESULTS=true does that."
    narrowed = [f"--consumer {name}" for name in given["consumers"]] + ([str(chosen)] if chosen else [])
    problem = ""
    if not broker:
        problem = "PACT_BROKER_BASE_URL is not set, so nothing says that the pact's URL is that of your broker."
    elif pact_url and origin(broker.url) != origin(pact_url):
        problem = f"The pact at {pact_url} is not at the configured broker, {broker.url}."
    elif narrowed:
        problem = f"{' '.join(narrowed)} chooses a part, whose result is not the result (F32)."
    if problem and (given["publish"] or not narrowed):
        raise CannotVerify(f"Results can't be published: {problem} Mend that, or use --no-publish.")
    return problem


def _require_version(version: ProviderVersion) -> None:
    for value, option, variable in (
        (version.number, "--provider-version", "GIT_COMMIT"),
        (version.branch, "--provider-branch", "GIT_BRANCH"),
    ):
        if not value:
            raise CannotVerify(
                f"Results can't be published without the provider's {option.rpartition('-')[2]}: neither {option}, "
                f"{variable}, GitHub Actions nor git tells it. Set one, or use --no-publish."
            )


def _yes(variable: str, value: str) -> bool:
    if value.lower() not in YES | NO:
        raise CannotVerify(f"{variable} is {value!r}. Set it to true or false.")
    return value.lower() in YES


def _require_http(url: str, name: str) -> None:
    scheme, host, _ = origin(url)
    if scheme not in {"http", "https"} or not host:
        raise CannotVerify(f"{name} is {_without_userinfo(url)!r}, and has to be an http:// or https:// URL.")
    if "@" in urlsplit(url).netloc:
        raise CannotVerify(
            f"{name} holds a user name or a password, which would stand in logs. Put them into PACT_BROKER_USERNAME "
            "and PACT_BROKER_PASSWORD."
        )


def _without_userinfo(url: str) -> str:
    return url.rpartition("@")[2]
