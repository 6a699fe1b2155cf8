#!/usr/bin/env python3
"""The developer's way in. Servers come in through config.wsgi, where nothing is assumed."""

import os
import sys
import traceback

CONTRACTS = ("verify_pacts", "pact_states", "can_i_deploy", "pact_broker")
"""Commands whose exit code 2 means that they could not run."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # A developer's command runs in development unless told otherwise; config.wsgi never does.
    os.environ.setdefault("DJANGO_DEBUG", "true")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except Exception:
        # Django has not found the command: the settings can't be loaded. To the contracts' commands, 1 is a verdict.
        if sys.argv[1:2] and sys.argv[1] in CONTRACTS:
            traceback.print_exc()
            sys.exit(2)
        raise


if __name__ == "__main__":
    main()
