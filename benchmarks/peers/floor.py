"""The least that any verification of a provider costs: pact-python's verifier against a server that does nothing.

`python -m benchmarks.peers.floor PACT`. The settings are those of pact_verification.core.verifier_process, written down
here once more, so that the floor stays where it is when those change.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pact import Verifier

from benchmarks.pact_files import PROVIDER
from benchmarks.peers.proof import conclude

HOST = "127.0.0.1"


@contextmanager
def static_server() -> Iterator[int]:
    """A process of its own, as the verifier has one of its own in verify_pacts. Yields its port."""
    command = [sys.executable, "-m", "benchmarks.peers.static_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def main(pact: str) -> int:
    with static_server() as port:
        verifier = (
            Verifier(PROVIDER, host=HOST)
            .add_transport(protocol="http", port=port, scheme="http")
            .add_source(pact)
            .state_handler(f"http://{HOST}:{port}/states", teardown=False, body=True)
            .set_request_timeout(5000)
            .follow_redirects(False)
            .disable_ssl_verification()
            .set_coloured_output(enabled=False)
        )
        try:
            verifier.verify()
        except RuntimeError as error:
            print(error, file=sys.stderr)
        return conclude(verifier.results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
