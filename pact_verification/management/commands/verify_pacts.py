"""manage.py verify_pacts: its options, the start of a run, and the output on the console."""

import os
import sys
from argparse import BooleanOptionalAction
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from pact_verification import reporters
from pact_verification.errors import CannotVerify
from pact_verification.management.arguments import (
    add_database_arguments,
    add_filter_arguments,
    add_pact_arguments,
    add_parallel_argument,
    add_request_timeout_argument,
    count,
    shard,
)
from pact_verification.management.exits import documented_exits, require_secret_key, require_tools, showable
from pact_verification.management.help import with_detected
from pact_verification.management.running import VerifyingCommand, wants_colour
from pact_verification.reporters.files import STEP_SUMMARY_VARIABLE, requested, step_summary, write_all
from pact_verification.results.printable import printable_values
from pact_verification.results.report import Report
from pact_verification.run.leftovers import run_folder
from pact_verification.text import encodable

EPILOG = """\
exit codes:
  0    every selected interaction was verified, and results that were to be published are at the broker
  1    at least one that is not pending failed: a mismatch, a provider state that could not be set up, a producer
       of a message that failed, a pact that can't be read or that needs a plugin; with --fail-on-pending also a
       pending one
  2    it could not run: options, configuration, broker, no pact that can be read, provider states without a handler
       or messages without a producer
  3    nothing was verified, and --allow-no-pacts was not given
  4    verified, but the broker does not hold the results
  130  interrupted by Ctrl-C (143 by SIGTERM)

environment, for every option that is not given:
  PACT_BROKER_BASE_URL                        --broker-url
  PACT_BROKER_TOKEN, or                       credentials; there is no option for them, since command lines
  PACT_BROKER_USERNAME, PACT_BROKER_PASSWORD  are seen by others
  PACT_BROKER_PUBLISH_VERIFICATION_RESULTS    --publish
  PACT_PROVIDER_NAME, PACT_URL                --provider-name, --pact-url
  GIT_COMMIT, GIT_BRANCH                      --provider-version, --provider-branch; else the CI service's, else git's
  PACT_DESCRIPTION, PACT_PROVIDER_STATE       --description, --state; an empty PACT_PROVIDER_STATE is --no-state
  PACT_BROKER_INTERACTION_ID                  in place of --interaction: the interaction's id at the broker

The functions in the pact_states.py of your apps set up provider states, and produce messages. The documentation's page
docs/howto/provider-states.md explains how to write them.

"""


class Command(VerifyingCommand):
    help = (
        "Verify the project against its consumers' pacts. The Pact verifier sends each interaction's request to a live "
        "server on this machine, after the provider states are set up in a test database. For a message it calls the "
        "project's producer."
    )
    epilog = with_detected(EPILOG)

    def add_arguments(self, parser: CommandParser) -> None:
        add_pact_arguments(parser)
        publishing = parser.add_argument_group("publishing results")
        publishing.add_argument(
            "--publish",
            action=BooleanOptionalAction,
            help="Publish the results to the broker, and read them back. Off by default; never with a filter.",
        )
        publishing.add_argument(
            "--provider-version",
            metavar="VERSION",
            help="The provider's; by default the commit. With --provider-url it is the server's, and has no default.",
        )
        publishing.add_argument(
            "--provider-tag",
            action="append",
            default=[],
            metavar="TAG",
            dest="provider_tags",
            help="A tag for the version, where branches are not used; may be repeated.",
        )
        publishing.add_argument("--build-url", metavar="URL", help="The build; by default the CI service's.")
        interactions = add_filter_arguments(parser)
        interactions.add_argument(
            "--last-failed", action="store_true", help="Only those that failed when they ran last, pending or not."
        )
        interactions.add_argument(
            "--list",
            action="store_true",
            help="Only list them, with their keys, state handlers and producers. It needs no server and no database, "
            "and publishes nothing.",
        )
        how = parser.add_argument_group("how")
        how.add_argument(
            "--watch",
            action="store_true",
            help="Verify, wait for a change of the project's Python, templates or pacts, and verify again, until "
            "Ctrl-C. Each verification is a run with --failed-first and --keepdb. Nothing is published.",
        )
        how.add_argument(
            "--failed-first",
            action="store_true",
            help="Begin with the interactions that failed when they ran last. The report stays the same.",
        )
        how.add_argument(
            "--exit-first",
            action="store_true",
            help="Stop after the first interaction that fails the run. Nothing is published then.",
        )
        open_until = how.add_mutually_exclusive_group()
        open_until.add_argument(
            "--pdb",
            action="store_true",
            help="Keep the first interaction that fails the run open, and stop there: pdb at an exception, else a "
            "shell with interaction, request, response, diff and states, and the ORM in the interaction's transaction.",
        )
        open_until.add_argument(
            "--hold",
            action="store_true",
            help="Keep it open in the same way, and print a URL on this machine that serves the project in that state "
            "until Enter, for a browser or curl.",
        )
        how.add_argument(
            "--fail-on-pending",
            action="store_true",
            help="Let pending interactions that fail, fail the run. What is published stays the same.",
        )
        add_parallel_argument(how)
        how.add_argument(
            "--shard",
            type=shard,
            metavar="K/N",
            help="Verify one of several shares of the pacts, for a CI job that is one of several: 2/5 is the second of "
            "five. A consumer's pacts are in one share.",
        )
        add_database_arguments(how)
        how.add_argument(
            "--provider-url",
            metavar="URL",
            help="Verify a server that already runs, as it is deployed. The database that it reads is the one of these "
            "settings, and is emptied for every interaction, so the setting PACT_DISPOSABLE_DATABASES has to name it.",
        )
        add_request_timeout_argument(how)
        reports = parser.add_argument_group("reports, beside the one on the console")
        for each in reporters.FORMATS:
            reports.add_argument(f"--{each.name}", metavar="FILE", help=f"Write {each.description}.")
        reports.add_argument(
            "--github",
            action=BooleanOptionalAction,
            default=None,
            help="Write GitHub Actions' step summary and annotations; by default where GITHUB_STEP_SUMMARY is set.",
        )
        reports.add_argument(
            "--durations",
            type=count,
            default=0,
            metavar="N",
            help="Name the N slowest interactions on the console, with what took the time.",
        )
        reports.add_argument(
            "--debug-sql",
            action="store_true",
            help="Show the SQL queries of each request or producer whose interaction fails, in every report.",
        )
        reports.add_argument(
            "--coverage",
            action="store_true",
            help="Show which URLs, methods and messages consumers depend on, and which no consumer uses. JUnit does "
            "not show it.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["watch"]:
            with documented_exits(self, with_traceback=options["traceback"]):
                require_tools()
                sys.exit(self._watch(options))
        if options["list"]:
            with documented_exits(self, with_traceback=options["traceback"]):
                exit_code = self._list(options)
            if exit_code:
                sys.exit(exit_code)
            return
        github = options["github"] if options["github"] is not None else bool(os.environ.get(STEP_SUMMARY_VARIABLE))
        with documented_exits(self, with_traceback=options["traceback"]):
            require_tools()
            files = requested(options)
            summary = step_summary(required=bool(options["github"]), warn=self.complain) if github else ()
            with (
                run_folder() as folder,
                self.provider(folder) as provider,  # before the engine, since a fork copies what is loaded
                self.engine(options) as engine,
                self.runner(options, provider, engine, folder) as runner,
            ):
                report = runner.run()
        self._show(report, options, github=github)
        for problem in write_all((*files, *summary), report):
            self.complain(problem)
        if report.exit_code:
            sys.exit(report.exit_code)

    def _watch(self, options: Mapping[str, Any]) -> int:
        """Verify again after each change, until a signal comes. Returns the exit code."""
        # Imported here, since the runs that it starts need none of it.
        from pact_verification.run.options import read_options
        from pact_verification.run.watched_files import WatchedFiles
        from pact_verification.run.watching import run_again, watch

        if not self.on_command_line:
            raise CannotVerify("--watch starts the command anew for each verification, so it needs a command line.")
        reports = [options[each.name] for each in reporters.FORMATS if options[each.name]]
        files = WatchedFiles.of_project(read_options(options).source, reports)
        return watch(run_again(), files, self._say)

    def _list(self, options: Mapping[str, Any]) -> int:
        """List the interactions that a run would verify, and return the exit code."""
        # Imported here, since a run needs none of it in this process.
        from pact_verification.provider.here import provider_here
        from pact_verification.reporters import listing
        from pact_verification.run.options import read_options
        from pact_verification.run.selecting import green_report

        require_tools()
        require_secret_key()
        with run_folder() as folder, provider_here(self.check, folder=folder) as provider:
            provider.load()
            run_options = read_options(options)
            selection, report = green_report(run_options)
            text = listing.render(selection, provider.registry, report, counts_pending=options["fail_on_pending"])
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(encodable(showable(text), encoding), ending="")
        return report.exit_code

    def _show(self, report: Report, options: Mapping[str, Any], *, github: bool) -> None:
        """Show the report on the console."""
        # Imported here, since only a finished run needs it.
        from pact_verification.reporters import console

        encoding = getattr(self.stdout, "encoding", None) or "utf-8"

        def render() -> tuple[str, str]:
            shown = printable_values(report)
            text = console.render(
                shown,
                colour=wants_colour(self.stdout, options),
                verbosity=options["verbosity"],
                encoding=encoding,
                durations=options["durations"],
            )
            if not github:
                return text, ""
            from pact_verification.reporters.github import render_annotations  # few runs are in GitHub Actions

            return text, encodable(render_annotations(shown), encoding)

        self.show(render)

    def _say(self, text: str) -> None:
        """Show a text of --watch between two reports."""
        self.stdout.write(showable(text))
        self.stdout.flush()
