"""Options that several commands share, and the types of their values."""

import os
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser

from pact_verification.broker.arguments import add_broker_arguments, add_selection_arguments, seconds
from pact_verification.conf import ISOLATIONS
from pact_verification.management.exits import GuardedCommand

if TYPE_CHECKING:
    from pact_verification.pacts.shards import Shard

MAX_PROCESSES = 256


class PactsHelp(GuardedCommand):
    """A command that selects pacts. Its options can't be abbreviated."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(
            prog_name,
            subcommand,
            usage="%(prog)s [options] [PACT ...]",
            allow_abbrev=False,
            **kwargs,
        )
        groups = parser._action_groups  # argparse has no public way to put the options of every command last
        groups[:] = [*groups[2:], *groups[:2]]
        parser._optionals.title = "options of every command"
        return parser


def add_deployment_arguments(parser: CommandParser) -> None:
    """Add the options that choose a broker and a version of the provider."""
    add_broker_arguments(parser)
    parser.add_argument("--provider-name", metavar="NAME", help="By default PACT_PROVIDER_NAME.")
    parser.add_argument(
        "--provider-version", metavar="VERSION", help="By default GIT_COMMIT, else the CI's, else git's."
    )


def add_pact_arguments(parser: CommandParser) -> None:
    """Add the options that select pacts: files, or a broker's."""
    pacts = parser.add_argument_group("which pacts")
    pacts.add_argument(
        "pacts",
        nargs="*",
        metavar="PACT",
        help="A pact file, a directory that is searched for them, or a file: URL. By default those of the broker, "
        "or, where none is configured, of the setting PACT_PATHS, which is pacts/ unless you set it.",
    )
    pacts.add_argument(
        "--provider-name",
        metavar="NAME",
        help="The provider's name in the pacts; by default PACT_PROVIDER_NAME, in the environment or the settings.",
    )
    pacts.add_argument(
        "--consumer",
        action="append",
        default=[],
        metavar="NAME",
        dest="consumers",
        help="Only the pacts of this consumer; may be repeated.",
    )
    pacts.add_argument(
        "--allow-no-pacts", action="store_true", help="Exit with 0, not 3, when there is nothing to verify."
    )
    broker = parser.add_argument_group("pacts of a broker")
    add_broker_arguments(broker)
    add_selection_arguments(broker)


def add_filter_arguments(parser: CommandParser) -> Any:
    """Add the options that select interactions, and return their group."""
    interactions = parser.add_argument_group("which of their interactions")
    interactions.add_argument(
        "--description",
        metavar="REGEX",
        help="Only those whose description matches this Python regular expression, anywhere in it.",
    )
    state = interactions.add_mutually_exclusive_group()
    state.add_argument("--state", metavar="REGEX", help="Only those with a provider state that matches.")
    state.add_argument("--no-state", action="store_true", help="Only those without a provider state.")
    interactions.add_argument(
        "--interaction",
        action="append",
        default=[],
        metavar="KEY",
        dest="interactions",
        help="Only this one, by the key that reports show; may be repeated.",
    )
    return interactions


def add_parallel_argument(how: Any) -> None:
    """Add --parallel to a group."""
    how.add_argument(
        "--parallel",
        type=processes,
        default=1,
        metavar="N",
        help="Share the work among this many processes, each with test databases of its own; auto is one for each "
        "core. The report stays the same.",
    )


def add_database_arguments(how: Any) -> None:
    """Add the options about isolation and test databases to a group."""
    how.add_argument(
        "--isolation",
        choices=ISOLATIONS,
        help="How interactions are kept apart: each in a transaction that is rolled back (the default, and the "
        "faster), or with real commits and every table emptied before the next, for projects whose views use "
        "threads or several connections. Setting: PACT_ISOLATION.",
    )
    how.add_argument(
        "--keepdb",
        action="store_true",
        help="Keep the migrated test databases for the next run, which starts from copies of them and applies only "
        "new migrations. They have names of their own (on SQLite: files in PACT_CACHE_DIR).",
    )
    how.add_argument(
        "--create-db",
        action="store_true",
        help="Make the kept test databases again, such as after a change that no migration shows.",
    )
    how.add_argument(
        "--databases",
        nargs="+",
        action="extend",
        metavar="ALIAS",
        help="The databases that the run uses, by their aliases in DATABASES; may be repeated. It leaves all "
        "others alone and refuses connections to them. Before a PACT write --databases=ALIAS. Setting: "
        "PACT_DATABASES.",
    )


def add_request_timeout_argument(how: Any) -> None:
    """Add --request-timeout to a group."""
    how.add_argument(
        "--request-timeout",
        type=seconds,
        metavar="SECONDS",
        help="How long a provider state or a request may take; by default 5. Setting: PACT_REQUEST_TIMEOUT.",
    )


def shard(text: str) -> "Shard":
    """Read a shard, such as 2/5."""
    # Imported here, since can_i_deploy needs no shards and starts in production too.
    from pact_verification.pacts.shards import Shard

    try:
        return Shard.read(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def processes(text: str) -> int:
    """Read a number of processes. `auto` means the number of cores that this process may use."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PROCESSES:
        raise ArgumentTypeError(f"{text!r} is neither auto nor a number from 1 to {MAX_PROCESSES}")
    return int(text)


def count(text: str) -> int:
    """Read a number that is not negative."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
