"""What the commands' options are read with."""

import os
import textwrap
from argparse import ArgumentTypeError, BooleanOptionalAction, RawDescriptionHelpFormatter, _ActionsContainer
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser, DjangoHelpFormatter

from pact_verification.conf import is_timeout
from pact_verification.management.exits import GuardedCommand

if TYPE_CHECKING:
    from pact_verification.shards import Shard

MAX_PROCESSES = 256


class PactsHelp(GuardedCommand):
    """A command whose help ends with an epilog, as it is written, and whose options are spelt in full."""

    epilog = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(
            prog_name,
            subcommand,
            usage="%(prog)s [options] [PACT ...]",
            epilog=self.epilog,
            formatter_class=HelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )
        groups = parser._action_groups  # argparse has no other way to let the options of every command come last
        groups[:] = [*groups[2:], *groups[:2]]
        parser._optionals.title = "options of every command"
        return parser


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's order of the options, and texts of several lines as they are written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text.strip():
            return super()._fill_text(text, width, indent)
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


def add_pact_arguments(parser: CommandParser) -> None:
    """Which pacts: files, or a broker's."""
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
    broker.add_argument(
        "--pact-url",
        metavar="URL",
        help="Only this pact, as a webhook names it. Credentials go to the broker's own host alone.",
    )
    broker.add_argument(
        "--consumer-version-selector",
        action="append",
        default=[],
        metavar="JSON",
        dest="consumer_version_selectors",
        help='Which versions of the consumers, such as \'{"branch": "main", "consumer": "shop"}\'; may be '
        "repeated. By default mainBranch, matchingBranch (when a branch is known) and deployedOrReleased.",
    )
    broker.add_argument(
        "--enable-pending",
        action=BooleanOptionalAction,
        default=True,
        help="Whether pending interactions may fail (the default): those of a pact that this provider's branch has "
        "never verified, and those that a pact marks. With --pact-url none is pending.",
    )
    broker.add_argument(
        "--provider-branch", metavar="BRANCH", help="The provider's; by default GIT_BRANCH, else GitHub's, else git's."
    )
    broker.add_argument(
        "--include-wip-pacts-since",
        type=day,
        metavar="DATE",
        help="Also verify pacts in progress from this day on (YYYY-MM-DD); they are pending. By default those of "
        "the last 90 days, and on the main branch only.",
    )


def add_broker_arguments(to: _ActionsContainer) -> None:
    """Which broker. There is no option for credentials: command lines are seen by others."""
    to.add_argument("--broker-url", metavar="URL", help="The Pact Broker or PactFlow; by default PACT_BROKER_BASE_URL.")
    to.add_argument(
        "--broker-timeout", type=seconds, metavar="SECONDS", help="How long each of its answers may take; by default 7."
    )


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not is_timeout(number):
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0, such as 5 or 0.5")
    return number


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from error


def shard(text: str) -> "Shard":
    from pact_verification.shards import Shard  # here, since production imports the commands

    try:
        return Shard.read(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def processes(text: str) -> int:
    """How many processes: a number from 1, or auto, the number of cores that this one may use."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PROCESSES:
        raise ArgumentTypeError(f"{text!r} is neither auto nor a number from 1 to {MAX_PROCESSES}")
    return int(text)


def count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
