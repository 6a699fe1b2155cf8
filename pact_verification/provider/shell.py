"""What --pdb opens in a failed interaction: pdb at an exception, or a Python shell at a mismatch."""

import code
import pdb  # noqa: T100  # --pdb asks for it
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from pact_verification.results.crash import OURS
from pact_verification.results.diff import shortened
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult
from pact_verification.text import encodable, printable_lines

END = "Ctrl-D ends the run."


class Shown(str):
    """A text that a shell shows as it is."""

    __slots__ = ()

    __repr__ = str.__str__


def say(*lines: str) -> None:
    """Show lines in the terminal."""
    text = "".join(f"{printable_lines(line)}\n" for line in lines)
    sys.stdout.write(encodable(text, getattr(sys.stdout, "encoding", None) or "utf-8"))
    sys.stdout.flush()


def heading(result: InteractionResult) -> str:
    """Return an interaction's description and states, and how it failed."""
    interaction = result.interaction
    states = f"  [{', '.join(map(str, interaction.states))}]" if interaction.states else ""
    error = f"\n{result.error}" if result.error else ""
    return f"\n{interaction.description}{states}: {result.outcome.value}{error}"


def open_post_mortem(result: InteractionResult, error: BaseException) -> None:
    """Open pdb at the frame that raised an exception.

    Args:
        result: the interaction's, without secrets.
    """
    crash = result.exchange.crash
    say(heading(result), *([crash.exception] if crash and crash.exception not in (result.error or "") else []), END)
    with suppress(SystemExit):
        pdb.post_mortem(_without_ours(error.__traceback__))


def open_shell(
    result: InteractionResult,
    exchange: Exchange,
    *,
    request: HttpRequest | None,
    response: HttpResponseBase | None,
) -> None:
    """Open a Python shell with the parts of an interaction and the project's models.

    Args:
        result: the interaction's, without secrets.
        exchange: what was recorded of the interaction.
        request, response: Django's, as the view had and gave them; None if they are not known.
    """
    names = _names(result, exchange, request, response)
    models = {name: model for name, model in _models().items() if name not in names}
    namespace = {**models, **names}
    say(
        heading(result),
        _diff_text(result, short=True),
        f"Names: {', '.join(names)}; models: {', '.join(models) or 'none'}.",
        f"No exception was raised, so this is a Python shell. The database is as the interaction left it. {END}",
    )
    _complete(namespace)
    with suppress(SystemExit):
        code.InteractiveConsole(namespace).interact(banner="", exitmsg="")


def _names(
    result: InteractionResult, exchange: Exchange, request: HttpRequest | None, response: HttpResponseBase | None
) -> dict[str, Any]:
    names: dict[str, Any] = {"interaction": result.interaction}
    if result.interaction.is_message:
        names["message"] = exchange.message
    else:
        names["request"] = request or exchange.request
        names["response"] = response or exchange.response
    return {**names, "diff": Shown(_diff_text(result, short=False)), "states": exchange.states}


def _models() -> dict[str, Any]:
    """Return the project's models by their names. Of two with one name, that of the first app counts."""
    return {model.__name__: model for model in reversed(apps.get_models())}


def _diff_text(result: InteractionResult, *, short: bool) -> str:
    lines = []
    for _, part in result.diff.parts():
        for line in shortened(part) if short else part:
            lines += [f"  # {line.note}"] if line.note else []
            lines.append(f"  {line.sign} {line.text}")
    return "\n".join(lines)


def _complete(namespace: dict[str, Any]) -> None:
    """Let the tabulator complete names, where readline is installed."""
    if sys.platform == "win32":  # it has no such module
        return
    with suppress(ImportError):
        import readline  # here, since a Python may be built without it
        import rlcompleter

        readline.set_completer(rlcompleter.Completer(namespace).complete)
        readline.parse_and_bind("tab: complete")


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    """Leave out this package's frames, which called the project."""
    first = trace
    while first and first.tb_frame.f_code.co_filename.startswith(OURS):
        first = first.tb_next
    return first or trace
