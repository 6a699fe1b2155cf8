"""Verify the service as it is deployed, from nothing: `python -m tests.verify_gunicorn [verify_pacts' arguments]`.

A scratch database beside the one that DATABASE_URL names (SQLite, where it names none), gunicorn with two workers on
it, `manage.py verify_pacts --provider-url`, and all of it is gone again. The exit code is verify_pacts'.
"""

import os
import subprocess
import sys
from tempfile import TemporaryFile

from tests.service import ROOT, gunicorn, in_production, manage, scratch_database


def main() -> int:
    server = os.environ.get("DATABASE_URL", "")
    with scratch_database(server if server.startswith("postgres") else "") as url, TemporaryFile() as log:
        environment = in_production(url, workers=2)
        name = url.removeprefix("sqlite:///") if url.startswith("sqlite") else url.rpartition("/")[2]
        manage(environment, "migrate", "--verbosity", "0")
        with gunicorn(environment, log.fileno()) as (port, _):
            provider_url = f"http://127.0.0.1:{port}"
            command = [sys.executable, "manage.py", "verify_pacts", "--provider-url", provider_url, *sys.argv[1:]]
            told = {**environment, "PACT_DISPOSABLE_DATABASES": name}
            code = subprocess.run(command, cwd=ROOT, env=told, check=False).returncode
        if code:
            log.seek(0)
            print(f"\nWhat gunicorn printed:\n{log.read().decode(errors='replace')}", file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main())
