"""Which matching rule of a pact applies to a part of a response, as values. The matching itself is the core's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

STEP = re.compile(r"\.?(?:\['((?:[^'\\]|\\.)*)'\]|\[(\d+|\*)\]|([^.\[]+))")
ANY = "*"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a matching rule.

    Attributes:
        kind: the specification's name of it, such as type or regex.
        detail: the regular expression, the format of a date, or what else the kind needs.
        minimum: how many elements a list must have.
        maximum: how many it may have.
    """

    kind: str
    detail: str = ""
    minimum: int | None = None
    maximum: int | None = None

    def __str__(self) -> str:
        bounds = [f"at least {self.minimum}"] if self.minimum is not None else []
        bounds += [f"at most {self.maximum}"] if self.maximum is not None else []
        return ", ".join([f"{self.kind} {self.detail}".rstrip(), *bounds])


@dataclass(frozen=True, slots=True)
class Rule:
    """A matching rule. Its text is for a person: type, at least 1.

    Attributes:
        matchers: its conditions.
        is_any: one of them suffices.
    """

    matchers: tuple[Matcher, ...]
    is_any: bool = False

    def __str__(self) -> str:
        return (" or " if self.is_any else " and ").join(map(str, self.matchers))

    def has(self, kind: str) -> bool:
        """Tell whether one of the conditions is of a kind."""
        return any(matcher.kind == kind for matcher in self.matchers)

    @property
    def maximum(self) -> int | None:
        """How many elements a list may have."""
        return next((matcher.maximum for matcher in self.matchers if matcher.maximum is not None), None)

    def passed_down(self) -> "Rule":
        """The rule as it applies to what its value holds: without bounds, which count the value's own elements."""
        return replace(self, matchers=tuple(Matcher(each.kind, each.detail) for each in self.matchers))


Rules = Mapping[str, Rule]
"""Paths or names, each with its rule."""


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """The rules of a response.

    Attributes:
        status: the rule of the status; None when it has to be equal.
        headers: by name in lower case.
        body: by path, such as `$.items[*].name`.
    """

    status: Rule | None = None
    headers: Rules = field(default_factory=dict)
    body: Rules = field(default_factory=dict)

    def of(self, part: str, place: str) -> Rule | None:
        """The rule of a part of the response: status, header or body, and a place in it."""
        match part:
            case "status":
                return self.status
            case "header":
                return self.of_header(place)
            case "body":
                return self.of_body(place)
            case _:
                return None

    def of_header(self, name: str) -> Rule | None:
        return self.headers.get(name.lower())

    def of_body(self, path: str) -> Rule | None:
        """The rule of the most specific path that leads here or to what holds it: the core passes rules down.

        A step that is named weighs 2 and a wildcard 1, and weights multiply; of equal ones the longer wins.
        """
        wanted = steps(path)
        best = (0, 0)
        chosen: Rule | None = None
        for expression, rule in self.body.items():
            known = steps(expression)
            weight = 1
            for here, there in zip(known, wanted, strict=False):
                weight *= 2 if here == there else 1 if here == ANY else 0
            if weight and len(known) <= len(wanted) and (weight, len(known)) > best:
                best = weight, len(known)
                chosen = rule if len(known) == len(wanted) else rule.passed_down()
        return chosen


def steps(path: str) -> tuple[str, ...]:
    """A path's keys and indexes: `$.a['b c'][0]` is a, b c, 0."""
    found = STEP.findall(path.strip().removeprefix("$").removeprefix("/"))
    return tuple(re.sub(r"\\(.)", r"\1", quoted) or index or name for quoted, index, name in found)


def read_rules(data: Any) -> MatchingRules:
    """Read a response's matchingRules as specification 2 (paths) or 3 and 4 (parts) have them.

    What is not understood is left out: it is the core's to complain of it.
    """
    if not isinstance(data, Mapping):
        return MatchingRules()
    status: Rule | None = None
    headers: dict[str, Rule] = {}
    body: dict[str, Rule] = {}
    for key, value in data.items():
        if not isinstance(value, Mapping):
            continue
        part, *path = steps(key) or ("",)
        by_path = key.startswith("$")
        if part == "status":
            status = read_rule(value)
        elif part == "body":
            body |= _read({_path(path): value} if by_path else value)
        elif part in {"header", "headers"}:
            headers |= _read({"".join(path[:1]): value} if by_path else value)
    return MatchingRules(status, {name.lower(): rule for name, rule in headers.items()}, body)


def _read(rules: Mapping[str, Any]) -> dict[str, Rule]:
    return {place: rule for place, data in rules.items() if (rule := read_rule(data))}


def _path(found: Sequence[str]) -> str:
    """The path of these steps."""
    return "$" + "".join(f"[{step}]" if step == ANY or step.isdecimal() else f"['{_escaped(step)}']" for step in found)


def _escaped(step: str) -> str:
    return re.sub(r"(['\\])", r"\\\1", step)


def read_rule(data: Any) -> Rule | None:
    """Read one rule; None where there is none to understand."""
    if not isinstance(data, Mapping):
        return None
    if isinstance(data.get("matchers"), list):
        read = filter(None, map(read_rule, data["matchers"]))
        matchers = tuple(matcher for rule in read for matcher in rule.matchers)
        return Rule(matchers, is_any=data.get("combine") == "OR") if matchers else None
    kind = str(data.get("match") or ("regex" if "regex" in data else "type"))
    detail = next((str(data[name]) for name in (kind, "format", "value", "status") if data.get(name)), "")
    return Rule((Matcher(kind, detail, _bound(data.get("min")), _bound(data.get("max"))),))


def _bound(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
