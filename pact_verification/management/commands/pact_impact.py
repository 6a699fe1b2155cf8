"""manage.py pact_impact: which members of responses and messages consumers need, and whom a change would break."""

import os
import sys
from argparse import BooleanOptionalAction
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser

from pact_verification import reporters
from pact_verification.errors import CannotVerify
from pact_verification.management.arguments import (
    add_database_arguments,
    add_filter_arguments,
    add_pact_arguments,
    add_parallel_argument,
    add_request_timeout_argument,
    processes,
)
from pact_verification.management.exits import documented_exits, require_tools
from pact_verification.management.running import VerifyingCommand, wants_colour
from pact_verification.reporters.files import STEP_SUMMARY_VARIABLE, requested, step_summary, write_all
from pact_verification.results.impact import Impact
from pact_verification.results.printable import printable_values
from pact_verification.run.leftovers import run_folder
from pact_verification.text import encodable

if TYPE_CHECKING:
    from pact_verification.impact.impact import Question

EPILOG = """\
exit codes:
  0    the table is there; with --without or --rename: no contract breaks
  1    with --without or --rename: a contract breaks, or could not be tried; also an interaction that is not pending
       was not verified, so what it needs is not known
  2    it could not run; also no verified response has the member or operation that was asked about
  3    nothing was verified, and --allow-no-pacts was not given
  130  interrupted by Ctrl-C (143 by SIGTERM)

A member is named as the table names it: $.items[*].name, header Link, metadata topic. A name alone, such as name or
owner.name, means it at any depth. An item of a list stands for all of them.

Only members of responses that were verified count: what no contract asks for is not known to the command.

"""


class Command(VerifyingCommand):
    help = (
        "List which members of the API's responses and messages each consumer needs, and which no consumer needs. The "
        "project is verified first. Then each response is changed, one member at a time, and the Pact verifier judges "
        "it again. With --without or --rename: say whom that change would break."
    )
    epilog = EPILOG

    def add_arguments(self, parser: CommandParser) -> None:
        add_pact_arguments(parser)
        plan = parser.add_argument_group("a planned change")
        plan.add_argument(
            "--without",
            action="append",
            default=[],
            metavar="PATH",
            help="Say whom it breaks to remove this member, such as '$.name' or 'header Link'; may be repeated.",
        )
        plan.add_argument(
            "--rename",
            action="append",
            default=[],
            metavar="OLD=NEW",
            help="Say whom it breaks to rename this member, such as '$.name=title'; may be repeated.",
        )
        plan.add_argument(
            "--operation",
            metavar="OPERATION",
            help="Only the responses of this operation, such as 'GET /products/{id}'.",
        )
        add_filter_arguments(parser)
        how = parser.add_argument_group("how")
        add_parallel_argument(how)
        add_database_arguments(how)
        add_request_timeout_argument(how)
        reports = parser.add_argument_group("reports, beside the one on the console")
        reports.add_argument(
            "--serializers",
            action="store_true",
            help="Name the field of a Django REST framework serializer that writes each member, and the fields of each "
            "serializer that no consumer needs.",
        )
        for each in reporters.IMPACT_FORMATS:
            reports.add_argument(f"--{each.name}", metavar="FILE", help=f"Write {each.description}.")
        reports.add_argument(
            "--github",
            action=BooleanOptionalAction,
            default=None,
            help="Write GitHub Actions' step summary and annotations; by default where GITHUB_STEP_SUMMARY is set.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        github = options["github"] if options["github"] is not None else bool(os.environ.get(STEP_SUMMARY_VARIABLE))
        with documented_exits(self, with_traceback=options["traceback"]):
            require_tools()
            question = _question(options)
            files = requested(options, reporters.IMPACT_FORMATS)
            summary = (
                step_summary(required=bool(options["github"]), warn=self.complain, summary=reporters.IMPACT_SUMMARY)
                if github
                else ()
            )
            impact = self._find(options, question)
        self._show(impact, options, github=github)
        for problem in write_all((*files, *summary), impact):
            self.complain(problem)
        if impact.exit_code:
            sys.exit(impact.exit_code)

    def _find(self, options: dict[str, Any], question: "Question") -> Impact:
        """Verify the pacts, and ask the Pact core about changes."""
        with run_folder() as folder, self.provider(folder) as provider, self.engine(options) as engine:
            # Imported here, while the provider's process starts.
            from pact_verification.impact.asking import running_core
            from pact_verification.impact.impact import find_impact, running_engines

            keeping = {**options, "keep_answers": True}
            with (
                running_engines(engine, processes("auto")) as engines,
                self.runner(keeping, provider, engine, folder) as runner,
            ):
                report = runner.run()
                with running_core(engines, folder, runner.progress) as core:
                    return find_impact(report, runner.selection.pacts, core, question)

    def _show(self, impact: Impact, options: dict[str, Any], *, github: bool) -> None:
        """Show what was found on the console."""
        # Imported here, since only a finished run needs it.
        from pact_verification.reporters import impact_console

        encoding = getattr(self.stdout, "encoding", None) or "utf-8"

        def render() -> tuple[str, str]:
            shown = printable_values(impact)
            text = impact_console.render(
                shown,
                colour=wants_colour(self.stdout, options),
                verbosity=options["verbosity"],
                encoding=encoding,
            )
            if not github:
                return text, ""
            from pact_verification.reporters.impact_github import render_annotations  # few runs are in GitHub Actions

            return text, encodable(render_annotations(shown), encoding)

        self.show(render)


def _question(options: dict[str, Any]) -> "Question":
    """Read what is asked. Raises CannotVerify for options that can't be used."""
    # Imported here, so that --help needs less.
    from pact_verification.impact.impact import Question
    from pact_verification.impact.planning import Planned

    planned = (*map(Planned, options["without"]), *map(Planned.rename, options["rename"]))
    if planned and options["serializers"]:
        raise CannotVerify(
            "--serializers is about the table of all members, and --without and --rename ask about some. Leave one out."
        )
    return Question(planned, options["operation"], options["serializers"])
