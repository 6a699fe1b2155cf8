"""The credentials for a broker, and keeping them out of what is shown."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

from pact_verification.conf import conf
from pact_verification.text import without_commands

HIDDEN = "(hidden)"
SHORT = 6
"""A shorter secret is hidden as a word only."""

PERCENT = re.compile("%[0-9A-F]{2}")
SPELT_ALIKE = re.compile(r"[\w.~-]*", re.ASCII)
"""All spellings of such a text are the same."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A bearer token, or a user name and a password; all empty for a broker that wants none."""

    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        if self.token:
            return f"Bearer {self.token}"
        if self.username:
            return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        return ""

    @property
    def named(self) -> str:
        """Where they come from; empty when there are none."""
        if self.token:
            return "PACT_BROKER_TOKEN"
        return "PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD" if self.username else ""


def configured_credentials() -> Credentials:
    return Credentials(conf.PACT_BROKER_TOKEN, conf.PACT_BROKER_USERNAME, conf.PACT_BROKER_PASSWORD)


def hide_credentials(text: str) -> str:
    """A text without the configured secrets, should a broker or a library have quoted them."""
    return hide(text, configured_secrets())


def harmless(text: str) -> str:
    """Text for a log: without the configured secrets, and without commands to GitHub's runner."""
    return without_commands(hide_credentials(text))


def configured_secrets() -> frozenset[str]:
    """Those that the environment has for a broker, in all their spellings."""
    return _secrets_of(configured_credentials())


@lru_cache(maxsize=1)
def _secrets_of(given: Credentials) -> frozenset[str]:
    basic = Credentials(username=given.username, password=given.password).header
    return spellings(secret for secret in (given.token, given.password, basic.partition(" ")[2]) if secret)


def spellings(secrets: Iterable[str]) -> frozenset[str]:
    """Secrets, also as a URL, a repr, JSON or an ASCII terminal spells them."""
    return frozenset(
        spelling
        for secret in secrets
        for spelling in (secret,) * bool(SPELT_ALIKE.fullmatch(secret))
        or (
            secret,
            quote(secret, errors="replace"),
            quote(secret, safe="", errors="replace"),
            PERCENT.sub(lambda code: code[0].lower(), quote(secret, safe="", errors="replace")),
            quote_plus(secret, errors="replace"),
            escape(secret),
            escape(secret).replace("&#x27;", "&#39;"),
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
            secret.encode("ascii", "backslashreplace").decode(),
        )
    )


def hide(text: str, spelt: Iterable[str]) -> str:
    """A text without secrets. A short one is hidden as a word only: the password "pact" is part of every other text."""
    for secret in sorted((secret for secret in spelt if secret and secret in text), key=len, reverse=True):
        if len(secret) >= SHORT:
            text = text.replace(secret, HIDDEN)
        else:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return text
