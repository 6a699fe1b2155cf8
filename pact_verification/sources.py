"""Where pacts come from. Here: files, directories and file: URLs; broker_source has the broker's."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pact_verification.errors import CannotVerify
from pact_verification.pact_schema import HTTP
from pact_verification.pacts import Filter, Pact, part, read_pact


@dataclass(frozen=True, slots=True)
class Selection:
    """The pacts to verify, in order.

    Attributes:
        left_out: a line for each file or pact that is not verified.
        nothing_for: directories and consumers that were named, and for which there is no pact.
        asked: for pacts of a broker, what it was asked for.
    """

    pacts: tuple[Pact, ...]
    left_out: tuple[str, ...] = ()
    nothing_for: tuple[str, ...] = ()
    asked: str = ""

    @property
    def interactions(self) -> int:
        return sum(len(pact.interactions) for pact in self.pacts)


class Source(Protocol):
    """Somewhere that pacts come from."""

    def select(self, provider: str, consumers: Sequence[str], chosen: Filter) -> Selection:
        """Find the provider's pacts.

        Args:
            provider: the name of the provider.
            consumers: only pacts of these consumers; none means all.
            chosen: which of their interactions.

        Raises:
            CannotVerify: something named doesn't exist, is no pact, is for another provider, or can't be verified.
        """


@dataclass(frozen=True, slots=True)
class LocalPacts:
    """Files, directories and file: URLs.

    A file that is named must be a pact of this provider; in a directory, which is searched to any depth, other JSON
    and other providers' pacts are left out, each with a line that says so.

    Attributes:
        pending: whether the interactions that a pact marks as pending are.
    """

    arguments: tuple[str, ...]
    pending: bool = True

    def select(self, provider: str, consumers: Sequence[str], chosen: Filter) -> Selection:
        pacts: dict[Path, Pact] = {}
        left_out: list[str] = []
        useful: set[str] = set()
        for argument in self.arguments:
            for path, named in _files(argument):
                if path.resolve() in pacts:
                    useful.add(argument)
                    continue
                if not named and path.exists() and not path.is_file():
                    left_out.append(f"{path} is not a regular file.")
                    continue
                pact = read_pact(path, provider=provider)
                reason = _unfit(pact, provider)
                if reason and named:
                    raise CannotVerify(f"{path} {reason}")
                if reason or pact is None:
                    left_out.append(f"{path} {reason}")
                else:
                    useful.add(argument)
                    pacts[path.resolve()] = pact
        nothing_for = [argument for argument in self.arguments if argument not in useful]
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
    asked: str = "",
    pending: bool = True,
) -> Selection:
    """Of the provider's pacts, those of some consumers, with those interactions that a filter chooses.

    The core is given only what is chosen: its own filters are another dialect.

    Args:
        pending: whether interactions may be pending; otherwise not even those that the pact marks are.
    """
    pacts: list[Pact] = []
    left_out, nothing_for = [*left_out], [*nothing_for]
    with_pact = set()
    keys = set(chosen.keys)
    for pact in found if pending else map(not_pending, found):
        if consumers and pact.consumer not in consumers:
            left_out.append(f"{pact.name} is a pact of {pact.consumer!r}, which --consumer leaves out.")
            continue
        with_pact.add(pact.consumer)
        selected = chosen.select(pact.interactions)
        keys -= {each.key for each in selected}
        if chosen and not selected:
            if not chosen.by_key:  # of those one knows that they are few
                left_out.append(f"{pact.name} has no interaction that matches {chosen}.")
            continue
        unfit = [each for each in selected if each.kind != HTTP]
        if not unfit:
            pacts.append(part(pact, selected))
            continue
        what = f"{pact.name}: {unfit[0].description!r} is of the type {unfit[0].kind}"
        problem = f"{what}, and only HTTP can be verified here. "
        if pact.at_broker and pact.at_broker.pending:  # it must not block a build, and nothing is claimed of it
            left_out.append(f"{problem}It is pending, so it is left out, and no result is published for it.")
        else:
            raise CannotVerify(f"{problem}Leave it out with --description, and verify it with pact-python's Verifier.")
    nothing_for += [f"--consumer {consumer}" for consumer in consumers if consumer not in with_pact]
    nothing_for += [f"--interaction {key}" for key in sorted(keys)]
    return Selection(tuple(pacts), tuple(left_out), tuple(nothing_for), asked)


def not_pending(pact: Pact) -> Pact:
    """The pact without any pending interaction."""
    return replace(pact, interactions=tuple(replace(each, pending=False) for each in pact.interactions))


def _files(argument: str) -> Iterator[tuple[Path, bool]]:
    """The files behind an argument, each with whether it was named itself."""
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
    except (OSError, ValueError) as error:  # a folder that may not be entered; a NUL in the name
        raise CannotVerify(f"{argument!r} can't be read: {getattr(error, 'strerror', error)}.") from error
    if is_directory:
        yield from ((file, False) for file in sorted(_json_files(path)))
    elif is_file:
        yield path, True
    elif path.exists():
        raise CannotVerify(f"{argument!r} is not a regular file: save what it gives to one, and name that.")
    else:
        here = ", ".join(sorted(str(found) for found in _nearby(path))) or "no JSON files"
        raise CannotVerify(f"There is no file or directory {argument!r} (from {Path.cwd()}). Next to it: {here}.")


def _json_files(directory: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:  # the pact that would be red may be in there
        raise CannotVerify(f"{error.filename} can't be read: {error.strerror}.")

    seen = set()
    for folder, folders, names in os.walk(directory, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # a link back up
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names if name.lower().endswith(".json"))


def _nearby(path: Path) -> Iterable[Path]:
    parent = path.parent
    return list(parent.glob("*.json"))[:5] if parent.is_dir() else ()


def _unfit(pact: Pact | None, provider: str) -> str:
    if pact is None:
        return "is not a pact: it names no consumer and provider."
    if pact.provider != provider:
        return (
            f"is a pact with the provider {pact.provider!r}, and this is {provider!r}. "
            f"To verify it, use --provider-name {pact.provider!r}."
        )
    return ""
