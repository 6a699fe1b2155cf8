"""The `pact` binary of the PyPI package pact-python-cli."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pact_verification.broker.client import Broker
from pact_verification.errors import CannotVerify
from pact_verification.system.certificates import for_binary
from pact_verification.system.guarded import run_guarded


def run_pact(
    broker: Broker, *arguments: str, seconds: float, group: str = "broker"
) -> subprocess.CompletedProcess[str]:
    """Run `pact broker`, or another group of the binary's commands.

    Callers must make its output safe to show, since it may quote the broker.

    Args:
        seconds: how long the binary may take. It has no limit of its own.
        group: such as pactflow.

    Raises:
        CannotVerify: the binary is missing, or took too long.
    """
    # The binary takes an empty variable for a credential. Other tools take it for none.
    environ = {name: value for name, value in os.environ.items() if value or not name.startswith("PACT_BROKER_")}
    defaults = {"PACT_BROKER_HTTP_RETRIES": "2"}  # the default is 8, which can take two minutes
    environ = {**defaults, **environ, "PACT_BROKER_BASE_URL": broker.url, "PACT_DO_NOT_TRACK": "true"}
    try:
        with TemporaryDirectory(prefix="pact_broker") as folder:
            environ |= for_binary(Path(folder))
            return run_guarded([pact_binary(), group, *arguments], environ, seconds)
    except subprocess.TimeoutExpired as error:
        raise CannotVerify(
            f"pact {group} {arguments[0]} did not come back in {seconds:g} s, and was stopped."
        ) from error


def pact_binary() -> str:
    """Return the path of pact-python-cli's `pact`, beside this Python or on PATH.

    Raise CannotVerify without one.
    """
    found = shutil.which("pact", path=str(Path(sys.executable).parent)) or shutil.which("pact")  # on Windows pact.exe
    if not found:
        raise CannotVerify("There is no `pact` here. It comes with the PyPI package pact-python-cli.")
    return found
