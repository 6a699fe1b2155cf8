"""Django's settings as far as pytest knows them: while it collects, there may be none."""

import os
from pathlib import Path

import pytest
from django.conf import settings

from pact_verification.conf import conf


def has_settings() -> bool:
    """Tell whether Django has settings, or knows which module has them."""
    return settings.configured or bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def needs_settings(what: str) -> str:
    """Return the error for something that can't work without settings."""
    return (
        f"{what} needs Django's settings, and none are configured. Set DJANGO_SETTINGS_MODULE, in the environment or "
        "in pytest's configuration, or use --ds MODULE."
    )


def provider_name() -> str:
    """Return the provider's name; empty when there is none."""
    return conf.PACT_PROVIDER_NAME if has_settings() else os.environ.get("PACT_PROVIDER_NAME", "")


def pact_paths(config: pytest.Config) -> set[Path]:
    """Return the folders and files of PACT_PATHS, from every folder in which pytest may have been started."""
    if not has_settings():
        return set()
    return {Path(base, path).resolve() for base in (".", config.rootpath, conf.BASE_DIR) for path in conf.PACT_PATHS}
