"""What the commands' options are read with."""

from argparse import ArgumentTypeError
from datetime import date

from pact_verification.conf import is_timeout


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
