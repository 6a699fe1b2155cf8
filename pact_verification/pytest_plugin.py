"""pytest: a test for each interaction of this provider's pacts. `-p pact_verification.pytest_plugin` turns it on.

`pytest pacts` then collects the pacts in that folder, and verifies them as `manage.py verify_pacts` does, but on
pytest-django's test databases, one interaction after the other, so that pytest may choose among them.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify, UnreadablePact
from pact_verification.pacts import HTTP, Interaction, Pact, one_by_one, read_pact
from pact_verification.text import printable

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr
    from django.db.backends.base.base import BaseDatabaseWrapper

    from pact_verification.session import Session

PROJECT_DATABASES = pytest.StashKey[dict[str, str]]()
"""Names by alias, as they are before test databases take their place."""

ALL_DATABASES = pytest.mark.django_db(databases="__all__").mark


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("django"):
        raise pytest.UsageError("pact_verification.pytest_plugin works on pytest-django's test databases: install it.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PactFile | None":
    """Take JSON files that are pacts of this provider. Elsewhere than in PACT_PATHS broken ones are not our affair."""
    if file_path.suffix.lower() != ".json":
        return None
    try:
        pact = read_pact(file_path)
    except UnreadablePact:
        ours = any(file_path.is_relative_to(Path(path).resolve()) for path in conf.pacts)
    else:
        ours = pact is not None and pact.provider == conf.provider_name
    return PactFile.from_parent(parent, path=file_path) if ours else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Pacts first: what migrations put into the tables is gone once a test with transactions has emptied them."""
    from django.db import connections

    items.sort(key=lambda item: not isinstance(item, InteractionItem))
    config.stash[PROJECT_DATABASES] = {alias: str(connections.settings[alias]["NAME"]) for alias in connections}


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Have pytest-django set up every database: it makes those that tests are marked for.

    The mark is there meanwhile only: it would also have every interaction wrapped in a transaction of the main thread.
    """
    ours = [item for item in request.session.items if isinstance(item, InteractionItem)]
    marked = ours if fixturedef.argname == "django_db_setup" else []
    for item in marked:
        item.own_markers.append(ALL_DATABASES)
    try:
        return (yield)
    finally:
        for item in marked:
            item.own_markers.remove(ALL_DATABASES)


class PactFile(pytest.Module):
    """A pact. It counts as a module, as pytest's own text files with doctests do, for the sake of fixtures' scopes."""

    obj = None

    def collect(self) -> Iterable["InteractionItem"]:
        try:
            pact = read_pact(self.path, self.nodeid)
        except UnreadablePact as error:
            raise self.CollectError(str(error)) from error
        assert pact
        if not pact.interactions:
            raise self.CollectError(f"{pact.source} holds no interactions, so nothing of it can be verified.")
        seen: Counter[str] = Counter()
        for interaction in pact.interactions:
            name = _name(pact, interaction)
            seen[name] += 1
            if seen[name] > 1:  # before the states: what follows a ] pytest would not find again
                name = _name(pact, interaction, f" #{seen[name]}")
            yield InteractionItem.from_parent(self, name=name, callobj=_test(pact, interaction))


def _name(pact: Pact, interaction: Interaction, number: str = "") -> str:
    """Consumer, description and states. To pytest :: and [ mean something, and nobody can quote them."""
    parts = [f"{pact.consumer}: {interaction.description}{number}", ", ".join(map(str, interaction.states))]
    plain = [printable(part).replace("::", ": :").translate({ord("["): "(", ord("]"): ")"}) for part in parts]
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
    from pact_verification.databases import require_named, serialized
    from pact_verification.engine import running_engine
    from pact_verification.isolation import isolation_of
    from pact_verification.live_server import LiveServer
    from pact_verification.session import Session
    from pact_verification.states import autodiscover
    from pact_verification.stores import own_stores

    directory = tmp_path_factory.mktemp("pacts")
    own = request.config.stash[PROJECT_DATABASES]

    def require_test_database(connection: "BaseDatabaseWrapper") -> None:
        name = str(connection.settings_dict["NAME"])
        if name == own[connection.alias]:
            raise CannotVerify(
                f"The database {name!r} is the project's own: django_db_setup has made no test database in its place. "
                "Does a conftest.py override that fixture?"
            )
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
        yield Verifier(session, django_db_blocker.unblock)


class Verifier:
    """Verifies one interaction at a time.

    Args:
        unblock: pytest-django's way to let a test use the database.
    """

    def __init__(self, session: "Session", unblock: Callable[[], Any]) -> None:
        self.session = session
        self.unblock = unblock
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
        from pact_verification.stores import own_stores

        if interaction.kind != HTTP:
            raise CannotVerify(f"{interaction.description!r} is of the type {interaction.kind}; only HTTP is verified.")
        if pact.path not in self.parts:
            parts = one_by_one(pact, self.session.directory)
            self.parts[pact.path] = {part.interactions[0].key: part for part in parts}
        part = self.parts[pact.path][interaction.key]
        require_handlers([part], self.session.server.registry)
        with own_stores(), self.unblock(), self.session.server.listening():
            whole = self.session.verify(part)
        (result,) = whole.interactions
        for warning in result.exchange.warnings:
            warnings.warn(f"{interaction.description!r}: {warning}", stacklevel=1)
        if result.outcome is Outcome.VERIFIED:
            return
        short, text = in_short(result), render_failure(whole, result)
        if not result.failed:
            pytest.xfail(f"pending: {short}")
        raise NotVerified(short, text)
