"""manage.py provider_version: the version and branch that results are published for, for a shell."""

import os
import shlex
from typing import Any

from pact_verification.errors import CannotVerify
from pact_verification.management.exits import GuardedCommand, documented_exits


class Command(GuardedCommand):
    help = (
        "Print the provider's version and branch as a shell assigns them: GIT_COMMIT=... and GIT_BRANCH=... They are "
        "those that verify_pacts publishes for: from GIT_COMMIT and GIT_BRANCH, else from GitHub Actions, else from "
        'git. In a script: eval "$(python manage.py provider_version)". Exit code 2 means that one is not known.'
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        from pact_verification.broker.provider_version import find_version  # here, since production imports the command

        with documented_exits(self, with_traceback=options["traceback"]):
            version = find_version(os.environ)
            if not version.number:
                raise CannotVerify("No commit is checked out. Set GIT_COMMIT.")
            if not version.branch:
                raise CannotVerify("No branch is checked out. Set GIT_BRANCH.")
            self.stdout.write(f"GIT_COMMIT={shlex.quote(version.number)}\nGIT_BRANCH={shlex.quote(version.branch)}")
