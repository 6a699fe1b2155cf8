"""Sources of pacts: files, directories and file: URLs.

For pacts at a broker see `broker.source`.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pact_verification.errors import CannotVerify, UnreadablePact
from pact_verification.pacts.filters import Filter
from pact_verification.pacts.pact import UNKNOWN_CONSUMER, Pact
from pact_verification.pacts.reading import read_pact, unreadable
from pact_verification.text import nearest

MAX_PROVIDERS = 3
"""How many names of other providers a message lists."""


Progress = Callable[[int, int, str], None]
"""Called with how many are finished, how many there are, and what is done. They are interactions, or pacts."""


def no_progress(done: int, total: int, current: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The pacts to verify, in order.

    Attributes:
        left_out: a line for each file or pact that is not verified.
        nothing_for: the arguments without a pact, and the consumers and keys without an interaction. A text may suggest
            names that exist.
        asked: the broker's URL and the selectors, for reports. None when the pacts are files.
        notes: remarks on how the pacts were selected.
    """

    pacts: tuple[Pact, ...]
    left_out: tuple[str, ...] = ()
    nothing_for: tuple[str, ...] = ()
    asked: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def interactions(self) -> int:
        """How many interactions the core can verify."""
        return sum(each.unverifiable is None for pact in self.pacts for each in pact.interactions)

    @property
    def unverifiable(self) -> tuple[str, ...]:
        """A line for each selected interaction that can't be verified."""
        return tuple(
            f"{pact.name}: {each.description!r} can't be verified. {each.unverifiable}"
            for pact in self.pacts
            for each in pact.interactions
            if each.unverifiable is not None
        )


class Source(Protocol):
    """A place that has pacts."""

    def select(
        self, provider: str, consumers: Sequence[str], chosen: Filter, progress: Progress = no_progress
    ) -> Selection:
        """Find the provider's pacts.

        Args:
            provider: the name of the provider.
            consumers: the consumers whose pacts to select. An empty sequence selects all.
            chosen: which of their interactions to select.
            progress: is called after each pact that was downloaded.

        Raises:
            CannotVerify: an argument doesn't exist, is no pact or is another provider's pact. Or no selected pact can
                be read.
        """


@dataclass(frozen=True, slots=True)
class LocalPacts:
    """Files, directories and file: URLs.

    A file in the arguments must be a pact of this provider. A directory is searched with all its folders. `left_out`
    gets a line for each JSON file there that is no pact of this provider.

    Attributes:
        pending: whether interactions may be pending. If not, a failure counts even if the pact marks it as pending.
    """

    arguments: tuple[str, ...]
    pending: bool = True

    def files(self) -> Iterator[Path]:
        """Yield the files that it would read now. An argument that can't be read has none."""
        for argument in self.arguments:
            with suppress(CannotVerify):
                yield from (path for path, _ in _files(argument))

    def select(
        self, provider: str, consumers: Sequence[str], chosen: Filter, progress: Progress = no_progress
    ) -> Selection:
        pacts: dict[Path, Pact] = {}
        left_out: list[str] = []
        with_pacts: set[str] = set()
        others: dict[str, set[str]] = {}
        for argument in self.arguments:
            for path, is_argument in _files(argument):
                providers = others.setdefault(argument, set())
                if path.resolve() in pacts:
                    with_pacts.add(argument)
                    continue
                if not is_argument and path.exists() and not path.is_file():
                    left_out.append(f"{path} is not a regular file.")
                    continue
                try:
                    pact = read_pact(path, provider=provider)
                except UnreadablePact as error:
                    with_pacts.add(argument)
                    pacts[path.resolve()] = unreadable(error, str(path), provider)
                    continue
                reason = _why_unfit(pact, provider)
                if reason and is_argument:
                    raise CannotVerify(f"{path} {reason}")
                if reason or pact is None:
                    left_out.append(f"{path} {reason}")
                    providers |= {pact.provider} if pact else set()
                else:
                    with_pacts.add(argument)
                    pacts[path.resolve()] = pact
        nothing_for = [
            f"{argument}{_provider_hint(others.get(argument), provider)}"
            for argument in self.arguments
            if argument not in with_pacts
        ]
        return narrow(
            pacts.values(),
            consumers,
            chosen,
            left_out=left_out,
            nothing_for=nothing_for,
            pending=self.pending,
        )


def narrow(
    found: Iterable[Pact],
    consumers: Sequence[str],
    chosen: Filter,
    *,
    left_out: Iterable[str] = (),
    nothing_for: Iterable[str] = (),
    asked: str | None = None,
    notes: tuple[str, ...] = (),
    pending: bool = True,
) -> Selection:
    """Select some consumers' pacts, with the interactions that a filter chooses.

    Args:
        pending: whether interactions may be pending. If not, the pacts' own marks are ignored.
    """
    pacts: list[Pact] = []
    left_out, nothing_for = [*left_out], [*nothing_for]
    with_pact, filtered_out = set(), set()
    keys = set(chosen.keys)
    for pact in found if pending else map(not_pending, found):
        if consumers and pact.consumer not in {*consumers, UNKNOWN_CONSUMER}:
            left_out.append(f"{pact.name} is a pact of {pact.consumer!r}, which --consumer leaves out.")
            filtered_out.add(pact.consumer)
            continue
        with_pact.add(pact.consumer)
        # An unreadable pact may contain the description. A key belongs to an interaction that could be read.
        keep_all = pact.is_unreadable and not chosen.by_key
        selected = pact.interactions if keep_all else chosen.select(pact.interactions)
        keys -= {each.key for each in selected}
        if chosen and not selected:
            if not chosen.by_key:  # most pacts have none of the few interactions that keys name
                left_out.append(f"{pact.name} has no interaction that matches {chosen}.")
            continue
        pacts.append(replace(pact, interactions=selected))
    if pacts and all(pact.is_unreadable and not pact.interactions[0].pending for pact in pacts):
        raise CannotVerify("\n".join(each.unverifiable or "" for pact in pacts for each in pact.interactions[:1]))
    nothing_for += [
        f"--consumer {consumer}{_did_you_mean(consumer, with_pact | filtered_out)}"
        for consumer in consumers
        if consumer not in with_pact
    ]
    nothing_for += [f"--interaction {key}" for key in sorted(keys)]
    return Selection(tuple(pacts), tuple(left_out), tuple(nothing_for), asked, notes)


def not_pending(pact: Pact) -> Pact:
    """Return the pact without any pending interaction."""
    return replace(pact, interactions=tuple(replace(each, pending=False) for each in pact.interactions))


def _did_you_mean(consumer: str, consumers: set[str]) -> str:
    near = " or ".join(map(repr, nearest(consumer, sorted(consumers))))
    return f" (did you mean {near}?)" if near else ""


def _provider_hint(providers: set[str] | None, provider: str) -> str:
    """Return a hint at the providers whose pacts a directory has: those with similar names, or some.

    Args:
        providers: None if the directory has no JSON files at all.
    """
    if providers is None:
        return " (it holds no JSON files)"
    names = nearest(provider, sorted(providers)) or sorted(providers)[:MAX_PROVIDERS]
    return f" (it holds pacts of the provider {', '.join(map(repr, names))})" if names else ""


def _files(argument: str) -> Iterator[tuple[Path, bool]]:
    """Yield an argument's files, each with whether the argument is the file itself."""
    scheme = urlsplit(argument).scheme if "://" in argument or argument.startswith("file:") else ""
    if scheme not in {"", "file"}:
        raise CannotVerify(
            f"{argument} is not on this machine. Pacts are read from files, directories and file: URLs: "
            "download it, and give its path."
        )
    if scheme and urlsplit(argument).hostname not in {None, "localhost"}:
        raise CannotVerify(f"{argument} names another machine. Write file:///path for a file on this one.")
    path = Path(url2pathname(urlsplit(argument).path)) if scheme else Path(argument)
    try:
        is_directory, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # no permission; a NUL in the name
        raise CannotVerify(f"{argument!r} can't be read: {getattr(error, 'strerror', error)}.") from error
    if is_directory:
        yield from ((file, False) for file in sorted(_json_files(path)))
    elif is_file:
        yield path, True
    elif path.exists():
        raise CannotVerify(
            f"{argument!r} is not a regular file. Save its contents to a regular file, and give that path."
        )
    else:
        here = ", ".join(sorted(str(found) for found in _nearby(path))) or "no JSON files"
        raise CannotVerify(
            f"There is no file or directory {argument!r} (from {Path.cwd()}). Next to it: {here}. "
            "Create it, name another place, or let the setting PACT_PATHS name it."
        )


def _json_files(directory: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:  # it may hold a pact that fails
        raise CannotVerify(f"{error.filename} can't be read: {error.strerror}.")

    seen = set()
    for folder, folders, names in os.walk(directory, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # a link leads to a folder that was searched
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names if name.lower().endswith(".json"))


def _nearby(path: Path) -> Iterable[Path]:
    parent = path.parent
    return list(parent.glob("*.json"))[:5] if parent.is_dir() else ()


def _why_unfit(pact: Pact | None, provider: str) -> str:
    if pact is None:
        return "is not a pact: it names no consumer and provider."
    if pact.provider != provider:
        return (
            f"is a pact with the provider {pact.provider!r}, and this is {provider!r}. "
            f"To verify it, use --provider-name {pact.provider!r}, or the setting PACT_PROVIDER_NAME."
        )
    return ""
