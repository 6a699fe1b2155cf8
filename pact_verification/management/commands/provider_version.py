"""manage.py provider_version: the provider's version and branch, for a shell."""

import os
import shlex
from typing import Any

from pact_verification.broker.build import detect_build
from pact_verification.broker.provider_version import find_version
from pact_verification.errors import CannotVerify
from pact_verification.management.exits import GuardedCommand, documented_exits
from pact_verification.management.help import with_detected


class Command(GuardedCommand):
    help = (
        "Print the version and branch for which verify_pacts publishes results, as a shell's assignments: "
        "GIT_COMMIT=... and GIT_BRANCH=... They come from GIT_COMMIT and GIT_BRANCH, else from the CI service, else "
        "from git. PULL_REQUEST=true follows in the build of a pull or merge request, and PULL_REQUEST= in others. "
        'In a script: eval "$(python manage.py provider_version)". Exit code 2: version or branch is not known.'
    )
    epilog = with_detected()
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            version, build = find_version(os.environ), detect_build(os.environ)
            if not version.number:
                raise CannotVerify("No commit is checked out. Set GIT_COMMIT.")
            if not version.branch:
                named = f"{version.without_branch}." if version.detected else "No branch is checked out."
                raise CannotVerify(f"{named} Set GIT_BRANCH.")
            self.stdout.write(f"GIT_COMMIT={shlex.quote(version.number)}\nGIT_BRANCH={shlex.quote(version.branch)}")
            self.stdout.write(f"PULL_REQUEST={'true' if build and build.is_request else ''}")
