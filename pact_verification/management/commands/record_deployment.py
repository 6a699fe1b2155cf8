"""manage.py record_deployment: tells the broker which version is deployed."""

from typing import Any

from django.core.management.base import CommandParser

from pact_verification.management.arguments import add_deployment_arguments
from pact_verification.management.exits import GuardedCommand, documented_exits, showable
from pact_verification.management.help import with_detected


class Command(GuardedCommand):
    help = (
        "Record at the broker that this version is deployed now, as `pact broker record-deployment` does. Run it after "
        "each deployment, since can_i_deploy depends on it. Exit codes: 0 recorded, 2 not recorded."
    )
    epilog = with_detected()
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--environment", required=True, metavar="ENVIRONMENT", help="Such as production.")
        add_deployment_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            # Imported here, since production imports the command and has no requests.
            from pact_verification.run.broker_options import read_deployment

            deployment = read_deployment(options, options["environment"])
            deployment.record()
            self.stdout.write(showable(f"Recorded: {deployment} is deployed to {deployment.environment}."))
