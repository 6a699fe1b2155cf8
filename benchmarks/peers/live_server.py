"""What Django teams write by hand: test databases, Django's live server, pact-python's state handlers, and flush.

`DJANGO_SETTINGS_MODULE=… python -m benchmarks.peers.live_server PACT`. Every state starts from empty tables, as every
test of a LiveServerTestCase does, since the live server commits.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection, connections
from django.test.testcases import LiveServerThread, _StaticFilesHandler
from django.test.utils import setup_databases, setup_test_environment, teardown_databases
from pact import Verifier

from benchmarks.pact_files import PROVIDER
from benchmarks.peers.proof import conclude

HOST = "localhost"


def product_exists(state: str, action: str) -> None:
    """pact-python calls it on a new thread each time, and nothing else closes the connection of that thread."""
    from benchmarks.project.models import Product  # there are no models before django.setup()

    if action == "setup":
        call_command("flush", interactive=False, verbosity=0)
        Product.objects.create(id=state.split()[4])
    connection.close()


@contextmanager
def live_server() -> Iterator[str]:
    """Django's, beside this thread, as LiveServerTestCase starts it. Yields its URL."""
    shared = {}
    for each in connections.all():
        if each.vendor == "sqlite" and each.is_in_memory_db():
            shared[each.alias] = each
            each.inc_thread_sharing()
    server = LiveServerThread(HOST, _StaticFilesHandler, connections_override=shared)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        server.terminate()


def main(pact: str) -> int:
    interactions = json.loads(Path(pact).read_text(encoding="utf-8"))["interactions"]
    states = {state["name"]: product_exists for each in interactions for state in each["providerStates"]}
    django.setup()
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with live_server() as url:
            verifier = Verifier(PROVIDER).add_transport(url=url).add_source(pact)
            verifier.state_handler(states, teardown=True)
            try:
                verifier.verify()
            except RuntimeError as error:
                print(error, file=sys.stderr)
            return conclude(verifier.results)
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
