"""What a run is told, put together from the command's options, the environment and the settings."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pact_verification.checks import require_settings
from pact_verification.conf import conf
from pact_verification.credentials import hide_credentials
from pact_verification.errors import CannotVerify
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.shards import Shard
from pact_verification.pacts.sources import LocalPacts, Source
from pact_verification.provider.serving import How
from pact_verification.run.last_failed import last_failed
from pact_verification.text import counted, relative

if TYPE_CHECKING:
    from pact_verification.broker.publishing import Publisher

YES, NO = {"true", "1", "yes", "on"}, {"", "false", "0", "no", "off"}


ONLY_READ: Mapping[str, Any] = {
    **dict.fromkeys(("publish", "no_state", "last_failed", "exit_first", "coverage"), False),
    **dict.fromkeys(
        (
            "description",
            "state",
            "isolation",
            "request_timeout",
            "provider_version",
            "build_url",
            "shard",
            "provider_url",
        )
    ),
    **dict.fromkeys(("provider_tags", "interactions"), ()),
    "parallel": 1,
}
"""What a command that only reads pacts does not ask for: nothing is run, and nothing published."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to verify, and how. The command's options of the same names explain them.

    Attributes:
        source: where pacts come from.
        publisher: None when no results are published; `unpublished` then says why.
        notes: what a reader of the report has to know.
        command: how this run was started, as far as it matters for running a part of it again.
        by_default: whether a run that names no pacts, started in the same way, finds the same ones.
        nothing_because: what it means when no interaction is left to verify.
        parallel: how many processes share the work.
        shard: the share of the pacts that this run verifies; None is all.
        provider_url: a server that already runs, to be verified in place of the project here; empty is none.
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
    unpublished: str | None = None
    notes: tuple[str, ...] = ()
    exit_first: bool = False
    coverage: bool = False
    command: tuple[str, ...] = ("python", "manage.py", "verify_pacts")
    by_default: bool = False
    nothing_because: str | None = None
    parallel: int = 1
    shard: Shard | None = None
    provider_url: str = ""

    @property
    def how(self) -> How:
        return How(
            self.provider_name,
            self.isolation,
            self.request_timeout,
            self.exit_first,
            self.verbosity - 1,
            self.provider_url,
        )

    def require_provider_name(self) -> None:
        """Raise CannotVerify where the provider has no name: no pact could be its."""
        if not self.provider_name:
            raise CannotVerify(
                "The provider has no name. Set PACT_PROVIDER_NAME, in the settings or in the environment, to the name "
                "that consumers write in their pacts, or use --provider-name."
            )

    def rerun(self, pact: Pact, interaction: Interaction, *, unique: bool) -> str:
        """What runs one interaction alone, typed into a shell in the current directory.

        A broker's pact is named by its URL, by its very content.

        Args:
            unique: whether no other pact of the run has an interaction with that key.
        """
        source = f"./{pact.source}" if pact.source.startswith("-") else pact.source
        in_file = () if self.by_default and unique else (source,)
        where = ("--pact-url", pact.at_broker.url) if pact.at_broker else in_file
        # Hidden before a shell's quotes may stand in between.
        words = map(hide_credentials, (*self.command, *where, "--interaction", interaction.key))
        return " ".join(map(_quoted, words))


def read_options(given: Mapping[str, Any]) -> Options:
    """Put a run's options together. Raises CannotVerify for those that contradict each other or can't be used."""
    require_settings()
    with_broker = not given["pacts"] and any(
        (given["pact_url"], conf.PACT_URL, given["broker_url"], conf.PACT_BROKER_BASE_URL)
    )
    _refuse_contradictions(given, with_broker=with_broker)
    wants_to_publish = given["publish"]
    if wants_to_publish is None:
        wants_to_publish = _yes(
            "PACT_BROKER_PUBLISH_VERIFICATION_RESULTS", conf.PACT_BROKER_PUBLISH_VERIFICATION_RESULTS
        )
    provider_name = given["provider_name"] or conf.PACT_PROVIDER_NAME
    failed = last_failed(provider_name) if given["last_failed"] else None
    options = Options(
        LocalPacts(tuple(given["pacts"] or conf.PACT_PATHS), given["enable_pending"]),
        provider_name,
        tuple(given["consumers"]),
        Filter.of(
            given["description"],
            given["state"],
            no_state=given["no_state"],
            keys=given["interactions"],
            last_failed=(failed or frozenset()) if given["last_failed"] else None,
        ),
        given["isolation"] or conf.PACT_ISOLATION,
        given["request_timeout"] or conf.PACT_REQUEST_TIMEOUT,
        given["allow_no_pacts"],
        given["verbosity"],
        unpublished="These are files: only the results of a broker's pacts are." if wants_to_publish else None,
        exit_first=given["exit_first"],
        coverage=given["coverage"],
        command=_command(given),
        by_default=not with_broker and _are_the_default(given["pacts"]),
        nothing_because=_nothing_failed(failed) if given["last_failed"] else None,
        parallel=given["parallel"],
        shard=given["shard"],
        provider_url=given["provider_url"] or "",
    )
    if not with_broker:
        return options
    from pact_verification.run.broker_options import at_broker  # here, since what it needs takes long to import

    return at_broker(options, given, wants_to_publish=wants_to_publish)


def read_selection(given: Mapping[str, Any]) -> Options:
    """The same for a command that only reads pacts."""
    return read_options({**ONLY_READ, **given})


def _nothing_failed(failed: frozenset[str] | None) -> str:
    if failed is None:
        return "no run is known, so nobody knows what failed. Leave out --last-failed."
    if not failed:
        return "nothing failed the last time. Leave out --last-failed to verify everything."
    them = "it" if len(failed) == 1 else "one of them"
    return f"{counted(len(failed), 'interaction')} failed the last time, and none of the selected pacts holds {them}."


def _are_the_default(arguments: Sequence[str]) -> bool:
    """Whether a run without these arguments would look for pacts in the same places."""
    named, default = ([Path(each).resolve() for each in places] for places in (arguments, conf.PACT_PATHS))
    return not arguments or (named == default and not conf.PACT_BROKER_BASE_URL and not conf.PACT_URL)


def _command(given: Mapping[str, Any]) -> tuple[str, ...]:
    kept = {
        "--provider-name": given["provider_name"] or conf.PACT_PROVIDER_NAME,
        # What stands on make's command line is in this process's environment, and not in the shell's.
        "--broker-url": given["broker_url"]
        or ("MAKELEVEL" in os.environ and not given["pacts"] and conf.PACT_BROKER_BASE_URL),
        "--isolation": given["isolation"],
        "--provider-url": given["provider_url"],
        "--request-timeout": given["request_timeout"],
        "--settings": given.get("settings"),
        "--pythonpath": given.get("pythonpath"),
    }
    if kept["--provider-name"] == conf.PACT_PROVIDER_NAME_IN_SETTINGS:
        del kept["--provider-name"]
    options = [part for option, value in kept.items() if value for part in (option, str(value))]
    return (*_start(), "verify_pacts", *options)


def _start() -> tuple[str, ...]:
    """What starts a command as this one was started, in a shell in the current directory."""
    python = _program("python", sys.executable or "python")
    if sys.argv[1:2] != ["verify_pacts"]:  # a program has called the command: that of the project would be this
        return python, "manage.py"
    if module := getattr(sys.modules["__main__"], "__spec__", None):
        return python, "-m", module.name.removesuffix(".__main__")
    if Path(sys.argv[0]).stem == "django-admin":
        return (_program("django-admin", sys.argv[0]),)
    return python, relative(sys.argv[0])


def _program(name: str, path: str) -> str:
    """A program's name, where PATH leads from it to this very program, else its path.

    The folder decides, too: the Python of a virtual environment is a link to the one that it was made with.
    """
    found = shutil.which(name)
    if found and Path(found).parent.resolve() == Path(path).parent.resolve() and Path(found).samefile(path):
        return name
    near = relative(path)
    return near if os.sep in near else f".{os.sep}{near}"


def _quoted(text: str) -> str:
    """A word for a shell: one with characters that a report spells in ASCII is spelt so that the shell reads them."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(char if char.isprintable() and char not in "'\\" else _escaped(char) for char in text) + "'"


def _escaped(char: str) -> str:
    return f"\\{char}" if char in "'\\" else "".join(f"\\x{byte:02x}" for byte in char.encode(errors="surrogateescape"))


def _refuse_contradictions(given: Mapping[str, Any], *, with_broker: bool) -> None:
    if given["pacts"]:
        for name in ("broker_url", "pact_url"):
            if given[name]:
                raise CannotVerify(
                    f"--{name.replace('_', '-')} and {given['pacts'][0]} name two places for pacts. Leave one out."
                )
    if given["provider_url"] and (given["isolation"] == "transaction" or given["parallel"] > 1):
        option = "--parallel" if given["parallel"] > 1 else "--isolation transaction"
        raise CannotVerify(
            f"--provider-url and {option} exclude each other: the server reads what is committed, and its database is "
            "emptied for one interaction after the other. Leave one out."
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
