"""verify_pacts --provider-url, against the test app under gunicorn on databases that may be emptied."""

import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest

from tests.broker_double import BrokerDouble
from tests.certificates import Certificate, self_signed
from tests.pact_verification.pact_files import CREATE, EMPTY, GREEN, document, interaction, write_pact
from tests.pact_verification.running import (
    ROOT,
    TIMEOUT,
    Databases,
    Run,
    command,
    environment,
    has,
    on_postgresql,
    run,
    wait_for_file,
)

pytestmark = pytest.mark.measured


@contextmanager
def connected(config: dict[str, Any]) -> Iterator[Any]:
    """Connect to a database by its driver, in autocommit."""
    if on_postgresql():
        own = {"user": config["USER"], "host": config["HOST"], "port": config["PORT"], "dbname": config["NAME"]}
        with psycopg.connect(**own, password=config["PASSWORD"], autocommit=True) as connection:
            yield connection
    else:
        with closing(sqlite3.connect(config["NAME"], isolation_level=None)) as connection:
            yield connection


@dataclass
class Scratch:
    """Migrated databases of the test app that a server can read, and the settings of a run on them."""

    databases: Databases
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [str(config["NAME"]) for config in self.databases.values()]
        self.settings = {"DATABASES": self.databases, "PACT_DISPOSABLE_DATABASES": names}

    def manage(self, *arguments: str) -> str:
        finished = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env=environment(settings=self.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def execute(self, *statements: str) -> None:
        """Execute SQL in each of the databases."""
        for config in self.databases.values():
            with connected(config) as connection:
                for statement in statements:
                    connection.execute(statement)

    def dump(self) -> list[Any]:
        """Return all rows of all tables of the databases, and the positions of the sequences."""
        dumps: list[Any] = []
        for config in self.databases.values():
            with connected(config) as connection:
                if not on_postgresql():
                    dumps.append(sorted(connection.iterdump()))
                    continue
                names = connection.execute(
                    "SELECT tablename, 't::text' FROM pg_tables WHERE schemaname = 'public' "
                    "UNION SELECT sequencename, 'last_value, is_called' FROM pg_sequences ORDER BY 1"
                ).fetchall()
                for name, columns in names:
                    sql = f'SELECT {columns} FROM "{name}" t ORDER BY 1'  # the database's own names
                    dumps.append((name, connection.execute(sql).fetchall()))
        return dumps


class Templates:
    """Migrated databases of the test app, made once for each set of apps, and copied for each test."""

    def __init__(self, folder: Path, cleanup: ExitStack) -> None:
        self._folder = folder
        self._cleanup = cleanup
        self._made: dict[tuple[str, ...], Scratch] = {}

    def migrated(self, apps: Sequence[str] = ()) -> Scratch:
        """Return databases with the tables of these apps, or of the test app's own. No test may change them."""
        key = tuple(apps)
        if key not in self._made:
            source = self.migrated() if apps else None
            made = empty_databases(self._folder / f"template-{len(self._made)}", self._cleanup, source)
            if apps:
                made.settings["INSTALLED_APPS"] = [*apps]
            for alias in made.databases:
                made.manage("migrate", "--run-syncdb", "--verbosity", "0", "--database", alias)
            self._made[key] = made
        return self._made[key]


def empty_databases(folder: Path, cleanup: ExitStack, template: Scratch | None = None) -> Scratch:
    """Make databases that are gone with the cleanup: empty ones, or copies of a template's."""
    folder.mkdir(exist_ok=True)
    databases: Databases = {}
    for alias in ("default", "audit"):
        source = template and template.databases[alias]["NAME"]
        if on_postgresql():
            config = environ.Env.db_url_config(os.environ["DATABASE_URL"])
            name = f"scratch_{alias}_{secrets.token_hex(4)}"
            server = cleanup.enter_context(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True))
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source or "template1"}"'.encode())
            cleanup.callback(server.execute, f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
            databases[alias] = {**config, "NAME": name, "CONN_MAX_AGE": 60}
        else:
            file = folder / f"{alias}.sqlite3"
            if source:
                shutil.copy(source, file)
            databases[alias] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    return Scratch(databases)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    with ExitStack() as cleanup:
        yield Templates(tmp_path_factory.mktemp("templates"), cleanup)


@pytest.fixture
def scratch(templates: Templates, tmp_path: Path) -> Iterator[Scratch]:
    with ExitStack() as cleanup:
        yield empty_databases(tmp_path, cleanup, templates.migrated())


@contextmanager
def served(scratch: Scratch, certificate: Certificate | None = None) -> Iterator[str]:
    """Run the test app under gunicorn with two workers, and yield its URL. The socket listens from the start."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        tls = ["--certfile", str(certificate.file), "--keyfile", str(certificate.key)] if certificate else []
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"fd://{listener.fileno()}"),
                *("--preload", "--no-control-socket", *tls, "django.core.wsgi:get_wsgi_application()"),
            ],
            cwd=ROOT,
            env={**environment(settings={**scratch.settings, "ALLOWED_HOSTS": ["127.0.0.1"]}), "PYTHONWARNINGS": ""},
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as gunicorn:
            try:
                yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
            finally:
                gunicorn.terminate()


@contextmanager
def _that_says(what: bytes) -> Iterator[str]:
    """Run a server that sends the same bytes to each client and hangs up, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # it is closed
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.sendall(what)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def _that_drips() -> Iterator[str]:
    """Run a server that sends single bytes and never a complete response, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_over = threading.Event()

        def serve() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\nv")
                while not is_over.wait(0.1):
                    client.sendall(b"1")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        is_over.set()
        thread.join()


Ask = Callable[..., Run]


@pytest.fixture
def ask(scratch: Scratch) -> Ask:
    return partial(run, "verify_pacts", settings=scratch.settings)


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    return tmp_path / "pacts" / "shop.json"


class TestGreen:
    def test_on_the_servers_own_database(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        """Each interaction starts from the database's own content, and the run restores that content."""
        before = scratch.dump()
        write_pact(
            pact,
            EMPTY,
            GREEN,
            CREATE,
            CREATE,
            EMPTY,
            interaction("other database", "/audit", response={"body": []}),
            interaction("as it was", "/shelves", response={"body": ["the shelf that a migration made"]}),
            interaction("redirect", "/redirect", status=302),
            interaction("head", method="HEAD"),
            interaction("its own address", "/about", response={"body": {"host": "127.0.0.1"}}),
            interaction(
                "by id",
                "/items/99999",
                states=["an item cup exists"],
                request={"generators": {"path": {"type": "ProviderState", "expression": "/items/${id}"}}},
                response={"body": {"name": "cup"}},
            ),
            interaction(
                "a request filter",
                "/about",
                request={"headers": {"Authorization": "Bearer old"}},
                response={"body": {"token": "Bearer new"}},
            ),
        )
        with served(scratch) as url:
            ran = ask(pact, "--provider-url", url)
        assert ran.exit_code == 0, ran.out + ran.err
        note = f"The server that runs at {url} is verified, not the code that is here."
        assert note in ran.err  # before anything is emptied
        for config in scratch.databases.values():
            assert f"{config['NAME']} (" in ran.err
        has(ran, note, "12 interactions of 1 consumer: 12 verified")
        assert scratch.dump() == before

    def test_messages_are_not_verified(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        """Their producers are functions of this process. So the run fails unless a filter leaves them out."""
        message = {"type": "Asynchronous/Messages", "description": "a message", "contents": {"content": {}}}
        write_pact(pact, {**EMPTY, "type": "Synchronous/HTTP"}, message, version="4.0")
        with served(scratch) as url:
            ran = ask(pact, "--provider-url", url)
            without = ask(pact, "--provider-url", url, "--description", "empty list")
        assert ran.exit_code == 1
        has(
            ran,
            "? a message cause 1",
            "It is a message, and --provider-url verifies a server that already runs. A message comes from "
            "a function in this process, so verify it without --provider-url.",
            "1 verified, 1 not verified",
        )
        assert without.exit_code == 0, without

    @pytest.mark.no_database  # it is about certificates
    def test_over_https(self, ask: Ask, scratch: Scratch, pact: Path, tmp_path: Path) -> None:
        """The run accepts the server's certificate only if it is configured to trust it."""
        write_pact(pact, GREEN, EMPTY)
        certificate = self_signed(tmp_path)
        with served(scratch, certificate) as url:
            distrusted = ask(pact, "--provider-url", url)
            trusted = ask(pact, "--provider-url", url, REQUESTS_CA_BUNDLE=str(certificate.file))
            in_the_clear = ask(pact, "--provider-url", url.replace("https", "http"))
        assert distrusted.exit_code == 2
        has(
            distrusted,
            f"The server at {url} does not answer:",
            "self-signed certificate",
            "SSL_CERT_FILE or REQUESTS_CA_BUNDLE names",
        )
        assert (trusted.exit_code, trusted.out) == (0, trusted.out), trusted
        assert in_the_clear.exit_code == 1


STUCK = interaction("stuck", states=["an item cup exists", "it takes 600 seconds"])
UNMIGRATED = [
    *("tests.testapp", "tests.testapp.unmigrated", "pact_verification"),
    *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sites"),
]


class TestRestored:
    """The databases have their own content again, however the run ends."""

    @pytest.fixture
    def scratch(self, templates: Templates, tmp_path: Path) -> Iterator[Scratch]:
        """Return databases that have the tables of an app without migrations too."""
        with ExitStack() as cleanup:
            scratch = empty_databases(tmp_path, cleanup, templates.migrated(UNMIGRATED))
            scratch.settings["INSTALLED_APPS"] = UNMIGRATED
            yield scratch

    @pytest.fixture
    def before(self, scratch: Scratch, tmp_path: Path) -> list[Any]:
        """Return what the databases hold, with rows of that app, and of a table that no model knows."""
        scratch.settings["PACT_CACHE_DIR"] = str(tmp_path / "cache")
        scratch.execute(
            "INSERT INTO unmigrated_note (text) VALUES ('as it was')",
            "CREATE TABLE loose (name text PRIMARY KEY, data float)",
            "INSERT INTO loose VALUES ('a', 0.1), ('b', NULL)",
        )
        return scratch.dump()

    @contextmanager
    def stuck(self, scratch: Scratch, pact: Path, url: str) -> Iterator[subprocess.Popen[str]]:
        """Start a run that is in a state handler, which has written rows already."""
        write_pact(pact, STUCK)
        announced = pact.with_name("announced")
        with subprocess.Popen(
            command(pact, "--provider-url", url, "--request-timeout", "300"),
            cwd=ROOT,
            # When all its processes are killed, its folder stays.
            env=environment(settings=scratch.settings, TESTAPP_ANNOUNCE=str(announced), TMPDIR=str(pact.parents[1])),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            wait_for_file(announced, process)
            yield process

    def test_everything(self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any]) -> None:
        write_pact(pact, GREEN, CREATE, CREATE, EMPTY)
        with served(scratch) as url:
            ran = ask(pact, "--provider-url", url)
        assert ran.exit_code == 0, ran
        assert scratch.dump() == before
        for config in scratch.databases.values():
            with connected(config) as connection:
                sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                if not on_postgresql():
                    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                tables = [name for (name,) in connection.execute(sql).fetchall()]
                counts = [f'SELECT count(*) FROM "{name}"' for name in tables]  # the database's own names
                rows = sum(connection.execute(count).fetchone()[0] for count in counts)
            has(ran, f"{config['NAME']} ({rows} rows)")
        assert list(Path(scratch.settings["PACT_CACHE_DIR"]).glob("snapshot-*")) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_after_a_signal(self, scratch: Scratch, pact: Path, before: list[Any], number: signal.Signals) -> None:
        with _that_says(b"") as url, self.stuck(scratch, pact, url) as process:
            assert scratch.dump() != before
            os.killpg(process.pid, number)
            out, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 128 + number, out
        assert scratch.dump() == before

    @pytest.mark.parametrize("state", ["it takes 600 seconds", "the process ends"])
    def test_after_a_state_that_does_not_come_back(
        self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any], state: str
    ) -> None:
        write_pact(pact, interaction("stuck", states=["an item cup exists", state]))
        with _that_says(b"") as url:
            ran = ask(pact, "--provider-url", url, "--request-timeout", "0.2")
        assert ran.exit_code == 1, ran
        assert scratch.dump() == before
        assert "could not be restored" not in ran.err

    def test_after_the_end_of_all_processes(self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any]) -> None:
        """The next run restores the databases before anything else, so it does so even if it can't verify."""
        with _that_says(b"") as url:
            with self.stuck(scratch, pact, url) as process:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate(timeout=TIMEOUT)
            assert scratch.dump() != before
            kept = list(Path(scratch.settings["PACT_CACHE_DIR"]).glob("snapshot-*"))
            assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]
            ran = ask(write_pact(pact, interaction("no state", states=["unknown"])), "--provider-url", url)
        assert ran.exit_code == 2, ran
        assert scratch.dump() == before
        name = scratch.databases["default"]["NAME"]
        has(ran, f"An earlier run was killed. The database {name} was restored to what it held before that run.")

    def test_not_where_tables_have_changed_since(
        self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any]
    ) -> None:
        with _that_says(b"") as url:
            with self.stuck(scratch, pact, url) as process:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate(timeout=TIMEOUT)
            scratch.execute("ALTER TABLE loose ADD COLUMN more text")
            changed = scratch.dump()
            ran = ask(pact, "--provider-url", url)
        assert ran.exit_code == 2, ran
        name = scratch.databases["default"]["NAME"]
        has(ran, f"The database {name} could not be restored: its tables have changed since.", "remove that file")
        assert scratch.dump() == changed

    def test_one_run_at_a_time(self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any]) -> None:
        with _that_says(b"") as url, self.stuck(scratch, pact, url) as process:
            ran = ask(pact, "--provider-url", url)
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=TIMEOUT)
        assert ran.exit_code == 2, ran
        name = scratch.databases["default"]["NAME"]
        has(ran, f"Another run with --provider-url uses the database {name}. Wait for its end.")
        assert scratch.dump() == before

    def test_not_without_a_place_for_the_file(
        self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any], tmp_path: Path
    ) -> None:
        (tmp_path / "cache").write_text("no folder")
        with _that_says(b"") as url:
            ran = ask(write_pact(pact, GREEN), "--provider-url", url)
        assert ran.exit_code == 2, ran
        has(ran, "in the cache directory, which can't be written", "PACT_CACHE_DIR names another.")
        assert scratch.dump() == before

    @pytest.mark.skipif(not on_postgresql(), reason="SQLite's file is restored as a whole")
    @pytest.mark.parametrize(
        ("made", "told"),
        [
            ("CREATE MATERIALIZED VIEW seen AS SELECT * FROM loose", "the materialized view public.seen"),
            ("SELECT lo_create(0)", "large objects (1)"),
            ("ALTER TABLE loose ADD CHECK (name <> 'a') NOT VALID", "is NOT VALID"),
        ],
    )
    def test_not_what_can_not_be_restored(
        self, ask: Ask, scratch: Scratch, pact: Path, before: list[Any], *, made: str, told: str
    ) -> None:
        scratch.execute(made)
        with _that_says(b"") as url:
            ran = ask(write_pact(pact, GREEN), "--provider-url", url)
        assert ran.exit_code == 2, ran
        name = scratch.databases["default"]["NAME"]
        has(ran, f"--provider-url can't use the database {name} (default). It holds what can't be restored: ", told)
        assert scratch.dump() == before


@pytest.mark.no_database  # what it checks is the report
class TestRed:
    def test_a_mismatch_has_the_view_and_the_line_to_run_it_again(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        wrong = interaction("wrong", states=["an item cup exists"], response={"body": ["pot"]})
        crash = interaction("crash", "/crash")
        with served(scratch) as url:
            ran = ask(write_pact(pact, wrong, crash, EMPTY), "--provider-url", url)
        assert ran.exit_code == 1
        has(
            ran,
            "view tests.testapp.views.items (tests/testapp/views.py:",
            '- "pot" + "cup"',
            "500 Internal Server Error",
            f"--provider-url {url} {pact} --interaction",
            "✓ 1 verified",
        )
        assert "SQL quer" not in ran.out  # the run can't count the queries of another process

    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]", b"SSH-2.0-OpenSSH\r\n"])
    def test_a_server_without_an_answer_proves_nothing(
        self, ask: Ask, scratch: Scratch, pact: Path, sent: bytes
    ) -> None:
        """The pact expects a 502. A 502 that this package sends is no response of the provider's."""
        write_pact(pact, interaction("no answer", status=502))
        with _that_says(sent) as url:
            ran = ask(pact, "--provider-url", url)
        assert ran.exit_code == 1, ran
        has(ran, "? no answer", f"{url} gave no answer: ", "1 not verified")

    def test_a_slow_answer(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        slow = interaction("slow", "/slow", request={"query": {"seconds": ["5"]}})
        with served(scratch) as url:
            ran = ask(write_pact(pact, slow, EMPTY), "--provider-url", url, "--request-timeout", "2")
        assert ran.exit_code == 1
        has(ran, "s to answer, and may take 2 s (--request-timeout)", "✓ 1 verified")


def answering(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@pytest.mark.no_database  # it is about versions and the broker
class TestPublishing:
    """The run verifies the server and not the code here, so it publishes for the server's version."""

    @pytest.fixture
    def broker(self) -> Iterator[BrokerDouble]:
        with BrokerDouble() as double:
            double.create_pacticipant("testapp", main_branch="main")
            double.publish(document(EMPTY), version="c1", branch="main")
            yield double

    @pytest.fixture
    def publish(self, scratch: Scratch, broker: BrokerDouble) -> Ask:
        def run_it(*arguments: str | Path, **version: str) -> Run:
            named = {f"PACT_PROVIDER_VERSION_{name}": value for name, value in version.items()}
            return run(
                "verify_pacts",
                "--publish",
                *arguments,
                settings={**scratch.settings, **named},
                PACT_BROKER_BASE_URL=broker.url,
                GIT_COMMIT="of-the-checkout",
                GIT_BRANCH="of-the-checkout",
            )

        return run_it

    @pytest.mark.parametrize(
        ("options", "settings", "number"),
        [
            (["--provider-version", "1.2"], {}, "1.2"),
            ([], {"URL": "/version"}, "v-body"),
            ([], {"URL": "/version", "HEADER": "x-version"}, "v-header"),
            (["--provider-version", "v-body"], {"URL": "/version"}, "v-body"),
        ],
    )
    def test_for_a_version_that_is_named(
        self,
        publish: Ask,
        scratch: Scratch,
        broker: BrokerDouble,
        *,
        options: list[str],
        settings: dict[str, str],
        number: str,
    ) -> None:
        with served(scratch) as url:
            ran = publish("--provider-url", url, "--provider-branch", "deployed", *options, **settings)
        assert ran.exit_code == 0, ran
        named_by = "the server" if settings else "--provider-version"
        has(
            ran,
            f"Results will be published for {number} of branch deployed, which {named_by} names.",
            f"Results are published for {number} of branch deployed, which {named_by} names.",
            f"Published 1 result for version {number} of branch deployed",
        )
        assert [(result.provider_version, result.success) for result in broker.results] == [(number, True)]
        assert broker.versions("testapp")[number].branches == ["deployed"]

    def test_for_one_pact_the_checkout_is_of_no_interest(
        self, publish: Ask, broker: BrokerDouble, scratch: Scratch
    ) -> None:
        named = ("--provider-version", "1.2", "--provider-branch", "deployed")
        with served(scratch) as url:
            ran = publish("--provider-url", url, "--pact-url", broker.pact_url("shop", "c1"), *named)
        assert ran.exit_code == 0, ran
        assert [result.provider_version for result in broker.results] == ["1.2"]

    def test_from_a_header_of_the_base_url(self, publish: Ask, broker: BrokerDouble) -> None:
        with _that_says(answering(b"", "X-Version: 7", status="404 Not Found")) as url:
            ran = publish("--provider-url", url, HEADER="X-Version")
        assert ran.exit_code == 2
        has(ran, "can't be published with --provider-url for the branch of the code here", "--provider-branch")

    def test_not_for_the_version_of_the_checkout(self, publish: Ask, broker: BrokerDouble) -> None:
        ran = publish("--provider-url", "http://127.0.0.1:9", "--provider-branch", "main")
        assert ran.exit_code == 2
        has(
            ran,
            "Results can't be published for of-the-checkout: the server at http://127.0.0.1:9 is verified",
            "Name its version with --provider-version",
            "PACT_PROVIDER_VERSION_URL or PACT_PROVIDER_VERSION_HEADER",
        )
        assert broker.requests == []

    def test_not_for_two(self, publish: Ask, broker: BrokerDouble) -> None:
        with _that_says(answering(b"v2\n")) as url:
            options = ("--provider-version", "v1", "--provider-branch", "main")
            ran = publish("--provider-url", url, *options, URL="/version")
        assert ran.exit_code == 2
        has(ran, f"--provider-version is 'v1', and the server at {url} says that it is 'v2'.")

    @pytest.mark.parametrize(
        ("answer", "settings", "told"),
        [
            (
                answering(b""),
                {"URL": "/version"},
                "names no version: its answer to GET /version (200) has none as text",
            ),
            (answering(b"<html>"), {"URL": "/version"}, "has none as text or as the member version"),
            (answering(b'{"commit": "a"}'), {"URL": "/version"}, "has none as text or as the member version"),
            (answering(b'{"version": '), {"URL": "/version"}, "has none as text or as the member version"),
            (answering(b"v1", status="404 Not Found"), {"URL": "/v"}, "its answer to GET /v (404) has none"),
            (answering(b"v1"), {"HEADER": "X-V"}, "its answer to GET / (200) has none in its header X-V"),
            (b"", {"URL": "/version"}, "does not answer: "),
            (b"SSH-2.0-OpenSSH\r\n", {"URL": "/version"}, "does not answer: "),
        ],
    )
    def test_a_server_that_names_none(
        self, publish: Ask, broker: BrokerDouble, answer: bytes, settings: dict[str, str], told: str
    ) -> None:
        with _that_says(answer) as url:
            ran = publish("--provider-url", url, **settings)
        assert ran.exit_code == 2, ran
        has(ran, f"The server at {url}", told)

    def test_a_server_that_drips(self, publish: Ask, broker: BrokerDouble) -> None:
        with _that_drips() as url:
            ran = publish("--provider-url", url, "--request-timeout", "1", URL="/version")
        assert ran.exit_code == 2, ran
        has(ran, f"The server at {url} does not answer: ")

    def test_without_publishing_nothing_is_asked(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        scratch.settings["PACT_PROVIDER_VERSION_URL"] = "/crash"
        with served(scratch) as url:
            ran = ask(write_pact(pact, EMPTY), "--provider-url", url)
        assert ran.exit_code == 0, ran

    @pytest.mark.parametrize(
        ("name", "value", "check"),
        [("URL", "version", "E007"), ("URL", ["/"], "E007"), ("HEADER", "X Version", "E008"), ("HEADER", 7, "E008")],
    )
    def test_settings_that_name_nothing(self, pact: Path, name: str, value: object, check: str) -> None:
        settings = {f"PACT_PROVIDER_VERSION_{name}": value}
        ran = run("verify_pacts", write_pact(pact, EMPTY), settings=settings)
        assert ran.exit_code == 2
        has(ran, f"pact_verification.{check}", f"PACT_PROVIDER_VERSION_{name} is {value!r}")


class TestRefused:
    @pytest.mark.no_database  # settings are compared
    @pytest.mark.parametrize("disposable", [[], ["default"], ["another"], ["scratch", "*"]])
    def test_a_database_that_is_not_marked(self, ask: Ask, scratch: Scratch, pact: Path, disposable: list[str]) -> None:
        scratch.settings["PACT_DISPOSABLE_DATABASES"] = disposable
        before = scratch.dump()
        with served(scratch) as url:
            ran = ask(write_pact(pact, GREEN), "--provider-url", url)
        assert ran.exit_code == 2
        name = scratch.databases["default"]["NAME"]
        has(
            ran,
            f"the settings don't say that '{name}' (default) may be emptied",
            "PACT_DISPOSABLE_DATABASES names those",
        )
        assert scratch.dump() == before

    @pytest.mark.no_database
    def test_one_of_two_is_enough_if_the_other_is_left_alone(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        scratch.settings["PACT_DISPOSABLE_DATABASES"] = [scratch.databases["default"]["NAME"]]
        with served(scratch) as url:
            ran = ask(write_pact(pact, GREEN), "--provider-url", url)
            assert ran.exit_code == 2
            has(ran, f"'{scratch.databases['audit']['NAME']}' (audit) may be emptied")
            ran = ask(write_pact(pact, GREEN), "--provider-url", url, "--databases=default")
        assert ran.exit_code == 0
        has(ran, "1 verified")

    def test_a_database_without_tables(self, ask: Ask, scratch: Scratch, pact: Path) -> None:
        drop = "connections['audit'].cursor().execute('DROP TABLE testapp_audit')"
        scratch.manage("shell", "--command", f"from django.db import connections; {drop}")
        with served(scratch) as url:
            ran = ask(write_pact(pact, GREEN), "--provider-url", url)
        assert ran.exit_code == 2
        has(ran, "The server's database can't be read", "Is it migrated? `manage.py migrate` makes its tables.")

    @pytest.mark.no_database
    def test_a_port_without_a_server(self, ask: Ask, pact: Path) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            ran = ask(write_pact(pact, GREEN), "--provider-url", url)
        assert ran.exit_code == 2
        has(ran, f"The server at {url} does not answer:", "Connection refused. Is it running?")


@pytest.mark.no_database
class TestOptions:
    @pytest.mark.parametrize(
        "url",
        ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://[::1", "http://h:x", "http://h:99999", "/"],
    )
    def test_what_is_no_url(self, pact: Path, url: str) -> None:
        ran = run("verify_pacts", write_pact(pact, GREEN), f"--provider-url={url}")
        assert ran.exit_code == 2
        has(ran, f"--provider-url {url!r} is no URL of a server, such as http://127.0.0.1:8000.")

    @pytest.mark.parametrize("url", ["http://me:secret@h", "http://h/?a=1", "http://h/#a"])
    def test_more_than_an_address(self, pact: Path, url: str) -> None:
        ran = run("verify_pacts", write_pact(pact, GREEN), f"--provider-url={url}")
        assert ran.exit_code == 2
        has(ran, "--provider-url is the server's address alone: no user, password, query or fragment.")
        assert "secret" not in ran.out + ran.err

    @pytest.mark.parametrize("more", [("--parallel", "2"), ("--isolation", "transaction")])
    def test_options_that_it_excludes(self, pact: Path, more: tuple[str, str]) -> None:
        ran = run("verify_pacts", write_pact(pact, GREEN), "--provider-url", "http://127.0.0.1:9", *more)
        assert ran.exit_code == 2
        has(ran, "--provider-url and --", "exclude each other")

    def test_a_setting_that_is_no_list(self, pact: Path) -> None:
        ran = run("verify_pacts", write_pact(pact, GREEN), settings={"PACT_DISPOSABLE_DATABASES": "scratch"})
        assert ran.exit_code == 2
        has(ran, "pact_verification.E006")

    def test_a_database_in_memory(self, pact: Path) -> None:
        memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        settings = {"DATABASES": {"default": memory, "audit": memory}, "PACT_DISPOSABLE_DATABASES": [":memory:"]}
        ran = run("verify_pacts", write_pact(pact, GREEN), "--provider-url", "http://127.0.0.1:9", settings=settings)
        assert ran.exit_code == 2
        has(ran, "The database ':memory:' (default) is in memory: no server can read it.")
