"""How long work on databases says what it does."""

from collections.abc import Callable

Tell = Callable[[str], None]
"""Hears what is being done, such as "migrating, shop.0003_price (3 of 300)"."""


def say_nothing(text: str) -> None:
    """Hear nothing."""
