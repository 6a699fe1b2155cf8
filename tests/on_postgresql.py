"""Run the tests once more that can differ on PostgreSQL: `python -m tests.on_postgresql [pytest's arguments]`.

The server is TEST_POSTGRES_URL, or one that answers on 127.0.0.1:5432 to the user postgres without a password. Without
a server this prints that PostgreSQL was not tested. In CI that is an error.
"""

import os
import subprocess
import sys

import psycopg

DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    url = os.environ.get("TEST_POSTGRES_URL", DEFAULT_URL)
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        if os.environ.get("CI") or "TEST_POSTGRES_URL" in os.environ:
            print(f"PostgreSQL does not answer, and it has to: {error}", file=sys.stderr)
            return 1
        print("PostgreSQL was not tested: none answers on 127.0.0.1:5432. Name one in TEST_POSTGRES_URL.")
        return 0
    import pytest  # here, since the benchmarks ask this module for DEFAULT_URL, and have no pytest

    print("2 of 2: the tests that a database can change, on PostgreSQL", flush=True)
    environment = {**os.environ, "DATABASE_URL": url}
    command = [sys.executable, "-m", "pytest", "-m", "not no_database", *sys.argv[1:]]
    code = subprocess.run(command, env=environment, check=False).returncode
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code  # all of them ran before, on SQLite


if __name__ == "__main__":
    sys.exit(main())
