import os
import signal
from pathlib import Path

import pytest

# `make check` starts the tests. A run that make has started prints other commands than one that a person has typed.
os.environ.pop("MAKELEVEL", None)

# A shell starts background jobs deaf to Ctrl-C, and they would pass that on to the commands under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-pacts", type=Path, metavar="DIRECTORY", help="write the consumers' pacts there, anew")
