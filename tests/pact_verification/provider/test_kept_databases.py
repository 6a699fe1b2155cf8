"""verify_pacts --keepdb: databases are migrated once, and no run can spoil what is kept."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.pact_verification.provider.small_project import Project, kill, small_project
from tests.pact_verification.running import TIMEOUT, has, on_postgresql

pytestmark = pytest.mark.measured

ENGINES = ["the suite's"] if on_postgresql() else ["the suite's", "MariaDB"]


@pytest.fixture(params=ENGINES)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, request.param) as made:
        yield made


def kept(project: Project) -> set[str]:
    return {"kept_default.sqlite3"} if project.vendor == "sqlite3" else {"_pact_kept"}


def wait_until_it_hangs(project: Project) -> None:
    while not (project.folder / "hangs").exists():
        threading.Event().wait(0.02)


def test_the_second_run_migrates_nothing_and_a_new_migration_runs_alone(project: Project) -> None:
    first = project.verify("--keepdb")
    assert first.exit_code == 0, first
    has(first, "The kept test databases were made: there were none, or not all of them.")
    assert project.migrated == ["kettle"]
    assert project.databases() == kept(project)
    for options in (["--keepdb"], ["--keepdb", "--isolation", "flush"], []):
        ran = project.verify(*options)
        assert ran.exit_code == 0, ran
        assert "kept" not in ran.out
        assert project.migrated == ([] if options else ["kettle"])
    project.migration("0003_jug", "0002_kettle", "jug")
    project.expect("kettle", "jug")
    ran = project.verify("--keepdb")
    assert ran.exit_code == 0, ran
    has(ran, "The kept test databases got 1 new migration.")
    assert project.migrated == ["jug"]
    assert project.verify("--keepdb").exit_code == 0
    assert project.migrated == []
    ran = project.verify("--create-db")
    assert ran.exit_code == 0, ran
    has(ran, "The kept test databases were made: --create-db was given.")
    assert project.migrated == ["kettle", "jug"]
    assert project.databases() == kept(project)


def test_a_changed_migration_a_removed_one_and_changed_models(project: Project) -> None:
    project.migration("0003_jug", "0002_kettle", "jug")
    project.expect("kettle", "jug")
    assert project.verify("--keepdb").exit_code == 0
    (project.folder / "shop/migrations/0003_jug.py").unlink()
    project.expect("kettle")
    ran = project.verify("--keepdb")
    assert ran.exit_code == 0, ran
    has(ran, "The kept test databases were made: the migration shop.0003_jug is gone.")
    project.migration("0002_kettle", "0001_initial", "teapot")
    project.expect("teapot")
    ran = project.verify("--keepdb")
    assert ran.exit_code == 0, ran
    has(ran, "The kept test databases were made: the migration shop.0002_kettle has changed.")
    assert project.migrated == ["kettle", "jug", "kettle", "teapot"]
    project.write("plain/__init__.py", "")
    project.write("plain/models.py", "")
    project.apps.append("plain")
    assert "INSTALLED_APPS changed" in project.verify("--keepdb").out
    model = "from django.db import models\n\nclass Plain(models.Model):\n    name = models.CharField(max_length=9)\n"
    project.write("plain/models.py", model)
    has(project.verify("--keepdb"), "the models of plain changed.")


def test_a_base_of_models_and_a_migration_beside_an_alias_without_any(project: Project) -> None:
    """One alias that makes its tables from models hides no migration of another."""
    log = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(project.folder / "log"), "TEST": {"MIGRATE": False}}
    project.others["log"] = log
    base = "from django.db import models\n\n\nclass Base(models.Model):\n    class Meta:\n        abstract = True\n"
    project.write("plain/__init__.py", "")
    project.write("plain/base.py", base)
    project.write("plain/models.py", "from plain.base import Base\n\n\nclass Plain(Base):\n    pass\n")
    project.apps.append("plain")
    assert project.verify("--keepdb").exit_code == 0
    project.write(
        "plain/base.py", base.replace("    class Meta", "    name = models.CharField(max_length=9)\n\n    class Meta")
    )
    has(project.verify("--keepdb"), "The kept test databases were made: the models of plain changed.")
    project.migration("0002_kettle", "0001_initial", "teapot")
    project.expect("teapot")
    ran = project.verify("--keepdb")
    assert ran.exit_code == 0, ran
    has(ran, "The kept test databases were made: the migration shop.0002_kettle has changed.")


def test_what_is_kept_but_not_complete_is_made_again(project: Project) -> None:
    """A run was killed while it copied its databases."""
    assert project.verify("--keepdb").exit_code == 0
    if project.vendor == "sqlite3":
        (project.folder / "cache/kept_default.sqlite3").write_bytes(b"no database at all" * 100)
    else:
        quote = "`" if project.vendor == "mysql" else '"'
        name = f"{quote}{project.database['NAME']}_pact_kept{quote}"
        project.ask(f"DROP DATABASE {name}")
        project.ask(f"CREATE DATABASE {name}")
    ran = project.verify("--keepdb")
    assert ran.exit_code == 0, ran
    has(ran, "The kept test databases were made: there were none, or not all of them.")


def test_a_database_of_somebody_else_is_never_dropped(project: Project) -> None:
    if project.vendor == "sqlite3":
        pytest.skip("its kept databases are files in the cache directory")
    name, quote = f"{project.database['NAME']}_pact_kept", "`" if project.vendor == "mysql" else '"'
    project.ask(f"CREATE DATABASE {quote}{name}{quote}")
    project.ask_in(name, "CREATE TABLE orders (id integer)")
    ran = project.verify("--keepdb")
    assert ran.exit_code == 2
    has(ran, f"The database '{name}' is in the way of --keepdb: it has tables, and no run has kept it.")
    assert project.ask_in(name, "SELECT COUNT(*) FROM orders") == [0]
    project.database["NAME"], own = name, project.database["NAME"]
    project.database["TEST"] = {"NAME": own}
    ran = project.verify("--keepdb")
    assert ran.exit_code == 2
    has(ran, f"The project's own database '{name}' ('default') has the name of a kept one.")
    project.database["NAME"] = own


@pytest.mark.parametrize("isolation", ["transaction", "flush"])
def test_a_run_that_is_killed_leaves_nothing_in_it(project: Project, isolation: str) -> None:
    project.expect("kettle", "half done", states=("it takes forever",), consumer="slow")
    process = project.start("--keepdb", "--isolation", isolation, "pacts/slow.json", "--request-timeout", "300")
    wait_until_it_hangs(project)
    kill(process)
    assert project.migrated == ["kettle"]
    ran = project.verify("--keepdb", "pacts/web.json")
    assert ran.exit_code == 0, ran
    assert project.migrated == []
    assert project.databases() == kept(project)


def test_two_runs_at_once_have_databases_of_their_own(project: Project) -> None:
    """One begins while the other is in the middle of its interactions, with rows that are committed."""
    assert project.verify("--keepdb").exit_code == 0
    project.expect("kettle", "half done", states=("it takes forever",), consumer="slow")
    slow = ("--keepdb", "--isolation", "flush", "pacts/slow.json", "--request-timeout", "300")
    process = project.start(*slow)
    wait_until_it_hangs(project)
    ran = project.verify("--keepdb", "pacts/web.json")
    process.terminate()
    process.communicate(timeout=TIMEOUT)
    assert ran.exit_code == 0, ran
    assert project.migrated == ["kettle"]


def test_two_first_runs_at_once_migrate_once(project: Project) -> None:
    processes = [project.start("--keepdb") for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, out + err
    assert project.migrated == ["kettle"]
    assert project.databases() == kept(project)


@pytest.mark.parametrize("keep", [(), ("--keepdb",)])
def test_several_processes_migrate_once(project: Project, keep: tuple[str, ...]) -> None:
    for consumer in ("web", "app", "office"):
        project.expect("kettle", "cup", states=("an item cup exists",), interactions=12, consumer=consumer)
    for isolation in ("transaction", "flush"):
        ran = project.verify("--parallel", "3", "--isolation", isolation, *keep)
        assert ran.exit_code == 0, ran
        has(ran, "36 verified")
    assert project.migrated == (["kettle"] if keep else ["kettle", "kettle"])
    assert project.databases() == (kept(project) if keep else set())


class TestRunData:
    @pytest.fixture
    def filled(self, project: Project) -> Project:
        self.fill(project, "tenant")
        project.expect("kettle", "tenant", "cup", states=("an item cup exists",), interactions=12)
        project.expect("kettle", "tenant", "cup", states=("an item cup exists",), interactions=12, consumer="app")
        return project

    def fill(self, project: Project, item: str) -> None:
        states = (project.folder / "shop/pact_states.py").read_text().partition("\n\n@run_data")[0]
        project.write(
            "shop/pact_states.py",
            f"{states}\n\n@run_data\ndef tenants():\n    with open('filled', 'a') as log:\n        log.write('x')\n"
            f"    Item.objects.create(name={item!r})\n\n\nfrom pact_verification import run_data\n".replace(
                "\n\n@run_data", "\n\nfrom pact_verification import run_data\n\n\n@run_data", 1
            ),
        )

    @pytest.mark.parametrize(
        "options", [(), ("--isolation", "flush"), ("--parallel", "2"), ("--parallel", "2", "--isolation", "flush")]
    )
    def test_every_interaction_starts_from_it(self, filled: Project, options: tuple[str, ...]) -> None:
        ran = filled.verify(*options)
        assert ran.exit_code == 0, ran
        assert (filled.folder / "filled").read_text() == "x"

    def test_under_pytest_it_runs_before_each_interaction(self, filled: Project) -> None:
        """The databases are shared with other tests, which must not see its rows."""
        other = "import pytest\n\n\n@pytest.mark.django_db\ndef test_items():\n    from shop.models import Item\n\n"
        filled.write("test_items.py", f"{other}    assert [each.name for each in Item.objects.all()] == ['kettle']\n")
        for options in (("--create-db", "--reuse-db"), ("--reuse-db",), ()):
            ran = filled.run(
                "pytest", "-q", "-p", "pact_verification.pytest_plugin", "pacts", "test_items.py", *options
            )
            assert ran.exit_code == 0, ran
            has(ran, "25 passed")

    def test_a_flush_brings_back_rows_of_an_app_without_migrations(self, project: Project) -> None:
        self.fill(project, "tenant")
        for path in (project.folder / "shop/migrations").iterdir():
            path.unlink()
        (project.folder / "shop/migrations").rmdir()
        project.expect("tenant", "cup", states=("an item cup exists",), interactions=3)
        ran = project.verify("--isolation", "flush")
        assert ran.exit_code == 0, ran

    def test_it_is_not_kept(self, filled: Project) -> None:
        assert filled.verify("--keepdb").exit_code == 0
        self.fill(filled, "another")
        for consumer in ("web", "app"):
            filled.expect("kettle", "another", "cup", states=("an item cup exists",), consumer=consumer)
        ran = filled.verify("--keepdb")
        assert ran.exit_code == 0, ran
        assert filled.migrated == ["kettle"]

    def test_one_that_leaves_a_transaction_open(self, project: Project) -> None:
        self.fill(project, "tenant")
        states = (project.folder / "shop/pact_states.py").read_text()
        leaving = "from django.db import transaction\n\n    transaction.set_autocommit(False)\n    Item.objects"
        project.write(
            "shop/pact_states.py", states.replace("Item.objects.create(name='tenant')", f"{leaving}.create()")
        )
        ran = project.verify()
        assert ran.exit_code == 2
        has(ran, "@run_data tenants() left a transaction open on 'default'. Commit it.")

    def test_one_that_fails(self, project: Project) -> None:
        project.write(
            "shop/pact_states.py",
            "from pact_verification import run_data\n\n\n@run_data\ndef tenants():\n    raise KeyError('no tenant')\n",
        )
        ran = project.verify()
        assert ran.exit_code == 2
        has(ran, "@run_data tenants() failed: KeyError: 'no tenant' (", "pact_states.py:6)")
        assert project.databases() == set()


FAILING = """
from django.db import migrations


def fail(apps, schema_editor):
    raise LookupError("no such shelf")


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_kettle")]
    operations = [migrations.RunPython(fail)]
"""
RECEIVER = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class Shop(AppConfig):
    name = "shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        post_migrate.connect(fail)


def fail(**kwargs):
    raise LookupError("no such group")
"""


def test_a_migration_that_fails_is_named(project: Project) -> None:
    assert project.verify("--keepdb").exit_code == 0
    project.write("shop/migrations/0003_failing.py", FAILING)
    ran = project.verify("--keepdb")
    assert ran.exit_code == 2
    has(ran, "the migration shop.0003_failing failed: LookupError: no such shelf (", "0003_failing.py:6)")
    (project.folder / "shop/migrations/0003_failing.py").unlink()
    assert project.verify("--keepdb").exit_code == 0
    assert project.migrated == ["kettle"]


def test_a_receiver_of_post_migrate_that_fails_is_no_fault_of_the_server(project: Project) -> None:
    project.write("shop/apps.py", RECEIVER)
    ran = project.verify()
    assert ran.exit_code == 2
    has(ran, "a receiver of post_migrate failed: LookupError: no such group (", "apps.py:15)")
    assert "does the server answer" not in ran.err


WRITER = RECEIVER.replace(
    'raise LookupError("no such group")',
    "from django.db import connections\n\n    connections['log'].cursor().execute('INSERT INTO orders VALUES (1)')",
)


@pytest.mark.parametrize("options", [(), ("--keepdb",)])
def test_the_projects_own_database_is_not_written_to_while_others_are_made(
    project: Project, options: tuple[str, ...]
) -> None:
    """Django gives one alias after the other its test database. Until then a connection leads to the project's own."""
    own = project.folder / "own.sqlite3"
    with closing(sqlite3.connect(own)) as database, database:
        database.execute("CREATE TABLE orders (id integer)")
    project.others["log"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(own)}
    project.write("shop/apps.py", WRITER)
    ran = project.verify(*options)
    assert ran.exit_code == 2
    has(ran, "The database 'log' is used before its test database is made.", "Set TEST['DEPENDENCIES']", "['log'].")
    with closing(sqlite3.connect(own)) as database:
        assert database.execute("SELECT COUNT(*) FROM orders").fetchone() == (0,)


def test_a_dump_that_breaks_off_is_no_copy(project: Project) -> None:
    if project.vendor != "mysql":
        pytest.skip("MySQL's databases alone are dumped")
    fake = project.write("bin/mysqldump", "#!/bin/sh\necho 'CREATE TABLE shop_item (id integer);'\nexit 2\n")
    fake.chmod(0o755)
    project.path = str(fake.parent)
    for options in (("--keepdb",), ("--parallel", "2")):
        project.expect("kettle", consumer="app")
        ran = project.verify(*options)
        assert ran.exit_code == 2, ran
        has(ran, "can't be copied: mysqldump ended with exit code 2")


def test_progress_names_the_migration_that_runs(project: Project) -> None:
    """The migration waits for its own name on standard error."""
    os.mkfifo(project.folder / "seen")
    waiting = INSERTING_SLOWLY
    project.write("shop/migrations/0003_slow.py", waiting)
    process = project.start()
    assert process.stderr
    line = process.stderr.readline()
    with (project.folder / "seen").open("w") as seen:
        seen.write("x")
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    assert "done, 1 s: migrating, shop.0003_slow (3 of 3)" in line


INSERTING_SLOWLY = """
from django.db import migrations


def wait(apps, schema_editor):
    with open("seen") as seen:
        seen.read()


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_kettle")]
    operations = [migrations.RunPython(wait)]
"""
