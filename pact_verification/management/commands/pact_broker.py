"""manage.py pact_broker: the `pact` binary, with the broker of this project."""

import argparse
import sys
from typing import Any

from django.core.management.base import CommandParser

from pact_verification.errors import CannotVerify
from pact_verification.management.exits import GuardedCommand, documented_exits, show

PACT_SECONDS = 120
"""How long `pact` may take."""


class Command(GuardedCommand):
    help = (
        "Run `pact broker`, from the PyPI package pact-python-cli, with the broker that PACT_BROKER_BASE_URL names. "
        "This command calls the broker first, since it explains errors better than the binary. Exit codes: those of "
        "the binary, and 2 if the binary did not run."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "arguments",
            nargs=argparse.REMAINDER,
            metavar="COMMAND",
            help="For `pact broker`, such as list-environments.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            # Imported here, since production imports the command and has no requests.
            from pact_verification.broker.pact_cli import run_pact
            from pact_verification.run.broker_options import configured_broker

            broker = configured_broker(None)
            if not broker:
                raise CannotVerify("There is no broker to ask: set PACT_BROKER_BASE_URL.")
            if not options["arguments"]:
                raise CannotVerify("The command for `pact broker` is missing. `pact broker --help` lists the commands.")
            broker.link("pb:pacticipants")
            ran = run_pact(broker, *options["arguments"], seconds=PACT_SECONDS)
            show(self, ran)
        sys.exit(ran.returncode)
