import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from pact_verification.conf import ISOLATIONS, is_timeout


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Each setting has a value that the command can use."""
    problems: list[CheckMessage] = []
    name = getattr(settings, "PACT_PROVIDER_NAME", "")
    if not isinstance(name, str):
        problems.append(
            Error(
                f"PACT_PROVIDER_NAME is {name!r}, not text.",
                hint="Set it to the provider's name, as consumers write it in their pacts.",
                id="pact_verification.E001",
            )
        )
    isolation = getattr(settings, "PACT_ISOLATION", ISOLATIONS[0])
    if isolation not in ISOLATIONS:
        problems.append(
            Error(
                f"PACT_ISOLATION is {isolation!r}.",
                hint=f"Set it to one of {', '.join(map(repr, ISOLATIONS))}.",
                id="pact_verification.E002",
            )
        )
    timeout = getattr(settings, "PACT_REQUEST_TIMEOUT", 5.0)
    if not is_timeout(timeout):
        problems.append(
            Error(
                f"PACT_REQUEST_TIMEOUT is {timeout!r}.",
                hint="Set it to a number of seconds above 0, and at most a day.",
                id="pact_verification.E003",
            )
        )
    paths = getattr(settings, "PACT_PATHS", ())
    if isinstance(paths, str) or not isinstance(paths, Sequence):
        problems.append(
            Error(
                f"PACT_PATHS is {paths!r}, not a list.",
                hint='Set it to a list of files and directories, such as ["pacts"].',
                id="pact_verification.E004",
            )
        )
    disposable = getattr(settings, "PACT_DISPOSABLE_DATABASES", ())
    if isinstance(disposable, str) or not isinstance(disposable, Collection) or not all(map(_is_name, disposable)):
        problems.append(
            Error(
                f"PACT_DISPOSABLE_DATABASES is {disposable!r}, not a list of names.",
                hint="Set it to the names of databases that may be emptied, as DATABASES has them, or leave it out.",
                id="pact_verification.E006",
            )
        )
    limit = getattr(settings, "PACT_MAX_RESPONSE_BYTES", 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        problems.append(
            Error(
                f"PACT_MAX_RESPONSE_BYTES is {limit!r}.",
                hint="Set it to a whole number of bytes above 0, such as 64_000_000, or leave it out.",
                id="pact_verification.E009",
            )
        )
    names = getattr(settings, "PACT_SECRET_NAMES", ())
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        problems.append(
            Error(
                f"PACT_SECRET_NAMES is {names!r}, not a list of names.",
                hint='Set it to the names of headers and fields whose values no report may show, such as ["password"].',
                id="pact_verification.E005",
            )
        )
    path = getattr(settings, "PACT_PROVIDER_VERSION_URL", "")
    if path != "" and not (isinstance(path, str) and re.fullmatch(r"/[!-~]*", path)):
        problems.append(
            Error(
                f"PACT_PROVIDER_VERSION_URL is {path!r}, not a path.",
                hint='Set it to the path at which the server tells its version, such as "/version", or leave it out.',
                id="pact_verification.E007",
            )
        )
    header = getattr(settings, "PACT_PROVIDER_VERSION_HEADER", "")
    if header != "" and not (isinstance(header, str) and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", header)):
        problems.append(
            Error(
                f"PACT_PROVIDER_VERSION_HEADER is {header!r}, not the name of a header.",
                hint='Set it to the header that tells the server\'s version, such as "X-Version", or leave it out.',
                id="pact_verification.E008",
            )
        )
    return problems


def _is_name(value: Any) -> bool:
    return isinstance(value, str | Path)  # SQLite's may be either
