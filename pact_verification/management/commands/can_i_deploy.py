"""manage.py can_i_deploy: parse, call, exit code."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.management.arguments import add_broker_arguments, count
from pact_verification.management.exits import documented_exits, show, showable

PACT_SECONDS = 30
"""How long `pact` may take for one answer, its own retries included."""


class Command(BaseCommand):
    help = (
        "Ask the broker whether this version may be deployed, by `pact broker can-i-deploy`; wait where waiting can "
        "help, and say why the answer is no. Exit codes: 0 yes, 1 no, 2 it could not be asked."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to-environment", required=True, metavar="ENVIRONMENT", help="Such as production.")
        add_broker_arguments(parser)
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
        from pact_verification.deployment import Deployment
        from pact_verification.pact_cli import run_pact
        from pact_verification.provider_version import find_version

        with documented_exits(self, with_traceback=options["traceback"]):
            broker = configured_broker(options["broker_url"], options["broker_timeout"])
            provider = options["provider_name"] or conf.provider_name
            version = find_version(os.environ, number=options["provider_version"]).number
            if not broker:
                raise CannotVerify("There is no broker to ask. PACT_BROKER_BASE_URL or --broker-url names it.")
            if not options["to_environment"].strip():
                raise CannotVerify("--to-environment is empty. Name one, such as production.")
            if not provider or not version:
                lacking = (
                    "PACT_PROVIDER_NAME or --provider-name" if not provider else "GIT_COMMIT or --provider-version"
                )
                raise CannotVerify(f"It is not known what is to be deployed, and git doesn't say: set {lacking}.")
            deployment = Deployment(broker, provider, version, options["to_environment"])
            answer = deployment.ask()
            command = ["can-i-deploy", "--pacticipant", provider, "--version", version]
            command += ["--to-environment", options["to_environment"]]
            self.stdout.write(showable(f"May {provider} {version} go to {options['to_environment']}?"))
            times, interval = options["retry_while_unknown"], options["retry_interval"]
            if waiting := bool(times) and deployment.waiting_helps(answer):
                self.stdout.write(f"A result is missing; asking {times} times, every {interval} s.")
                command += ["--retry-while-unknown", str(times), "--retry-interval", str(interval)]
            self.stdout.flush()
            patience = (times * waiting + 1) * (interval + PACT_SECONDS)
            ran = run_pact(broker, *command, seconds=patience)
            show(self, ran)
            answer = deployment.ask()
            failed = any(pair.success is False for pair in answer.pairs)
            if ran.returncode == 0 and answer.deployable and not failed:
                if not answer.pairs:
                    where = options["to_environment"]
                    self.stdout.write(f"Nothing in {where} depends on {provider}, as far as the broker knows.")
                return
            if answer.deployable and not failed:
                raise CannotVerify("The broker says yes, and `pact broker can-i-deploy` failed: see above.")
            if waiting and answer.deployable is None:
                self.stderr.write("\nNo webhook's build brought the result in that time: did its workflow run?")
            self.stderr.write(showable("\n".join(["", *deployment.explain(answer)])))
        sys.exit(1)
