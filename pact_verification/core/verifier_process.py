"""The Pact core, in a process of its own: `python -m pact_verification.core.verifier_process`.

Only this module imports pact. The core prints its report to file descriptor 1 and failed states to 2, a panic may end
its process, and while it works it hears no signal (F19, F20); a process contains all three, and ending it ends the run.

Each line on standard input is a job in JSON (`pact_verification.core.engine.Job`); each gets a line with its answer:
`{"results": ..., "error": ...}`. What the core prints goes to standard error.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from pact_verification.system.interruption import hear


def verify(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job. The answer's `results` are the core's own (F18), `error` what pact-python raised."""
    from pact import Verifier

    verifier = (
        Verifier(job["provider"], host=job["host"])  # its default is localhost (F10)
        .add_transport(protocol="http", port=job["port"], scheme="http")
        .add_source(job["pact"])
        .state_handler(job["state_url"], teardown=False, body=True)  # the server knows when an interaction has ended
        .set_request_timeout(job["request_timeout_ms"])
        .follow_redirects(False)  # a POST that is redirected would become a GET, and pass (F12)
        .add_custom_header(*job["header"])  # the server answers no request without it
        .disable_ssl_verification()  # the provider is http on loopback: spares loading the certificates each time (F9)
        .set_coloured_output(enabled=False)
    )
    error = None
    try:
        verifier.verify()
    except RuntimeError as raised:  # the same for a mismatch, a pact that can't be loaded and a panic (F18)
        error = str(raised)
    return {"results": verifier.results, "error": error}


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; ending this process is the parent's
    hear()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with suppress(ImportError):  # before the first job, while the test database is made; a job tells what is wrong
        import_module("pact")
    for line in sys.stdin:
        try:
            answer = verify(json.loads(line))
        except ImportError as error:
            answer = {"results": None, "error": f"pact-python can't be imported: {error}", "fatal": True}
        except Exception as error:  # noqa: BLE001  # every job gets an answer
            answer = {"results": None, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # there is nothing to tidy, and somebody waits


if __name__ == "__main__":
    main()
