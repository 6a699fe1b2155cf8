"""pytest: a test for each interaction of this provider's pacts. `-p pact_verification.pytest_plugin` turns it on.

`pytest pacts` then collects the pacts in that folder, and verifies them as `manage.py verify_pacts` does, but on
pytest-django's test databases, one interaction after the other, so that pytest may choose among them.
"""

import os
import re
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify, UnreadablePact
from pact_verification.masking import without_secrets
from pact_verification.pacts import HTTP, Interaction, Pact, one_by_one, read_pact
from pact_verification.text import counted, printable

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr
    from django.db.backends.base.base import BaseDatabaseWrapper

    from pact_verification.session import Session

PROJECT_DATABASES = pytest.StashKey[dict[str, str]]()
"""Names by alias, as they are before test databases take their place."""

LEFT_BEHIND: list[ExitStack] = []
"""What is not undone before the process ends."""

EMPTIED_BY = pytest.StashKey[str]()
"""The first test that emptied the tables."""

LEFT_OUT = pytest.StashKey[list[Pact]]()

ALL_DATABASES = pytest.mark.django_db(databases="__all__").mark


def pytest_configure(config: pytest.Config) -> None:
    if not any(map(config.pluginmanager.hasplugin, ("django", "pytest_django.plugin"))):
        raise pytest.UsageError("pact_verification.pytest_plugin works on pytest-django's test databases: install it.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PactFile | None":
    """Take JSON files that are pacts of this provider, and what looks like one where its pacts belong.

    Other providers' pacts are left out, and counted; one that is named is an error, as it is for verify_pacts.
    """
    if file_path.suffix.lower() != ".json" or not _has_settings():
        return None
    named = parent.session.isinitpath(file_path)
    expected = named or any(file_path.resolve().is_relative_to(folder) for folder in _pact_paths(parent.config))
    try:
        pact = read_pact(file_path)
    except UnreadablePact:
        return PactFile.from_parent(parent, path=file_path) if expected else None
    if pact is None:
        return None
    if pact.provider == conf.provider_name or named or (expected and not conf.provider_name):
        return PactFile.from_parent(parent, path=file_path)
    parent.config.stash.setdefault(LEFT_OUT, []).append(pact)
    return None


def _has_settings() -> bool:
    from django.conf import settings

    return settings.configured or bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def _pact_paths(config: pytest.Config) -> set[Path]:
    """PACT_PATHS, wherever pytest was started."""
    return {Path(base, path).resolve() for base in (".", config.rootpath, conf.directory) for path in conf.pacts}


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Tell which pacts were left out."""
    pacts = config.stash.get(LEFT_OUT, [])
    names = ", ".join(sorted({repr(pact.provider) for pact in pacts}))
    return [f"{counted(len(pacts), 'pact')} left out: of {names}, and this is {conf.provider_name!r}"] if pacts else []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Pacts first: what migrations put into the tables is gone once a test with transactions has emptied them.

    Before others see the order, since --stepwise counts by it; marked, so that pytest-django leaves them there.
    """
    ours = [item for item in items if isinstance(item, InteractionItem)]
    if ours:
        from django.db import connections

        config.stash[PROJECT_DATABASES] = {alias: str(connections.settings[alias]["NAME"]) for alias in connections}
        items.sort(key=lambda item: not isinstance(item, InteractionItem))
    with _marked(ours):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Have pytest-django set up every database: it makes those that tests are marked for."""
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with _marked(item for item in request.session.items if isinstance(item, InteractionItem)):
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note who empties tables, for those who then miss what was in them."""
    test_case = getattr(item, "cls", None)
    marker = item.get_closest_marker("django_db")
    if (
        {"transactional_db", "live_server"} & {*getattr(item, "fixturenames", ())}
        or (marker and (marker.kwargs.get("transaction") or marker.kwargs.get("reset_sequences")))
        or (test_case and "TransactionTestCase" in {each.__name__ for each in test_case.__bases__})
    ):
        item.config.stash.setdefault(EMPTIED_BY, item.nodeid)


@contextmanager
def _marked(items: Iterable["InteractionItem"]) -> Iterator[None]:
    """Mark interactions as tests that use every database, for as long as the block takes.

    For longer, the mark would have each wrapped in a transaction of the main thread.
    """
    before = [(item, item.own_markers[:]) for item in items]
    for item, _ in before:
        item.own_markers.insert(0, ALL_DATABASES)
    try:
        yield
    finally:
        for item, markers in before:
            item.own_markers[:] = markers


class PactFile(pytest.Module):
    """A pact. It counts as a module, as pytest's own text files with doctests do, for the sake of fixtures' scopes."""

    obj = ModuleType("pact")

    def collect(self) -> Iterable["InteractionItem"]:
        try:
            pact = read_pact(self.path, self.nodeid)
        except UnreadablePact as error:
            raise self.CollectError(str(error)) from error
        assert pact
        if pact.provider != conf.provider_name:
            this = f"this is {conf.provider_name!r}" if conf.provider_name else "PACT_PROVIDER_NAME is not set"
            raise self.CollectError(f"{pact.source} is a pact with the provider {pact.provider!r}, and {this}.")
        if not pact.interactions:
            raise self.CollectError(f"{pact.source} holds no interactions, so nothing of it can be verified.")
        taken: set[str] = set()
        for interaction in pact.interactions:
            # A number stands before the states: what follows a ] pytest would not find again.
            numbered = (_name(pact, interaction, f" #{number}" if number > 1 else "") for number in count(1))
            name = next(name for name in numbered if name not in taken)
            taken.add(name)
            yield InteractionItem.from_parent(self, name=name, callobj=_test(pact, interaction))


def _name(pact: Pact, interaction: Interaction, number: str = "") -> str:
    """Consumer, description and states. To pytest :: and [ mean something, and nobody can quote them."""
    states = ", ".join(without_secrets(str(state), state.params) for state in interaction.states)
    parts = [f"{pact.consumer}: {interaction.description}{number}", states]
    plain = [re.sub(":(?=:)", ": ", printable(part)).translate({ord("["): "(", ord("]"): ")"}) for part in parts]
    return f"{plain[0]} [{plain[1]}]" if plain[1] else plain[0]


class InteractionItem(pytest.Function):
    """An interaction."""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> "str | TerminalRepr":
        """What is wrong with the contract. Where pytest's own traceback would lead, nobody has anything to mend."""
        if not isinstance(excinfo.value, NotVerified | CannotVerify):
            return super().repr_failure(excinfo)
        shown = excinfo.getrepr(style="value")
        if shown.reprcrash:
            shown.reprcrash.message = getattr(excinfo.value, "short", str(excinfo.value))
        return shown


class PactWarning(UserWarning):
    """What did not change the outcome of an interaction, such as a teardown that failed."""


class NotVerified(Exception):
    """An interaction failed. `short` is why, in a line; its text is the whole report on it."""

    def __init__(self, short: str, text: str) -> None:
        super().__init__(text)
        self.short = short


def _test(pact: Pact, interaction: Interaction) -> Callable[..., None]:
    def verify(pact_verifier: "Verifier") -> None:
        pact_verifier.verify(pact, interaction)

    return verify


@pytest.fixture(scope="session")
def pact_verifier(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Verifier"]:
    """The verifier process and the live server, on pytest-django's databases, from the first pact to the end."""
    from pact_verification.checks import check_settings
    from pact_verification.databases import end_other_sessions, require_named, serialized
    from pact_verification.engine import running_engine
    from pact_verification.isolation import isolation_of
    from pact_verification.live_server import LiveServer
    from pact_verification.session import Session
    from pact_verification.states import autodiscover
    from pact_verification.stores import own_stores

    if problems := check_settings(None):
        raise CannotVerify("\n".join(map(str, problems)))
    directory = tmp_path_factory.mktemp("pacts")
    own = request.config.stash[PROJECT_DATABASES]

    def require_test_database(connection: "BaseDatabaseWrapper") -> None:
        name = str(connection.settings_dict["NAME"])
        if name == own[connection.alias]:
            raise CannotVerify(
                f"The database {name!r} is the project's own: django_db_setup has made no test database in its place. "
                "Does a conftest.py override that fixture?"
            )
        made: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]  # as setup_databases does
        if conf.isolation == "flush" and name != made:
            raise CannotVerify(f"The database {name!r} is none that pytest-django made, and flush would empty it.")
        require_named(connection)

    with ExitStack() as cleanup:
        engine = cleanup.enter_context(running_engine())
        with own_stores(), django_db_blocker.unblock():
            registry = autodiscover()
            migrated = serialized() if conf.isolation == "flush" else {}
            make_isolation = isolation_of(conf.isolation, migrated, require_test_database)
            server = LiveServer(registry, make_isolation, conf.request_timeout)
            cleanup.enter_context(server.running())
        session = Session(conf.provider_name, engine, server, conf.request_timeout, directory)
        yield Verifier(session, django_db_blocker.unblock, request.session)
        if session.stopped:
            with django_db_blocker.unblock():
                end_other_sessions()


class Verifier:
    """Verifies one interaction at a time.

    Args:
        unblock: pytest-django's way to let a test use the database.
        tests: pytest's session.
    """

    def __init__(self, session: "Session", unblock: Callable[[], Any], tests: pytest.Session) -> None:
        self.session = session
        self.unblock = unblock
        self.tests = tests
        self.parts: dict[Path, dict[str, Pact]] = {}

    def verify(self, pact: Pact, interaction: Interaction) -> None:
        """Verify an interaction.

        Raises:
            NotVerified: it failed. One that is pending is an expected failure instead.
            CannotVerify: a state has no handler, or it can't be verified at all.
        """
        from pact_verification.preflight import require_handlers
        from pact_verification.reporters.console import render_failure
        from pact_verification.reporters.wording import in_short
        from pact_verification.results import Outcome
        from pact_verification.stores import empty_stores, own_stores

        if interaction.kind != HTTP:
            raise CannotVerify(f"{interaction.description!r} is of the type {interaction.kind}; only HTTP is verified.")
        if pact.path not in self.parts:
            parts = one_by_one(pact, self.session.directory)
            self.parts[pact.path] = {part.interactions[0].key: part for part in parts}
        part = self.parts[pact.path][interaction.key]
        require_handlers([part], self.session.server.registry)
        with ExitStack() as own:
            for context in (own_stores(), self.unblock(), self.session.server.listening()):
                own.enter_context(context)
            whole = self.session.verify(part)
            if self.session.stopped:  # the thread is still in the project, and must not get at what isn't the run's
                LEFT_BEHIND.append(own.pop_all())
                self.tests.shouldfail = self.session.stopped
            else:
                empty_stores()
        (result,) = whole.interactions
        if result.failed:
            raise NotVerified(in_short(result), render_failure(whole, result) + self._other_reasons())
        if result.outcome is not Outcome.VERIFIED:
            pytest.xfail(f"pending: {in_short(result)}")
        for warning in result.exchange.warnings:
            warnings.warn(f"{interaction.description!r}: {warning}", PactWarning, stacklevel=1)

    def _other_reasons(self) -> str:
        """What of the tests around it may be the reason for a failure."""
        from django.db import connections

        reasons = [
            f"A fixture of this test, autouse perhaps, holds a transaction on {alias!r}; the server can't see what it "
            "wrote, and may have to wait for it."
            for alias in connections
            if connections[alias].in_atomic_block
        ]
        if emptied_by := self.tests.config.stash.get(EMPTIED_BY, ""):
            reasons.append(
                f"{emptied_by} ran before, in a transaction that empties all tables: what migrations had put there is "
                "gone. By default pacts are first."
            )
        return "".join(f"      {reason}\n" for reason in reasons)
