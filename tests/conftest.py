import os
from pathlib import Path

import pytest

# `make check` starts the tests. A run that make has started prints other commands than one that a person has typed.
os.environ.pop("MAKELEVEL", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-pacts", type=Path, metavar="DIRECTORY", help="write the consumers' pacts there, anew")
