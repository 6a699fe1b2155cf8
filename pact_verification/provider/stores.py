"""Every store that a run writes to and empties is the run's own; the project's are left alone."""

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


@contextmanager
def own_stores(folder: Path | None = None) -> Iterator[None]:
    """Put memory in place of the project's caches, mail and default file storage, and settings fit for loopback.

    What else is overridden: DEBUG, since pacts are about production's answers; ALLOWED_HOSTS and PREPEND_WWW, since the
    verifier says 127.0.0.1 or whatever host the pact has.

    Args:
        folder: where files go, in a new folder; by default in the system's own for temporary files.
    """
    from django.test.utils import override_settings  # here, since it imports Django's test client

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
            MEDIA_ROOT=directory,  # for a FileSystemStorage() that the project makes itself
            SESSION_FILE_PATH=directory,
            **_mail(),
        )
        _quietly(own.enable)
        try:
            yield
        finally:
            _quietly(own.disable)


def _quietly(switch: Callable[[], None]) -> None:
    with warnings.catch_warnings(action="ignore"):  # some settings are deprecated, and it is the project that has them
        switch()


def _mail() -> dict[str, Any]:
    """Django 6.1 replaces EMAIL_BACKEND with MAILERS; a project has either."""
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
    """Forget all that an interaction left in caches, Django's own among them, outbox and files."""
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
        from django.contrib.contenttypes.models import ContentType

        ContentType.objects.clear_cache()
    if apps.is_installed("django.contrib.sites"):
        from django.contrib.sites.models import Site

        Site.objects.clear_cache()
