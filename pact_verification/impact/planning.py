"""A planned change of the API: which members it concerns, and whom it breaks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pact_verification.errors import CannotVerify
from pact_verification.impact.asking import Core, Trial
from pact_verification.impact.changes import Change
from pact_verification.impact.finding import NOT_AGAIN, UNREADABLE, Verified
from pact_verification.impact.members import FoundMember, is_path, normal_path, read_path
from pact_verification.results.impact import Break, InteractionName, Kind, Plan
from pact_verification.text import nearest

PARTS = ("header", "metadata")

MAX_OPERATIONS = 20
"""How many operations are named where the one that was asked for is unknown."""

OLD_AND_NEW = re.compile(r"((?:\['(?:[^'\\]|\\.)*'\]|\[(?!')|[^=\[])*)=(.*)")
"""OLD=NEW. A name in quotes may have an equals sign: $['a=b']=c."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A member that shall be removed or renamed, as a person has asked for it.

    Attributes:
        path: `$.items[*].name`, a name at any depth such as `name`, `header Link` or `metadata topic`.
        new_name: empty for a removal.
    """

    path: str
    new_name: str = ""

    def __post_init__(self) -> None:
        if not self.around and (not self.path.strip(". ") or not is_path(self._json_path)):
            raise CannotVerify(
                f"{self.path!r} names no member. Write a JSON path such as '$.items[*].name', a name, or 'header Link'."
            )

    @classmethod
    def rename(cls, text: str) -> "Planned":
        """Read OLD=NEW. Raises CannotVerify if it has another form, or another place."""
        old, new = (each.strip() for each in found.groups()) if (found := OLD_AND_NEW.fullmatch(text)) else ("", "")
        if not (old and new):
            raise CannotVerify(f"--rename {text!r} is not OLD=NEW. Write --rename '$.name=title', for example.")
        if (name := cls(old).name_at_the_same_place(new)) is None:
            raise CannotVerify(
                f"--rename {text} moves a member to another place. Only its name may change: --rename {old}=NAME."
            )
        return cls(old, name)

    @property
    def around(self) -> tuple[str, str] | None:
        """Part and name of a header or of metadata; None for a member of a body."""
        return _around(self.path)

    def name_at_the_same_place(self, new: str) -> str | None:
        """Return the name in a new name or path; None if that is another place."""
        around = _around(new)
        if around or self.around:
            return new if not around else around[1] if self.around and self.around[0] == around[0] else None
        if not re.search(r"[.\[]", new):
            return new
        path = new if _is_from_root(new) else f"$.{new}"
        if not is_path(path):
            return None
        *holder, last = read_path(path)
        return last if holder == list(read_path(self._json_path)[:-1]) else None

    @property
    def _json_path(self) -> str:
        return self.path if _is_from_root(self.path) else f"$.{self.path}"

    def __str__(self) -> str:
        return f"{self.path} renamed to {self.new_name}" if self.new_name else f"without {self.path}"

    def concerns(self, found: FoundMember) -> bool:
        """Return whether a member is meant."""
        member = found.member
        if self.around:
            part, name = self.around
            return member.part == part and member.path.lower() == name.lower()
        if not found.is_in_body or not member.path:
            return False
        path = normal_path(self._json_path)
        return member.path == path if _is_from_root(self.path) else member.path.endswith(path.removeprefix("$"))

    def change(self, found: FoundMember) -> Change:
        """Return the change of a member. Raises CannotVerify if the member can't change so."""
        if Kind.REMOVED not in found.kinds:
            raise CannotVerify(f"{self.path} is every item of a list. Only a member can be removed or renamed.")
        return Change(found, Kind.REMOVED, self.new_name)


def _around(text: str) -> tuple[str, str] | None:
    """Return part and name of `header Link`, `header:Link` or `metadata topic`; None for another text."""
    part, _, name = text.replace(":", " ", 1).partition(" ")
    return (part, name.strip()) if part in PARTS and name.strip() else None


def _is_from_root(path: str) -> bool:
    """Return whether a path begins at the body. `$ref` is a name."""
    return path == "$" or path.startswith(("$.", "$["))


def find_plan(
    core: Core, verified: Sequence[Verified], planned: Sequence[Planned], operation: str | None
) -> tuple[Plan, list[tuple[InteractionName, str]]]:
    """Have the core judge a planned change, on each response that it concerns.

    Args:
        verified: the responses that change.
        operation: theirs, for the plan; None for all.

    Returns:
        The plan, and the interactions that could not be tried, each with the reason.

    Raises:
        CannotVerify: no verified response has one of the members, or a member can't change so.
    """
    concerned = [(each, changes) for each in verified if (changes := _changes(each, planned))]
    in_bodies = not all(each.around for each in planned)
    unreadable = [each.name for each in verified if in_bodies and each.is_unreadable]
    for each in planned:
        if not any(each in changes for _, changes in concerned):
            raise CannotVerify(_no_member(each, operation, verified))
    trials = list(_trials(concerned))
    verdicts = core.judge([trial for *_, trial in trials])
    unchanged: set[int] = set()
    alone: dict[int, list[Planned]] = {}
    refused: dict[int, Sequence[Planned]] = {}
    for (number, asked, trial), verdict in zip(trials, verdicts, strict=True):
        if verdict.accepted:
            refused.pop(number, None)  # all changes at once are tried last, and they alone count
            continue
        refused[number] = asked
        if not trial.changes:
            unchanged.add(number)
        elif len(asked) == 1:
            alone.setdefault(number, []).extend(asked)
    breaking: dict[tuple[InteractionName, str], dict[str, None]] = {}
    for number, (one, _) in enumerate(concerned):
        if number in refused and number not in unchanged:
            reasons = breaking.setdefault((one.name, one.title), {})  # an interaction may have several responses
            reasons.update(dict.fromkeys(map(str, alone.get(number, refused[number]))))
    breaks = [Break(name, title, tuple(reasons)) for (name, title), reasons in breaking.items()]
    breaks.sort(key=lambda each: each.interaction.consumer)
    left_out = [(concerned[number][0].name, NOT_AGAIN) for number in sorted(unchanged)]
    left_out += [(name, UNREADABLE) for name in unreadable]
    affected = tuple(dict.fromkeys(each.name for each, _ in concerned))
    return Plan(tuple(map(str, planned)), operation, affected, tuple(breaks)), left_out


def in_operation(verified: Sequence[Verified], operation: str) -> list[Verified]:
    """Return the responses of an operation. Raises CannotVerify if there are none."""
    meant = [each for each in verified if _same(each.operation, operation) or _same(each.title, operation)]
    if not meant:
        raise CannotVerify(_no_operation(operation, verified))
    return meant


def _changes(verified: Verified, planned: Sequence[Planned]) -> dict[Planned, list[Change]]:
    """Return the changes that a plan makes to a response, by what was asked for."""
    changes: dict[Planned, list[Change]] = {}
    for each in planned:
        for found in verified.members:
            if each.concerns(found):
                changes.setdefault(each, []).append(each.change(found))
    if any(each.new_name for each in changes):
        _require_free_names(verified, changes)
    return changes


def _require_free_names(verified: Verified, changes: Mapping[Planned, list[Change]]) -> None:
    """Raise CannotVerify if a renamed member would replace another one that stays."""
    going = {change.found for planned, of_one in changes.items() if not planned.new_name for change in of_one}
    taken = {_place(found): found for found in verified.members if found not in going}
    for planned, of_one in changes.items():
        for change in of_one if planned.new_name else ():
            if taken.setdefault(_place(change.found, planned.new_name), change.found) != change.found:
                raise CannotVerify(
                    f"{verified.title} has {planned.new_name!r} already, so {planned.path} can't get that name."
                )


def _place(found: FoundMember, name: str = "") -> tuple[Any, ...]:
    """Return where a member is, or would be with another name. Headers have the same name in any case."""
    if found.steps:
        return found.member.part, found.steps[:-1], name or found.steps[-1]
    name = name or found.member.path
    return found.member.part, name.lower() if found.member.part == "header" else name


def unsearched(verified: Sequence[Verified], planned: Sequence[Planned]) -> str | None:
    """Return a note on bodies in which no member can be found, such as XML; None if there are none."""
    titles = dict.fromkeys(each.title for each in verified if each.is_opaque and not each.is_unreadable)
    if not titles or all(each.around for each in planned):
        return None
    return f"The body of {'; '.join(titles)} is not JSON, so the planned change was not looked for in it."


def _trials(
    concerned: Sequence[tuple[Verified, Mapping[Planned, list[Change]]]],
) -> Iterator[tuple[int, Sequence[Planned], Trial]]:
    """Yield the trials of each response: unchanged, with each of the changes, and with all of them."""
    for number, (verified, changes) in enumerate(concerned):
        yield number, (), Trial(verified.subject)
        for planned, of_one in changes.items():
            yield number, (planned,), Trial(verified.subject, _innermost_first(of_one))
        if len(changes) > 1:
            together = [change for of_one in changes.values() for change in of_one]
            yield number, tuple(changes), Trial(verified.subject, _innermost_first(together))


def _innermost_first(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes so that no renamed object hides a member that changes too, and no name is taken."""
    return tuple(sorted(changes, key=lambda change: (-len(change.found.steps), bool(change.new_name))))


def _same(known: str, asked: str) -> bool:
    """Return whether two operations are the same. The names of the path's parameters don't count."""
    method, _, path = known.partition(" ")
    asked_method, _, asked_path = asked.strip().partition(" ")
    return method.upper() == asked_method.upper() and _unnamed(path) == _unnamed(asked_path)


def _unnamed(path: str) -> str:
    """Return a path without the names of its parameters, and without a slash at the end."""
    return re.sub(r"\{[^}]*\}", "{}", path.strip()).rstrip("/")


def _no_operation(operation: str, verified: Sequence[Verified]) -> str:
    known = list(dict.fromkeys(each.operation for each in verified))
    more = f" and {len(known) - MAX_OPERATIONS} more" if len(known) > MAX_OPERATIONS else ""
    near = f"Did you mean {' or '.join(nearest(operation, known))}? " if nearest(operation, known) else ""
    return (
        f"No verified interaction is of the operation {operation!r}. {near}"
        f"There are {', '.join(known[:MAX_OPERATIONS])}{more}."
    )


def _no_member(planned: Planned, operation: str | None, verified: Sequence[Verified]) -> str:
    titles = list(dict.fromkeys(found.member.title for each in verified for found in each.members if found.member.path))
    near = [title for title in titles if title.lower().endswith(f" {planned.path.lower()}")]
    near = near or nearest(planned.path, titles)
    suggestion = f" Did you mean {' or '.join(near)}?" if near else ""
    where = f" of {operation}" if operation else ""
    return (
        f"No verified response{where} has {planned.path!r}, so nothing can be said of it.{suggestion} Run "
        "pact_impact alone for a list of the members."
    )
