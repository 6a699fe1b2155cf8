"""Replaces attributes of a library's classes and modules, and puts them back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, **attributes: Any) -> Iterator[None]:
    """Give a class or a module other attributes until the block ends."""
    before = {name: vars(owner)[name] for name in attributes if name in vars(owner)}
    for name, value in attributes.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name in attributes:
            if name in before:
                setattr(owner, name, before[name])
            else:
                delattr(owner, name)


def subclasses_with(base: type, name: str) -> Iterator[type]:
    """Yield a class and its subclasses, each that has an attribute of its own by this name."""
    seen, waiting = set(), [base]
    while waiting:
        owner = waiting.pop()
        if owner not in seen:
            seen.add(owner)
            waiting += owner.__subclasses__()
            if name in vars(owner):
                yield owner


@contextmanager
def replaced_everywhere(base: type, **attributes: Any) -> Iterator[None]:
    """Give a class and its subclasses other attributes until the block ends, also where a subclass has its own."""
    with ExitStack() as cleanup:
        for name, value in attributes.items():
            for owner in {base, *subclasses_with(base, name)}:
                cleanup.enter_context(replaced(owner, **{name: value}))
        yield
