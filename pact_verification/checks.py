"""Django's system checks for the settings, and for the versions of Django and Python."""

import difflib
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from pact_verification.conf import (
    APPLICATIONS,
    CACHES,
    DEFAULTS,
    ISOLATIONS,
    MAX_CONNECTIONS,
    TASKS,
    conf,
    is_connections,
    is_timeout,
)
from pact_verification.errors import CannotVerify

DJANGO = ((5, 2), (6, 1))
PYTHON = ((3, 11), (3, 14))
"""The oldest and the newest release series that CI tests, of Django and of Python."""


MISSPELT = 0.85
"""How much alike two names of settings are, of 1, if one is a misspelling. All of them have a beginning in common."""


@dataclass(frozen=True, slots=True)
class SettingCheck:
    """What a setting may be.

    Attributes:
        accepts: tells whether the code can use a value.
        expected: what the value should have been, after "is X, not".
    """

    id: str
    setting: str
    accepts: Callable[[Any], bool]
    expected: str
    hint: str

    def problem(self) -> CheckMessage | None:
        """Return the error of the setting's present value, or None."""
        value = conf.setting(self.setting)
        if self.accepts(value):
            return None
        return Error(f"{self.setting} is {value!r}, not {self.expected}.", hint=self.hint, id=self.id)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path)


def _is_absent(value: Any) -> bool:
    return value is None or value == ""


def _is_list_of(is_element: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes) and all(map(is_element, value))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(pattern, value))


SERVER = r"[/\0]\S+|[^\s/:@]+(:[0-9]+)?|\[[0-9a-fA-F:.]+\](:[0-9]+)?|[0-9a-fA-F:.]+(%\w+)?"
"""A member of PACT_ALLOWED_HOSTS: a path, a host with or without a port, or an IPv6 address."""

CHECKS = (
    SettingCheck(
        "pact_verification.E001",
        "PACT_PROVIDER_NAME",
        _is_text,
        "text",
        "Set it to the provider's name, as consumers write it in their pacts.",
    ),
    SettingCheck(
        "pact_verification.E002",
        "PACT_ISOLATION",
        lambda value: value in ISOLATIONS,
        " or ".join(map(repr, ISOLATIONS)),
        f"Set it to one of {', '.join(map(repr, ISOLATIONS))}.",
    ),
    SettingCheck(
        "pact_verification.E003",
        "PACT_REQUEST_TIMEOUT",
        is_timeout,
        "a number of seconds",
        "Set it to a number of seconds above 0, and at most a day.",
    ),
    SettingCheck(
        "pact_verification.E004",
        "PACT_PATHS",
        lambda value: isinstance(value, Sequence) and _is_list_of(_is_path, value),
        "a list of paths",
        'Set it to a list of files and directories, such as ["pacts"].',
    ),
    SettingCheck(
        "pact_verification.E005",
        "PACT_SECRET_NAMES",
        lambda value: _is_list_of(_is_text, value),
        "a list of names",
        'Set it to the names of headers and fields whose values no report may show, such as ["password"].',
    ),
    SettingCheck(
        "pact_verification.E006",
        "PACT_DISPOSABLE_DATABASES",
        lambda value: _is_list_of(_is_path, value),  # SQLite's names are paths
        "a list of names",
        "Set it to the names of databases that may be emptied, as DATABASES has them, or leave it out.",
    ),
    SettingCheck(
        "pact_verification.E007",
        "PACT_PROVIDER_VERSION_URL",
        lambda value: _is_absent(value) or _matches(r"/[!-~]*", value),
        "a path",
        'Set it to the path at which the server tells its version, such as "/version", or leave it out.',
    ),
    SettingCheck(
        "pact_verification.E008",
        "PACT_PROVIDER_VERSION_HEADER",
        lambda value: _is_absent(value) or _matches(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value),
        "the name of a header",
        'Set it to the header that tells the server\'s version, such as "X-Version", or leave it out.',
    ),
    SettingCheck(
        "pact_verification.E009",
        "PACT_MAX_RESPONSE_BYTES",
        _is_size,
        "a number of bytes",
        "Set it to a whole number of bytes above 0, such as 64_000_000, or leave it out.",
    ),
    SettingCheck(
        "pact_verification.E010",
        "PACT_CACHE_DIR",
        lambda value: _is_absent(value) or _is_path(value),
        "a path",
        "Set it to a directory that a run may write to, or leave it out.",
    ),
    SettingCheck(
        "pact_verification.E011",
        "PACT_BROKER_CONNECTIONS",
        is_connections,
        "a number of connections",
        f"Set it to a whole number from 1 to {MAX_CONNECTIONS}, such as 8, or leave it out.",
    ),
    SettingCheck(
        "pact_verification.E012",
        "PACT_DATABASES",
        lambda value: value is None or _is_list_of(_is_text, value),
        "a list of aliases",
        'Set it to the aliases of DATABASES that a run uses, such as ["default"], or leave it out.',
    ),
    SettingCheck(
        "pact_verification.E013",
        "PACT_ALLOWED_HOSTS",
        lambda value: _is_list_of(lambda host: _matches(SERVER, host), value),
        "a list of hosts",
        'Set it to hosts, not URLs, that the project may reach during a run, such as ["search:9200"], or leave it out.',
    ),
    SettingCheck(
        "pact_verification.E014",
        "PACT_TASKS",
        lambda value: value in TASKS,
        " or ".join(map(repr, TASKS)),
        f"Set it to one of {', '.join(map(repr, TASKS))}.",
    ),
    SettingCheck(
        "pact_verification.E015",
        "PACT_APPLICATION",
        lambda value: value is None or value in APPLICATIONS,
        " or ".join(map(repr, APPLICATIONS)),
        f"Set it to one of {', '.join(map(repr, APPLICATIONS))}, or leave it out.",
    ),
    SettingCheck(
        "pact_verification.E016",
        "PACT_CACHES",
        lambda value: isinstance(value, Mapping) and all(each in CACHES for each in value.values()),
        f"a dictionary with {' or '.join(map(repr, CACHES))} for each alias",
        'Set it to the aliases of CACHES, such as {"default": "memory"}, or leave it out.',
    ),
    SettingCheck(
        "pact_verification.E017",
        "PACT_HOST",
        lambda value: _is_absent(value) or _matches(r"(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.-]+)(:[0-9]+)?", value),
        "a host",
        'Set it to a host without "_", such as "shop.example.com" or "shop.example.com:8000", or leave it out.',
    ),
)


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each setting whose value the code can't use, and a warning for each misspelt one."""
    return [*(problem for check in CHECKS if (problem := check.problem())), *_misspelt()]


def _misspelt() -> Iterator[CheckMessage]:
    """Yield a warning for each setting that is not one of the package's, and may be meant to be one."""
    for name in dir(settings):
        if not name.startswith("PACT_") or name in DEFAULTS:
            continue
        if near := difflib.get_close_matches(name, DEFAULTS, n=1, cutoff=MISSPELT):
            hint = f"Did you mean {near[0]}?"
        elif name.startswith("PACT_BROKER_"):
            hint = "A broker is named by options, or by variables of the environment such as PACT_BROKER_BASE_URL."
        else:
            continue  # the project's own
        yield CheckWarning(f"{name} is no setting of pact_verification.", hint=hint, id="pact_verification.W018")


def check_versions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for a Django that is too old, and warnings for untested versions."""
    problems: list[CheckMessage] = []
    oldest, newest = map(_series, DJANGO)
    if django.VERSION[:2] < DJANGO[0]:
        problems.append(
            Error(
                f"Django is {django.get_version()!r}, not {oldest} or later.",
                hint=f"Upgrade the project to Django {oldest} or later, or take 'pact_verification' out of "
                "INSTALLED_APPS until then.",
                id="pact_verification.E101",
            )
        )
    if django.VERSION[:2] > DJANGO[1]:
        problems.append(_untested("Django", django.get_version(), newest, "pact_verification.W101"))
    if sys.version_info[:2] > PYTHON[1]:  # pip refuses an older Python
        python = ".".join(map(str, sys.version_info[:3]))
        problems.append(_untested("Python", python, _series(PYTHON[1]), "pact_verification.W102"))
    return problems


def _untested(name: str, version: str, newest: str, id: str) -> CheckMessage:
    return CheckWarning(
        f"{name} is {version!r}, and this release of django-pact-verification was tested up to {name} {newest}.",
        hint=f"Upgrade django-pact-verification. If its newest release does not know {name} {version} either, add "
        f"{id!r} to SILENCED_SYSTEM_CHECKS.",
        id=id,
    )


def _series(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)


def require_versions() -> None:
    """Raise CannotVerify if Django is too old."""
    _require(check_versions(None))


def require_settings() -> None:
    """Raise CannotVerify with the errors of all unusable settings, or with that of a Django that is too old."""
    _require([*check_versions(None), *check_settings(None)])


def _require(problems: Collection[CheckMessage]) -> None:
    if errors := [problem for problem in problems if problem.is_serious()]:
        raise CannotVerify("\n".join(map(str, errors)))
