"""Huey: tasks run in the request, or wait in memory. All instances of the process, also later ones, are replaced."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from huey import signals
from huey.api import Huey
from huey.storage import MemoryStorage

from pact_verification.provider.services.attributes import replaced
from pact_verification.provider.services.failures import note_failure


@contextmanager
def replace(eager: bool) -> Iterator[Callable[[], None]]:
    """See replacing.Replace."""
    storages: WeakKeyDictionary[Huey, MemoryStorage] = WeakKeyDictionary()
    emit = Huey._emit

    def storage(huey: Huey) -> MemoryStorage:
        return storages.setdefault(huey, MemoryStorage(huey.name))

    def noting(huey: Huey, signal: str, task: Any, *args: Any, **options: Any) -> None:
        if signal == signals.SIGNAL_ERROR:
            note_failure(type(task).__name__, args[0])
        emit(huey, signal, task, *args, **options)

    def empty() -> None:
        for each in list(storages.values()):
            each.flush_all()

    with replaced(
        Huey,
        _immediate=property(lambda huey: eager, _setter("_immediate")),
        storage=property(storage, _setter("storage")),
        _emit=noting,
    ):
        yield empty


def _setter(name: str) -> Callable[[Huey, Any], None]:
    """Let an instance keep its own value, for after the run."""

    def keep(huey: Huey, value: Any) -> None:
        vars(huey)[name] = value

    return keep
