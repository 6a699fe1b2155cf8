"""The verifier process: `python -m pact_verification.core.verifier_process`.

Only this module imports pact. The core prints to file descriptors 1 and 2, hears no signal while it works, and may end
its process with a panic. A process contains all three, and killing the process ends the work.
See docs/pact-core.md, Output and exit.

Each line of standard input is a `pact_verification.core.engine.VerifyRequest` in JSON. Each gets a line with its
answer: `{"results": ..., "error": ...}`. The core's own output goes to standard error.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from pact_verification.system.interruption import hear


def verify(request: dict[str, Any]) -> dict[str, Any]:
    """Verify one pact.

    The answer has the core's results, and the text of the error that pact-python raised.
    """
    from pact import Verifier  # here, so that main() can answer when pact-python can't be imported

    verifier = (
        Verifier(request["provider"], host=request["host"])  # the default host is localhost
        .add_transport(protocol="http", port=request["port"], scheme="http")
        .add_source(request["pact"])
        .state_handler(request["state_url"], teardown=False, body=True)  # the live server tears down without a call
        .set_request_timeout(request["request_timeout_ms"])
        .follow_redirects(False)  # the core would follow a redirected POST with a GET, and pass the interaction
        .add_custom_header(*request["header"])  # the live server answers no request without it
        .disable_ssl_verification()  # else the core loads all certificates for each interaction, even for http
        .set_coloured_output(enabled=False)
    )
    error = None
    try:
        verifier.verify()
    except RuntimeError as raised:  # pact-python raises it for a mismatch, an unreadable pact and a panic alike
        error = str(raised)
    return {"results": verifier.results, "error": error}


def main() -> None:
    # A terminal sends Ctrl-C to this process too. The engine decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hear()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Import pact while the test databases are created. If that fails, the answer to the first request says why.
    with suppress(ImportError):
        import_module("pact")
    for line in sys.stdin:
        try:
            answer = verify(json.loads(line))
        except ImportError as error:
            answer = {"results": None, "error": f"pact-python can't be imported: {error}", "fatal": True}
        except Exception as error:  # noqa: BLE001  # every request gets an answer
            answer = {"results": None, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # the engine waits for the end, and there is nothing to clean up


if __name__ == "__main__":
    main()
