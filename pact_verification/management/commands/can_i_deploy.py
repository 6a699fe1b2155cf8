"""manage.py can_i_deploy: parse, call, exit code."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.management.arguments import count, seconds


class Command(BaseCommand):
    help = (
        "Ask the broker whether this version may be deployed, by `pact broker can-i-deploy`; wait where waiting can "
        "help, and say why the answer is no. Exit codes: 0 yes, 1 no, 2 it could not be asked."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to-environment", required=True, metavar="ENVIRONMENT", help="Such as production.")
        parser.add_argument("--broker-url", metavar="URL", help="By default PACT_BROKER_BASE_URL.")
        parser.add_argument(
            "--broker-timeout",
            type=seconds,
            metavar="SECONDS",
            help="How long each of its answers may take; by default 7.",
        )
        parser.add_argument("--provider-name", metavar="NAME", help="By default PACT_PROVIDER_NAME.")
        parser.add_argument("--provider-version", metavar="VERSION", help="By default GIT_COMMIT, else the commit.")
        parser.add_argument(
            "--retry-while-unknown",
            type=count,
            default=12,
            metavar="TIMES",
            help="How often to ask again while a result is missing that a webhook's build may bring; by default 12.",
        )
        parser.add_argument(
            "--retry-interval", type=count, default=10, metavar="SECONDS", help="Between two times; by default 10."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Here, since production imports the command and has no requests.
        from pact_verification.broker_options import configured_broker
        from pact_verification.deployment import Deployment, decide
        from pact_verification.provider_version import find_version

        try:
            broker = configured_broker(options["broker_url"], options["broker_timeout"])
            provider = options["provider_name"] or conf.provider_name
            version = find_version(os.environ, number=options["provider_version"]).number
            if not broker:
                raise CannotVerify("There is no broker to ask. PACT_BROKER_BASE_URL or --broker-url names it.")
            if not provider or not version:
                lacking = "PACT_PROVIDER_NAME" if not provider else "GIT_COMMIT"
                raise CannotVerify(f"What may be deployed? {lacking} is not known: set it.")
            deployment = Deployment(broker, provider, version, options["to_environment"])
            answer = deployment.ask()
            times = options["retry_while_unknown"] if deployment.waiting_helps(answer) else 0
            retry = ["--retry-while-unknown", str(times), "--retry-interval", str(options["retry_interval"])]
            self.stdout.write(f"May {provider} {version} go to {options['to_environment']}?")
            if times:
                self.stdout.write(f"A result is missing; asking {times} times, every {options['retry_interval']} s.")
            self.stdout.flush()
            code = decide(deployment, retry if times else [])
            answer = deployment.ask()
            if code == 0 and answer.deployable:
                if not answer.pairs:
                    self.stdout.write(
                        f"Nothing in {options['to_environment']} depends on {provider}, as the broker knows."
                    )
                return
            self.stderr.write("\n".join(deployment.explain(answer)))
        except CannotVerify as error:
            raise CommandError(str(error), returncode=2) from error
        sys.exit(1)
