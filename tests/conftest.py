import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-pacts", action="store_true", help="write the consumers' pacts into pacts/")
