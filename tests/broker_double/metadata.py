"""The segment of a pact's URL in which the broker remembers why it offered the pact."""

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

Pairs = list[tuple[str, str]]


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    return base64.urlsafe_b64encode(urlencode(list(pairs)).encode()).decode().rstrip("=")


def decode(segment: str) -> Pairs:
    try:
        return parse_qsl(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode())
    except (binascii.Error, UnicodeDecodeError):
        return []


def for_version(number: str) -> str:
    return encode([("cvn", number)])
