from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-pacts", type=Path, metavar="DIRECTORY", help="write the consumers' pacts there, anew")
