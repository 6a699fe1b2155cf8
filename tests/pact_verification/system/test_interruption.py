"""Which commands Ctrl-C ends in their first moment. tests/faults/test_early_interruption.py ends some of them."""

from pathlib import Path

import pytest

import pact_verification.management.commands
from pact_verification.system.interruption import COMMANDS

pytestmark = pytest.mark.no_database


def test_every_command_is_heard_early() -> None:
    folder = Path(pact_verification.management.commands.__file__).parent
    assert {*COMMANDS} == {path.stem for path in folder.glob("*.py")} - {"__init__"}
