"""A cache in memory, in place of a backend that the run can't use."""

from inspect import signature
from typing import Any, NoReturn

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache


class ReplacedCache(BaseCache):
    """A cache in memory. What it lacks, it refuses with the reason why it is there.

    It is no subclass of LocMemCache, which some packages refuse, since several processes would not share it.

    Args:
        why: why it is there, in a sentence.
    """

    def __init__(self, alias: str, why: str, config: dict[str, Any]) -> None:
        params = {key: value for key, value in config.items() if key not in {"BACKEND", "LOCATION"}}
        super().__init__(params)
        self._why = f"The run has put the cache {alias!r} ({config['BACKEND']}) in memory: {why}"
        self._memory = LocMemCache(f"pact_verification {alias}", params)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"{self._why} A cache in memory has no {name!r}. Mend the reason, or mock the call in the provider state."
        )

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("touch", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("delete", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("incr", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("has_key", *args, **kwargs)

    def clear(self) -> None:
        self._memory.clear()

    def _call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the cache in memory. Backends of packages accept more arguments than Django's."""
        method = getattr(self._memory, name)
        try:
            signature(method).bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"{self._why} A cache in memory does not accept the arguments of {name}(): {error}. Mend the reason, "
                "or mock the call in the provider state."
            ) from error
        return method(*args, **kwargs)
