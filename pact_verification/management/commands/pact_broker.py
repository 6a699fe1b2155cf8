"""manage.py pact_broker: the pact binary, with this project's broker."""

import argparse
import sys
from typing import Any

from django.core.management.base import CommandParser

from pact_verification.errors import CannotVerify
from pact_verification.management.exits import GuardedCommand, documented_exits, show

SECONDS = 120


class Command(GuardedCommand):
    help = (
        "Run `pact broker`, of the PyPI package pact-python-cli, once the broker that PACT_BROKER_BASE_URL names has "
        "answered: the binary tells little of why one doesn't. Exit codes: the binary's own, and 2 when it was not run."
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
            # Here, since production imports the command and has no requests.
            from pact_verification.broker.pact_cli import run_pact
            from pact_verification.run.broker_options import configured_broker

            broker = configured_broker(None)
            if not broker:
                raise CannotVerify("There is no broker to ask: set PACT_BROKER_BASE_URL.")
            if not options["arguments"]:
                raise CannotVerify("What is the broker to be asked? `pact broker --help` lists it.")
            broker.link("pb:pacticipants")
            ran = run_pact(broker, *options["arguments"], seconds=SECONDS)
            show(self, ran)
        sys.exit(ran.returncode)
