"""manage.py verify_pacts and Ctrl-C, or SIGTERM."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.pact_verification.pact_files import GREEN, interaction, write_pact
from tests.pact_verification.running import (
    ROOT,
    TIMEOUT,
    Databases,
    command,
    databases_made,
    environment,
    on_postgresql,
    wait_for_file,
    without_progress,
)
from tests.service import scratch_database

pytestmark = pytest.mark.unmeasured


class TestInterruption:
    @pytest.mark.each_kind_of_sqlite
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.parametrize("stage", ["TESTAPP_MIGRATING", "TESTAPP_ANNOUNCE"])
    def test_it_stops_at_once_and_drops_the_databases(
        self, pact: Path, databases: Databases, tmp_path: Path, number: signal.Signals, stage: str
    ) -> None:
        write_pact(pact, GREEN, interaction("stuck", states=["it takes 600 seconds"]))
        (tmp_path / "announced").mkdir()
        announced = tmp_path / "announced" / "now"
        with subprocess.Popen(
            command(pact, "--request-timeout", "300"),
            cwd=ROOT,
            env=environment(
                settings={"DATABASES": databases},
                # The thread in the state handler holds a connection until the process ends.
                PYTHONWARNINGS="error,ignore::ResourceWarning",
                **{stage: str(announced)},
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            wait_for_file(announced, process)
            in_memory = not on_postgresql() and "TEST" not in databases["default"]
            assert bool(databases_made(databases, tmp_path)) is not in_memory
            process.send_signal(number)
            _, err = process.communicate(timeout=TIMEOUT)  # the state handler would take ten minutes
        assert process.returncode == 128 + number, err
        assert databases_made(databases, tmp_path) == set()
        assert without_progress(err).strip() == "Interrupted."

    @pytest.mark.skipif(not on_postgresql(), reason="SQLite has no server that goes on without the run")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_database_that_is_being_created_is_not_created_after_its_end(
        self, pact: Path, databases: Databases, tmp_path: Path, number: signal.Signals
    ) -> None:
        """PostgreSQL would go on to create it. It waits while another session is connected to the template."""
        write_pact(pact, GREEN)
        creating = (
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE %s"
        )
        like = [f"CREATE DATABASE%{databases['default']['NAME']}%"]
        with scratch_database(os.environ["DATABASE_URL"]) as template:
            for database in databases.values():
                database["TEST"] = {"TEMPLATE": template.rpartition("/")[2]}
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                with (
                    psycopg.connect(template),
                    subprocess.Popen(
                        command(pact),
                        cwd=ROOT,
                        env=environment(settings={"DATABASES": databases}),
                        stderr=subprocess.PIPE,
                        text=True,
                    ) as process,
                ):
                    while not connection.execute(creating, like).fetchall()[0][0]:
                        assert process.poll() is None, process.stderr and process.stderr.read()
                    process.send_signal(number)
                    _, err = process.communicate(timeout=TIMEOUT)
                assert process.returncode == 128 + number, err
                while connection.execute(creating, like).fetchall()[0][0]:
                    pass
        assert databases_made(databases, tmp_path) == set()
        assert without_progress(err).strip() == "Interrupted."

    @pytest.mark.each_kind_of_sqlite
    def test_a_second_signal_stops_no_cleanup(self, databases: Databases, tmp_path: Path) -> None:
        script = """if True:
            import signal
            import django
            from pact_verification.provider.databases import making
            from pact_verification.provider.databases.aliases import new_token

            def interrupted(*arguments):
                signal.raise_signal(signal.SIGINT)
                drop(*arguments)

            drop, making.drop = making.drop, interrupted
            django.setup()
            with making.run_databases(making.Making(new_token())):
                raise KeyboardInterrupt
        """
        ended = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env=environment(settings={"DATABASES": databases}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.stderr.count("KeyboardInterrupt") == 1, ended.stderr  # the one that the block raised
        assert databases_made(databases, tmp_path) == set()
