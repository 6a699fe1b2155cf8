"""What an interaction changes in the process, such as settings and patched names, and putting it back."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from types import ModuleType
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.urls import clear_script_prefix, set_urlconf
from django.utils import timezone


class Surroundings:
    """Settings, installed apps, URLconf, language, time zone and patched names, as they are before an interaction.

    Args:
        functions: the project's state handlers and request filters. The modules that they use are watched.
    """

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self._wrapped: Any = vars(settings)["_wrapped"]
        self._settings = _copy(self._wrapped)
        self._apps = len(apps.stored_app_configs)
        self._patches = set(map(id, _active_patches()))
        self._modules = [_Module(module) for module in _named_modules(functions)]

    def put_back(self) -> Iterator[str]:
        """Put back what an interaction has changed.

        Yields:
            A warning for each change that Django itself would not undo.
        """
        set_urlconf(None)
        clear_script_prefix()
        timezone.deactivate()
        if translation := sys.modules.get("django.utils.translation.trans_real"):  # imported with the first language
            translation.deactivate()
        while len(apps.stored_app_configs) > self._apps:
            apps.unset_installed_apps()
        yield from self._put_back_settings()
        yield from self._stop_patches()
        for module in self._modules:
            yield from module.put_back()

    def _put_back_settings(self) -> Iterator[str]:
        now: Any = vars(settings)["_wrapped"]
        if now is self._wrapped and vars(now) == self._settings:
            return
        before, after = self._settings, vars(self._wrapped)
        changed = {name for name in before.keys() | after.keys() if before.get(name, self) is not after.get(name, self)}
        while now is not self._wrapped and "default_settings" in vars(now):
            changed |= vars(now).keys() - {"default_settings", "SETTINGS_MODULE", "_deleted"}
            now = now.default_settings
        if before.get("_deleted") != after.get("_deleted"):
            changed |= set(before.get("_deleted", ())) ^ set(after.get("_deleted", ()))
        after.clear()
        after.update(before)
        self._settings = _copy(self._wrapped)
        settings._wrapped = self._wrapped  # as override_settings does
        names = sorted(name for name in changed if name.isupper())
        for name in names:
            setting_changed.send(type(self), setting=name, value=getattr(settings, name, None), enter=False)
        yield f"The interaction left settings changed, which were put back: {', '.join(names) or 'internals'}."

    def _stop_patches(self) -> Iterator[str]:
        for patch in [each for each in _active_patches() if id(each) not in self._patches]:
            name = _name_of(patch)
            patch.stop()
            yield f"The interaction left the patch of {name} on. It was taken off; a teardown should do that."


class _Module:
    """The functions, classes and modules in a module's namespace."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._values = {name: value for name, value in vars(module).items() if _is_fixed(value)}
        self._take = itemgetter(*self._values) if self._values else None
        self._before = self._take(vars(module)) if self._take else None

    def put_back(self) -> Iterator[str]:
        if not self._take:
            return
        try:
            if self._take(vars(self._module)) == self._before:
                return
        except KeyError:  # one was deleted
            pass
        now = vars(self._module)
        for name, value in self._values.items():
            if now.get(name) is not value:
                setattr(self._module, name, value)
                yield (
                    f"The interaction left {self._module.__name__}.{name} replaced. It was put back; a teardown should "
                    "do that."
                )


def _copy(holder: Any) -> dict[str, Any]:
    """Return the attributes of a settings holder.

    Django changes the set of deleted names in place.
    """
    return {name: set(value) if name == "_deleted" else value for name, value in vars(holder).items()}


def _name_of(patch: Any) -> str:
    """Return the dotted name of what a patch of `unittest.mock` replaces."""
    if (dictionary := getattr(patch, "in_dict", None)) is not None:
        for name, module in list(sys.modules.items()):
            for each, value in list(vars(module).items()) if isinstance(module, ModuleType) else ():
                if value is dictionary:
                    return f"{name}.{each}"
        return repr(dictionary)[:100]
    target = patch.getter()
    return f"{getattr(target, '__name__', target)}.{patch.attribute}"


def _active_patches() -> list[Any]:
    """Return the patches that `start()` has applied.

    Only a project that patches imports mock.
    """
    mock = sys.modules.get("unittest.mock")
    return list(mock._patch._active_patches) if mock else []


def _named_modules(functions: Iterable[Callable[..., Any]]) -> list[ModuleType]:
    """Return the modules that some functions can name, and so patch in one line."""
    homes = {id(space): space for each in functions if (space := getattr(inspect.unwrap(each), "__globals__", None))}
    named = {value for space in homes.values() for value in space.values() if isinstance(value, ModuleType)}
    own = {module for space in homes.values() if (module := sys.modules.get(str(space.get("__name__"))))}
    return sorted(named | own, key=lambda module: module.__name__)


def _is_fixed(value: Any) -> bool:
    """Return whether a name in a module should keep its value.

    Values of other types may be caches.
    """
    return isinstance(value, ModuleType) or inspect.isroutine(value) or inspect.isclass(value)
