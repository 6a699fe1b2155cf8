"""How the commands end: exit codes that mean something, and texts that may be shown."""

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

from pact_verification.credentials import harmless
from pact_verification.errors import CannotVerify, Terminated
from pact_verification.system.interruption import end_at_once, interruptible
from pact_verification.system.streams import guard_streams
from pact_verification.text import nearest, printable_lines

COULD_NOT_RUN = 2
TOOLS = {"pact-python": "pact", "parse": "parse", "requests": "requests", "rich": "rich"}


class HelpfulParser(CommandParser):
    """A parser that names the option that was probably meant."""

    def error(self, message: str) -> Any:
        start, unrecognized, words = message.partition("unrecognized arguments: ")
        options = [option.lstrip("-") for option in self._option_string_actions]  # argparse has no public list

        def explained(word: str) -> str:
            option = word.partition("=")[0]
            near = nearest(option.lstrip("-"), options)[:1] if option.startswith("--") else ()
            return f"{word} (did you mean --{near[0]}?)" if near else word

        super().error(start + unrecognized + " ".join(map(explained, words.split(" "))))


class GuardedCommand(BaseCommand):
    """A command whose streams, from the command line, show no credentials and no others' commands to a CI's runner."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = HelpfulParser  # Django has no other way to choose it
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        end_at_once()  # until `documented_exits`, and after it
        guard_streams()
        if getattr(self.stderr, "_out", None) is None:  # the caller closed it before this command took hold of it
            self.stderr = OutputWrapper(sys.stderr)
        super().run_from_argv(argv)


def require_secret_key() -> None:
    """Raise ImproperlyConfigured where SECRET_KEY is empty. Django does so only once something is signed."""
    settings.SECRET_KEY  # noqa: B018  # reading it is what raises


def require_tools() -> None:
    missing = [name for name, module in TOOLS.items() if find_spec(module) is None]
    if missing:
        raise CannotVerify(
            f"{' and '.join(missing)} can't be imported here: what verifies is no part of production. Install "
            "django-pact-verification with its dependencies."
        )


def leave(code: str | int | None) -> NoReturn:
    """End this process at once, as sys.exit(code) would: without the exit handlers and threads of the project."""
    if isinstance(code, str):
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{code}\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or on a full disk
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def showable(text: str) -> str:
    """A text that may quote what came from elsewhere."""
    return harmless(printable_lines(text))


def show(command: BaseCommand, ran: subprocess.CompletedProcess[str]) -> None:
    """What another program printed, each part where that had put it."""
    command.stdout.write(showable(ran.stdout), ending="")
    command.stderr.write(showable(ran.stderr), ending="")
    command.stdout.flush()


@contextmanager
def documented_exits(command: BaseCommand, *, with_traceback: bool) -> Iterator[None]:
    """Exit with 2 for whatever keeps a command from its verdict, and with 128 and the number for a signal.

    Args:
        with_traceback: Django's --traceback, for which Django itself would exit with 1.
    """
    try:
        with interruptible():
            yield
    except KeyboardInterrupt as error:
        traceback.clear_frames(error.__traceback__)  # a context manager that was interrupted on its way in cleans up
        command.stderr.write("Interrupted.")
        sys.exit(128 + (error.args[0] if isinstance(error, Terminated) else signal.SIGINT))
    except Exception as error:  # whatever it is: no contract has been found broken, so it is not exit code 1
        expected = isinstance(error, CannotVerify | SystemCheckError | ImproperlyConfigured)
        if with_traceback or not expected:
            command.stderr.write(showable(traceback.format_exc()))
        if with_traceback:
            sys.exit(COULD_NOT_RUN)
        text = str(error) if expected else f"The run could not go on: {type(error).__name__}: {error}"
        raise CommandError(showable(text), returncode=COULD_NOT_RUN) from error
