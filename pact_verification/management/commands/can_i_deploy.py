"""manage.py can_i_deploy: whether the broker allows to deploy a version."""

import sys
import time
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser

from pact_verification.errors import BrokerError
from pact_verification.management.arguments import add_deployment_arguments, count
from pact_verification.management.exits import GuardedCommand, documented_exits, showable
from pact_verification.management.help import with_detected

if TYPE_CHECKING:
    from pact_verification.broker.deployment import Decision, Deployment


class Command(GuardedCommand):
    help = (
        "Ask the broker whether this version may be deployed, as `pact broker can-i-deploy` does. The command waits if "
        "a missing result may still arrive, and explains a no. Exit codes: 0 yes, 1 no, 2 the broker gave no answer."
    )
    epilog = with_detected()
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to-environment", required=True, metavar="ENVIRONMENT", help="Such as production.")
        add_deployment_arguments(parser)
        parser.add_argument(
            "--retry-while-unknown",
            type=count,
            default=12,
            metavar="TIMES",
            help="How often to ask again while a result is missing that a webhook's build may publish; by default 12.",
        )
        parser.add_argument(
            "--retry-interval",
            type=count,
            default=10,
            metavar="SECONDS",
            help="Between two questions; by default 10.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            # Imported here, since production imports the command and has no requests.
            from pact_verification.run.broker_options import read_deployment

            deployment = read_deployment(options, options["to_environment"])
            self.stdout.write(showable(f"May {deployment} go to {deployment.environment}?"))
            self.stdout.flush()
            decision = self._ask(deployment, options["retry_while_unknown"], options["retry_interval"])
            self._show(deployment, decision)
        sys.exit(0 if decision.is_yes else 1)

    def _ask(self, deployment: "Deployment", retries: int, interval: int) -> "Decision":
        """Ask, and ask again while a result is missing that a webhook's build may publish."""
        decision = deployment.ask()
        if not retries or not deployment.waiting_helps(decision):
            return decision
        self.stdout.write(f"A result is missing; asking {retries} times, every {interval} s.")
        self.stdout.flush()
        for left in reversed(range(retries)):
            time.sleep(interval)
            try:
                decision = deployment.ask()
            except BrokerError:  # a broker may restart meanwhile
                if not left:
                    raise
            if not decision.missing or decision.failed:
                return decision
        self.stderr.write("\nNo webhook's build brought the result in that time. Did its workflow run?")
        return decision

    def _show(self, deployment: "Deployment", decision: "Decision") -> None:
        """Show the broker's decision, and what to do about a no."""
        if not decision.is_yes:
            self.stdout.write("Computer says no.")
            self.stderr.write(showable("\n".join(["", *deployment.explain(decision)])))
            return
        for pair in decision.pairs:
            self.stdout.write(showable(f"{pair}: verified."))
        if not decision.pairs:
            self.stdout.write(
                showable(f"Nothing in {deployment.environment} depends on it, as far as the broker knows.")
            )
        self.stdout.write("Computer says yes.")
