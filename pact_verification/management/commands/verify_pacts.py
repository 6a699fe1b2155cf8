"""manage.py verify_pacts: parse, call, exit code."""

import os
import signal
import sys
import threading
import traceback
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
    OutputWrapper,
    SystemCheckError,
)

from pact_verification.conf import ISOLATIONS, conf
from pact_verification.errors import CannotVerify
from pact_verification.pacts import Filter
from pact_verification.reporters import console
from pact_verification.results import Report
from pact_verification.runner import Options, verify

MAX_SECONDS = 24 * 3600
INTERRUPTED = 130  # as a shell has it: 128 + SIGINT

EPILOG = """\
exit codes:
  0    every selected interaction was verified
  1    at least one that is not pending failed: a mismatch, or a provider state that could not be set up
  2    it could not run: options, configuration, an unreadable pact, provider states without a handler
  3    nothing was verified, and --allow-no-pacts was not given
  130  interrupted

Provider states are set up by the functions in the pact_states.py of your apps; see pact_verification's README.
"""


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Django's order of the options, and the epilog as it is written."""


class Command(BaseCommand):
    help = (
        "Verify the project against its consumers' pacts: on a test database that is brought into each provider state, "
        "by the Pact verifier, through a live server on this machine."
    )
    requires_system_checks = ()  # handle() runs them: their errors are "it could not run", not "a contract is broken"

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=EPILOG, formatter_class=HelpFormatter, allow_abbrev=False, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        pacts = parser.add_argument_group("which pacts")
        pacts.add_argument(
            "pacts",
            nargs="*",
            metavar="PACT",
            help="A pact file, a directory that is searched for them, or a file: URL. By default the setting "
            "PACT_PATHS, which is pacts/ unless you set it.",
        )
        pacts.add_argument(
            "--provider-name",
            metavar="NAME",
            help="The provider's name in the pacts; by default PACT_PROVIDER_NAME, in the environment or the settings.",
        )
        pacts.add_argument(
            "--consumer",
            action="append",
            default=[],
            metavar="NAME",
            dest="consumers",
            help="Only the pacts of this consumer; may be repeated.",
        )
        pacts.add_argument(
            "--allow-no-pacts", action="store_true", help="Exit with 0, not 3, when there is nothing to verify."
        )
        interactions = parser.add_argument_group("which of their interactions")
        interactions.add_argument(
            "--description",
            metavar="REGEX",
            help="Only those whose description matches this Python regular expression, anywhere in it.",
        )
        state = interactions.add_mutually_exclusive_group()
        state.add_argument("--state", metavar="REGEX", help="Only those with a provider state that matches.")
        state.add_argument("--no-state", action="store_true", help="Only those without a provider state.")
        how = parser.add_argument_group("how")
        how.add_argument(
            "--isolation",
            choices=ISOLATIONS,
            help="How interactions are kept apart: each in a transaction that is rolled back (the default, and the "
            "faster), or with real commits and every table emptied before the next, for projects whose views use "
            "threads or several connections. Setting: PACT_ISOLATION.",
        )
        how.add_argument(
            "--request-timeout",
            type=_seconds,
            metavar="SECONDS",
            help="How long a provider state or a request may take; by default 5. Setting: PACT_REQUEST_TIMEOUT.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _terminable():
                report = self._verify(options)
        except (CannotVerify, SystemCheckError) as error:
            raise CommandError(str(error), returncode=2) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted; the test databases are gone.")
            sys.exit(INTERRUPTED)
        except Exception as error:  # whatever it is: no contract has been found broken, so it is not exit code 1
            traceback.print_exc(file=self.stderr)
            raise CommandError(f"The run could not go on: {type(error).__name__}: {error}", returncode=2) from error
        text = console.render(
            report,
            colour=_colour(self.stdout, options),
            verbosity=options["verbosity"],
            unicode=_is_unicode(self.stdout),
        )
        self.stdout.write(text, ending="")
        if report.exit_code:
            sys.exit(report.exit_code)

    def _verify(self, options: Mapping[str, Any]) -> Report:
        self.check()
        choice = Options(
            pacts=tuple(options["pacts"] or conf.pacts),
            provider_name=options["provider_name"] or conf.provider_name,
            consumers=tuple(options["consumers"]),
            chosen=Filter.of(options["description"], options["state"], no_state=options["no_state"]),
            isolation=options["isolation"] or conf.isolation,
            request_timeout=options["request_timeout"] or conf.request_timeout,
            allow_no_pacts=options["allow_no_pacts"],
            verbosity=options["verbosity"],
        )
        if choice.verbosity == 0:
            return verify(choice)
        stream: Any = self.stderr._out  # below the wrapper, which would end every part of a line with a newline
        with console.live_progress(stream, colour=_colour(self.stderr, options)) as progress:
            return verify(choice, progress)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < MAX_SECONDS:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0, such as 5 or 0.5")
    return seconds


def _colour(stream: OutputWrapper, options: Mapping[str, Any]) -> bool:
    """Django's options first, then NO_COLOR (no-color.org), then what the stream is."""
    if options["no_color"] or options["force_color"]:
        return bool(options["force_color"])
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def _is_unicode(stream: OutputWrapper) -> bool:
    encoding: str = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().startswith("utf")


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, which CI sends to a job that it cancels, clean up as Ctrl-C does."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
