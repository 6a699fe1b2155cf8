"""The settings, each read when it is asked for, so that override_settings works.

Where a setting has a variable in the environment, the variable wins: it belongs to the run, the setting to the project.
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings

ISOLATIONS = ("transaction", "flush")
MAX_TIMEOUT = 24 * 3600
MAX_RESPONSE_BYTES = 64_000_000
SECRET_NAMES = ("password", "secret", "token", "access_token", "refresh_token", "api_key")


def is_timeout(value: Any) -> bool:
    """Whether a value is a number of seconds that a run can wait for."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_TIMEOUT


class Settings:
    @property
    def provider_name(self) -> str:
        """PACT_PROVIDER_NAME, in the environment or the settings: the provider's name in pacts and broker."""
        return os.environ.get("PACT_PROVIDER_NAME") or self.named_in_settings

    @property
    def named_in_settings(self) -> str:
        """The same, in the settings alone."""
        return str(getattr(settings, "PACT_PROVIDER_NAME", ""))

    @property
    def directory(self) -> str:
        """BASE_DIR, where projects have it: in it git is asked which commit this is. Else the current directory."""
        return str(getattr(settings, "BASE_DIR", "."))

    @property
    def broker_url(self) -> str:
        """PACT_BROKER_BASE_URL, in the environment."""
        return os.environ.get("PACT_BROKER_BASE_URL", "").strip()

    @property
    def broker_token(self) -> str:
        """PACT_BROKER_TOKEN, in the environment: a secret."""
        return os.environ.get("PACT_BROKER_TOKEN", "")

    @property
    def broker_username(self) -> str:
        """PACT_BROKER_USERNAME, in the environment."""
        return os.environ.get("PACT_BROKER_USERNAME", "")

    @property
    def broker_password(self) -> str:
        """PACT_BROKER_PASSWORD, in the environment: a secret."""
        return os.environ.get("PACT_BROKER_PASSWORD", "")

    @property
    def pact_url(self) -> str:
        """PACT_URL, in the environment: the one pact that a webhook wants verified."""
        return os.environ.get("PACT_URL", "").strip()

    @property
    def publish(self) -> str:
        """PACT_BROKER_PUBLISH_VERIFICATION_RESULTS, in the environment."""
        return os.environ.get("PACT_BROKER_PUBLISH_VERIFICATION_RESULTS", "").strip()

    @property
    def pacts(self) -> list[str]:
        """PACT_PATHS: files and directories to verify when the command names none."""
        paths = getattr(settings, "PACT_PATHS", ["pacts"])
        return [paths] if isinstance(paths, str) else [str(path) for path in paths]  # the check refuses text

    @property
    def isolation(self) -> str:
        """PACT_ISOLATION: how interactions are kept apart, one of ISOLATIONS."""
        return str(getattr(settings, "PACT_ISOLATION", ISOLATIONS[0]))

    @property
    def request_timeout(self) -> float:
        """PACT_REQUEST_TIMEOUT: seconds that a provider state or a request may take."""
        return float(getattr(settings, "PACT_REQUEST_TIMEOUT", 5))

    @property
    def max_response_bytes(self) -> int:
        """PACT_MAX_RESPONSE_BYTES: how long a response's body may be; 64 MB by default."""
        return int(getattr(settings, "PACT_MAX_RESPONSE_BYTES", MAX_RESPONSE_BYTES))

    @property
    def secret_names(self) -> frozenset[str]:
        """PACT_SECRET_NAMES: headers, members of JSON and forms, and parameters whose values no report shows."""
        return frozenset(str(name).lower() for name in getattr(settings, "PACT_SECRET_NAMES", SECRET_NAMES))

    @property
    def disposable_databases(self) -> frozenset[str]:
        """PACT_DISPOSABLE_DATABASES: names of databases that --provider-url may empty, as DATABASES has them."""
        return frozenset(map(str, getattr(settings, "PACT_DISPOSABLE_DATABASES", ())))

    @property
    def provider_version_url(self) -> str:
        """PACT_PROVIDER_VERSION_URL: a path at which a server that already runs tells its version, such as /version."""
        return str(getattr(settings, "PACT_PROVIDER_VERSION_URL", ""))

    @property
    def provider_version_header(self) -> str:
        """PACT_PROVIDER_VERSION_HEADER: the header in which it does, of the answer at that path or at its base URL."""
        return str(getattr(settings, "PACT_PROVIDER_VERSION_HEADER", ""))

    @property
    def plugin_directory(self) -> str:
        """PACT_PLUGIN_DIR, in the environment: where the Pact core has its plugins; ~/.pact/plugins by default."""
        return os.environ.get("PACT_PLUGIN_DIR") or str(Path("~/.pact/plugins").expanduser())

    @property
    def cache_directory(self) -> str:
        """PACT_CACHE_DIR: where a run leaves what failed, for --last-failed."""
        return str(getattr(settings, "PACT_CACHE_DIR", "") or f"{self.directory}/.pact_cache")


conf = Settings()
