"""Where pacts come from: files, directories and file: URLs. (A broker is a source of another kind.)"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pact_verification.errors import CannotVerify
from pact_verification.pacts import HTTP, Filter, Pact, read_pact


@dataclass(frozen=True, slots=True)
class Selection:
    """The pacts to verify, in order, and a line for each file or pact that was left out."""

    pacts: tuple[Pact, ...]
    left_out: tuple[str, ...] = ()

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
    for argument in arguments:
        for path, named in _files(argument):
            if path.resolve() in pacts:
                continue
            pact = read_pact(path)
            reason = _unfit(pact, provider)
            if reason and named:
                raise CannotVerify(f"{path} {reason}")
            if reason or pact is None:
                left_out.append(f"{path} {reason}")
            elif consumers and pact.consumer not in consumers:
                left_out.append(f"{path} is a pact of {pact.consumer!r}, which --consumer leaves out.")
            else:
                pacts[path.resolve()] = pact
    selected = [chosen.select(pact) for pact in pacts.values()]
    if chosen:
        left_out += [
            f"{pact.source} has no interaction that matches {chosen}." for pact in selected if not pact.interactions
        ]
        selected = [pact for pact in selected if pact.interactions]
    _refuse_messages(selected)
    return Selection(tuple(selected), tuple(left_out))


def _files(argument: str) -> Iterator[tuple[Path, bool]]:
    """The files behind an argument, each with whether it was named itself."""
    scheme = urlsplit(argument).scheme if "://" in argument or argument.startswith("file:") else ""
    if scheme not in {"", "file"}:
        raise CannotVerify(
            f"{argument} is not on this machine. Pacts are read from files, directories and file: URLs: "
            "download it, and give its path."
        )
    path = Path(url2pathname(urlsplit(argument).path)) if scheme else Path(argument)
    try:
        is_directory, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # a folder that may not be entered; a NUL in the name
        raise CannotVerify(f"{argument!r} can't be read: {getattr(error, 'strerror', error)}.") from error
    if is_directory:
        yield from ((file, False) for file in sorted(path.rglob("*.json")) if file.is_file())
    elif is_file:
        yield path, True
    else:
        here = ", ".join(sorted(str(found) for found in _nearby(path))) or "nothing"
        raise CannotVerify(f"There is no file or directory {argument!r} (from {Path.cwd()}). Next to it: {here}.")


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
