"""Caches, mail and files of the run's own. It never writes to the project's."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.cache import caches
from django.core.files.storage import default_storage

LOCMEM_MAIL = "django.core.mail.backends.locmem.EmailBackend"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
DUMMY = "django.core.cache.backends.dummy.DummyCache"

_own_folders: list[str] = []
"""The folders for files that runs in this process have made."""


@contextmanager
def own_stores(folder: Path | None = None) -> Iterator[None]:
    """Keep caches, mail and default file storage in memory until the block ends.

    DEBUG is off, because pacts describe responses of production. ALLOWED_HOSTS and PREPEND_WWW allow every host,
    because the verifier sends 127.0.0.1 or the host in the pact.

    Args:
        folder: where a new folder for files is made; by default the system's folder for temporary files.
    """
    from django.test.utils import override_settings  # here, because it imports Django's test client

    with TemporaryDirectory(prefix="verify_pacts", dir=folder) as directory:
        own = override_settings(
            DEBUG=False,
            ALLOWED_HOSTS=["*"],
            PREPEND_WWW=False,
            CACHES={alias: _in_memory(alias, config) for alias, config in settings.CACHES.items()},
            STORAGES={
                **settings.STORAGES,
                "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            },
            MEDIA_ROOT=directory,  # for each FileSystemStorage() that the project makes
            SESSION_FILE_PATH=directory,
            **_mail(),
        )
        _quietly(own.enable)
        _own_folders.append(directory)
        try:
            yield
        finally:
            _own_folders.remove(directory)
            _quietly(own.disable)


def _quietly(switch: Callable[[], None]) -> None:
    with warnings.catch_warnings(action="ignore"):  # Django warns about deprecated settings of the project
        switch()


def _mail() -> dict[str, Any]:
    """Return the settings that keep mail in memory.

    Django 6.1 replaces EMAIL_BACKEND by MAILERS.
    """
    mailers = getattr(settings, "MAILERS", None)
    if mailers is None:
        return {"EMAIL_BACKEND": LOCMEM_MAIL}
    return {"MAILERS": {alias: {"BACKEND": LOCMEM_MAIL} for alias in mailers}}


def _in_memory(alias: str, config: dict[str, Any]) -> dict[str, Any]:
    if config["BACKEND"] == DUMMY:
        return config
    kept = {key: value for key, value in config.items() if key not in {"BACKEND", "LOCATION", "OPTIONS"}}
    return {**kept, "BACKEND": LOCMEM, "LOCATION": f"pact-verification-{alias}"}


def empty_stores() -> None:
    """Empty caches, outbox and files, and Django's caches of content types and sites.

    Raises RuntimeError if they are not the run's own: they may be a developer's.
    """
    if settings.MEDIA_ROOT not in _own_folders:
        raise RuntimeError(
            f"MEDIA_ROOT is {str(settings.MEDIA_ROOT)!r}, and not the run's own folder, so nothing was emptied. Does a "
            "provider state leave it changed?"
        )
    for alias in settings.CACHES:
        caches[alias].clear()
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
