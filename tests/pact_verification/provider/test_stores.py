"""The run's own stores, and that it empties no others."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings

from pact_verification.provider.caches.own import run_caches
from pact_verification.provider.stores import empty_stores, own_stores

pytestmark = pytest.mark.no_database

REFUSED = r"^MEDIA_ROOT \(.*\) or the default storage is not the run's own, so nothing was emptied\."


def test_stores_of_a_developer_are_not_emptied(tmp_path: Path) -> None:
    file = tmp_path / "holiday.jpg"
    file.touch()
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        cache.set("a", 1)
        with pytest.raises(RuntimeError, match=REFUSED):
            empty_stores()
        with run_caches("token") as caches, own_stores(caches):
            Path(settings.MEDIA_ROOT, "of the run").touch()
            with override_settings(MEDIA_ROOT=str(tmp_path)), pytest.raises(RuntimeError, match=REFUSED):
                empty_stores()
            files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
            with (
                override_settings(STORAGES={**settings.STORAGES, "default": files}),
                pytest.raises(RuntimeError, match=REFUSED),
            ):
                empty_stores()
        with pytest.raises(RuntimeError, match=REFUSED):
            empty_stores()
        assert cache.get("a") == 1
    assert file.exists()
    cache.clear()


def test_the_runs_own_are_emptied(tmp_path: Path) -> None:
    with run_caches("token", tmp_path) as caches, own_stores(caches, tmp_path):
        Path(settings.MEDIA_ROOT, "upload").touch()
        cache.set("a", 1)
        empty_stores()
        assert cache.get("a") is None
        assert list(Path(settings.MEDIA_ROOT).iterdir()) == []
