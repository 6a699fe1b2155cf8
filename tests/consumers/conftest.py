"""Consumer tests write the pacts that this provider verifies: where --write-pacts says, or into a temporary folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pact import Pact

PROVIDER = "pactflow-example-provider-python"

NewPact = Callable[[str, str], Pact]


@pytest.fixture(scope="session")
def pact_directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path | None = request.config.getoption("--write-pacts")
    if directory is None:
        return tmp_path_factory.mktemp("pacts")
    for path in directory.glob("*.json"):
        path.unlink()
    return directory


@pytest.fixture
def new_pact(pact_directory: Path) -> Iterator[NewPact]:
    """Makes a pact of a consumer in a version of the specification; after the test it joins the consumer's others."""
    pacts: list[Pact] = []

    def make(consumer: str, specification: str) -> Pact:
        pact = Pact(consumer, PROVIDER).with_specification(specification)
        pacts.append(pact)
        return pact

    yield make
    for pact in pacts:
        pact.write_file(pact_directory)
