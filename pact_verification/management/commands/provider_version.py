"""manage.py provider_version: the provider's version and branch, for a shell."""

import os
import shlex
from typing import Any

from pact_verification.broker.provider_version import find_version
from pact_verification.errors import CannotVerify
from pact_verification.management.exits import GuardedCommand, documented_exits


class Command(GuardedCommand):
    help = (
        "Print the version and branch for which verify_pacts publishes results, as a shell's assignments: "
        "GIT_COMMIT=... and GIT_BRANCH=... They come from GIT_COMMIT and GIT_BRANCH, else from GitHub Actions, else "
        'from git. In a script: eval "$(python manage.py provider_version)". Exit code 2: one of them is not known.'
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            version = find_version(os.environ)
            if not version.number:
                raise CannotVerify("No commit is checked out. Set GIT_COMMIT.")
            if not version.branch:
                raise CannotVerify("No branch is checked out. Set GIT_BRANCH.")
            self.stdout.write(f"GIT_COMMIT={shlex.quote(version.number)}\nGIT_BRANCH={shlex.quote(version.branch)}")
