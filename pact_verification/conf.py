"""The project's settings and the environment's variables, each under its own name.

A property reads its setting on every access, so that override_settings works. Where a setting also has a variable in
the environment, the variable wins: it belongs to the run, the setting to the project.
"""

import os
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from django.conf import settings

ISOLATIONS = ("transaction", "flush")
APPLICATIONS = ("wsgi", "asgi")
TASKS = ("eager", "memory")
CACHES = ("project", "memory")
MAX_TIMEOUT = 24 * 3600
MAX_CONNECTIONS = 64
"""Each connection is a thread of the run, and a load on the broker."""

DEFAULTS: dict[str, Any] = {
    "PACT_PROVIDER_NAME": "",
    "PACT_PATHS": ["pacts"],
    "PACT_ISOLATION": ISOLATIONS[0],
    "PACT_REQUEST_TIMEOUT": 5.0,
    "PACT_MAX_RESPONSE_BYTES": 64_000_000,
    "PACT_SECRET_NAMES": ["password", "secret", "token", "access_token", "refresh_token", "api_key"],
    "PACT_DISPOSABLE_DATABASES": [],
    "PACT_PROVIDER_VERSION_URL": None,
    "PACT_PROVIDER_VERSION_HEADER": None,
    "PACT_CACHE_DIR": None,
    "PACT_BROKER_CONNECTIONS": 8,
    "PACT_DATABASES": None,
    "PACT_ALLOWED_HOSTS": [],
    "PACT_TASKS": TASKS[0],
    "PACT_CACHES": {},
    "PACT_HOST": None,
    "PACT_APPLICATION": None,
}
"""Every setting, with the value that it has when the project does not set it."""


def is_timeout(value: Any) -> bool:
    """Tell whether a value is a number of seconds that a run can wait for."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_TIMEOUT


def is_connections(value: Any) -> bool:
    """Tell whether a value is a number of connections to a broker."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_CONNECTIONS


class Settings:
    """The settings and variables as the code uses them.

    `checks` refuses values that it can't use.
    """

    def setting(self, name: str) -> Any:
        """Return a setting as the project wrote it, or its default."""
        return getattr(settings, name, DEFAULTS[name])

    @property
    def BASE_DIR(self) -> str:
        """The project's directory, which has its git repository.

        By default the current directory. So it is for a folder that the settings make for each process: nothing that a
        run keeps in that would be found again.
        """
        folder = Path(getattr(settings, "BASE_DIR", "."))
        here = Path.cwd()
        made_for_this_process = folder.resolve().is_relative_to(Path(gettempdir()).resolve()) and not (
            here.is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(here)
        )
        return "." if made_for_this_process else str(folder)

    @property
    def PACT_PROVIDER_NAME(self) -> str:
        """The provider's name in pacts and at the broker.

        A variable of that name wins over the setting.
        """
        return os.environ.get("PACT_PROVIDER_NAME") or self.PACT_PROVIDER_NAME_IN_SETTINGS

    @property
    def PACT_PROVIDER_NAME_IN_SETTINGS(self) -> str:
        """The setting PACT_PROVIDER_NAME, whatever the environment says."""
        return str(self.setting("PACT_PROVIDER_NAME"))

    @property
    def PACT_PATHS(self) -> list[str]:
        """The files and directories to verify when the command names none. They are relative to BASE_DIR.

        A path below the current directory is written relative to that, since people read it.
        """
        paths = self.setting("PACT_PATHS")
        # A check refuses text. pytest collects before it can run the check, and must not collect nothing.
        return [self._from_here(path) for path in ([paths] if isinstance(paths, str) else paths)]

    def _from_here(self, path: str | Path) -> str:
        """Return a path in BASE_DIR as seen from the current directory. A URL stays what it is."""
        if "://" in str(path) or str(path).startswith("file:"):
            return str(path)
        here = Path.cwd()
        absolute = Path(os.path.normpath(here / self.BASE_DIR / path))
        return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)

    @property
    def PACT_ISOLATION(self) -> str:
        """How interactions are kept apart: one of ISOLATIONS."""
        return str(self.setting("PACT_ISOLATION"))

    @property
    def PACT_REQUEST_TIMEOUT(self) -> float:
        """The number of seconds that a provider state or a request may take."""
        return float(self.setting("PACT_REQUEST_TIMEOUT"))

    @property
    def PACT_MAX_RESPONSE_BYTES(self) -> int:
        """The number of bytes that a response's body may have."""
        return int(self.setting("PACT_MAX_RESPONSE_BYTES"))

    @property
    def PACT_SECRET_NAMES(self) -> frozenset[str]:
        """The headers, fields and parameters, in lower case, whose values no report shows."""
        return frozenset(str(name).lower() for name in self.setting("PACT_SECRET_NAMES"))

    @property
    def PACT_DISPOSABLE_DATABASES(self) -> frozenset[str]:
        """The names of the databases that --provider-url may empty, as DATABASES has them."""
        return frozenset(map(str, self.setting("PACT_DISPOSABLE_DATABASES")))

    @property
    def PACT_PROVIDER_VERSION_URL(self) -> str | None:
        """The path, such as /version, at which a running server names its version."""
        return self.setting("PACT_PROVIDER_VERSION_URL") or None

    @property
    def PACT_PROVIDER_VERSION_HEADER(self) -> str | None:
        """The response header in which a running server names its version."""
        return self.setting("PACT_PROVIDER_VERSION_HEADER") or None

    @property
    def PACT_CACHE_DIR(self) -> str:
        """The directory in which a run leaves what the next one may read.

        By default .pact_cache in BASE_DIR. A relative path is relative to the current directory.
        """
        return str(self.setting("PACT_CACHE_DIR") or f"{self.BASE_DIR}/.pact_cache")

    @property
    def PACT_BROKER_CONNECTIONS(self) -> int:
        """How many requests the broker gets at the same time, when pacts are downloaded and results published.

        A variable of that name wins over the setting. `read_broker_options` refuses one that is no number.
        """
        return int(os.environ.get("PACT_BROKER_CONNECTIONS") or self.setting("PACT_BROKER_CONNECTIONS"))

    @property
    def PACT_DATABASES(self) -> tuple[str, ...] | None:
        """The database aliases that a run uses; None means all."""
        aliases = self.setting("PACT_DATABASES")
        return None if aliases is None else tuple(aliases)

    @property
    def PACT_APPLICATION(self) -> str:
        """How the project is called: one of APPLICATIONS.

        By default as ASGI if ASGI_APPLICATION is set and WSGI_APPLICATION is not.
        """
        if application := self.setting("PACT_APPLICATION"):
            return str(application)
        is_asgi = getattr(settings, "ASGI_APPLICATION", None) and not settings.WSGI_APPLICATION
        return "asgi" if is_asgi else "wsgi"

    @property
    def PACT_ALLOWED_HOSTS(self) -> tuple[str, ...]:
        """The servers that the project may reach besides its databases and caches."""
        hosts = self.setting("PACT_ALLOWED_HOSTS")
        # A check refuses anything else. Connections are refused before it runs, and while it does.
        return tuple(map(str, hosts)) if isinstance(hosts, list | tuple | set | frozenset) else ()

    @property
    def PACT_TASKS(self) -> str:
        """What becomes of the tasks that the project sends: one of TASKS."""
        return str(self.setting("PACT_TASKS"))

    @property
    def PACT_CACHES(self) -> dict[str, str]:
        """Where the project's caches are, by alias, as one of CACHES. The run decides on other aliases."""
        return dict(self.setting("PACT_CACHES"))

    @property
    def PACT_HOST(self) -> str | None:
        """The host, perhaps with a port, that requests are for. By default the live server's address."""
        return self.setting("PACT_HOST") or None

    @property
    def PACT_BROKER_BASE_URL(self) -> str | None:
        """The broker's address, from the environment."""
        return os.environ.get("PACT_BROKER_BASE_URL", "").strip() or None

    @property
    def PACT_BROKER_TOKEN(self) -> str:
        """The broker's token, from the environment. It is a secret."""
        return os.environ.get("PACT_BROKER_TOKEN", "")

    @property
    def PACT_BROKER_USERNAME(self) -> str:
        """The user name at the broker, from the environment."""
        return os.environ.get("PACT_BROKER_USERNAME", "")

    @property
    def PACT_BROKER_PASSWORD(self) -> str:
        """The password at the broker, from the environment. It is a secret."""
        return os.environ.get("PACT_BROKER_PASSWORD", "")

    @property
    def PACT_URL(self) -> str | None:
        """The URL of the one pact that a webhook asks to verify, from the environment."""
        return os.environ.get("PACT_URL", "").strip() or None

    @property
    def PACT_DESCRIPTION(self) -> str | None:
        """A regular expression for descriptions, from the environment."""
        return os.environ.get("PACT_DESCRIPTION") or None

    @property
    def PACT_PROVIDER_STATE(self) -> str | None:
        """A regular expression for provider states, from the environment. Empty means none at all, as for Pact."""
        return os.environ.get("PACT_PROVIDER_STATE")

    @property
    def PACT_BROKER_INTERACTION_ID(self) -> str | None:
        """The id of one interaction at the broker, from the environment."""
        return os.environ.get("PACT_BROKER_INTERACTION_ID", "").strip() or None

    @property
    def PACT_BROKER_PUBLISH_VERIFICATION_RESULTS(self) -> str:
        """Whether to publish results, from the environment, as it is written there."""
        return os.environ.get("PACT_BROKER_PUBLISH_VERIFICATION_RESULTS", "").strip()

    @property
    def PACT_PLUGIN_DIR(self) -> str:
        """The directory with the Pact core's plugins, from the environment.

        By default ~/.pact/plugins.
        """
        return os.environ.get("PACT_PLUGIN_DIR") or str(Path("~/.pact/plugins").expanduser())


conf = Settings()
