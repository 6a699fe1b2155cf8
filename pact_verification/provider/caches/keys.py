"""The keys of a run: a cache of the project's gets a prefix that belongs to the present interaction."""

from collections.abc import Mapping
from hashlib import sha256
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import BaseCache

from pact_verification.provider.caches.kinds import DUMMY, FILES, kind_of


class Keys:
    """The prefixes of a run's keys.

    Args:
        token: part of all keys, from `new_token()`.
        folder: for caches in files.

    Attributes:
        in_use: whether caches use these keys now. Under pytest other tests may use a cache that a view's module keeps.
    """

    def __init__(self, token: str, folder: Path) -> None:
        self.token = token
        self.folder = folder
        self.in_use = False
        self._numbers = count(1)
        self._interaction = 0
        self._cleared: dict[str, int] = {}

    def prefix(self, place: str) -> str:
        """Return the prefix of the keys that can be found in a place now."""
        return f"{self.token}.{self._cleared.get(place, self._interaction)}." if self.in_use else ""

    def forget(self, place: str) -> None:
        """Change the prefix of this place, so that its old keys are not found."""
        self._cleared[place] = next(self._numbers)

    def forget_all(self) -> None:
        """Change the prefix of all places, so that no old key is found."""
        self._interaction = next(self._numbers)
        self._cleared.clear()

    def own_class(self, backend: type[BaseCache], config: Mapping[str, Any]) -> type[BaseCache]:
        """Return a subclass of a backend that uses these keys.

        It has the backend's name, and all that the project can call.

        Args:
            config: the cache's settings.
        """
        kind = kind_of(backend)
        if kind == DUMMY:
            return backend
        added = _OwnFiles if kind == FILES else _OwnKeys
        if iscoroutinefunction(backend.clear):
            added = _OwnAsyncKeys
        own = {
            "pact_keys": self,
            "pact_place": f"{config['BACKEND']} {config.get('LOCATION', '')}",
            "__module__": backend.__module__,
            "__qualname__": backend.__qualname__,
        }
        return type(backend.__name__, (added, backend), own)


class _OwnKeys(BaseCache):
    """What a cache gets from a run: a prefix, and a `clear` that leaves the keys of others alone."""

    pact_keys: Keys

    pact_place: str
    """Where the cache keeps its values. Aliases of one place share them."""

    @property
    def key_prefix(self) -> str:
        return f"{self.pact_keys.prefix(self.pact_place)}{vars(self).get('key_prefix', '')}"

    @key_prefix.setter
    def key_prefix(self, value: str) -> None:
        vars(self)["key_prefix"] = value

    def clear(self) -> Any:
        if not self.pact_keys.in_use:
            return super().clear()
        return self.pact_keys.forget(self.pact_place)


class _OwnAsyncKeys(_OwnKeys):
    """The same for a backend whose methods are all asynchronous."""

    async def clear(self) -> Any:  # type: ignore[override]  # as the backend's own does
        if not self.pact_keys.in_use:
            await super().clear()
            return
        self.pact_keys.forget(self.pact_place)


class _OwnFiles(_OwnKeys):
    """What a cache in files gets: a folder of the run's own besides."""

    @property
    def _dir(self) -> str:
        if not self.pact_keys.in_use:
            return str(vars(self)["_dir"])
        return str(self.pact_keys.folder / sha256(self.pact_place.encode()).hexdigest()[:16])

    @_dir.setter
    def _dir(self, value: str) -> None:
        vars(self)["_dir"] = value
