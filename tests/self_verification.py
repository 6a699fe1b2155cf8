"""Ask Schemathesis whether the service keeps its OpenAPI document.

Schemathesis derives requests from the document, sends them to the service, and compares each response with the
document. The service runs as it is deployed: under gunicorn, with production's settings. It has a scratch database.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from pact_verification.errors import CannotVerify
from pact_verification.management.exits import showable
from tests.service import gunicorn, in_production, manage, scratch_database

START_SECONDS, SCHEMATHESIS_SECONDS = 30, 600
VERDICT = "schemathesis.json"

SCHEMATHESIS = [
    *("--max-examples=50", "--request-timeout=10"),
    # Nearly the same requests in every run, since a build should not fail without a change. The service makes up ids.
    *("--seed=1", "--generation-database=none"),
    # How fast this machine makes up data says nothing about the service.
    "--suppress-health-check=all",
    # A document promises responses. It can't list all that makes a request invalid, such as three decimals in a price.
    # And a service may accept more than it promises: DRF reads the number 0 as the text "0".
    "--exclude-checks=positive_data_acceptance,negative_data_rejection",
]


@dataclass(frozen=True)
class Proof:
    """What Schemathesis found.

    Attributes:
        kept: whether the service keeps its document.
        document: the file with the OpenAPI document.
        report: the file with Schemathesis's own output.
        verifier_version: Schemathesis's version.
    """

    kept: bool
    document: Path
    report: Path
    verifier_version: str


def prove(folder: Path) -> Proof:
    """Run Schemathesis against the service. The folder gets the files.

    Raises:
        CannotVerify: the service did not start, or Schemathesis did not try all of the document.
    """
    document, report = folder / "openapi.yaml", folder / "report.txt"
    with scratch_database() as url:
        environment = scratch_environment(url)
        token = prepare(environment, document)
        with serving(environment) as service, report.open("w") as output:
            exit_code = run_schemathesis(service, token, environment, folder, output)
    # Schemathesis hides the header. A response may still quote the token.
    report.write_text(report.read_text(errors="replace").replace(token, "[Filtered]"))
    print(showable(report.read_text()), flush=True)
    return read_proof(exit_code, folder / VERDICT, document, report)


def scratch_environment(database_url: str) -> dict[str, str]:
    """Return the environment of the service and of Schemathesis: no credentials for PactFlow, and no proxy."""
    production = in_production(database_url, workers=2)
    kept = {name: value for name, value in production.items() if not name.startswith("PACT_")}
    return {**kept, "NO_PROXY": "*", "no_proxy": "*"}


def prepare(environment: Mapping[str, str], document: Path) -> str:
    """Generate the document, fill the scratch database, and return a token that may write. Raises CannotVerify."""
    try:
        manage(environment, "spectacular", "--validate", "--fail-on-warn", "--file", str(document))
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "seed_catalogue")
        manage(environment, "createsuperuser", "--no-input", "--username=schemathesis", "--email=s@example.org")
        return manage(environment, "drf_create_token", "schemathesis").split()[2]
    except subprocess.CalledProcessError as error:
        raise CannotVerify(f"manage.py {error.cmd[2]} failed, as above.") from error


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the service, and yield its URL. Raises CannotVerify if it does not start."""
    with TemporaryFile() as log, gunicorn(environment, log.fileno()) as (port, _):
        connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/health/ready")
            status = connection.getresponse().status
        except OSError as error:
            log.seek(0)
            raise CannotVerify(
                f"The service did not start ({error}). What gunicorn printed:\n{log.read().decode(errors='replace')}"
            ) from error
        finally:
            connection.close()
        if status != HTTPStatus.OK:
            raise CannotVerify(f"The service is not ready: /health/ready answered with {status}.")
        yield f"http://127.0.0.1:{port}"


def run_schemathesis(service: str, token: str, environment: Mapping[str, str], folder: Path, output: IO[str]) -> int:
    """Return Schemathesis's exit code. Raises CannotVerify if it takes too long."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.yaml", f"--url={service}", *SCHEMATHESIS]
    command += [f"--header=Authorization: Bearer {token}", "--report=json", f"--report-json-path={VERDICT}"]
    command += shlex.split(environment.get("SCHEMATHESIS_ARGS", ""))
    print("Schemathesis sends requests to the service.", flush=True)
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=SCHEMATHESIS_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise CannotVerify(f"Schemathesis did not come back in {SCHEMATHESIS_SECONDS} s.") from error


def read_proof(exit_code: int, verdict: Path, document: Path, report: Path) -> Proof:
    """Read Schemathesis's verdict.

    Its exit code 1 means a broken promise, and also requests that it could not send.

    Raises:
        CannotVerify: it did not try all that the document promises.
    """
    if not verdict.exists():
        raise CannotVerify(f"Schemathesis did not finish: exit code {exit_code}.")
    found = json.loads(verdict.read_text())
    version = found["schemathesis_version"]
    if exit_code == 1 and found["failures"]:
        return Proof(False, document, report, version)
    operations, warnings = found["operations"] or {}, found["warnings"]
    problems = [error["title"] for error in found["errors"]]
    if operations.get("tested") != operations.get("total"):
        problems.append(f"{operations['tested']} of {operations['total']} operations were tested")
    if without := [*warnings["missing_auth"], *warnings["missing_test_data"]]:
        problems.append(f"no request succeeded for {', '.join(without)}")
    if exit_code or not found["complete"] or problems:
        raise CannotVerify(f"Schemathesis's run proves nothing: {'; '.join(problems) or f'exit code {exit_code}'}.")
    return Proof(True, document, report, version)
