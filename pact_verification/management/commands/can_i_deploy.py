"""manage.py can_i_deploy: whether the broker allows to deploy a version."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser

from pact_verification.broker.arguments import add_broker_arguments
from pact_verification.broker.provider_version import find_version
from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.management.arguments import count
from pact_verification.management.exits import GuardedCommand, documented_exits, show, showable
from pact_verification.management.help import with_detected

if TYPE_CHECKING:
    from pact_verification.broker.deployment import Deployment

PACT_SECONDS = 30
"""How long `pact` may take for one answer, with its own retries."""


class Command(GuardedCommand):
    help = (
        "Ask the broker by `pact broker can-i-deploy` whether this version may be deployed. The command waits if a "
        "missing result may still arrive, and explains a no. Exit codes: 0 yes, 1 no, 2 the broker gave no answer."
    )
    epilog = with_detected()
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to-environment", required=True, metavar="ENVIRONMENT", help="Such as production.")
        add_broker_arguments(parser)
        parser.add_argument("--provider-name", metavar="NAME", help="By default PACT_PROVIDER_NAME.")
        parser.add_argument(
            "--provider-version", metavar="VERSION", help="By default GIT_COMMIT, else the CI's, else git's."
        )
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
            deployment = _deployment(options)
            retries, interval = options["retry_while_unknown"], options["retry_interval"]
            self.stdout.write(showable(f"May {deployment} go to {deployment.environment}?"))
            allowed = self._ask(deployment, retries, interval)
        sys.exit(0 if allowed else 1)

    def _ask(self, deployment: "Deployment", retries: int, interval: int) -> bool:
        """Return whether the version may be deployed, and explain a no. Both the binary and the broker must say yes."""
        from pact_verification.broker.pact_cli import run_pact  # imported here, since production has no requests

        answer = deployment.ask()
        waits = bool(retries) and deployment.waiting_helps(answer)
        command = ["can-i-deploy", "--pacticipant", deployment.provider, "--version", deployment.version]
        command += ["--to-environment", deployment.environment]
        if waits:
            self.stdout.write(f"A result is missing; asking {retries} times, every {interval} s.")
            command += ["--retry-while-unknown", str(retries), "--retry-interval", str(interval)]
        self.stdout.flush()
        seconds = (retries * waits + 1) * (interval + PACT_SECONDS)
        ran = run_pact(deployment.broker, *command, seconds=seconds)
        show(self, ran)
        answer = deployment.ask()
        yes = answer.deployable is True and not any(pair.success is False for pair in answer.pairs)
        if yes and ran.returncode:
            raise CannotVerify("The broker says yes, but `pact broker can-i-deploy` failed. Its output is above.")
        if yes and not answer.pairs:
            self.stdout.write(f"Nothing in {deployment.environment} depends on it, as far as the broker knows.")
        if not yes and waits and answer.deployable is None:
            self.stderr.write("\nNo webhook's build brought the result in that time: did its workflow run?")
        if not yes:
            self.stderr.write(showable("\n".join(["", *deployment.explain(answer)])))
        return yes


def _deployment(options: Mapping[str, Any]) -> "Deployment":
    # Imported here, since production imports the command and has no requests.
    from pact_verification.broker.deployment import Deployment
    from pact_verification.run.broker_options import configured_broker

    broker = configured_broker(options["broker_url"], options["broker_timeout"])
    provider = options["provider_name"] or conf.PACT_PROVIDER_NAME
    version = find_version(os.environ, number=options["provider_version"]).number
    environment = options["to_environment"].strip()
    if not broker:
        raise CannotVerify("There is no broker to ask. PACT_BROKER_BASE_URL or --broker-url names it.")
    if not environment:
        raise CannotVerify("--to-environment is empty. Name one, such as production.")
    if not provider:
        raise CannotVerify("The provider has no name: set PACT_PROVIDER_NAME, or use --provider-name.")
    if not version:
        raise CannotVerify("The version is not known: git names no commit. Set GIT_COMMIT, or use --provider-version.")
    return Deployment(broker, provider, version, environment)
