"""Caches, mail and files of the run's own. It never writes to the project's."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.files.storage import InMemoryStorage, default_storage

from pact_verification.conf import conf
from pact_verification.provider.caches.own import OwnCaches, empty_caches
from pact_verification.provider.outbound import refuse_foreign_key

LOCMEM_MAIL = "django.core.mail.backends.locmem.EmailBackend"

_own_folders: list[str] = []
"""The folders for files that runs in this process have made."""


@contextmanager
def own_stores(caches: OwnCaches, folder: Path | None = None) -> Iterator[None]:
    """Give the project caches, mail and default file storage of the run's own until the block ends.

    DEBUG is off, because pacts describe responses of production. ALLOWED_HOSTS and PREPEND_WWW allow every host,
    because a pact may name one.

    Args:
        caches: the run's, from `run_caches()`.
        folder: where a new folder for files is made; by default the system's folder for temporary files.

    Raises:
        CannotVerify: PACT_CACHES asks for what can't be.
    """
    from django.test.utils import override_settings  # here, because it imports Django's test client

    with (
        TemporaryDirectory(prefix="verify_pacts", dir=folder) as media,
        caches.in_use(refuse_foreign_key),
    ):
        changed = override_settings(
            DEBUG=False,
            ALLOWED_HOSTS=[*_host_names(), *settings.ALLOWED_HOSTS, "*"],
            PREPEND_WWW=False,
            STORAGES={
                **{alias: _in_folder(config, Path(media, alias)) for alias, config in settings.STORAGES.items()},
                "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            },
            MEDIA_ROOT=media,  # for each FileSystemStorage() that the project makes
            SESSION_FILE_PATH=media,
            **_mail(),
        )
        _quietly(changed.enable)
        _own_folders.append(media)
        try:
            yield
        finally:
            _own_folders.remove(media)
            _quietly(changed.disable)


def _in_folder(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings of a storage, in a folder of the run's own if it has one in its settings."""
    if "location" not in config.get("OPTIONS", {}):
        return config
    return {**config, "OPTIONS": {**config["OPTIONS"], "location": str(folder)}}


def _quietly(switch: Callable[[], None]) -> None:
    with warnings.catch_warnings(action="ignore"):  # Django warns about deprecated settings of the project
        switch()


def _host_names() -> list[str]:
    """Return the host of PACT_HOST, without its port, in a list."""
    return [urlsplit(f"//{conf.PACT_HOST}").hostname or ""] if conf.PACT_HOST else []


def _mail() -> dict[str, Any]:
    """Return the settings that keep mail in memory.

    Django 6.1 replaces EMAIL_BACKEND by MAILERS.
    """
    mailers = getattr(settings, "MAILERS", None)
    if mailers is None:
        return {"EMAIL_BACKEND": LOCMEM_MAIL}
    return {"MAILERS": {alias: {"BACKEND": LOCMEM_MAIL} for alias in mailers}}


def empty_stores() -> None:
    """Empty caches, outbox and files, and Django's caches of content types and sites.

    Raises RuntimeError if they are not the run's own: they may be a developer's.
    """
    if settings.MEDIA_ROOT not in _own_folders or not isinstance(default_storage, InMemoryStorage):
        raise RuntimeError(
            f"MEDIA_ROOT ({str(settings.MEDIA_ROOT)!r}) or the default storage is not the run's own, so nothing was "
            "emptied. Does a provider state leave one changed?"
        )
    empty_caches()
    if hasattr(mail, "outbox"):
        mail.outbox.clear()
    for path in Path(settings.MEDIA_ROOT).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    directories, files = default_storage.listdir("")
    for name in [*directories, *files]:
        default_storage.delete(name)
    if apps.is_installed("django.contrib.contenttypes"):
        from django.contrib.contenttypes.models import ContentType  # here: only installed apps' models can be imported

        ContentType.objects.clear_cache()
    if apps.is_installed("django.contrib.sites"):
        from django.contrib.sites.models import Site  # here, for the same reason

        Site.objects.clear_cache()
