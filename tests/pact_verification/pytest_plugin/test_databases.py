"""Interactions run on pytest-django's test databases, and only there."""

import os
import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import mariadb
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.pytest_plugin.conftest import ALL, EMPTY, Pytest
from tests.pact_verification.running import on_postgresql

pytestmark = pytest.mark.unmeasured

WATCHED = "tests.testapp.watched"


def test_beside_other_tests(pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]) -> None:
    """Before those that empty the tables, and with their settings as they were."""
    pacts.joinpath("a.json").unlink()
    migrated = interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]})
    write_pact(pacts / "m.json", migrated, consumer="m")
    (project / "test_other.py").write_text(
        "import pytest\n"
        "from django.conf import settings\n"
        "from django.core.cache import caches\n"
        "from tests.testapp.models import Item, Shelf\n"
        "@pytest.mark.django_db(transaction=True)\n"
        "def test_empties_the_tables():\n"
        "    assert Shelf.objects.exists()\n"
        "@pytest.mark.django_db\n"
        "def test_database():\n"
        "    assert not Item.objects.exists()\n"
        "def test_settings():\n"
        "    assert settings.CACHES['default']['LOCATION'] == 'mine'\n"
        "def test_no_database():\n"
        "    with pytest.raises(RuntimeError, match='Database access not allowed'):\n"
        "        Item.objects.exists()\n"
    )
    mine = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "mine"}}
    for arguments in ((), ("-n2",)):
        ran = run_pytest("test_other.py", "pacts", "-v", *arguments, settings={"CACHES": mine})
        assert ran.exit_code == 0, ran.out
        assert "6 passed" in ran.out


@pytest.mark.parametrize("isolation", ["transaction", "flush"])
def test_isolation(pacts: Path, run_pytest: Pytest, isolation: str) -> None:
    create = interaction(
        "create",
        method="POST",
        request={"headers": {"Content-Type": "application/json"}, "body": {"name": "cup"}},
        status=201,
    )
    migrated = interaction("migrated", "/shelves", response={"body": ["the shelf that a migration made"]})
    audit = interaction("other database", "/audit", response={"body": []})
    write_pact(pacts / "a.json", create, EMPTY, create, EMPTY, audit, migrated)
    ran = run_pytest("pacts/a.json", settings={"PACT_ISOLATION": isolation})
    assert "6 passed" in ran.out, ran.out


@pytest.mark.no_database
def test_flush_empties_no_database_but_a_test_database(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
) -> None:
    """pytest-django's way to test on an existing database: a transaction that is rolled back is well there."""
    other = str(project / "existing.sqlite3")
    (project / "conftest.py").write_text(
        "import pytest\n"
        "from django.db import connections\n"
        "@pytest.fixture(scope='session')\ndef django_db_setup():\n"
        "    for alias in connections:\n"
        f"        connections.settings[alias].update(ENGINE='django.db.backends.sqlite3', NAME={other!r})\n"
    )
    ran = run_pytest("pacts/b.json", settings={"PACT_ISOLATION": "flush"})
    assert ran.exit_code == 1
    assert "is none that pytest-django made, and flush would empty it." in ran.out


def test_the_projects_own_database_is_not_touched(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
) -> None:
    """Also where a conftest.py has it that no test database is made."""
    (project / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\ndef django_db_setup():\n    pass\n"
    )
    ran = run_pytest("pacts/b.json")
    assert ran.exit_code == 1
    assert "is the project's own: django_db_setup has made no test database in its place." in ran.out
    assert not list(project.glob("*.sqlite3*"))


def test_databases_that_the_run_leaves_alone(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any], tmp_path: Path
) -> None:
    """Other tests may use them."""
    audit = interaction("other database", "/audit", response={"body": []})
    tolerant = interaction("an error that the view hides", "/tolerant", response={"body": []})
    write_pact(pacts / "a.json", EMPTY, audit, EMPTY, tolerant)
    opened = tmp_path / "opened"
    legacy = {"ENGINE": "django.db.backends.mysql", "NAME": "legacy", "HOST": "127.0.0.1", "PORT": 9}
    settings = {"DATABASES": {**databases, "audit": legacy}, "PACT_DATABASES": ["default"]}
    ran = run_pytest(
        *("pacts", *(() if on_postgresql() else ("--reuse-db",))),  # in memory nothing is left to drop
        settings=settings,
        project=WATCHED,
        TESTAPP_CONNECTIONS=str(opened),
    )
    assert "3 passed" in ran.out, ran.out
    assert "2 failed" in ran.out
    assert "The run leaves the database 'audit' alone: --databases (or PACT_DATABASES) does not name it." in ran.out
    assert "legacy" not in (opened.read_text() if opened.exists() else "")
    (project / "test_other.py").write_text(
        "import pytest\n"
        "from tests.testapp.models import Audit\n"
        "@pytest.mark.django_db(databases=['default', 'audit'])\n"
        "def test_database():\n"
        "    assert not Audit.objects.exists()\n"
    )
    settings = {"PACT_DATABASES": ["default"]}
    ran = run_pytest("pacts", "test_other.py", settings=settings)
    assert "4 passed" in ran.out, ran.out
    assert "2 failed" in ran.out


@pytest.mark.no_database
@pytest.mark.parametrize("isolation", ["transaction", "flush"])
def test_mariadb(pacts: Path, run_pytest: Pytest, tmp_path: Path, isolation: str) -> None:
    """It has none of the project's own databases, and no connection leads to them."""
    server, config = mariadb.connect()
    name, opened = f"plugin_{secrets.token_hex(4)}", tmp_path / "opened"
    databases = {"default": {**config, "NAME": name}, "audit": {**config, "NAME": f"{name}_audit"}}
    settings = {"DATABASES": databases, "PACT_ISOLATION": isolation}
    ran = run_pytest("pacts", "-k", "not red", settings=settings, project=WATCHED, TESTAPP_CONNECTIONS=str(opened))
    assert "4 passed" in ran.out, ran.out
    assert set(opened.read_text().split()) == {"None", f"test_{name}", f"test_{name}_audit"}
    with server, server.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE %s", [f"%{name}%"])
        assert cursor.fetchall() == ()


def test_nothing_is_left_of_the_test_databases(
    pacts: Path, project: Path, run_pytest: Pytest, databases: dict[str, Any]
) -> None:
    assert run_pytest("pacts", "-n2").outcomes() == ALL
    assert not list(project.glob("*.sqlite3*"))
    if on_postgresql():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            name = f"%{databases['default']['NAME']}%"
            assert not connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", [name]).fetchall()


def test_nothing_is_left_of_a_request_that_hangs(
    project: Path, run_pytest: Pytest, databases: dict[str, Any], tmp_path: Path
) -> None:
    """The databases go, and the project's own stores don't hear of what the request does after its time."""
    hangs = interaction("hangs", "/late", request={"query": {"seconds": ["1.5"]}})
    write_pact(project / "pacts" / "p.json", hangs)
    cache = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path / "cache")}
    ran = run_pytest(
        "pacts",
        settings={"PACT_REQUEST_TIMEOUT": 0.2, "CACHES": {"default": cache}, "MEDIA_ROOT": str(tmp_path / "media")},
        PYTHONWARNINGS="ignore",
    )
    assert ran.exit_code == 1
    assert ran.out.strip().endswith("=")  # pytest's last line is the last: nothing fails while the process ends
    assert not [path for name in ("cache", "media") for path in (tmp_path / name).rglob("*") if path.is_file()]
    if on_postgresql():
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            name = f"%{databases['default']['NAME']}%"
            assert not connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", [name]).fetchall()
