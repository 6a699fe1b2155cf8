"""pytest: a test for each interaction of this provider's pacts. `-p pact_verification.pytest_plugin` turns it on.

`pytest pacts` then collects the pacts in that folder, and verifies them as `manage.py verify_pacts` does, but on
pytest-django's test databases, one interaction after the other, so that pytest may choose among them.
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
from pact_verification.masking import named_without_secrets
from pact_verification.pacts import Interaction, Pact, read_pact
from pact_verification.pytest_verifier import EMPTIED_BY, PROJECT_DATABASES, NotVerified, Verifier, pact_verifier
from pact_verification.text import counted, printable, printable_lines

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

__all__ = ["pact_verifier"]  # a fixture, and so used

LEFT_OUT = pytest.StashKey[set[tuple[str, str]]]()
"""Pacts of other providers: each one's file, and its provider."""

ALL_DATABASES = pytest.mark.django_db(databases="__all__").mark


def pytest_configure(config: pytest.Config) -> None:
    if not any(map(config.pluginmanager.hasplugin, ("django", "pytest_django.plugin"))):
        raise pytest.UsageError("pact_verification.pytest_plugin works on pytest-django's test databases: install it.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PactFile | None":
    """Take JSON files that are pacts of this provider, and what may be one and can't be read.

    Other providers' pacts are left out, and counted; one that is named is an error, as it is for verify_pacts.
    """
    if file_path.suffix.lower() != ".json" or not file_path.is_file() or not _has_settings():
        return None
    named = parent.session.isinitpath(file_path)
    try:
        pact = read_pact(file_path, provider=conf.provider_name)
    except UnreadablePact:
        belongs = named or _belongs_here(file_path, parent) or _names_a_pacticipant(file_path)
        return PactFile.from_parent(parent, path=file_path) if belongs else None
    if pact is None:
        return None
    if pact.provider == conf.provider_name or named or (not conf.provider_name and _belongs_here(file_path, parent)):
        return PactFile.from_parent(parent, path=file_path)
    parent.config.stash.setdefault(LEFT_OUT, set()).add((str(file_path), pact.provider))
    return None


def _belongs_here(file: Path, parent: pytest.Collector) -> bool:
    """Whether a file lies where pacts do: in PACT_PATHS, or beside a pact."""
    if any(file.resolve().is_relative_to(folder) for folder in _pact_paths(parent.config)):
        return True
    return any(_is_pact(each) for each in file.parent.glob("*.json") if each != file)


def _is_pact(file: Path) -> bool:
    try:
        return read_pact(file, provider=conf.provider_name) is not None
    except UnreadablePact:
        return False


def _names_a_pacticipant(file: Path) -> bool:
    """Whether a file that can't be read looks as if it was a pact."""
    with suppress(OSError):
        content = file.read_bytes().replace(b"\0", b"")  # UTF-16 has one in every letter
        return b'"consumer"' in content or (b'"provider"' in content and b'"interactions"' in content)
    return True


def _has_settings() -> bool:
    from django.conf import settings

    return settings.configured or bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


def _pact_paths(config: pytest.Config) -> set[Path]:
    """PACT_PATHS, wherever pytest was started."""
    return {Path(base, path).resolve() for base in (".", config.rootpath, conf.directory) for path in conf.pacts}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell xdist's controller, which collects nothing itself, what this worker left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["pacts_left_out"] = sorted(session.config.stash.get(LEFT_OUT, ()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    workeroutput = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(LEFT_OUT, set()).update(map(tuple, workeroutput.get("pacts_left_out", ())))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell which pacts were left out: with a name that is misspelt it is all of them."""
    if left_out := config.stash.get(LEFT_OUT, set()):
        providers = ", ".join(sorted({repr(provider) for _, provider in left_out}))
        left = f"{counted(len(left_out), 'pact')} left out: of {providers}, and this is {conf.provider_name!r}"
        terminalreporter.write_line(harmless(left), yellow=True)


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
            pact = read_pact(self.path, self.nodeid, provider=conf.provider_name)
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

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> "str | TerminalRepr":
        shown = super().repr_failure(excinfo)
        return _shown(shown) if isinstance(shown, str) else shown


def _name(pact: Pact, interaction: Interaction, number: str = "") -> str:
    """Consumer, description and states. To pytest :: and [ mean something, and nobody can quote them."""
    named = named_without_secrets(interaction)
    parts = [f"{pact.consumer}: {named.description}{number}", ", ".join(map(str, named.states))]
    shown = (re.sub(":(?=:)", ": ", harmless(printable(part))) for part in parts)
    plain = [part.translate({ord("["): "(", ord("]"): ")"}) for part in shown]
    return f"{plain[0]} [{plain[1]}]" if plain[1] else plain[0]


class InteractionItem(pytest.Function):
    """An interaction."""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name

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
