"""manage.py verify_pacts: parse, call, exit code."""

import io
import os
import sys
from argparse import BooleanOptionalAction, RawDescriptionHelpFormatter
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
    OutputWrapper,
)

from pact_verification.conf import ISOLATIONS
from pact_verification.credentials import hide_credentials
from pact_verification.errors import CannotVerify
from pact_verification.management.arguments import add_broker_arguments, day, seconds
from pact_verification.management.exits import documented_exits
from pact_verification.stores import own_stores

TOOLS = {"pact-python": "pact", "parse": "parse", "requests": "requests", "rich": "rich"}

EPILOG = """\
exit codes:
  0    every selected interaction was verified, and results that were to be published are at the broker
  1    at least one that is not pending failed: a mismatch, or a provider state that could not be set up
  2    it could not run: options, configuration, broker, an unreadable pact, provider states without a handler
  3    nothing was verified, and --allow-no-pacts was not given
  4    verified, but the broker does not hold the results
  130  interrupted by Ctrl-C (143 by SIGTERM)

environment, for every option that is not given:
  PACT_BROKER_BASE_URL                        --broker-url
  PACT_BROKER_TOKEN, or                       credentials; there is no option for them, since command lines
  PACT_BROKER_USERNAME, PACT_BROKER_PASSWORD  are seen by others
  PACT_BROKER_PUBLISH_VERIFICATION_RESULTS    --publish
  PACT_PROVIDER_NAME, PACT_URL                --provider-name, --pact-url
  GIT_COMMIT, GIT_BRANCH                      --provider-version, --provider-branch; else GitHub Actions', else git's

Provider states are set up by the functions in the pact_states.py of your apps; the README tells how to write them.
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
            help="A pact file, a directory that is searched for them, or a file: URL. By default those of the broker, "
            "or, where none is configured, of the setting PACT_PATHS, which is pacts/ unless you set it.",
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
        broker = parser.add_argument_group("pacts of a broker")
        add_broker_arguments(broker)
        broker.add_argument(
            "--pact-url",
            metavar="URL",
            help="Only this pact, as a webhook names it. Credentials go to the broker's own host alone.",
        )
        broker.add_argument(
            "--consumer-version-selector",
            action="append",
            default=[],
            metavar="JSON",
            dest="consumer_version_selectors",
            help='Which versions of the consumers, such as \'{"branch": "main", "consumer": "shop"}\'; may be '
            "repeated. By default mainBranch, matchingBranch (when a branch is known) and deployedOrReleased.",
        )
        broker.add_argument(
            "--enable-pending",
            action=BooleanOptionalAction,
            default=True,
            help="Whether pacts that this provider's branch has never verified may fail (the default).",
        )
        broker.add_argument(
            "--include-wip-pacts-since",
            type=day,
            metavar="DATE",
            help="Also verify pacts in progress from this day on (YYYY-MM-DD); they are pending. By default those of "
            "the last 90 days, and on the main branch only.",
        )
        publishing = parser.add_argument_group("publishing results")
        publishing.add_argument(
            "--publish",
            action=BooleanOptionalAction,
            help="Publish the results to the broker, and read them back. Off by default; never with a filter.",
        )
        publishing.add_argument("--provider-version", metavar="VERSION", help="By default the commit.")
        publishing.add_argument("--provider-branch", metavar="BRANCH", help="By default the branch.")
        publishing.add_argument(
            "--provider-tag",
            action="append",
            default=[],
            metavar="TAG",
            dest="provider_tags",
            help="A tag for the version, where branches are not used; may be repeated.",
        )
        publishing.add_argument("--build-url", metavar="URL", help="The build; by default GitHub Actions'.")
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
            type=seconds,
            metavar="SECONDS",
            help="How long a provider state or a request may take; by default 5. Setting: PACT_REQUEST_TIMEOUT.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            _require_tools()
            exit_code, text = self._verify(options)
        try:
            self.stdout.write(hide_credentials(text), ending="")
            self.stdout.flush()
        except BrokenPipeError:  # whoever read it has read enough; the verdict stays
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is flushed at exit goes there
        except (OSError, AttributeError) as error:  # a full disk; no standard output at all
            raise CommandError(f"The report can't be written: {error}", returncode=2) from error
        if exit_code:
            sys.exit(exit_code)

    def _verify(self, options: Mapping[str, Any]) -> tuple[int, str]:
        """The exit code, and the text for the console."""
        # Here, since production imports the command and has neither rich nor requests.
        from pact_verification.options import read_options
        from pact_verification.reporters import console, progress
        from pact_verification.runner import verify

        with own_stores():  # the checks import the project's modules, which may take hold of a cache
            self.check()
        choice = read_options(options)
        version = (
            f"{choice.publisher.version.number} of branch {choice.publisher.version.branch}" if choice.publisher else ""
        )
        if choice.verbosity == 0:
            report = verify(choice)
        else:
            # Below the wrapper, which ends every part of a line with a newline.
            stream: Any = getattr(self.stderr, "_out", None) or io.StringIO()
            with progress.live_progress(stream, colour=_colour(self.stderr, options)) as live:
                report = verify(
                    choice,
                    live.progress,
                    lambda selection: live.say(
                        hide_credentials(progress.render_selection(selection, version, choice.unpublished))
                    ),
                )
        return report.exit_code, console.render(
            report,
            colour=_colour(self.stdout, options),
            verbosity=choice.verbosity,
            encoding=getattr(self.stdout, "encoding", None) or "utf-8",
        )


def _require_tools() -> None:
    missing = [name for name, module in TOOLS.items() if find_spec(module) is None]
    if missing:
        raise CannotVerify(
            f"{' and '.join(missing)} can't be imported here: what verifies is no part of production. Install "
            "django-pact-verification with its dependencies."
        )


def _colour(stream: OutputWrapper, options: Mapping[str, Any]) -> bool:
    """Django's options first, then NO_COLOR (no-color.org), then what the stream is."""
    if options["no_color"] or options["force_color"]:
        return bool(options["force_color"])
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()
