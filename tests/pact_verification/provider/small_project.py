"""A project in a folder of its own, whose migrations a test may add, change and remove."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
import psycopg

from tests import mariadb
from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.running import ROOT, TIMEOUT, Run, inherited, on_postgresql

SETTINGS = """
import json, os

SECRET_KEY = "the project's, and nobody else's"
INSTALLED_APPS = json.loads(os.environ["PROJECT_APPS"])
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": json.loads(os.environ["PROJECT_DATABASE"]), **json.loads(os.environ["PROJECT_OTHERS"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PACT_PROVIDER_NAME = "shop"
PACT_PATHS = ["pacts"]
PACT_CACHE_DIR = "cache"
PACT_REQUEST_TIMEOUT = 60
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    import pymysql

    pymysql.install_as_MySQLdb()
"""
MODELS = """
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=40)
"""
URLS = """
from django.http import JsonResponse
from django.urls import path

from shop.models import Item


def items(request):
    return JsonResponse(list(Item.objects.order_by("pk").values_list("name", flat=True)), safe=False)


urlpatterns = [path("items", items)]
"""
STATES = """
import os
import time
from pathlib import Path

from pact_verification import provider_state
from shop.models import Item


@provider_state("an item {name} exists")
def item_exists(name):
    Item.objects.create(name=name)


@provider_state("it takes forever")
def forever():
    Item.objects.create(name="half done")
    Path("hangs").touch()
    time.sleep(600)
"""
INITIAL = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Item",
            [
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False)),
                ("name", models.CharField(max_length=40)),
            ],
        ),
    ]
"""
INSERTING = """
from django.db import migrations


def insert(apps, schema_editor):
    with open("migrated", "a") as log:
        print({name!r}, file=log)
    apps.get_model("shop", "Item").objects.create(name={name!r})


class Migration(migrations.Migration):
    dependencies = [("shop", {after!r})]
    operations = [migrations.RunPython(insert)]
"""


@dataclass
class Project:
    """The project, and how to run commands in it.

    Attributes:
        database: DATABASES["default"]. The database itself does not exist.
        others: the other members of DATABASES.
        path: a folder with programs that take precedence.
    """

    folder: Path
    database: dict[str, Any]
    apps: list[str] = field(default_factory=lambda: ["shop", "pact_verification"])
    others: dict[str, Any] = field(default_factory=dict)
    path: str = ""

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def migration(self, name: str, after: str, item: str) -> Path:
        """Write a migration that inserts an item, and notes that it ran in the file `migrated`."""
        return self.write(f"shop/migrations/{name}.py", INSERTING.format(name=item, after=after))

    def expect(self, *items: str, states: tuple[str, ...] = (), interactions: int = 1, consumer: str = "web") -> None:
        """Write a pact by which GET /items returns these items."""
        each = [
            interaction(f"all items, {number}", "/items", states=list(states), response={"body": list(items)})
            for number in range(interactions)
        ]
        write_pact(self.folder / "pacts" / f"{consumer}.json", *each, provider="shop", consumer=consumer)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        import json

        return {
            **inherited(),
            "PATH": f"{self.path}{os.pathsep * bool(self.path)}{os.environ['PATH']}",
            "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}",
            "PYTHONWARNINGS": "error",
            "PYTHONDONTWRITEBYTECODE": "1",  # two versions of a file within a second have the same time
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "PROJECT_DATABASE": json.dumps(self.database),
            "PROJECT_OTHERS": json.dumps(self.others),
            "PROJECT_APPS": json.dumps(self.apps),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "pytest_django.plugin",
        }

    def run(self, *arguments: str) -> Run:
        ran = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Run(ran.returncode, ran.stdout, ran.stderr)

    def verify(self, *options: str) -> Run:
        return self.run("django", "verify_pacts", *options)

    def start(self, *options: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command("django", "verify_pacts", *options),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def migrated(self) -> list[str]:
        """The items of the migrations that ran, since this was asked last."""
        log = self.folder / "migrated"
        items = log.read_text().split("\n")[:-1] if log.exists() else []
        log.unlink(missing_ok=True)
        return items

    def databases(self) -> set[str]:
        """The project's databases that exist, by the ends of their names."""
        if self.database["ENGINE"].endswith("sqlite3"):
            return {path.name for path in self.folder.glob("cache/*.sqlite3")}
        name = self.database["NAME"]
        return {found.removeprefix(name) for found in self.ask(f"{LIST[self.vendor]} LIKE '{name}%'")}

    @property
    def vendor(self) -> str:
        return str(self.database["ENGINE"]).rpartition(".")[2]

    def ask(self, query: str) -> list[Any]:
        return self.ask_in(None, query)

    def ask_in(self, name: str | None, query: str) -> list[Any]:
        """Run a query in a database, and return the first column."""
        if self.vendor == "postgresql":
            in_database: dict[str, Any] = {"dbname": name} if name else {}
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, **in_database) as connection:
                cursor = connection.execute(query)
                return [row[0] for row in cursor.fetchall()] if cursor.description else []
        server, _ = mariadb.connect()
        with closing(server), server.cursor() as own:
            if name:
                own.execute(f"USE `{name}`")
            own.execute(query)
            return [row[0] for row in own.fetchall()]

    def drop(self) -> None:
        if not self.database["ENGINE"].endswith("sqlite3"):
            quote = "`" if self.vendor == "mysql" else '"'
            for end in self.databases():
                self.ask(f"DROP DATABASE {quote}{self.database['NAME']}{end}{quote}")


LIST = {
    "postgresql": "SELECT datname FROM pg_database WHERE datname",
    "mysql": "SELECT schema_name FROM information_schema.schemata WHERE schema_name",
}


@contextmanager
def small_project(folder: Path, engine: str) -> Iterator[Project]:
    """Write the project. Its databases are dropped after the block.

    Args:
        engine: "MariaDB", or another text for the database that the suite runs on.
    """
    name = f"small_{secrets.token_hex(4)}"
    if engine == "MariaDB":
        server, config = mariadb.connect()
        server.close()
        database = {**config, "NAME": name}
    elif on_postgresql():
        database = {**environ.Env.db_url_config(os.environ["DATABASE_URL"]), "NAME": name}
    else:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "no-such-directory" / "own")}
    project = Project(folder, database)
    for path, content in {
        "project_settings.py": SETTINGS,
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "shop/urls.py": URLS,
        "shop/pact_states.py": STATES,
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": INITIAL,
    }.items():
        project.write(path, content)
    project.migration("0002_kettle", "0001_initial", "kettle")
    project.expect("kettle")
    try:
        yield project
    finally:
        project.drop()


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill a command and all of its processes."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
