import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import left_behind
from tests.pact_verification.running import end_forkers, on_postgresql

# `make check` starts the tests. A run that make has started prints other commands than one that a person has typed.
os.environ.pop("MAKELEVEL", None)

# Thousands of commands would compile all modules again, which is a fifth of what a small run costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts background jobs deaf to Ctrl-C, and they would pass that on to the commands under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FILES_BEFORE = pytest.StashKey[set[str]]()
FILES_LEFT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-pacts", type=Path, metavar="DIRECTORY", help="write the consumers' pacts there, anew")


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores: tests wait for a time limit or for a process now and then."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


def pytest_report_header() -> str:
    return f"tests run on: {'PostgreSQL' if on_postgresql() else 'SQLite'}"


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail when the tests of this process leave a process, a temporary file, or a database on the server.

    They have a TMPDIR of their own. The name of each database that they make holds a token from token_hex().
    """
    temporary = tmp_path_factory.mktemp("TMPDIR", numbered=False)
    tokens: list[str] = []
    make_token = secrets.token_hex

    def token_hex(nbytes: int | None = None) -> str:
        tokens.append(make_token(nbytes))
        return tokens[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", None)
        patch.setattr(secrets, "token_hex", token_hex)
        yield
        end_forkers()
    left = {
        "processes": left_behind.processes(temporary.parent),
        "temporary files": left_behind.temporary_files(temporary),
        "databases": left_behind.databases(tokens) if on_postgresql() else [],
    }
    assert not any(left.values()), f"Tests left behind: {left}"


@pytest.fixture(autouse=True)
def _unmeasured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of a test that is marked `unmeasured` start without coverage."""
    if "unmeasured" in request.keywords:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all variants of a test but the first one as `unmeasured`: most of them run nearly the same code."""
    seen: set[str] = set()
    for item in items:
        test = item.nodeid.partition("[")[0]
        if test in seen and "measured" not in item.keywords:
            item.add_marker("unmeasured")
        seen.add(test)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.stash[FILES_BEFORE] = left_behind.files_in_repository()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail when there are files in the repository that were not there before the tests."""
    if FILES_BEFORE not in session.config.stash:
        return
    before: set[str] = session.config.stash[FILES_BEFORE]
    left = sorted(left_behind.files_in_repository() - before)
    if left and not session.config.getoption("--write-pacts"):
        session.config.stash[FILES_LEFT] = left
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left := config.stash.get(FILES_LEFT, None):
        terminalreporter.section("files left behind in the repository", red=True)
        terminalreporter.line("\n".join(left))
