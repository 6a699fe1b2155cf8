"""The credentials for a broker, and hiding them in texts."""

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
"""A shorter secret is hidden only where it is a word."""

PERCENT = re.compile("%[0-9A-F]{2}")
SPELT_ALIKE = re.compile(r"[\w.~-]*", re.ASCII)
"""A text that URLs, JSON, HTML and reprs spell alike."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A bearer token, or a user name and a password. All are empty for a broker without authentication."""

    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header; empty without credentials."""
        if self.token:
            return f"Bearer {self.token}"
        if self.username:
            return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        return ""

    @property
    def named(self) -> str:
        """The environment variables that hold them; empty without credentials."""
        if self.token:
            return "PACT_BROKER_TOKEN"
        return "PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD" if self.username else ""


def configured_credentials() -> Credentials:
    """Return the broker's credentials from the environment."""
    return Credentials(conf.PACT_BROKER_TOKEN, conf.PACT_BROKER_USERNAME, conf.PACT_BROKER_PASSWORD)


def hide_credentials(text: str) -> str:
    """Return a text without the configured secrets, which a broker or a library may have quoted."""
    return hide(text, configured_secrets())


def harmless(text: str) -> str:
    """Return a text for a log, without the configured secrets and without commands for GitHub's runner."""
    return without_commands(hide_credentials(text))


def configured_secrets() -> frozenset[str]:
    """Return the configured token and password, in all their spellings."""
    return _secrets_of(configured_credentials())


@lru_cache(maxsize=1)
def _secrets_of(given: Credentials) -> frozenset[str]:
    basic = Credentials(username=given.username, password=given.password).header
    return spellings(secret for secret in (given.token, given.password, basic.partition(" ")[2]) if secret)


def spellings(secrets: Iterable[str]) -> frozenset[str]:
    """Return secrets with their spellings in URLs, HTML, reprs, JSON and on an ASCII terminal."""
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
    """Return a text without secrets. A short one is hidden only as a word: many texts contain "pact"."""
    for secret in sorted((secret for secret in spelt if secret and secret in text), key=len, reverse=True):
        if len(secret) >= SHORT:
            text = text.replace(secret, HIDDEN)
        else:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return text
