"""Each command stops on a Django that is too old, before it reads anything else."""

from pathlib import Path

import pytest

import pact_verification.management.commands
from tests.pact_verification.running import run_code

COMMANDS = sorted(
    path.stem
    for path in Path(pact_verification.management.commands.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)
CODE = """
import django
from django.core.management import execute_from_command_line

django.VERSION = (4, 2, 30, "final", 0)
django.get_version = lambda: "4.2.30"
execute_from_command_line(["manage.py", {command!r}])
"""

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("command", COMMANDS)
def test_a_django_that_is_too_old(command: str) -> None:
    ran = run_code(CODE.format(command=command))
    assert (ran.exit_code, ran.out) == (2, "")
    assert ran.err == (
        "?: (pact_verification.E101) Django is '4.2.30', not 5.2 or later.\n"
        "\tHINT: Upgrade the project to Django 5.2 or later, or take 'pact_verification' out of INSTALLED_APPS until "
        "then.\n"
    )
