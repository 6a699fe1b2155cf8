"""What commands share that verify pacts: where the project runs, the verifier process, progress and output."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import OutputWrapper

from pact_verification.management.arguments import PactsHelp
from pact_verification.management.exits import leave, require_secret_key, showable
from pact_verification.provider.databases.aliases import new_token
from pact_verification.system.credentials import harmless
from pact_verification.system.streams import discard, write_commands

if TYPE_CHECKING:
    from pact_verification.core.engine import Engine
    from pact_verification.provider.serving import Provider
    from pact_verification.run.runner import Runner


class VerifyingCommand(PactsHelp):
    """A command that verifies pacts.

    Attributes:
        on_command_line: whether a shell started it. The project runs in a process of its own then.
    """

    requires_system_checks = ()  # a run checks the project, since Django would exit with 1: an interaction failed
    on_command_line = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command for a shell, and end the process. `call_command` calls `execute` instead."""
        self.on_command_line = True
        try:
            super().run_from_argv(argv)
        except SystemExit as error:
            leave(error.code)
        leave(0)

    def provider(self, folder: Path) -> "AbstractContextManager[Provider]":
        """Return the project: in its own process on the command line, else in this process."""
        # Imported here, since a run needs one of the two. The fork copies less.
        if self.on_command_line:
            from pact_verification.run.witness import witnessed_provider

            return witnessed_provider(folder, new_token())
        from pact_verification.provider.here import provider_here

        return provider_here(self.check, folder=folder)

    @contextmanager
    def engine(self, options: Mapping[str, Any]) -> "Iterator[Engine]":
        """Start the verifier process early, since it takes a moment to be ready. Workers have their own."""
        # Imported here, while the provider's process starts.
        from pact_verification.core.engine import running_engine

        with running_engine() as engine:
            if options["parallel"] == 1:
                engine.start()
            yield engine

    @contextmanager
    def runner(
        self, options: Mapping[str, Any], provider: "Provider", engine: "Engine", folder: Path
    ) -> "Iterator[Runner]":
        """Return what verifies the pacts, and show the progress on a line during the block."""
        # Imported here, while the provider's process checks the project.
        from pact_verification.reporters import progress
        from pact_verification.run.options import read_options
        from pact_verification.run.runner import Runner

        require_secret_key()
        notes = provider.load()  # system checks first, since they may refuse a setting that is an option's default
        run_options = read_options(options)
        runner = Runner(run_options, provider, engine, folder, services=notes)
        if options["verbosity"] == 0:
            yield runner
            return
        version = str(run_options.publisher.version) if run_options.publisher else ""
        # Django's wrapper would add a newline to each part of the progress line.
        stream: Any = getattr(self.stderr, "_out", None) or io.StringIO()
        with progress.live_progress(stream, colour=wants_colour(self.stderr, options)) as live:
            runner.progress = live.progress
            provider.on_hold = live.pause
            runner.tell_first = lambda results: live.show(progress.render_first(results))
            runner.announce = lambda selection, server: live.show(
                "\n".join(
                    filter(
                        None, (progress.render_selection(selection, version, run_options.unpublished, server), *notes)
                    )
                )
            )
            yield runner

    def show(self, render: Callable[[], tuple[str, str]]) -> None:
        """Show a report on the console. A problem with it is a warning, and does not change the exit code.

        Args:
            render: returns the report, and commands for GitHub's runner.
        """
        try:
            text, commands = render()
        except Exception as error:  # noqa: BLE001  # a mistake in this package
            self.complain(f"The report on the console failed: {type(error).__name__}: {error}")
            return
        try:
            self.stdout.write(harmless(text), ending="")
            if commands:
                write_commands(self.stdout, commands)
            self.stdout.flush()
        except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
            discard(1)
        except Exception as error:  # noqa: BLE001  # the disk is full, or there is no standard output
            discard(1)
            self.complain(f"The report can't be written: {type(error).__name__}: {error}")

    def complain(self, problem: str) -> None:
        """Show a problem with a report on standard error, if that can be written."""
        try:
            self.stderr.write(showable(problem))
        except Exception:  # noqa: BLE001  # the disk may be full
            discard(2)


def wants_colour(stream: OutputWrapper, options: Mapping[str, Any]) -> bool:
    """Return whether to use colour. Django's options come first, then NO_COLOR (no-color.org), then the terminal."""
    if options["no_color"] or options["force_color"]:
        return bool(options["force_color"])
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()
