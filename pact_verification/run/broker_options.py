"""What a run with a broker is told: which broker, which pacts, and whether their results are published."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pact_verification.broker.client import Broker
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
from pact_verification.conf import conf
from pact_verification.credentials import Credentials, configured_credentials
from pact_verification.errors import CannotVerify
from pact_verification.pacts.sources import Source
from pact_verification.run.options import Options


def at_broker(options: Options, given: Mapping[str, Any], *, wants_to_publish: bool) -> Options:
    """The options with the pacts of a broker, and with who publishes their results or why nobody does.

    Raises:
        CannotVerify: they contradict each other or can't be used.
    """
    version = find_version(
        os.environ,
        number=given["provider_version"],
        branch=given["provider_branch"],
        tags=tuple(given["provider_tags"]),
        build_url=given["build_url"],
    )
    timeout = given["broker_timeout"]
    broker = configured_broker(given["broker_url"], timeout)
    pact_url = given["pact_url"] or conf.PACT_URL
    if given["pact_url"] and given["consumer_version_selectors"]:
        raise CannotVerify("--pact-url names one pact, and --consumer-version-selector others. Leave one out.")
    source: Source
    notes: list[str] = []
    if pact_url:
        _require_http(pact_url, "PACT_URL (--pact-url)")
        asked = broker if broker and origin(broker.url) == origin(pact_url) else _anonymous(pact_url, timeout)
        source = PactAtUrl(asked, pact_url)
    else:
        assert broker
        source = _source(broker, version, given)
        if not version.branch:
            notes.append(
                "No branch is known, so the selectors have no matchingBranch. --provider-branch or GIT_BRANCH names it."
            )
    unpublished: str | None = "--publish or PACT_BROKER_PUBLISH_VERIFICATION_RESULTS=true does that."
    if wants_to_publish:
        _require_place(broker, pact_url)
        unpublished = _why_a_part(options)
        if unpublished is not None and given["publish"]:
            raise CannotVerify(f"Results can't be published: {unpublished} Leave it out, or use --no-publish.")
    publisher = None
    if broker and unpublished is None:
        version = _version_of_server(options, version, given) if options.provider_url else version
        known = _require_version(version)
        publisher = Publisher(broker, options.provider_name, known)
        if options.provider_url:
            notes.append(f"Results are published for {known}.")
        else:
            notes += _doubts(known.number, pact_url)
    return replace(options, source=source, publisher=publisher, unpublished=unpublished, notes=tuple(notes))


def _doubts(number: str, pact_url: str | None) -> Iterator[str]:
    """Why what is here may be something else than the version. For one pact's results that is an error."""
    if pact_url:
        require_checked_out(number)
    elif names_a_commit(number) and (doubt := why_not_checked_out(number)):
        yield doubt
    if (pact_url or names_a_commit(number)) and (ignored := ignored_code()):
        yield ignored


def _version_of_server(options: Options, version: ProviderVersion, given: Mapping[str, Any]) -> ProviderVersion:
    """The version of the server that is verified, since that of the code here may be another.

    Raises:
        CannotVerify: neither an option nor the server names it, or they name two; or no option names its branch.
    """
    from pact_verification.provider.deployed import Deployed  # here, since few runs need it

    named, number = Deployed.at(options.provider_url, options.request_timeout).version(), given["provider_version"]
    if named and number and named != number:
        raise CannotVerify(
            f"--provider-version is {number!r}, and the server at {options.provider_url} says that it is {named!r}. "
            "Leave the option out, or verify the server of that version."
        )
    if not named and not number:
        raise CannotVerify(
            f"Results can't be published for {version.number or 'the code here'}: the server at {options.provider_url} "
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
    """The broker that is configured, with its credentials; None when none is.

    Args:
        url: wins over the environment's.
        answer_seconds: how long an answer may take; None is the default.
    """
    url = url or conf.PACT_BROKER_BASE_URL
    if not url:
        return None
    _require_http(url, "PACT_BROKER_BASE_URL (--broker-url)")
    if conf.PACT_BROKER_TOKEN and conf.PACT_BROKER_USERNAME:
        raise CannotVerify("Both PACT_BROKER_TOKEN and PACT_BROKER_USERNAME are set. Unset the one that is not meant.")
    if bool(conf.PACT_BROKER_USERNAME) != bool(conf.PACT_BROKER_PASSWORD):
        there, lacking = ("USERNAME", "PASSWORD") if conf.PACT_BROKER_USERNAME else ("PASSWORD", "USERNAME")
        raise CannotVerify(f"PACT_BROKER_{there} is set and PACT_BROKER_{lacking} is not. Set both, or neither.")
    credentials = configured_credentials()
    if not credentials.header.isprintable() or not credentials.header.isascii():
        raise CannotVerify(
            f"{credentials.named} can't be sent: it has a line end or another character that no header has."
        )
    return Broker(url, credentials, answer_seconds or ANSWER_SECONDS)


def _anonymous(url: str, answer_seconds: float | None) -> Broker:
    """The host of a pact's URL, which is not the configured broker: it gets no credentials (F36)."""
    parts = urlsplit(url)
    return Broker(f"{parts.scheme}://{parts.netloc}", Credentials(), answer_seconds or ANSWER_SECONDS)


def _source(broker: Broker, version: ProviderVersion, given: Mapping[str, Any]) -> BrokerPacts:
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


def _require_place(broker: Broker | None, pact_url: str | None) -> None:
    problem = ""
    if not broker:
        problem = "PACT_BROKER_BASE_URL is not set, so nothing says that the pact's URL is that of your broker."
    elif pact_url and origin(broker.url) != origin(pact_url):
        problem = f"The pact at {pact_url} is not at the configured broker, {broker.url}."
    if problem:
        raise CannotVerify(f"Results can't be published: {problem} Mend that, or use --no-publish.")


def _why_a_part(options: Options) -> str | None:
    """What makes the result that of a part, which the core would publish as that of the whole (F32)."""
    narrowed = [f"--consumer {name}" for name in options.consumers] + ([str(options.chosen)] if options.chosen else [])
    if narrowed:
        return f"{' '.join(narrowed)} chooses a part, whose result is not that of the whole."
    return "--exit-first may stop before the end, and what then ran is a part." if options.exit_first else None


def _require_version(version: ProviderVersion) -> KnownVersion:
    """Raise CannotVerify where number or branch is missing, or can't stand in a URL."""
    for text in filter(None, (version.number, version.branch, *version.tags)):
        if text in {".", ".."} or not text.isprintable():  # no path of a URL can hold them, and no line of a log
            raise CannotVerify(f"Results can't be published for a version, branch or tag {text!r}.")
    for value, option, variable in (
        (version.number, "--provider-version", "GIT_COMMIT"),
        (version.branch, "--provider-branch", "GIT_BRANCH"),
    ):
        if not value:
            raise CannotVerify(
                f"Results can't be published without the provider's {option.rpartition('-')[2]}: neither {option}, "
                f"{variable}, GitHub Actions nor git tells it. Set one, or use --no-publish."
            )
    assert version.number
    assert version.branch
    return KnownVersion(version.number, version.branch, version.tags, version.build_url, version.named_by)


def _require_http(url: str, name: str) -> None:
    parts = _split(url)
    if parts and "@" in parts.netloc:
        raise CannotVerify(
            f"{name} holds a user name or a password, which would stand in logs. Put them into PACT_BROKER_USERNAME "
            "and PACT_BROKER_PASSWORD."
        )
    scheme, host, _ = origin(url)
    if not parts or scheme not in {"http", "https"} or not host:
        raise CannotVerify(f"{name} is {url.rpartition('@')[2]!r}, and has to be an http:// or https:// URL.")
    if parts.query or parts.fragment:
        raise CannotVerify(f"{name} is {url!r}; leave out what begins with {'?' if parts.query else '#'!r}.")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
