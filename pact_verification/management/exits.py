"""The ends of the commands: their exit codes, and output without credentials."""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper, SystemCheckError

from pact_verification.checks import require_versions
from pact_verification.errors import CannotVerify, Terminated
from pact_verification.management.help import HelpFormatter
from pact_verification.system.credentials import harmless
from pact_verification.system.interruption import end_at_once, interruptible
from pact_verification.system.streams import guard_streams
from pact_verification.text import nearest, printable_lines

COULD_NOT_RUN = 2
TOOLS = {"pact-python": "pact", "parse": "parse", "requests": "requests", "rich": "rich"}


class HelpfulParser(CommandParser):
    """A parser that suggests an existing option for one that does not exist."""

    def error(self, message: str) -> Any:
        """Add suggestions to argparse's message on unknown options, and exit."""
        start, unrecognized, words = message.partition("unrecognized arguments: ")
        options = [option.lstrip("-") for option in self._option_string_actions]  # argparse has no public list

        def with_suggestion(word: str) -> str:
            option = word.partition("=")[0]
            near = nearest(option.lstrip("-"), options)[:1] if option.startswith("--") else ()
            return f"{word} (did you mean --{near[0]}?)" if near else word

        super().error(start + unrecognized + " ".join(map(with_suggestion, words.split(" "))))


class GuardedCommand(BaseCommand):
    """A command whose output on the command line has no credentials, and no commands for a CI runner.

    Attributes:
        epilog: the end of its help.
    """

    epilog: str | None = None

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        help_options = {"epilog": self.epilog, "formatter_class": HelpFormatter}
        parser = super().create_parser(prog_name, subcommand, **help_options, **kwargs)
        parser.__class__ = HelpfulParser  # Django has no other way to choose the class
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        end_at_once()  # before and after `documented_exits`
        guard_streams(harmless)
        if getattr(self.stderr, "_out", None) is None:  # stderr was closed when Django made the command
            self.stderr = OutputWrapper(sys.stderr)
        try:
            require_versions()  # here, since some commands read no settings, and Django itself would exit with 1
        except CannotVerify as error:
            self.stderr.write(str(error))
            sys.exit(COULD_NOT_RUN)
        super().run_from_argv(argv)


def require_secret_key() -> None:
    """Raise ImproperlyConfigured if SECRET_KEY is empty. Django raises it only when it signs a value."""
    settings.SECRET_KEY  # noqa: B018  # reading it is what raises


def require_tools() -> None:
    """Raise CannotVerify if a package that verification needs is not installed."""
    missing = [name for name, module in TOOLS.items() if find_spec(module) is None]
    if missing:
        raise CannotVerify(
            f"{' and '.join(missing)} can't be imported. Verification needs what production does not: install "
            "django-pact-verification with its dependencies."
        )


def leave(code: str | int | None) -> NoReturn:
    """End this process with the exit code of sys.exit(code), without exit handlers and without waiting for threads."""
    if isinstance(code, str):
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{code}\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # the stream is closed, or its disk is full
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def showable(text: str) -> str:
    """Return a text for the console, without credentials and without control characters."""
    return harmless(printable_lines(text))


def show(command: BaseCommand, ran: subprocess.CompletedProcess[str]) -> None:
    """Show the output of another program on the same streams."""
    command.stdout.write(showable(ran.stdout), ending="")
    command.stderr.write(showable(ran.stderr), ending="")
    command.stdout.flush()


@contextmanager
def documented_exits(command: BaseCommand, *, with_traceback: bool) -> Iterator[None]:
    """Exit with 2 after an exception in the block, and with 128 and the signal's number after a signal.

    Args:
        with_traceback: Django's option --traceback. Django itself would exit with 1.
    """
    try:
        with interruptible():
            yield
    except KeyboardInterrupt as error:
        traceback.clear_frames(error.__traceback__)  # ends context managers that were interrupted in __enter__
        command.stderr.write("Interrupted.")
        sys.exit(128 + (error.args[0] if isinstance(error, Terminated) else signal.SIGINT))
    except Exception as error:  # exit code 1 would say that a contract is broken
        expected = isinstance(error, CannotVerify | SystemCheckError | ImproperlyConfigured)
        if with_traceback or not expected:
            command.stderr.write(showable(traceback.format_exc()))
        if with_traceback:
            sys.exit(COULD_NOT_RUN)
        text = str(error) if expected else f"The run could not go on: {type(error).__name__}: {error}"
        raise CommandError(showable(text), returncode=COULD_NOT_RUN) from error
