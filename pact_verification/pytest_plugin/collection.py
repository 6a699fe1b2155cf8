"""Collects pacts as files and their interactions as tests."""

import re
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pact_verification.conf import conf
from pact_verification.errors import CannotVerify, UnreadablePact
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.pacts.reading import provider_named, read_pact
from pact_verification.pacts.sources import not_pending
from pact_verification.pytest_plugin.broker import FILES, is_broker_file
from pact_verification.pytest_plugin.notes import add_note, shown
from pact_verification.pytest_plugin.settings import has_settings, needs_settings, pact_paths, provider_name
from pact_verification.results.masking import named_without_secrets
from pact_verification.system.credentials import harmless
from pact_verification.text import counted, printable, relative

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

LEFT_OUT = pytest.StashKey[set[tuple[str, str]]]()
"""The files of other providers' pacts, each with the provider."""

WITHOUT_SETTINGS = pytest.StashKey[Path]()
"""A pact that can't be verified, since Django has no settings."""

WORKER_OUTPUT = "pacts_left_out"
NAME_LENGTH = 200


class InteractionVerifier(Protocol):
    """What the fixture pact_verifier gives to each test."""

    def verify(self, pact: Pact, interaction: Interaction) -> None:
        """Verify an interaction. Raises NotVerified or CannotVerify."""


class PactWarning(UserWarning):
    """A problem that did not change the outcome of an interaction, such as a teardown that failed."""


class NotVerified(Exception):
    """An interaction failed. The exception's text is the whole explanation.

    Attributes:
        reason: why it failed, in a line.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def pytest_configure(config: pytest.Config) -> None:
    if not any(map(config.pluginmanager.hasplugin, ("django", "pytest_django.plugin"))):
        raise pytest.UsageError("pact_verification.pytest_plugin works on pytest-django's test databases: install it.")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Refuse pacts that can't be verified without Django's settings."""
    try:
        return (yield)
    finally:
        if pact := session.config.stash.get(WITHOUT_SETTINGS, None):
            raise pytest.UsageError(shown(needs_settings(relative(str(pact)))))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PactFile | None":
    """Collect JSON files that are pacts of this provider, and unreadable ones that may be.

    Other providers' pacts are left out and counted. One that the command line names is an error, as for verify_pacts.
    """
    if file_path.suffix.lower() != ".json" or not file_path.is_file():
        return None
    named = parent.session.isinitpath(file_path)
    config, own_name = parent.config, provider_name()
    if has_settings() and is_broker_file(file_path):
        selected = file_path.resolve() in config.stash.get(FILES, {})
        return PactFile.from_parent(parent, path=file_path) if selected or named else None
    try:
        pact = read_pact(file_path, provider=own_name)
    except UnreadablePact:
        provider = _provider_in(file_path) if own_name else None
        if provider:
            belongs = provider == own_name
        else:
            belongs = _is_beside_pacts(file_path, config) or _looks_like_a_pact(file_path)
    else:
        if pact is None:
            return None
        provider = pact.provider
        belongs = provider == own_name or (not own_name and (not has_settings() or _is_beside_pacts(file_path, config)))
    if not belongs and not named:
        if provider:
            config.stash.setdefault(LEFT_OUT, set()).add((str(file_path), provider))
        return None
    if not has_settings() and not hasattr(config, "workerinput"):
        config.stash[WITHOUT_SETTINGS] = file_path
        return None
    return PactFile.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the interactions that the environment variables of other Pact tools leave out."""
    try:
        chosen = Filter().with_variables()
    except CannotVerify as error:
        raise pytest.UsageError(shown(str(error))) from error
    left_out = [item for item in items if isinstance(item, InteractionItem) and not chosen.matches(item.interaction)]
    if left_out and chosen.warning:
        add_note(config, chosen.warning)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_beside_pacts(file: Path, config: pytest.Config) -> bool:
    """Tell whether a file is in PACT_PATHS, or in the folder of a pact."""
    if any(file.resolve().is_relative_to(folder) for folder in pact_paths(config)):
        return True
    return any(_is_pact(each) for each in file.parent.glob("*.json") if each != file)


def _is_pact(file: Path) -> bool:
    try:
        return read_pact(file, provider=provider_name()) is not None
    except UnreadablePact:
        return False


def _provider_in(file: Path) -> str | None:
    """Return the provider that an unreadable file names without doubt; None if it names none."""
    with suppress(OSError):
        return provider_named(file.read_bytes())
    return None


def _looks_like_a_pact(file: Path) -> bool:
    """Tell whether an unreadable file looks like a pact."""
    with suppress(OSError):
        content = file.read_bytes().replace(b"\0", b"")  # UTF-16 has one in every letter
        return b'"consumer"' in content or (b'"provider"' in content and b'"interactions"' in content)
    return True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the pacts that an xdist worker left out to the controller, which collects nothing itself."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[WORKER_OUTPUT] = sorted(session.config.stash.get(LEFT_OUT, ()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    left_out = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT, ())
    node.config.stash.setdefault(LEFT_OUT, set()).update(map(tuple, left_out))


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Count the pacts that were left out. With a misspelled provider name it is all of them."""
    if left_out := config.stash.get(LEFT_OUT, set()):
        providers = ", ".join(sorted({repr(provider) for _, provider in left_out}))
        left = f"{counted(len(left_out), 'pact')} left out: of {providers}, and this is {provider_name()!r}"
        terminalreporter.write_line(harmless(left), yellow=True)


class PactFile(pytest.Module):
    """A pact. It counts as a module for the scopes of fixtures, as pytest's own text files with doctests do."""

    obj = ModuleType("pact")

    def collect(self) -> Iterable["InteractionItem"]:
        pact = self.config.stash.get(FILES, {}).get(self.path.resolve()) or self._read()
        if not pact.interactions and not (pact.at_broker and pact.at_broker.pending):
            raise self.CollectError(f"{pact.name} holds no interactions, so nothing of it can be verified.")
        taken: set[str] = set()
        for interaction in pact.interactions:
            name = _name(interaction)
            numbered = (f"{name} #{number}" if number > 1 else name for number in count(1))
            name = next(each for each in numbered if each not in taken)
            taken.add(name)
            yield self._item(name, pact, interaction)

    def _read(self) -> Pact:
        if not has_settings():
            raise self.CollectError(shown(needs_settings(self.nodeid)))
        if is_broker_file(self.path):
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

    def _item(self, name: str, pact: Pact, interaction: Interaction) -> "InteractionItem":
        item = InteractionItem.from_parent(self, name=name, callobj=_test(pact, interaction))
        item.interaction = interaction
        item.consumer = harmless(printable(pact.consumer))
        item.extra_keyword_matches.add(item.consumer)
        return item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> "str | TerminalRepr":
        text = super().repr_failure(excinfo)
        return shown(text) if isinstance(text, str) else text


class InteractionItem(pytest.Function):
    """An interaction as a test."""

    interaction: Interaction
    consumer = ""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return a headline with the consumer, to distinguish several pacts.

        If the headline ends with the node's name, pytest takes a dot in it for one between class and method.
        """
        return self.path, None, f"{self.consumer}: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> "str | TerminalRepr":
        """Return what is wrong with the contract, without a traceback of this package."""
        if not isinstance(excinfo.value, NotVerified | CannotVerify):
            return super().repr_failure(excinfo)
        excinfo.value.args = (shown(str(excinfo.value)),)
        text = excinfo.getrepr(style="value")
        if text.reprcrash:
            text.reprcrash.message = shown(getattr(excinfo.value, "reason", str(excinfo.value)))
        return text


def _name(interaction: Interaction) -> str:
    """Return description and states in a line, without `::` and brackets, which mean something to pytest."""
    named = named_without_secrets(interaction)
    states = [str(state) for state in named.states if state.name]
    texts = [" ".join(harmless(text).split()) for text in (named.description, " and ".join(states))]
    line = harmless(printable(", given ".join(filter(None, texts))))
    name = re.sub(":(?=:)", ": ", line).translate({ord("["): "(", ord("]"): ")"})
    return name if len(name) <= NAME_LENGTH else f"{name[:NAME_LENGTH]}..."


def _test(pact: Pact, interaction: Interaction) -> Callable[..., None]:
    """Return the function that pytest calls for an interaction."""

    def verify(pact_verifier: InteractionVerifier) -> None:
        pact_verifier.verify(pact, interaction)

    return verify
