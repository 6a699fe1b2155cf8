"""manage.py pact_states: the provider states and messages that pacts need, with their handlers and producers."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from pact_verification.management.arguments import PactsHelp, add_pact_arguments
from pact_verification.management.exits import documented_exits, require_tools, showable
from pact_verification.provider.caches.own import run_caches
from pact_verification.provider.databases.aliases import new_token
from pact_verification.provider.stores import own_stores
from pact_verification.reporters.states import render
from pact_verification.run.options import read_options
from pact_verification.states.preflight import find_needs, imports, stubs
from pact_verification.states.registry import autodiscover
from pact_verification.text import encodable

EPILOG = """\
exit codes:
  0    the states and messages are listed; with --check: every state has a handler that accepts its params, and every
       message a producer
  1    with --check: a handler or producer is missing, or a handler does not accept the params; pending pacts don't
       count
  2    it could not run: options, broker, an unreadable pact, a pact_states.py that can't be imported
  3    with --check: no pact was selected, and --allow-no-pacts was not given
"""


class Command(PactsHelp):
    help = (
        "List the provider states and the messages that the consumers' pacts need, with the pacts and the handler or "
        "producer of each. It needs no server and no database. What has no function gets a stub to paste."
    )
    epilog = EPILOG
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_pact_arguments(parser)
        what = parser.add_argument_group("what to do")
        what.add_argument(
            "--check", action="store_true", help="Exit with 1 if a fitting handler or producer is missing."
        )
        what.add_argument(
            "--stubs", action="store_true", help="Write only Python to paste, for what has no handler or producer."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with documented_exits(self, with_traceback=options["traceback"]):
            require_tools()
            exit_code = self._list(options)
        if exit_code:
            sys.exit(exit_code)

    def _list(self, options: dict[str, Any]) -> int:
        """List the states, and return the exit code."""
        run_options = read_options(options)
        provider_name = run_options.provider_name
        with (
            run_caches(new_token()) as caches,
            own_stores(caches),
        ):  # before a module of the project takes a reference to a cache
            registry = autodiscover()
        selection = run_options.source.select(provider_name, run_options.consumers, run_options.filter)
        needs = find_needs(selection.pacts, registry)
        missing = [need for need in needs if need.missing]
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        if not options["stubs"]:
            notes = (*run_options.notes, *selection.left_out, *selection.unverifiable)
            text = showable(render(needs, registry, notes))
            self.stdout.write(encodable(text, encoding), ending="")
        elif missing:
            self.stdout.write(encodable(f"{imports(missing)}\n\n\n{stubs(missing)}\n", encoding), ending="")
        else:
            self.stderr.write("Every state has a handler and every message a producer, so there is no stub to write.")
        if options["stubs"] and selection.unverifiable:
            self.stderr.write(showable("\n".join(selection.unverifiable)))
        if not options["check"]:
            return 0
        empty = [pact.name for pact in selection.pacts if not pact.interactions]
        nothing_for = [*selection.nothing_for, *empty] or ([] if selection.pacts else ["no pact was selected"])
        if nothing_for and not options["allow_no_pacts"]:
            self.stderr.write(
                showable(f"Nothing was checked for {', '.join(nothing_for)}. --allow-no-pacts accepts that.")
            )
            return 3
        if any(pact.is_unreadable and not pact.interactions[0].pending for pact in selection.pacts):
            return 1
        return int(any(need.ambiguous or ((need.missing or need.misfits) and not need.pending) for need in needs))
