#!/usr/bin/env python3
"""The developer's way in. Servers come in through config.wsgi, where nothing is assumed."""

import os
import sys

CONTRACTS = ("verify_pacts", "pact_states", "can_i_deploy", "pact_broker")
"""Commands whose exit code 2 means that they could not run."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # A developer's command runs in development unless told otherwise; config.wsgi never does.
    os.environ.setdefault("DJANGO_DEBUG", "true")
    try:
        run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


def run() -> None:
    """Run the command. Until it begins, Ctrl-C ends the process at once, in the middle of an import as well."""
    import signal

    heard = signal.getsignal(signal.SIGINT)
    if heard is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)

    from django.core.management import BaseCommand, ManagementUtility

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            command = super().fetch_command(subcommand)
            signal.signal(signal.SIGINT, heard)
            return command

    try:
        Utility(sys.argv).execute()
    except Exception:
        # Django has not found the command: the settings can't be loaded. To the contracts' commands, 1 is a verdict.
        if sys.argv[1:2] and sys.argv[1] in CONTRACTS:
            import traceback

            traceback.print_exc()
            sys.exit(2)
        raise


def end(number: int, frame: object) -> None:
    """Hear Ctrl-C while there is nothing to clean up."""
    os.write(2, b"Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
