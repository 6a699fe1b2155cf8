"""What the commands' options are read with."""

from argparse import ArgumentTypeError, _ActionsContainer
from datetime import date

from pact_verification.conf import is_timeout


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


def count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
