"""The options of a run with a broker: the broker, its pacts, and whether to publish the results."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pact_verification.broker.client import Broker
from pact_verification.broker.deployment import Deployment
from pact_verification.broker.hal import ANSWER_SECONDS, origin
from pact_verification.broker.provider_version import (
    KnownVersion,
    ProviderVersion,
    find_version,
    ignored_code,
    names_a_commit,
    require_checked_out,
    why_not_checked_out,
)
from pact_verification.broker.publishing import Publisher
from pact_verification.broker.selectors import default_selectors, read_selector
from pact_verification.broker.source import BrokerPacts, PactAtUrl
from pact_verification.conf import MAX_CONNECTIONS, conf, is_connections
from pact_verification.errors import CannotVerify
from pact_verification.pacts.sources import Source
from pact_verification.provider.serving import VerificationOptions
from pact_verification.system.credentials import Credentials, configured_credentials

BUILD_URL = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?([/?]([\w.~:/?@!$&'()*+,;=-]|%[0-9a-f]{2})*)?(#[\w./?=&%-]*)?",
    re.IGNORECASE | re.ASCII,
)
"""A URL as RFC 3986 spells it, since the broker accepts no other for a build."""


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The options of a run that verifies pacts of a broker.

    Attributes:
        source: finds the pacts.
        publisher: publishes the verification results; None if none are published.
        unpublished: why none are published.
        notes: remarks for the report.
    """

    source: Source
    publisher: Publisher | None
    unpublished: str | None
    notes: tuple[str, ...]


def read_broker_options(
    given: Mapping[str, Any], verification: VerificationOptions, *, publish: bool, partial_reason: str | None
) -> BrokerOptions:
    """Read which pacts of a broker to verify, and whether to publish the results.

    Args:
        given: see `read_options`.
        publish: whether the user wants the results published.
        partial_reason: why the run may verify only a part of a pact; None if it verifies complete pacts.

    Raises:
        CannotVerify: options contradict each other, or one can't be used.
    """
    version = find_version(
        os.environ,
        number=given.get("provider_version"),
        branch=given["provider_branch"],
        tags=tuple(given.get("provider_tags", ())),
        build_url=given.get("build_url"),
    )
    _require_build_url(given.get("build_url"))
    _require_connections(os.environ.get("PACT_BROKER_CONNECTIONS"))
    broker = configured_broker(given["broker_url"], given["broker_timeout"])
    pact_url = given["pact_url"] or conf.PACT_URL
    notes: list[str] = []
    source = _pact_at_url(given, broker, pact_url) if pact_url else _selected_pacts(given, broker, version)
    if not pact_url and not version.branch:
        notes.append(
            f"{version.without_branch}, so the selectors have no matchingBranch. --provider-branch or GIT_BRANCH "
            "names it."
        )
    unpublished: str | None = "--publish or PACT_BROKER_PUBLISH_VERIFICATION_RESULTS=true does that."
    if given.get("publish") is False:
        unpublished = "--no-publish or --watch leaves that out."
    if publish:
        _require_publishable(broker, pact_url)
        unpublished = partial_reason
        if unpublished is not None and given["publish"]:
            raise CannotVerify(f"Results can't be published: {unpublished} Leave it out, or use --no-publish.")
    publisher = None
    if broker and unpublished is None:
        version = _version_of_server(verification, version, given) if verification.provider_url else version
        known = _require_version(version)
        publisher = Publisher(broker, verification.provider_name, known)
        if verification.provider_url:
            notes.append(f"Results are published for {known}.")
        else:
            notes += _version_notes(known.number, pact_url)
    return BrokerOptions(source, publisher, unpublished, tuple(notes))


def _pact_at_url(given: Mapping[str, Any], broker: Broker | None, url: str) -> Source:
    """Return the one pact that a URL names."""
    if given["pact_url"] and given["consumer_version_selectors"]:
        raise CannotVerify("--pact-url names one pact, and --consumer-version-selector others. Leave one out.")
    _require_http(url, "PACT_URL (--pact-url)")
    is_of_broker = broker and origin(broker.url) == origin(url)
    return PactAtUrl(broker if broker and is_of_broker else _anonymous(url, given["broker_timeout"]), url)


def _version_notes(number: str, pact_url: str | None) -> Iterator[str]:
    """Yield notes on why the code here may differ from the version.

    With --pact-url the version may name another commit by mistake, so a difference raises CannotVerify.
    """
    if pact_url:
        require_checked_out(number)
    elif names_a_commit(number) and (difference := why_not_checked_out(number)):
        yield difference
    if (pact_url or names_a_commit(number)) and (ignored := ignored_code()):
        yield ignored


def _version_of_server(
    verification: VerificationOptions, version: ProviderVersion, given: Mapping[str, Any]
) -> ProviderVersion:
    """Return the version of the server that --provider-url names. The code here may be another version.

    Raises:
        CannotVerify: neither an option nor the server names the version, or they name different ones, or no option
            names the branch.
    """
    from pact_verification.provider.deployed import Deployed  # imported here, since few runs need it

    url = verification.provider_url
    assert url
    named, number = Deployed.at(url, verification.request_timeout).version(), given["provider_version"]
    if named and number and named != number:
        raise CannotVerify(
            f"--provider-version is {number!r}, and the server at {url} says that it is {named!r}. "
            "Leave the option out, or verify the server of that version."
        )
    if not named and not number:
        raise CannotVerify(
            f"Results can't be published for {version.number or 'the code here'}: the server at {url} "
            "is verified, which may be of another version. Name its version with --provider-version, or let the "
            "server name it (setting PACT_PROVIDER_VERSION_URL or PACT_PROVIDER_VERSION_HEADER), or use --no-publish."
        )
    if not given["provider_branch"]:
        raise CannotVerify(
            "Results can't be published with --provider-url for the branch of the code here. Name the branch of the "
            "server's version with --provider-branch, or use --no-publish."
        )
    named_by = "the server" if named else "--provider-version"
    return replace(version, number=named or number, named_by=named_by)


def configured_broker(url: str | None, answer_seconds: float | None = None) -> Broker | None:
    """Return the configured broker with its credentials; None if none is configured.

    Args:
        url: takes precedence over PACT_BROKER_BASE_URL.
        answer_seconds: how long an answer may take; None means the default.

    Raises:
        CannotVerify: the URL or the credentials can't be used.
    """
    url = url or conf.PACT_BROKER_BASE_URL
    if not url:
        return None
    _require_http(url, "PACT_BROKER_BASE_URL (--broker-url)")
    if conf.PACT_BROKER_TOKEN and conf.PACT_BROKER_USERNAME:
        raise CannotVerify("Both PACT_BROKER_TOKEN and PACT_BROKER_USERNAME are set. Unset one of them.")
    if bool(conf.PACT_BROKER_USERNAME) != bool(conf.PACT_BROKER_PASSWORD):
        there, lacking = ("USERNAME", "PASSWORD") if conf.PACT_BROKER_USERNAME else ("PASSWORD", "USERNAME")
        raise CannotVerify(f"PACT_BROKER_{there} is set and PACT_BROKER_{lacking} is not. Set both, or neither.")
    credentials = configured_credentials()
    if not credentials.header.isprintable() or not credentials.header.isascii():
        raise CannotVerify(
            f"{credentials.named} can't be sent: it has a line end or another character that a header may not have."
        )
    return Broker(url, credentials, answer_seconds or ANSWER_SECONDS)


def read_deployment(given: Mapping[str, Any], environment: str) -> Deployment:
    """Return the version and the environment of a deployment, from a command's options.

    Raises:
        CannotVerify: the broker, the provider, its version or the environment has no name.
    """
    broker = configured_broker(given["broker_url"], given["broker_timeout"])
    provider = given["provider_name"] or conf.PACT_PROVIDER_NAME
    version = find_version(os.environ, number=given["provider_version"]).number
    if not broker:
        raise CannotVerify("There is no broker to ask. PACT_BROKER_BASE_URL or --broker-url names it.")
    if not environment.strip():
        raise CannotVerify("--to-environment or --environment is empty. Name one, such as production.")
    if not provider:
        raise CannotVerify("The provider has no name: set PACT_PROVIDER_NAME, or use --provider-name.")
    if not version:
        raise CannotVerify("The version is not known: git names no commit. Set GIT_COMMIT, or use --provider-version.")
    return Deployment(broker, provider, version, environment.strip())


def _anonymous(url: str, answer_seconds: float | None) -> Broker:
    """Return the host of a pact's URL as a broker without credentials, since it is not the configured one."""
    parts = urlsplit(url)
    return Broker(f"{parts.scheme}://{parts.netloc}", Credentials(), answer_seconds or ANSWER_SECONDS)


def _selected_pacts(given: Mapping[str, Any], broker: Broker | None, version: ProviderVersion) -> Source:
    """Return the pacts that consumer version selectors choose."""
    assert broker  # without a broker, the pact has a URL
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


def _require_publishable(broker: Broker | None, pact_url: str | None) -> None:
    """Raise CannotVerify if the pacts are not from the configured broker."""
    problem = ""
    if not broker:
        problem = "PACT_BROKER_BASE_URL is not set, so nothing says that the pact's URL is that of your broker."
    elif pact_url and origin(broker.url) != origin(pact_url):
        problem = f"The pact at {pact_url} is not at the configured broker, {broker.url}."
    if problem:
        raise CannotVerify(f"Results can't be published: {problem} Mend that, or use --no-publish.")


def _require_version(version: ProviderVersion) -> KnownVersion:
    """Return the version. Raises CannotVerify if its number or branch is missing or unfit for a URL."""
    for text in filter(None, (version.number, version.branch, *version.tags)):
        if text in {".", ".."} or not text.isprintable():  # not allowed in a URL's path or in a line of a log
            raise CannotVerify(f"Results can't be published for a version, branch or tag {text!r}.")
    for value, option, variable in (
        (version.number, "--provider-version", "GIT_COMMIT"),
        (version.branch, "--provider-branch", "GIT_BRANCH"),
    ):
        if not value:
            raise CannotVerify(
                f"Results can't be published without the provider's {option.rpartition('-')[2]}: neither {option}, "
                f"{variable}, {version.detected or 'a CI service'} nor git names it. Set one, or use --no-publish."
            )
    assert version.number
    assert version.branch
    return KnownVersion(
        version.number, version.branch, version.tags, version.build_url, version.named_by, version.detected
    )


def _require_build_url(url: str | None) -> None:
    """Raise CannotVerify for a build's URL that a broker refuses, or that holds a password.

    The broker would refuse every result, after the run.
    """
    parts = _split(url) if url else None
    if url and (not parts or "@" in parts.netloc or not BUILD_URL.fullmatch(url)):
        raise CannotVerify(
            f"--build-url is {re.sub('//[^/]*@', '//(hidden)@', url)!r}, and has to be an http:// or https:// URL "
            "without a user name. Other characters than a URL's are written as %20 and so on."
        )


def _require_connections(text: str | None) -> None:
    """Raise CannotVerify for a variable PACT_BROKER_CONNECTIONS that is no number of connections."""
    if text and not (text.isascii() and text.isdigit() and is_connections(int(text[:9]))):
        raise CannotVerify(
            f"PACT_BROKER_CONNECTIONS is {text!r}. Set it to a whole number from 1 to {MAX_CONNECTIONS}."
        )


def _require_http(url: str, name: str) -> None:
    """Raise CannotVerify if a URL can't be that of a broker or a pact.

    Args:
        name: the setting and the option that give the URL.
    """
    parts = _split(url)
    if parts and "@" in parts.netloc:
        raise CannotVerify(
            f"{name} holds a user name or a password, which would appear in logs. Put them into PACT_BROKER_USERNAME "
            "and PACT_BROKER_PASSWORD."
        )
    scheme, host, _ = origin(url)
    if not parts or scheme not in {"http", "https"} or not host:
        raise CannotVerify(f"{name} is {url.rpartition('@')[2]!r}, and has to be an http:// or https:// URL.")
    if parts.query or parts.fragment:
        raise CannotVerify(f"{name} is {url!r}. Leave out the part that begins with {'?' if parts.query else '#'!r}.")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
