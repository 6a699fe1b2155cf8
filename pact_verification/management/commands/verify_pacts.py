"""manage.py verify_pacts: its options, the start of a run, and the output on the console."""

import io
import os
import sys
from argparse import BooleanOptionalAction
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser, OutputWrapper

from pact_verification import reporters
from pact_verification.broker.arguments import seconds
from pact_verification.conf import ISOLATIONS
from pact_verification.credentials import harmless
from pact_verification.management.arguments import PactsHelp, add_pact_arguments, count, processes, shard
from pact_verification.management.exits import documented_exits, leave, require_secret_key, require_tools, showable
from pact_verification.management.help import with_detected
from pact_verification.provider.databases.aliases import new_token
from pact_verification.reporters.files import STEP_SUMMARY_VARIABLE, requested, step_summary, write_all
from pact_verification.results.printable import printable_values
from pact_verification.results.report import Report
from pact_verification.run.leftovers import run_folder
from pact_verification.system.streams import discard, write_commands
from pact_verification.text import encodable

if TYPE_CHECKING:
    from pact_verification.core.engine import Engine
    from pact_verification.provider.serving import Provider

EPILOG = """\
exit codes:
  0    every selected interaction was verified, and results that were to be published are at the broker
  1    at least one that is not pending failed: a mismatch, a provider state that could not be set up, a message,
       a pact that can't be read or that needs a plugin
  2    it could not run: options, configuration, broker, no pact that can be read, provider states without a handler
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

The functions in the pact_states.py of your apps set up provider states. The README explains how to write them.

"""


class Command(PactsHelp):
    help = (
        "Verify the project against its consumers' pacts. The Pact verifier sends each interaction's request to a live "
        "server on this machine, after the provider states are set up in a test database."
    )
    epilog = with_detected(EPILOG)
    requires_system_checks = ()  # handle() runs them, since Django would exit with 1, which means a failed interaction

    on_command_line = False
    """Whether a shell started the command. The project runs in a process of its own then."""

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
        interactions = parser.add_argument_group("which of their interactions")
        interactions.add_argument(
            "--description",
            metavar="REGEX",
            help="Only those whose description matches this Python regular expression, anywhere in it.",
        )
        state = interactions.add_mutually_exclusive_group()
        state.add_argument("--state", metavar="REGEX", help="Only those with a provider state that matches.")
        state.add_argument("--no-state", action="store_true", help="Only those without a provider state.")
        interactions.add_argument(
            "--interaction",
            action="append",
            default=[],
            metavar="KEY",
            dest="interactions",
            help="Only this one, by the key that reports show; may be repeated.",
        )
        interactions.add_argument(
            "--last-failed", action="store_true", help="Only those that failed when they ran last, pending or not."
        )
        how = parser.add_argument_group("how")
        how.add_argument(
            "--exit-first",
            action="store_true",
            help="Stop after the first interaction that fails the run. Nothing is published then.",
        )
        how.add_argument(
            "--parallel",
            type=processes,
            default=1,
            metavar="N",
            help="Share the work among this many processes, each with test databases of its own; auto is one for each "
            "core. The report stays the same.",
        )
        how.add_argument(
            "--shard",
            type=shard,
            metavar="K/N",
            help="Verify one of several shares of the pacts, for a CI job that is one of several: 2/5 is the second of "
            "five. A consumer's pacts are in one share.",
        )
        how.add_argument(
            "--isolation",
            choices=ISOLATIONS,
            help="How interactions are kept apart: each in a transaction that is rolled back (the default, and the "
            "faster), or with real commits and every table emptied before the next, for projects whose views use "
            "threads or several connections. Setting: PACT_ISOLATION.",
        )
        how.add_argument(
            "--keepdb",
            action="store_true",
            help="Keep the migrated test databases for the next run, which starts from copies of them and applies only "
            "new migrations. They have names of their own (on SQLite: files in PACT_CACHE_DIR).",
        )
        how.add_argument(
            "--create-db",
            action="store_true",
            help="Make the kept test databases again, such as after a change that no migration shows.",
        )
        how.add_argument(
            "--databases",
            nargs="+",
            action="extend",
            metavar="ALIAS",
            help="The databases that the run uses, by their aliases in DATABASES; may be repeated. It leaves all "
            "others alone and refuses connections to them. Before a PACT write --databases=ALIAS. Setting: "
            "PACT_DATABASES.",
        )
        how.add_argument(
            "--provider-url",
            metavar="URL",
            help="Verify a server that already runs, as it is deployed. The database that it reads is the one of these "
            "settings, and is emptied for every interaction, so the setting PACT_DISPOSABLE_DATABASES has to name it.",
        )
        how.add_argument(
            "--request-timeout",
            type=seconds,
            metavar="SECONDS",
            help="How long a provider state or a request may take; by default 5. Setting: PACT_REQUEST_TIMEOUT.",
        )

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
            "--coverage",
            action="store_true",
            help="Show which URLs and methods consumers depend on, and which no consumer uses. JUnit does not show it.",
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command for a shell, and end the process. `call_command` calls `execute` instead."""
        self.on_command_line = True
        try:
            super().run_from_argv(argv)
        except SystemExit as error:
            leave(error.code)
        leave(0)

    def handle(self, *args: Any, **options: Any) -> None:
        github = options["github"] if options["github"] is not None else bool(os.environ.get(STEP_SUMMARY_VARIABLE))
        with documented_exits(self, with_traceback=options["traceback"]):
            require_tools()
            files = requested(options)
            summary = step_summary(required=bool(options["github"]), warn=self._complain) if github else ()
            with (
                run_folder() as folder,
                self._provider(folder) as provider,  # before the engine, since a fork copies what is loaded
                self._engine(options) as engine,
            ):
                report = self._verify(options, provider, engine, folder)
        self._show(report, options, github=github)
        for problem in write_all((*files, *summary), report):
            self._complain(problem)
        if report.exit_code:
            sys.exit(report.exit_code)

    def _provider(self, folder: Path) -> "AbstractContextManager[Provider]":
        """Return the project: in its own process on the command line, else in this process."""
        # Imported here, since a run needs one of the two. The fork copies less.
        if self.on_command_line:
            from pact_verification.run.witness import witnessed_provider

            return witnessed_provider(folder, new_token())
        from pact_verification.provider.here import provider_here

        return provider_here(self.check, folder=folder)

    @contextmanager
    def _engine(self, options: Mapping[str, Any]) -> "Iterator[Engine]":
        """Start the verifier process early, since it takes a moment to be ready. Workers have their own."""
        # Imported here, while the provider's process starts.
        from pact_verification.core.engine import running_engine

        with running_engine() as engine:
            if options["parallel"] == 1:
                engine.start()
            yield engine

    def _verify(self, options: Mapping[str, Any], provider: "Provider", engine: "Engine", folder: Path) -> Report:
        """Verify the pacts, show the progress on a line, and return the report."""
        # Imported here, while the provider's process checks the project.
        from pact_verification.reporters import progress
        from pact_verification.run.options import read_options
        from pact_verification.run.runner import Runner

        require_secret_key()
        notes = provider.load()  # system checks first, since they may refuse a setting that is an option's default
        run_options = read_options(options)
        runner = Runner(run_options, provider, engine, folder, services=notes)
        if options["verbosity"] == 0:
            return runner.run()
        version = str(run_options.publisher.version) if run_options.publisher else ""
        # Django's wrapper would add a newline to each part of the progress line.
        stream: Any = getattr(self.stderr, "_out", None) or io.StringIO()
        with progress.live_progress(stream, colour=_colour(self.stderr, options)) as live:
            runner.progress = live.progress
            runner.announce = lambda selection, server: live.show(
                "\n".join(
                    filter(
                        None, (progress.render_selection(selection, version, run_options.unpublished, server), *notes)
                    )
                )
            )
            return runner.run()

    def _show(self, report: Report, options: Mapping[str, Any], *, github: bool) -> None:
        """Show the report on the console. A problem with it is a warning, and does not change the exit code."""
        # Imported here, since only a finished run needs it.
        from pact_verification.reporters import console

        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        try:
            shown = printable_values(report)
            text = console.render(
                shown,
                colour=_colour(self.stdout, options),
                verbosity=options["verbosity"],
                encoding=encoding,
                durations=options["durations"],
            )
            annotations = ""
            if github:
                from pact_verification.reporters.github import render_annotations  # few runs are in GitHub Actions

                annotations = encodable(render_annotations(shown), encoding)
        except Exception as error:  # noqa: BLE001  # a mistake in this package
            self._complain(f"The report on the console failed: {type(error).__name__}: {error}")
            return
        try:
            self.stdout.write(harmless(text), ending="")
            if annotations:
                write_commands(self.stdout, annotations)
            self.stdout.flush()
        except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
            discard(1)
        except Exception as error:  # noqa: BLE001  # the disk is full, or there is no standard output
            discard(1)
            self._complain(f"The report can't be written: {type(error).__name__}: {error}")

    def _complain(self, problem: str) -> None:
        """Show a problem with a report on standard error, if that can be written."""
        try:
            self.stderr.write(showable(problem))
        except Exception:  # noqa: BLE001  # the disk may be full
            discard(2)


def _colour(stream: OutputWrapper, options: Mapping[str, Any]) -> bool:
    """Return whether to use colour. Django's options come first, then NO_COLOR (no-color.org), then the terminal."""
    if options["no_color"] or options["force_color"]:
        return bool(options["force_color"])
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()
