"""Where pacts come from: files, directories and file: URLs."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pact_verification.errors import CannotVerify
from pact_verification.pacts import HTTP, Filter, Pact, read_pact


@dataclass(frozen=True, slots=True)
class Selection:
    """The pacts to verify, in order.

    Attributes:
        left_out: a line for each file or pact that is not verified.
        nothing_for: directories and consumers that were named, and for which there is no pact.
    """

    pacts: tuple[Pact, ...]
    left_out: tuple[str, ...] = ()
    nothing_for: tuple[str, ...] = ()

    @property
    def interactions(self) -> int:
        return sum(len(pact.interactions) for pact in self.pacts)


def select_pacts(
    arguments: Sequence[str], provider: str, consumers: Sequence[str] = (), chosen: Filter = Filter()
) -> Selection:
    """Find the provider's pacts.

    A file that is named must be a pact of this provider; in a directory, which is searched to any depth, other JSON
    and other providers' pacts are left out, each with a line that says so.

    Args:
        arguments: files, directories and file: URLs.
        provider: the name of the provider.
        consumers: only pacts of these consumers; none means all.
        chosen: which of their interactions.

    Raises:
        CannotVerify: something named doesn't exist, is no pact, is for another provider, or can't be verified.
    """
    pacts: dict[Path, Pact] = {}
    left_out: list[str] = []
    useful: set[str] = set()
    for argument in arguments:
        for path, named in _files(argument):
            if path.resolve() in pacts:
                useful.add(argument)
                continue
            pact = read_pact(path)
            reason = _unfit(pact, provider)
            if reason and named:
                raise CannotVerify(f"{path} {reason}")
            if reason or pact is None:
                left_out.append(f"{path} {reason}")
            elif consumers and pact.consumer not in consumers:
                useful.add(argument)
                left_out.append(f"{path} is a pact of {pact.consumer!r}, which --consumer leaves out.")
            else:
                useful.add(argument)
                pacts[path.resolve()] = pact
    found = {pact.consumer for pact in pacts.values()}
    nothing_for = [argument for argument in arguments if argument not in useful]
    nothing_for += [f"--consumer {consumer}" for consumer in consumers if consumer not in found]
    selected = [chosen.select(pact) for pact in pacts.values()]
    if chosen:
        left_out += [
            f"{pact.source} has no interaction that matches {chosen}." for pact in selected if not pact.interactions
        ]
        selected = [pact for pact in selected if pact.interactions]
    _refuse_messages(selected)
    return Selection(tuple(selected), tuple(left_out), tuple(nothing_for))


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


def _refuse_messages(pacts: Iterable[Pact]) -> None:
    for pact in pacts:
        for interaction in pact.interactions:
            if interaction.kind != HTTP:
                raise CannotVerify(
                    f"{pact.source}: {interaction.description!r} is of the type {interaction.kind}, and only HTTP "
                    "can be verified here. Leave it out with --description, and verify it with pact-python's Verifier."
                )
