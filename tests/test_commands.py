"""The commands around the code: make's, and what CI relies on."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

pytestmark = [pytest.mark.no_database, pytest.mark.unmeasured]  # make's targets name their databases themselves

ROOT = Path(__file__).resolve().parents[1]


def environment(**variables: str) -> dict[str, str]:
    """Without make's own variables, and without the project's."""
    own = ("MAKE", "MFLAGS", "DJANGO_", "DATABASE_URL", "PACT_")
    return {**{key: value for key, value in os.environ.items() if not key.startswith(own)}, **variables}


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],  # noqa: S607  # whichever make the developer has
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_prints_what_there_is() -> None:
    assert {line.split()[0] for line in make().stdout.splitlines()} >= {
        "verify",
        "test",
        "run",
        "serve",
        "check",
        "lock",
    }


@pytest.mark.parametrize("target", ["verify", "test"])
def test_the_second_time_nothing_is_installed(target: str) -> None:
    run = make("--dry-run", target)
    assert run.returncode == 0, run.stderr
    assert "pip" not in run.stdout


@pytest.mark.parametrize(
    ("has_env", "said"),
    [(True, "Kept .env: it holds the password of the database that docker compose keeps.\n"), (False, "")],
)
def test_make_clean_keeps_env_alone_and_says_so(tmp_path: Path, *, has_env: bool, said: str) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (".venv", "staticfiles"):
        (tmp_path / name).mkdir()
    for name in ("db.sqlite3", "db.sqlite3-wal", *([".env"] if has_env else [])):
        (tmp_path / name).touch()
    run = make("--silent", "clean", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, said, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [*([".env"] if has_env else []), "Makefile"]
    assert re.search("^clean .*; keep .env$", make("help").stdout, flags=re.MULTILINE)


@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("true", 1)])
def test_in_ci_a_missing_postgresql_is_an_error(ci: str, exit_code: int) -> None:
    code = "import tests.on_postgresql as it; it.DEFAULT_URL = 'postgres://127.0.0.1:9/x'; raise SystemExit(it.main())"
    variables = {key: value for key, value in environment(CI=ci).items() if key != "TEST_POSTGRES_URL"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert run.returncode == exit_code
    assert ("it has to" if ci else "PostgreSQL was not tested") in run.stdout + run.stderr


@contextmanager
def serving(target: str, announcement: str, tmp_path: Path) -> Iterator[int]:
    """Run `make run` or `make serve` on a free port, with a database and a key of its own, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = environment(
        PORT=str(port),
        DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}",
        DJANGO_SECRET_KEY="x" * 60,
        WEB_CONCURRENCY="2",
        PYTHONUNBUFFERED="1",
    )
    process = subprocess.Popen(
        ["make", target],  # noqa: S607  # whichever make the developer has
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # make's children are stopped with it
    )
    assert process.stdout
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if announcement in line:
                break
        else:
            pytest.fail("".join(said))
        yield port
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()


@pytest.fixture
def _collected_files_are_removed() -> Iterator[None]:
    """Remove what `make serve` collects, unless it was there before."""
    collected = ROOT / "staticfiles"
    was_there = collected.exists()
    yield
    if not was_there:
        shutil.rmtree(collected, ignore_errors=True)


@pytest.mark.parametrize(("target", "announcement"), [("run", "Quit the server with"), ("serve", "Booting worker")])
@pytest.mark.usefixtures("_collected_files_are_removed")
def test_make_run_and_make_serve(target: str, announcement: str, tmp_path: Path) -> None:
    with serving(target, announcement, tmp_path) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)

        def get(path: str, method: str = "GET") -> tuple[int, bytes]:
            connection.request(method, path, body=b"{}" if method == "POST" else None)
            response = connection.getresponse()
            return response.status, response.read()

        assert get("/health/ready") == (200, b'{"status":"ok"}')
        assert {product["id"] for product in json.loads(get("/products")[1])} == {"1", "09", "10", "11"}
        assert get("/products", "POST")[0] == 401
        assert get("/admin/login/")[0] == 200
        assert b"swagger-ui-bundle.js" in get("/docs")[1]
        status, script = get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
        assert status == 200
        assert len(script) > 100_000
        connection.close()
