"""The command line that verifies some interactions again, for a shell in the current directory."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pact_verification.conf import conf
from pact_verification.pacts.pact import Interaction, Pact
from pact_verification.system.credentials import hide_credentials
from pact_verification.text import relative

FLAGS = ("--keepdb", "--fail-on-pending", "--debug-sql")
"""The options without a value that a new run needs too."""


@dataclass(frozen=True, slots=True)
class RerunCommand:
    """The part of this run's command line that a run of one interaction needs.

    Attributes:
        words: the command, with the options that a new run needs too.
        finds_pacts: whether a run without PACT arguments finds the same pacts.
        selectors: the options that select the same pacts at the broker.
    """

    words: tuple[str, ...] = ("python", "manage.py", "verify_pacts")
    finds_pacts: bool = False
    selectors: tuple[str, ...] = ()

    def line(self, interactions: Sequence[tuple[Pact, Interaction]], unique: Container[str]) -> str:
        """Return the command line for some interactions.

        The URL of a broker's pact contains the hash of its content, so the line selects the same content later. Only
        one URL can be given, so the line for several pacts selects them anew.

        Args:
            unique: the keys that only one interaction of the run has.
        """
        keys = dict.fromkeys(interaction.key for _, interaction in interactions)
        words = [
            *self.words,
            *self._sources([pact for pact, _ in interactions], found=all(key in unique for key in keys)),
        ]
        words += [word for key in keys for word in ("--interaction", key)]
        # The shell's quotes could split a credential, so it is hidden before they are added.
        return " ".join(_quoted(hide_credentials(word)) for word in words)

    def _sources(self, pacts: Sequence[Pact], *, found: bool) -> tuple[str, ...]:
        """Return the arguments that select pacts.

        Args:
            found: whether a run with all pacts finds these interactions, and no others, by their keys.
        """
        urls = dict.fromkeys(pact.at_broker.url for pact in pacts if pact.at_broker)
        if len(urls) == 1:
            return "--pact-url", *urls
        if urls:
            return self.selectors
        if self.finds_pacts and found:
            return ()
        sources = dict.fromkeys(pact.source for pact in pacts)
        return tuple(f"./{source}" if source.startswith("-") else source for source in sources)


def rerun_command(given: Mapping[str, Any]) -> RerunCommand:
    """Return the command line for a part of this run.

    Args:
        given: see `read_options`.
    """
    kept = {
        "--provider-name": given["provider_name"] or conf.PACT_PROVIDER_NAME,
        # make passes the variables of its own command line to this process. The user's shell does not have them.
        "--broker-url": given["broker_url"]
        or ("MAKELEVEL" in os.environ and not given["pacts"] and conf.PACT_BROKER_BASE_URL),
        "--isolation": given.get("isolation"),
        "--provider-url": given.get("provider_url"),
        "--request-timeout": given.get("request_timeout"),
        "--settings": given.get("settings"),
        "--pythonpath": given.get("pythonpath"),
    }
    if kept["--provider-name"] == conf.PACT_PROVIDER_NAME_IN_SETTINGS:
        del kept["--provider-name"]
    options = [part for option, value in kept.items() if value for part in (option, str(value))]
    options += [option for option in FLAGS if given.get(option[2:].replace("-", "_"))]
    options += ["--no-enable-pending"] if not given["enable_pending"] else []
    options += [f"--databases={alias}" for alias in given.get("databases") or ()]
    return RerunCommand((*_program(), "verify_pacts", *options), _finds_the_same(given), tuple(_selectors(given)))


def _selectors(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options of this run that select pacts at a broker."""
    for selector in given["consumer_version_selectors"]:
        yield from ("--consumer-version-selector", selector)
    for option in ("--provider-branch", "--include-wip-pacts-since"):
        if value := given.get(option[2:].replace("-", "_")):
            yield from (option, str(value))
    for tag in given.get("provider_tags", ()):
        yield from ("--provider-tag", tag)


def _finds_the_same(given: Mapping[str, Any]) -> bool:
    """Return whether a run without PACT arguments would look in the same places."""
    arguments, at_broker = given["pacts"], bool(given["broker_url"] or given["pact_url"])
    if conf.PACT_BROKER_BASE_URL or conf.PACT_URL or at_broker:
        return False
    named, default = ([Path(each).resolve() for each in places] for places in (arguments, conf.PACT_PATHS))
    return not arguments or named == default


def _program() -> tuple[str, ...]:
    """Return the words that start a command of this project in the user's shell."""
    python = _shortest("python", sys.executable or "python")
    if sys.argv[1:2] != ["verify_pacts"]:  # a program called the command, and a shell needs manage.py
        return python, "manage.py"
    if module := getattr(sys.modules["__main__"], "__spec__", None):
        return python, "-m", module.name.removesuffix(".__main__")
    if Path(sys.argv[0]).stem == "django-admin":
        return (_shortest("django-admin", sys.argv[0]),)
    return python, relative(sys.argv[0])


def _shortest(name: str, path: str) -> str:
    """Return a program's name if the shell would find this program by it, and else its path.

    The folder counts too. The Python of a virtual environment is a link to another Python.
    """
    found = shutil.which(name)
    if found and Path(found).parent.resolve() == Path(path).parent.resolve() and Path(found).samefile(path):
        return name
    near = relative(path)
    return near if os.sep in near else f".{os.sep}{near}"


def _quoted(word: str) -> str:
    """Quote a word for a shell. Unprintable characters become escapes that the shell decodes."""
    if sys.platform == "win32":
        return subprocess.list2cmdline([word])
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(char if char.isprintable() and char not in "'\\" else _escaped(char) for char in word) + "'"


def _escaped(char: str) -> str:
    return f"\\{char}" if char in "'\\" else "".join(f"\\x{byte:02x}" for byte in char.encode(errors="surrogateescape"))
