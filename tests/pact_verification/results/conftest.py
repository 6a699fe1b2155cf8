"""Fixtures of the results' tests."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def names(settings: Any) -> None:
    settings.PACT_SECRET_NAMES = ["Password", "x-token"]
