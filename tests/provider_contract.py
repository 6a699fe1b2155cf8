"""Publish the OpenAPI document to PactFlow, with proof: `python -m tests.provider_contract`.

The proof is a run of Schemathesis against the service: see tests/self_verification.py. PactFlow gets document and proof
also when the service breaks its document.

Exit codes: 0 the service keeps its document; 1 it breaks it; 2 there is no proof, or PactFlow did not take it.
The variable SCHEMATHESIS_ARGS has more options for Schemathesis, such as --max-examples=500.
"""

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.exceptions import ImproperlyConfigured

from pact_verification.broker.client import Broker
from pact_verification.broker.pact_cli import run_pact
from pact_verification.broker.provider_version import ProviderVersion, find_version, names_a_commit, why_not_checked_out
from pact_verification.conf import conf
from pact_verification.errors import BrokerError, CannotVerify, Terminated
from pact_verification.management.exits import COULD_NOT_RUN, showable
from pact_verification.run.broker_options import configured_broker
from pact_verification.system.credentials import harmless
from pact_verification.system.interruption import interruptible
from pact_verification.system.streams import guard_streams
from tests.self_verification import Proof, prove

PACT_SECONDS = 120
"""How long `pact` may take, with its own retries."""


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DJANGO_DEBUG", "true")  # as in manage.py; the service has production's settings
    guard_streams(harmless)
    try:
        with interruptible():
            return prove_and_publish()
    except KeyboardInterrupt as error:
        print("Interrupted.", file=sys.stderr)
        return 128 + (error.args[0] if isinstance(error, Terminated) else signal.SIGINT)
    except (CannotVerify, ImproperlyConfigured) as error:
        print(error, file=sys.stderr)
    return COULD_NOT_RUN


def prove_and_publish() -> int:
    """Return the exit code. Raises CannotVerify if nothing can be published."""
    broker, version = find_pactflow(), known_version()  # first, since the proof takes a while
    with TemporaryDirectory(prefix="provider_contract") as folder:
        try:
            proof = prove(Path(folder))
        except CannotVerify as error:
            raise CannotVerify(f"{error} Nothing is published.") from error
        publish(broker, version, proof)
    verb = "keeps" if proof.kept else "BREAKS"
    print(f"PactFlow has the document of {conf.PACT_PROVIDER_NAME} {version.number}, and that the service {verb} it.")
    return 0 if proof.kept else 1


def find_pactflow() -> Broker:
    """Return the configured broker. Raises CannotVerify if it takes no provider contracts."""
    broker = configured_broker(None)
    if not broker:
        raise CannotVerify("PactFlow's address is not known. Set PACT_BROKER_BASE_URL and PACT_BROKER_TOKEN.")
    broker.link("pb:pacticipants")  # an error here says what is wrong with address or token
    try:
        broker.link("pf:publish-provider-contract")
    except BrokerError as error:
        raise CannotVerify(
            f"{broker.url} takes no provider contracts. That needs PactFlow: the open-source Pact Broker has none."
        ) from error
    return broker


def known_version() -> ProviderVersion:
    version = find_version(os.environ)
    if not version.number or not version.branch:
        raise CannotVerify("The version or its branch is not known. Set GIT_COMMIT and GIT_BRANCH.")
    if names_a_commit(version.number) and (difference := why_not_checked_out(version.number)):
        print(difference, file=sys.stderr)
    return version


def publish(broker: Broker, version: ProviderVersion, proof: Proof) -> None:
    """Publish by `pact pactflow`. Raises CannotVerify if PactFlow does not take it."""
    options = {
        "provider": conf.PACT_PROVIDER_NAME,
        "provider-app-version": version.number,
        "branch": version.branch,
        "build-url": version.build_url,
        "content-type": "application/yaml",
        "verification-exit-code": 0 if proof.kept else 1,
        "verification-results": proof.report,
        "verification-results-content-type": "text/plain",
        "verification-results-format": "text",
        "verifier": "schemathesis",
        "verifier-version": proof.verifier_version,
        "log-level": "error",  # else the binary keeps PactFlow's reasons to itself
    }
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    ran = run_pact(
        broker, "publish-provider-contract", str(proof.document), *given, seconds=PACT_SECONDS, group="pactflow"
    )
    print(showable(ran.stdout + ran.stderr), flush=True)
    if ran.returncode:
        raise CannotVerify(
            "PactFlow did not take the provider contract, as above. To 401 and 403: may PACT_BROKER_TOKEN write?"
        )


if __name__ == "__main__":
    sys.exit(main())
