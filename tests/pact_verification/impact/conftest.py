from collections.abc import Iterator

import pytest

from pact_verification.impact.asking import Core
from tests.pact_verification.impact.known import core_of_a_test


@pytest.fixture(scope="package")
def core() -> Iterator[Core]:
    with core_of_a_test() as core:
        yield core
