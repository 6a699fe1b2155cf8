"""Command options for a broker and its pacts, for the commands and for pytest."""

from argparse import ArgumentTypeError, BooleanOptionalAction
from datetime import date
from typing import Any, Protocol

from pact_verification.conf import is_timeout


class Options(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *names: str, **settings: Any) -> Any:
        """Add an option, with argparse's arguments."""


def add_broker_arguments(to: Options) -> None:
    """Add the options that choose a broker.

    Credentials have none, since others can read a command line.
    """
    to.add_argument("--broker-url", metavar="URL", help="The Pact Broker or PactFlow; by default PACT_BROKER_BASE_URL.")
    to.add_argument(
        "--broker-timeout", type=seconds, metavar="SECONDS", help="How long each of its answers may take; by default 7."
    )


def add_selection_arguments(to: Options) -> None:
    """Add the options that choose the broker's pacts."""
    to.add_argument(
        "--pact-url",
        metavar="URL",
        help="Only this pact, as a webhook names it. Credentials go to the broker's own host alone.",
    )
    to.add_argument(
        "--consumer-version-selector",
        action="append",
        default=[],
        metavar="JSON",
        dest="consumer_version_selectors",
        help='Which versions of the consumers, such as \'{"branch": "main", "consumer": "shop"}\'; may be '
        "repeated. By default mainBranch, matchingBranch (when a branch is known) and deployedOrReleased.",
    )
    to.add_argument(
        "--enable-pending",
        action=BooleanOptionalAction,
        default=True,
        help="Whether pending interactions may fail (the default): those of a pact that this provider's branch has "
        "never verified, and those that a pact marks. With --pact-url none is pending.",
    )
    to.add_argument(
        "--provider-branch",
        metavar="BRANCH",
        help="The provider's; by default GIT_BRANCH, else the CI service's, else git's.",
    )
    to.add_argument(
        "--include-wip-pacts-since",
        type=day,
        metavar="DATE",
        help="Also verify pacts in progress from this day on (YYYY-MM-DD); they are pending. By default those of "
        "the last 90 days, and on the main branch only.",
    )


def seconds(text: str) -> float:
    """Read a number of seconds from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not is_timeout(number):
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0, such as 5 or 0.5")
    return number


def day(text: str) -> date:
    """Read a date from the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from error
