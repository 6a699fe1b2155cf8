"""pytest: a test for each interaction of this provider's pacts. `-p pact_verification.pytest_plugin` turns it on.

`pytest pacts` then collects the pacts in that folder, `pytest --pact-broker` those that a broker selects. It verifies
them as `manage.py verify_pacts` does, but on pytest-django's test databases, one interaction after the other, so that
pytest may choose among them.
"""

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pact_verification.conf import conf
from pact_verification.credentials import harmless
from pact_verification.errors import CannotVerify, UnreadablePact
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.reading import provider_named, read_pact
from pact_verification.pacts.sources import not_pending
from pact_verification.pytest_plugin import broker as pytest_broker
from pact_verification.pytest_plugin.verifier import (
    EMPTIED_BY,
    NOTES,
    PROJECT_DATABASES,
    VERIFIER,
    NotVerified,
    Verifier,
    pact_verifier,
)
from pact_verification.results.masking import named_without_secrets
from pact_verification.text import counted, printable, printable_lines, relative

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

__all__ = ["pact_verifier"]  # a fixture, and so used

LEFT_OUT = pytest.StashKey[set[tuple[str, str]]]()
"""Pacts of other providers: each one's file, and its provider."""

WITHOUT_SETTINGS = pytest.StashKey[Path]()
"""A pact that can't be verified, since Django has no settings."""

ALL_DATABASES = pytest.mark.django_db(databases="__all__").mark
NAME_LENGTH = 200


def pytest_addoption(parser: pytest.Parser) -> None:
    pytest_broker.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    if not any(map(config.pluginmanager.hasplugin, ("django", "pytest_django.plugin"))):
        raise pytest.UsageError("pact_verification.pytest_plugin works on pytest-django's test databases: install it.")


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, object, object]:
    """Ask the broker, before the terminal shows a header and xdist starts its workers."""
    if session.config.option.pact_broker and not _has_settings():
        raise pytest.UsageError(_needs_settings("--pact-broker"))
    pytest_broker.select(session.config)
    return (yield)


def pytest_report_header(config: pytest.Config) -> list[str]:
    selected = config.stash.get(pytest_broker.SELECTED, None)
    return _shown(selected.text).split("\n") if selected else []


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    pytest_broker.hand_over(node)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Refuse pacts that can't be verified without Django's settings."""
    try:
        return (yield)
    finally:
        if pact := session.config.stash.get(WITHOUT_SETTINGS, None):
            raise pytest.UsageError(_needs_settings(relative(str(pact))))


def _needs_settings(what: str) -> str:
    return _shown(
        f"{what} needs Django's settings, and none are configured. Set DJANGO_SETTINGS_MODULE, in the environment or "
        "in pytest's configuration, or use --ds MODULE."
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PactFile | None":
    """Take JSON files that are pacts of this provider, and what may be one and can't be read.

    Other providers' pacts are left out, and counted; one that is named is an error, as it is for verify_pacts.
    """
    if file_path.suffix.lower() != ".json" or not file_path.is_file():
        return None
    named = parent.session.isinitpath(file_path)
    config, ours = parent.config, _provider_name()
    if _has_settings() and pytest_broker.is_broker_file(file_path):
        selected = file_path.resolve() in config.stash.get(pytest_broker.FILES, {})
        return PactFile.from_parent(parent, path=file_path) if selected or named else None
    try:
        pact = read_pact(file_path, provider=ours)
    except UnreadablePact:
        provider = _provider_in(file_path) if ours else None
        belongs = provider == ours if provider else _belongs_here(file_path, config) or _names_a_pacticipant(file_path)
    else:
        if pact is None:
            return None
        provider = pact.provider
        belongs = provider == ours or (not ours and (not _has_settings() or _belongs_here(file_path, config)))
    if not belongs and not named:
        if provider:
            config.stash.setdefault(LEFT_OUT, set()).add((str(file_path), provider))
        return None
    if not _has_settings() and not hasattr(config, "workerinput"):
        config.stash[WITHOUT_SETTINGS] = file_path
        return None
    return PactFile.from_parent(parent, path=file_path)


def _belongs_here(file: Path, config: pytest.Config) -> bool:
    """Whether a file lies where pacts do: in PACT_PATHS, or beside a pact."""
    if any(file.resolve().is_relative_to(folder) for folder in _pact_paths(config)):
        return True
    return any(_is_pact(each) for each in file.parent.glob("*.json") if each != file)


def _is_pact(file: Path) -> bool:
    try:
        return read_pact(file, provider=_provider_name()) is not None
    except UnreadablePact:
        return False


def _provider_in(file: Path) -> str | None:
    """The provider that a file which can't be read plainly names; else None."""
    with suppress(OSError):
        return provider_named(file.read_bytes())
    return None


def _names_a_pacticipant(file: Path) -> bool:
    """Whether a file that can't be read looks as if it was a pact."""
    with suppress(OSError):
        content = file.read_bytes().replace(b"\0", b"")  # UTF-16 has one in every letter
        return b'"consumer"' in content or (b'"provider"' in content and b'"interactions"' in content)
    return True


def _has_settings() -> bool:
    from django.conf import settings

    return settings.configured or bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def _provider_name() -> str:
    return conf.PACT_PROVIDER_NAME if _has_settings() else os.environ.get("PACT_PROVIDER_NAME", "")


def _pact_paths(config: pytest.Config) -> set[Path]:
    """PACT_PATHS, wherever pytest was started."""
    if not _has_settings():
        return set()
    return {Path(base, path).resolve() for base in (".", config.rootpath, conf.BASE_DIR) for path in conf.PACT_PATHS}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell xdist's controller, which collects nothing itself, what this worker left out, and its notes."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["pacts_left_out"] = sorted(session.config.stash.get(LEFT_OUT, ()))
        session.config.workeroutput["pact_notes"] = sorted(session.config.stash.get(NOTES, ()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    workeroutput = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(LEFT_OUT, set()).update(map(tuple, workeroutput.get("pacts_left_out", ())))
    node.config.stash.setdefault(NOTES, set()).update(workeroutput.get("pact_notes", ()))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell which pacts were left out: with a name that is misspelt it is all of them. And what else is to be known."""
    if left_out := config.stash.get(LEFT_OUT, set()):
        providers = ", ".join(sorted({repr(provider) for _, provider in left_out}))
        left = f"{counted(len(left_out), 'pact')} left out: of {providers}, and this is {_provider_name()!r}"
        terminalreporter.write_line(harmless(left), yellow=True)
    selected = config.stash.get(pytest_broker.SELECTED, None)
    nothing = (
        ["The broker selects no pact, so none of its contracts is verified."] if selected and not selected.pacts else []
    )
    for note in [*nothing, *sorted(config.stash.get(NOTES, ()))]:
        terminalreporter.write_line(_shown(note), yellow=True)


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
    """Have pytest-django set up every database: it makes those that tests are marked for.

    One that is kept and marked by an earlier run it makes anew, as with --create-db.
    """
    if fixturedef.argname == "django_db_createdb":
        _create_what_is_marked(request)
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with _marked(item for item in request.session.items if isinstance(item, InteractionItem)):
        return (yield)


def _create_what_is_marked(request: pytest.FixtureRequest) -> None:
    if not request.getfixturevalue("django_db_keepdb") or request.config.option.create_db:
        return
    from pact_verification.pytest_plugin.kept import marked_databases

    request.getfixturevalue("django_db_modify_db_settings")  # it adds xdist's part to the names
    with request.getfixturevalue("django_db_blocker").unblock():
        if marked := marked_databases():
            request.config.option.create_db = True
            note = f"An earlier run had left rows in {', '.join(marked)}, so the test databases were made anew."
            request.config.stash.setdefault(NOTES, set()).add(note)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Look at the kept databases before other tests use them."""
    result = yield
    verifier = item.config.stash.get(VERIFIER, None)
    if verifier and isinstance(item, InteractionItem) and nextitem and not isinstance(nextitem, InteractionItem):
        verifier.leave_databases()
    return result


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
        pact = self.config.stash.get(pytest_broker.FILES, {}).get(self.path.resolve()) or self._read()
        if not pact.interactions and not (pact.at_broker and pact.at_broker.pending):
            raise self.CollectError(f"{pact.name} holds no interactions, so nothing of it can be verified.")
        taken: set[str] = set()
        for interaction in pact.interactions:
            name = _name(interaction)
            numbered = (f"{name} #{number}" if number > 1 else name for number in count(1))
            name = next(each for each in numbered if each not in taken)
            taken.add(name)
            yield self._item(name, pact, _test(pact, interaction))

    def _read(self) -> Pact:
        if not _has_settings():
            raise self.CollectError(_needs_settings(self.nodeid))
        if pytest_broker.is_broker_file(self.path):
            raise self.CollectError(
                f"{self.nodeid} stands for a pact that the broker does not select now. Use --pact-broker."
            )
        try:
            pact = read_pact(self.path, self.nodeid, provider=conf.PACT_PROVIDER_NAME)
        except UnreadablePact as error:
            raise self.CollectError(str(error)) from error
        assert pact
        if pact.provider != conf.PACT_PROVIDER_NAME:
            this = (
                f"this is {conf.PACT_PROVIDER_NAME!r}" if conf.PACT_PROVIDER_NAME else "PACT_PROVIDER_NAME is not set"
            )
            raise self.CollectError(f"{pact.source} is a pact with the provider {pact.provider!r}, and {this}.")
        return pact if self.config.option.enable_pending else not_pending(pact)

    def _item(self, name: str, pact: Pact, test: Callable[..., None]) -> "InteractionItem":
        item = InteractionItem.from_parent(self, name=name, callobj=test)
        item.consumer = harmless(printable(pact.consumer))
        item.extra_keyword_matches.add(item.consumer)
        return item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> "str | TerminalRepr":
        shown = super().repr_failure(excinfo)
        return _shown(shown) if isinstance(shown, str) else shown


def _name(interaction: Interaction) -> str:
    """Description and states, in a line without `::` and brackets: to pytest they mean something."""
    named = named_without_secrets(interaction)
    states = [str(state) for state in named.states if state.name]
    texts = [" ".join(harmless(text).split()) for text in (named.description, " and ".join(states))]
    line = harmless(printable(", given ".join(filter(None, texts))))
    name = re.sub(":(?=:)", ": ", line).translate({ord("["): "(", ord("]"): ")"})
    return name if len(name) <= NAME_LENGTH else f"{name[:NAME_LENGTH]}..."


class InteractionItem(pytest.Function):
    """An interaction."""

    consumer = ""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Tell apart the headlines of several pacts.

        In what ends with a node's name, pytest's terminal takes a dot for the one between a class and its method.
        """
        return self.path, None, f"{self.consumer}: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> "str | TerminalRepr":
        """What is wrong with the contract. Where pytest's own traceback would lead, nobody has anything to mend."""
        if not isinstance(excinfo.value, NotVerified | CannotVerify):
            return super().repr_failure(excinfo)
        excinfo.value.args = (_shown(str(excinfo.value)),)
        shown = excinfo.getrepr(style="value")
        if shown.reprcrash:
            shown.reprcrash.message = _shown(getattr(excinfo.value, "short", str(excinfo.value)))
        return shown


def _shown(text: str) -> str:
    return harmless(printable_lines(text))


def _test(pact: Pact, interaction: Interaction) -> Callable[..., None]:
    def verify(pact_verifier: Verifier) -> None:
        pact_verifier.verify(pact, interaction)

    return verify
