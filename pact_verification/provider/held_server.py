"""Serves the project in the state of a failed interaction, for a browser or curl, until Enter."""

import os
import sys
import threading
from collections.abc import Callable
from urllib.parse import quote, unquote
from wsgiref.types import WSGIEnvironment

from pact_verification.provider.http_connection import HOST, Response
from pact_verification.provider.http_server import HttpServer
from pact_verification.provider.shell import heading, say
from pact_verification.results.exchange import Exchange
from pact_verification.results.report import InteractionResult

PATIENCE_SECONDS = 30.0
"""How long a request may take to come."""


def serve_until_enter(
    result: InteractionResult, exchange: Exchange, answer: Callable[[WSGIEnvironment], Response]
) -> None:
    """Serve the project on loopback until Enter or Ctrl-D in the terminal.

    Args:
        result: the interaction's, without secrets.
        exchange: what was recorded of the interaction.
        answer: returns the project's response to a WSGI environment.
    """
    server = HttpServer(None, PATIENCE_SECONDS)
    try:
        _forget_keys()
        say(
            heading(result),
            f"The project answers in this state: http://{HOST}:{server.port}{_target(result, exchange)}",
            "Enter ends the run.",
        )
        if sys.platform == "win32":  # where a terminal can't be waited for like a socket
            threading.Thread(target=_stop_at_enter, args=(server,), daemon=True).start()
            server.serve(answer, lambda: None)
        else:
            server.serve(answer, lambda: None, until=0)
    finally:
        server.close()


def _target(result: InteractionResult, exchange: Exchange) -> str:
    """Return path and query of a GET; the root for another method, or if they contain a secret."""
    request, shown = exchange.request, result.exchange.request
    if not request or not shown or request.target != shown.target or request.method != "GET":
        return "/"
    # As it was sent, unless a request filter has changed it: a decoded path may be another one.
    sent = exchange.arrived.target if exchange.arrived else ""
    path, mark, query = sent.partition("?")
    return sent if f"{unquote(path)}{mark}{query}" == request.target else quote(request.target, safe="/?&=:@+,;%")


def _forget_keys() -> None:
    """Forget what was typed before: an Enter from then is no answer."""
    if sys.platform != "win32":
        import termios  # here, since Windows has no such module

        termios.tcflush(0, termios.TCIFLUSH)


def _stop_at_enter(server: HttpServer) -> None:
    os.read(0, 1)
    server.stop()
