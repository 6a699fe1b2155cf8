"""A run does not change the databases and connections of the project and of a caller."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pact_verification.pact_files import CREATE, EMPTY, write_pact
from tests.pact_verification.running import ROOT, Databases, Run, Verify, environment, has, on_postgresql


class TestTheProjectsOwnDatabase:
    @pytest.mark.no_database  # it names SQLite itself
    def test_it_is_never_touched(self, verify: Verify, pact: Path, tmp_path: Path) -> None:
        """The file is no database, so reading it as one would fail."""
        own = tmp_path / "own.sqlite3"
        own.write_bytes(b"not a database")
        before = own.stat()
        databases = {
            alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": str(own)} for alias in ("default", "audit")
        }
        for isolation in ("transaction", "flush"):
            run = verify(write_pact(pact, CREATE, EMPTY), "--isolation", isolation, settings={"DATABASES": databases})
            assert run.exit_code == 0, run.err
        after = own.stat()
        assert own.read_bytes() == b"not a database"
        assert (before.st_mtime_ns, before.st_ino, before.st_atime_ns) == (
            after.st_mtime_ns,
            after.st_ino,
            after.st_atime_ns,
        )

    @pytest.mark.skipif(not on_postgresql(), reason="SQLite has no pools; the suite runs on PostgreSQL too")
    @pytest.mark.parametrize("isolation", ["transaction", "flush"])
    def test_not_even_behind_a_pool_that_is_open(self, pact: Path, databases: Databases, isolation: str) -> None:
        """A pool belongs to its alias. One that was opened before the run stays connected to the project's database."""
        databases["default"]["NAME"] = "postgres"
        databases["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4}}
        write_pact(pact, CREATE, EMPTY)
        code = (
            "import django; django.setup()\n"
            "from django.db import connection\n"
            "from django.core.management import call_command\n"
            "tables = connection.introspection.table_names()\n"
            f"call_command('verify_pacts', {str(pact)!r}, isolation={isolation!r})\n"
            "assert connection.introspection.table_names() == tables\n"
            "connection.close_pool()\n"
        )
        run = in_one_process(code, settings={"DATABASES": databases})
        assert run.exit_code == 0, run.err
        has(run, "2 verified")


def in_one_process(code: str, **options: Any) -> Run:
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(**options), capture_output=True, text=True, check=False
    )
    return Run(finished.returncode, finished.stdout, finished.stderr)


@pytest.mark.no_database  # it names SQLite itself
def test_the_callers_connection_is_as_it_was(pact: Path, tmp_path: Path) -> None:
    """The connection is in a transaction on a database in memory. A run that used it would end both."""
    write_pact(pact, CREATE, EMPTY)
    in_memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.db import transaction\n"
        "from tests.testapp.models import Item\n"
        "call_command('migrate', verbosity=0)\n"
        "with transaction.atomic():\n"
        "    Item.objects.create(name='mine')\n"
        f"    call_command('verify_pacts', {str(pact)!r})\n"
        f"    call_command('verify_pacts', {str(pact)!r}, isolation='flush')\n"
        "assert Item.objects.get().name == 'mine'\n"
    )
    run = in_one_process(
        code, settings={"DATABASES": {"default": in_memory, "audit": in_memory}}, PYTHONWARNINGS="default"
    )
    assert run.exit_code == 0, run.err
    assert run.out.count("2 verified, in") == 2
