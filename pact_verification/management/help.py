"""The help of the commands: its layout, and what is detected of the provider's version."""

import os
import textwrap
from argparse import RawDescriptionHelpFormatter

from django.core.management.base import DjangoHelpFormatter
from django.utils.functional import lazy

from pact_verification.system.credentials import harmless
from pact_verification.text import printable_lines


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's help formatter, which also keeps the line breaks of a text of several lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        text = str(text)  # it may be lazy
        if "\n" in text.strip():
            return super()._fill_text(text, width, indent)
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


def with_detected(epilog: str = "") -> str:
    """Add what is detected here to the end of a command's help. Only a help that is shown looks for it."""
    text: str = lazy(lambda: epilog + _detected_here(), str)()
    return text


def _detected_here() -> str:
    """Return the CI service, with the version, the branch and the build URL that results would be published for."""
    # Imported here, since few runs show help.
    from pact_verification.broker.build import detect_build
    from pact_verification.broker.provider_version import find_version

    build, version = detect_build(os.environ), find_version(os.environ)
    known = {"version": version.number, "branch": version.branch, "build URL": version.build_url}
    values = ", ".join(f"{name} {value}" if value else f"no {name}" for name, value in known.items())
    return harmless(printable_lines(f"detected here: {build.service if build else 'no CI service'}; {values}"))
