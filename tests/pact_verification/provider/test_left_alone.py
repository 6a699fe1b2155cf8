"""Database aliases that a run leaves alone: those that it does not name, and those whose server can't be reached."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from django.db import OperationalError, connections

from pact_verification.provider.databases import left_alone
from tests.pact_verification.pact_files import EMPTY, GREEN, interaction, write_pact
from tests.pact_verification.running import Databases, Verify, has, run_code

AUDIT = interaction("other database", "/audit", response={"body": []})
TOLERANT = interaction("an error that the view hides", "/tolerant", response={"body": []})
USES_AUDIT = [EMPTY, AUDIT, GREEN, TOLERANT, EMPTY]
UNUSED = [EMPTY, GREEN, EMPTY]
NOT_NAMED = "The run leaves the database 'audit' alone: --databases (or PACT_DATABASES) does not name it."

pytestmark = pytest.mark.no_database  # the tests name SQLite and closed ports themselves


@pytest.fixture
def closed() -> Iterator[dict[str, Any]]:
    """A server of MySQL, as DATABASES would have it, that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield {
            "ENGINE": "django.db.backends.mysql",
            "NAME": "legacy",
            "HOST": "127.0.0.1",
            "PORT": bound.getsockname()[1],
            "ATOMIC_REQUESTS": True,
        }


@pytest.fixture
def two(databases: Databases, closed: dict[str, Any]) -> Databases:
    """A default database, and an alias whose server refuses connections."""
    return {"default": databases["default"], "audit": closed}


def outcomes(report: Path) -> list[str]:
    document = json.loads(report.read_text())
    return [each["outcome"] for pact in document["pacts"] for each in pact["interactions"]]


class TestNamed:
    @pytest.mark.parametrize(
        ("options", "settings"),
        [
            (["--databases=default"], {}),
            (["--databases=default", "--isolation", "flush", "--parallel", "2"], {"PACT_DATABASES": ["audit"]}),
            ([], {"PACT_DATABASES": ["default"]}),
        ],
        ids=["option", "flush and workers", "setting"],
    )
    def test_no_connection_to_another_is_opened(
        self, verify: Verify, two: Databases, tmp_path: Path, options: list[str], settings: dict[str, Any]
    ) -> None:
        pact, report, opened = tmp_path / "pacts" / "shop.json", tmp_path / "report.json", tmp_path / "opened"
        write_pact(pact, *USES_AUDIT)
        ran = verify(
            *(*options, pact, "--json", report),
            project="tests.testapp.watched",
            settings={"DATABASES": two, **settings},
            TESTAPP_CONNECTIONS=str(opened),
        )
        assert ran.exit_code == 1, ran.out + ran.err
        assert ran.err == ""
        assert outcomes(report) == ["verified", "mismatch", "verified", "mismatch", "verified"]
        assert (ran.out.count(f"      {NOT_NAMED}\n"), ran.out.count("  cause 1\n")) == (1, 2)
        assert not opened.exists()
        if options:
            assert "verify_pacts" in ran.out
            assert "--databases=default" in ran.out.partition("again")[2]

    def test_default_may_be_left_alone(self, verify: Verify, two: Databases, tmp_path: Path) -> None:
        """By default Django makes every other database after the one of `default`."""
        databases = {
            "default": two["audit"],
            "audit": two["default"],
            "replica": {**two["audit"], "TEST": {"MIRROR": "audit"}},
        }
        pact = write_pact(tmp_path / "pacts" / "shop.json", AUDIT)
        settings = {"DATABASES": databases}
        ran = verify(
            "--databases", "audit", "replica", "--no-state", "--", pact, settings=settings, TESTAPP_BASE="none"
        )
        assert (ran.exit_code, ran.err) == (0, ""), ran.out

    @pytest.mark.parametrize(
        ("named", "text"),
        [
            (["legacy"], "--databases names 'legacy', and DATABASES has no such alias. It has 'default', 'replica'."),
            (["default", "pacts"], "names 'pacts', {} Where a PACT follows, write --databases=ALIAS."),
            (["replica"], "--databases names 'replica', which mirrors 'default', and does not name that. Name both."),
        ],
        ids=["unknown", "path", "mirror"],
    )
    def test_what_can_not_be(self, verify: Verify, two: Databases, tmp_path: Path, named: list[str], text: str) -> None:
        write_pact(tmp_path / "pacts" / "shop.json", EMPTY)
        databases = {"default": two["default"], "replica": {**two["audit"], "TEST": {"MIRROR": "default"}}}
        ran = verify("--databases", *named, cwd=tmp_path, settings={"DATABASES": databases, "DATABASE_ROUTERS": []})
        assert ran.exit_code == 2
        has(ran, text.format("and DATABASES has no such alias. It has 'default', 'replica'."))


class TestUnreachable:
    @pytest.mark.parametrize("options", [[], ["--isolation", "flush", "--parallel", "2"]], ids=["alone", "workers"])
    def test_it_ends_no_run(self, verify: Verify, two: Databases, tmp_path: Path, options: list[str]) -> None:
        two["replica"] = {**two["default"], "TEST": {"MIRROR": "audit"}}
        pact, report = tmp_path / "pacts" / "shop.json", tmp_path / "report.json"
        write_pact(pact, *USES_AUDIT)
        ran = verify(pact, *options, "--json", report, settings={"DATABASES": two})
        assert (ran.exit_code, ran.err) == (1, ""), ran.out
        assert outcomes(report) == ["verified", "mismatch", "verified", "mismatch", "verified"]
        reason = "The run leaves the database 'audit' alone: its server can't be reached."
        refused = f"Can't connect to MySQL server on '{two['audit']['HOST']}'"
        has(ran, f"{reason} {refused}", f"alone: it mirrors 'audit'. {reason}")
        assert (ran.out.count(f"\n      {reason}"), ran.out.count("  cause 1\n")) == (1, 2)

    def test_one_that_nothing_uses(self, verify: Verify, two: Databases, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pacts" / "shop.json", *UNUSED)
        ran = verify(pact, settings={"DATABASES": two})
        assert (ran.exit_code, ran.err) == (0, ""), ran.out
        has(ran, "3 verified", "The run leaves the database 'audit' alone: its server can't be reached.")

    def test_default(self, verify: Verify, two: Databases, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pacts" / "shop.json", EMPTY)
        settings = {"DATABASES": {"default": two["audit"], "audit": two["default"]}}
        ran = verify(pact, settings=settings)
        assert ran.exit_code == 2
        has(ran, "The test databases can't be made", "Can't connect to MySQL server")

    def test_one_that_the_run_names(self, verify: Verify, two: Databases, tmp_path: Path) -> None:
        pact = write_pact(tmp_path / "pacts" / "shop.json", *UNUSED)
        ran = verify(pact, "--databases", "default", "audit", settings={"DATABASES": two})
        assert ran.exit_code == 2
        has(ran, "The test databases can't be made", "Can't connect to MySQL server")

    def test_call_command(self, two: Databases, tmp_path: Path) -> None:
        """The caller's aliases are as they were afterwards."""
        pact = write_pact(tmp_path / "pacts" / "shop.json", *UNUSED)
        script = (
            "import django; django.setup()\n"
            "from django.core.management import call_command\n"
            "from django.db import connections\n"
            "before = {alias: (connections[alias], repr(connections.settings[alias])) for alias in connections}\n"
            f"call_command('verify_pacts', {str(pact)!r})\n"
            f"call_command('verify_pacts', {str(pact)!r}, databases=['default'])\n"
            "after = {alias: (connections[alias], repr(connections.settings[alias])) for alias in connections}\n"
            "assert after == before\n"
        )
        ran = run_code(script, settings={"DATABASES": two})
        assert (ran.exit_code, ran.err) == (0, "")
        assert ran.out.count("3 verified, in") == 2
        assert ran.out.count("its server can't be reached") == 1

    @pytest.mark.parametrize("vendor", ["mysql", "postgresql"])
    def test_a_server_that_never_answers(self, monkeypatch: pytest.MonkeyPatch, vendor: str) -> None:
        """It accepts connections, as an overloaded one or a tunnel does."""
        pymysql.install_as_MySQLdb()
        monkeypatch.setattr("pact_verification.provider.databases.dropping.CONNECT_SECONDS", 2)
        monkeypatch.setattr(left_alone, "CONNECT_SECONDS", 1)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            legacy = {
                **connections.settings["default"],
                "ENGINE": f"django.db.backends.{vendor}",
                "NAME": "legacy",
                "HOST": "127.0.0.1",
                "PORT": listening.getsockname()[1],
                "OPTIONS": {},
            }
            monkeypatch.setitem(connections.settings, "legacy", legacy)
            assert "time" in left_alone.unreachable()["legacy"]
        del connections["legacy"]

    @pytest.mark.parametrize(
        ("vendor", "error"),
        [
            ("mysql", OperationalError(1045, "Access denied for user 'shop'@'localhost'")),
            ("postgresql", OperationalError('connection failed: FATAL:  role "shop" does not exist')),
        ],
    )
    def test_a_server_that_refuses_the_user_is_reached(
        self, monkeypatch: pytest.MonkeyPatch, vendor: str, error: OperationalError
    ) -> None:
        connection = connections.create_connection("default")
        monkeypatch.setattr(connection, "vendor", vendor)
        assert left_alone._is_servers(connection, error)
