"""The verifier process: `python -m pact_verification.core.verifier_process`.

Only this module imports pact. The core prints to file descriptors 1 and 2, hears no signal while it works, and may end
its process with a panic. A process contains all three, and killing the process ends the work.
See docs/explanation/pact-core.md, Output and exit. The core also starts plugins, in this process' group.

Each line of standard input is a `pact_verification.core.engine.VerifyRequest` in JSON. Each gets a line with its
answer: `{"results": ..., "error": ...}`. The core's own output goes to standard error.
"""

import json
import os
import queue
import signal
import sys
import threading
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
        .set_request_timeout(request["request_timeout_ms"])
        .follow_redirects(False)  # the core would follow a redirected POST with a GET, and pass the interaction
        .add_custom_header(*request["header"])  # the live server answers no request without it
        .disable_ssl_verification()  # else the core loads all certificates for each interaction, even for http
        .set_coloured_output(enabled=False)
    )
    if request["state_url"]:
        verifier.state_handler(request["state_url"], teardown=False, body=True)  # the server tears down without a call
    error = None
    try:
        verifier.verify()
    except RuntimeError as raised:  # pact-python raises it for a mismatch, an unreadable pact and a panic alike
        error = str(raised)
    return {"results": verifier.results, "error": error}


def receive(requests: "queue.SimpleQueue[str]", working: threading.Lock) -> None:
    """Receive requests until standard input closes.

    If the core still works then, the process that asked is gone. A core that waits for a plugin would never end.
    """
    for line in sys.stdin:
        requests.put(line)
    requests.put("")
    if working.locked() and sys.platform != "win32":  # it has no process groups of that kind
        with suppress(OSError):  # this process is not the first of a group
            os.killpg(os.getpid(), signal.SIGKILL)


def main() -> None:
    # A terminal sends Ctrl-C to this process too. The engine decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hear()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Import pact while the test databases are created. If that fails, the answer to the first request says why.
    with suppress(ImportError):
        import_module("pact")
    os.environ.pop("PYTHONPATH", None)  # the project's paths are not for a plugin, which may run another Python
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    working = threading.Lock()
    threading.Thread(target=receive, args=(requests, working), daemon=True).start()
    while line := requests.get():
        try:
            with working:
                answer = verify(json.loads(line))
        except ImportError as error:
            answer = {"results": None, "error": f"pact-python can't be imported: {error}", "fatal": True}
        except Exception as error:  # noqa: BLE001  # every request gets an answer
            answer = {"results": None, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # the engine waits for the end, and there is nothing to clean up


if __name__ == "__main__":
    main()
