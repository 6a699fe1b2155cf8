"""The settings, each read when it is asked for, so that override_settings works.

Where a setting has a variable in the environment, the variable wins: it belongs to the run, the setting to the project.
"""

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings

ISOLATIONS = ("transaction", "flush")


class Settings:
    @property
    def provider_name(self) -> str:
        """PACT_PROVIDER_NAME, in the environment or the settings: the provider's name in pacts and broker."""
        return os.environ.get("PACT_PROVIDER_NAME") or self._get("PACT_PROVIDER_NAME", "")

    @property
    def pacts(self) -> Sequence[str]:
        """PACT_PATHS: files and directories to verify when the command names none."""
        paths: Sequence[Any] = self._get("PACT_PATHS", ("pacts",))
        return [str(path) for path in paths]

    @property
    def isolation(self) -> str:
        """PACT_ISOLATION: how interactions are kept apart, "transaction" or "flush"."""
        return str(self._get("PACT_ISOLATION", "transaction"))

    @property
    def request_timeout(self) -> float:
        """PACT_REQUEST_TIMEOUT: seconds that a provider state or a request may take."""
        return float(self._get("PACT_REQUEST_TIMEOUT", 5.0))

    @staticmethod
    def _get(name: str, default: Any) -> Any:
        return getattr(settings, name, default)


conf = Settings()
