"""Verify the service as it is deployed, from nothing: `python -m tests.verify_gunicorn [verify_pacts' arguments]`.

A scratch database beside the one that DATABASE_URL names (SQLite, where it names none), gunicorn with two workers on
it, `manage.py verify_pacts --provider-url`, and all of it is gone again. The exit code is verify_pacts'.

Ctrl-C and SIGTERM end the command that runs, then gunicorn, and drop the database: exit code 130 or 143.
"""

import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


class Interrupted(Exception):
    """A signal to end has come, and the command that ran has ended."""


class Commands:
    """Runs one command of manage.py after the other, and ends the one that runs when a signal comes.

    No command hears the signal itself: each has a session of its own. No exception interrupts what cleans up here.

    Attributes:
        heard: the signal that has come; 0 is none.
        told: whether a command has said so.
    """

    def __init__(self) -> None:
        self.heard = 0
        self.told = False
        self._running: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)

    def run(self, environment: Mapping[str, str], *arguments: str) -> int:
        """The command's exit code. Raises Interrupted."""
        import subprocess  # here, since a signal may come while it is imported

        from tests.service import ROOT

        command = [sys.executable, "manage.py", *arguments]
        if not self.heard:
            self._running = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
            self._pass_on()  # what came since then
            code = self._running.wait()
            self.told = code == 128 + signal.SIGTERM
        if self.heard:
            raise Interrupted
        return code

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if not self.heard:
            self.heard = number
            self._pass_on()

    def _pass_on(self) -> None:
        if self.heard and self._running:
            self._running.terminate()


def main() -> int:
    commands = Commands()
    try:
        code = verify(commands)
    except Interrupted:
        code = 128 + commands.heard
        if not commands.told:
            print("Interrupted.", file=sys.stderr)
    return code


def verify(commands: Commands) -> int:
    """Make it all, verify, and remove it all. Raises Interrupted."""
    from tempfile import TemporaryFile

    from tests.service import gunicorn, in_production, scratch_database

    server = os.environ.get("DATABASE_URL", "")
    with scratch_database(server if server.startswith("postgres") else "") as url, TemporaryFile() as log:
        environment = in_production(url, workers=2)
        name = url.removeprefix("sqlite:///") if url.startswith("sqlite") else url.rpartition("/")[2]
        if code := commands.run(environment, "migrate", "--verbosity", "0"):
            return code
        with gunicorn(environment, log.fileno()) as (port, _):
            told = {**environment, "PACT_DISPOSABLE_DATABASES": name}
            arguments = sys.argv[1:] or requests_only(environment)
            code = commands.run(told, "verify_pacts", "--provider-url", f"http://127.0.0.1:{port}", *arguments)
        if code:
            log.seek(0)
            print(f"\nWhat gunicorn printed:\n{log.read().decode(errors='replace')}", file=sys.stderr)
        return code


def requests_only(environment: Mapping[str, str]) -> list[str]:
    """Return the pacts in pacts/ without messages, which a server does not give. None for a broker's pacts."""
    from tests.service import ROOT

    if environment.get("PACT_BROKER_BASE_URL"):
        return []
    return [str(pact) for pact in sorted((ROOT / "pacts").glob("*.json")) if "/Messages" not in pact.read_text()]


if __name__ == "__main__":
    sys.exit(main())
