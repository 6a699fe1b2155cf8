#!/usr/bin/env python3
"""The developer's way in. Servers come in through config.wsgi, where nothing is assumed."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # A developer's command runs in development unless told otherwise; config.wsgi never does.
    os.environ.setdefault("DJANGO_DEBUG", "true")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
