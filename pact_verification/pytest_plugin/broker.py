"""pytest --pact-broker: asks a broker for pacts, and makes a file for each, so that pytest can collect and name it."""

import os
import pickle
import re
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pact_verification.broker.arguments import add_broker_arguments, add_selection_arguments
from pact_verification.conf import conf
from pact_verification.errors import CannotVerify
from pact_verification.pacts.pact import Pact
from pact_verification.pytest_plugin.notes import add_note, shown
from pact_verification.pytest_plugin.settings import has_settings, needs_settings
from pact_verification.system.cache import open_cache
from pact_verification.system.credentials import hide_credentials

WORKER_INPUT = "pact_broker_selection"
FILE_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Selected:
    """The pacts that a broker selected.

    Attributes:
        text: which they are, for the header of the session.
    """

    text: str
    pacts: tuple[Pact, ...]


FILES = pytest.StashKey[dict[Path, Pact]]()
"""The files that stand for the broker's pacts, each with its pact."""

SELECTED = pytest.StashKey[Selected]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --pact-broker, and the options of verify_pacts that choose a broker's pacts."""
    group = parser.getgroup("pact", "pacts of a broker (pact_verification)")
    group.addoption(
        "--pact-broker",
        action="store_true",
        help="Collect the pacts that the broker selects, as manage.py verify_pacts does. Results are not published.",
    )
    options = SimpleNamespace(add_argument=group.addoption)
    add_broker_arguments(options)
    add_selection_arguments(options)


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, object, object]:
    """Ask the broker, before the terminal shows a header and xdist starts its workers."""
    if session.config.option.pact_broker and not has_settings():
        raise pytest.UsageError(needs_settings("--pact-broker"))
    _select(session.config)
    return (yield)


def pytest_report_header(config: pytest.Config) -> list[str]:
    selected = config.stash.get(SELECTED, None)
    return shown(selected.text).split("\n") if selected else []


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give an xdist worker the broker's answer."""
    if selected := node.config.stash.get(SELECTED, None):
        node.workerinput[WORKER_INPUT] = pickle.dumps(selected)


def is_broker_file(path: Path) -> bool:
    """Tell whether a file stands for a broker's pact."""
    return path.resolve().is_relative_to(_folder().resolve())


def _select(config: pytest.Config) -> None:
    """Ask the broker if --pact-broker is given, and add its pacts to the files that pytest collects.

    An xdist worker does not ask, since the broker's answer may change. The controller gives it the answer.

    Raises:
        pytest.UsageError: the options or the broker do not allow it.
    """
    if not config.option.pact_broker:
        _require_no_options(config)
        return
    workerinput = getattr(config, "workerinput", None)
    try:
        if workerinput is None:
            config.stash[SELECTED] = _ask(config)
        else:
            config.stash[SELECTED] = pickle.loads(workerinput[WORKER_INPUT])  # noqa: S301  # from our own controller
        files = _files(config.stash[SELECTED].pacts)
    except CannotVerify as error:
        raise pytest.UsageError(shown(str(error))) from error
    if not files:
        add_note(config, "The broker selects no pact, so none of its contracts is verified.")
    config.stash[FILES] = {path.resolve(): pact for path, pact in files.items()}
    arguments = config.args if config.args_source is config.ArgsSource.ARGS else []
    if not any(is_broker_file(config.invocation_params.dir / each.partition("::")[0]) for each in arguments):
        config.args = [*arguments, *map(str, files)]


def _folder() -> Path:
    return Path(os.path.abspath(open_cache(make=False) / "broker"))  # noqa: PTH100  # as pytest spells paths


def _require_no_options(config: pytest.Config) -> None:
    for name in ("broker_url", "broker_timeout", "pact_url", "provider_branch", "include_wip_pacts_since"):
        if getattr(config.option, name):
            raise pytest.UsageError(f"--{name.replace('_', '-')} chooses pacts of a broker. Add --pact-broker.")
    if config.option.consumer_version_selectors:
        raise pytest.UsageError("--consumer-version-selector chooses pacts of a broker. Add --pact-broker.")


def _ask(config: pytest.Config) -> Selected:
    # Most sessions ask no broker, and requests takes long to import.
    from pact_verification.broker.source import BrokerPacts, PactAtUrl
    from pact_verification.pacts.sources import Selection, not_pending
    from pact_verification.reporters.progress import render_selection
    from pact_verification.run.options import read_options

    if not conf.PACT_PROVIDER_NAME:
        raise CannotVerify("The provider has no name. Set PACT_PROVIDER_NAME, in the settings or in the environment.")
    given = {**vars(config.option), "pacts": (), "provider_name": None, "consumers": ()}
    choice = read_options({**given, "allow_no_pacts": False, "verbosity": 0})
    source = choice.source
    if not isinstance(source, BrokerPacts | PactAtUrl):
        raise CannotVerify(
            "--pact-broker needs a broker, and none is configured. Set PACT_BROKER_BASE_URL or use --broker-url; for a "
            "single pact set PACT_URL or use --pact-url."
        )
    listing = source.ask(choice.provider_name)
    fetched = listing.fetch(choice.provider_name)
    pacts = tuple(fetched if source.pending else map(not_pending, fetched))
    selection = Selection(pacts, asked=listing.asked)
    text = render_selection(selection, "", "manage.py verify_pacts publishes them.", "")
    return Selected("\n".join([text, *listing.notes, *choice.notes]), pacts)


def _files(pacts: Sequence[Pact]) -> dict[Path, Pact]:
    """Make an empty file for each pact, named after its consumer, and the version if a consumer has several pacts."""
    consumers = Counter(each.consumer for each in pacts)
    files: dict[Path, Pact] = {}
    try:
        folder = open_cache() / "broker"
        folder.mkdir(exist_ok=True)
        for each in pacts:
            at = each.at_broker
            version = f"-{at.consumer_version}" if at and consumers[each.consumer] > 1 else ""
            name = re.sub(r"[^\w.-]+", "_", hide_credentials(each.consumer + version))[:FILE_NAME_LENGTH]
            taken = {path.name.casefold() for path in files}
            names = (f"{name}{f'-{number}' if number > 1 else ''}.json" for number in count(1))
            path = _folder() / next(each for each in names if each.casefold() not in taken)
            path.touch()
            files[path] = each
    except OSError as error:
        raise CannotVerify(
            f"{conf.PACT_CACHE_DIR} can't be written: {error.strerror}. Set PACT_CACHE_DIR to a folder that can."
        ) from error
    return files
