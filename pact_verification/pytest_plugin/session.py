"""The verifier of a pytest session: it starts with the first interaction and ends with the session."""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pact_verification.pytest_plugin.collection import InteractionItem
from pact_verification.pytest_plugin.databases import PROJECT_DATABASES

if TYPE_CHECKING:
    from pact_verification.pytest_plugin.verification import Verifier

VERIFIER = pytest.StashKey["Verifier"]()
"""The session's verifier, once it runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --pact-debug-sql, which is --debug-sql of verify_pacts."""
    parser.getgroup("pact", "pacts of a broker (pact_verification)").addoption(
        "--pact-debug-sql",
        action="store_true",
        help="Show the SQL queries of each request or producer whose interaction fails.",
    )


@pytest.fixture(scope="session")
def pact_verifier(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_keepdb: bool,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Verifier"]:
    """Yield the verifier process and the live server, on pytest-django's databases."""
    # It loads the live server and the Pact core's client, which a session without pacts does not need.
    from pact_verification.pytest_plugin.verification import running_verifier

    with running_verifier(
        request.session,
        directory=tmp_path_factory.mktemp("pacts"),
        project_databases=request.config.stash[PROJECT_DATABASES],
        keeps_databases=django_db_keepdb,
        unblock=django_db_blocker.unblock,
        debug_sql=request.config.getoption("--pact-debug-sql"),
    ) as verifier:
        request.config.stash[VERIFIER] = verifier
        yield verifier


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Check the kept databases after the last interaction, before other tests use them."""
    result = yield
    verifier = item.config.stash.get(VERIFIER, None)
    if verifier and isinstance(item, InteractionItem) and nextitem and not isinstance(nextitem, InteractionItem):
        verifier.leave_databases()
    return result
