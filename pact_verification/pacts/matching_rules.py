"""Which matching rule of a pact applies to a part of a response.

The core does the matching itself.
"""

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
        kind: the specification's name for the condition, such as type or regex.
        detail: the regular expression, the format of a date, or another value that the kind needs.
        minimum: how many elements a list must have.
        maximum: how many elements a list may have.
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
    """A matching rule. `str()` is for a report: "type, at least 1".

    Attributes:
        matchers: the conditions.
        is_any: whether one condition suffices.
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
        """Return the rule for what its value holds.

        Bounds are left out, since they count the value's elements.
        """
        return replace(self, matchers=tuple(Matcher(each.kind, each.detail) for each in self.matchers))


Rules = Mapping[str, Rule]
"""Rules by path or by name."""


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """The rules of a response or of a message.

    Attributes:
        status: the rule of the status; None when it has to be equal.
        headers: by name in lower case.
        body: by path, such as `$.items[*].name`. A message's contents count as its body.
        metadata: a message's, by name.
    """

    status: Rule | None = None
    headers: Rules = field(default_factory=dict)
    body: Rules = field(default_factory=dict)
    metadata: Rules = field(default_factory=dict)

    def of(self, part: str, place: str) -> Rule | None:
        """Return the rule of a place in a part: status, header, body or metadata."""
        match part:
            case "status":
                return self.status
            case "header":
                return self.of_header(place)
            case "body":
                return self.of_body(place)
            case "metadata":
                return self.metadata.get(place)
            case _:
                return None

    def of_header(self, name: str) -> Rule | None:
        return self.headers.get(name.lower())

    def of_body(self, path: str) -> Rule | None:
        """Return the rule of the most specific path to a place or to what holds it.

        The core passes rules down. A named step weighs 2 and a wildcard 1, and weights multiply. Of two paths with the
        same weight the longer one wins.
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
    """Split a path into keys and indexes: `$.a['b c'][0]` is a, b c, 0."""
    found = STEP.findall(path.strip().removeprefix("$").removeprefix("/"))
    return tuple(re.sub(r"\\(.)", r"\1", quoted) or index or name for quoted, index, name in found)


def read_rules(data: Any) -> MatchingRules:
    """Read the matchingRules of a response or message. V2 has them by path, V3 and V4 by part.

    Rules of an unknown form are left out. The core reports them.
    """
    if not isinstance(data, Mapping):
        return MatchingRules()
    status: Rule | None = None
    headers: dict[str, Rule] = {}
    body: dict[str, Rule] = {}
    metadata: dict[str, Rule] = {}
    for key, value in data.items():
        if not isinstance(value, Mapping):
            continue
        part, *path = steps(key) or ("",)
        by_path = key.startswith("$")
        if part == "status":
            status = read_rule(value)
        elif part in {"body", "content"}:
            body |= _read({_path(path): value} if by_path else value)
        elif part in {"header", "headers"}:
            headers |= _read({"".join(path[:1]): value} if by_path else value)
        elif part == "metadata":
            metadata |= _read({"".join(path[:1]): value} if by_path else value)
    return MatchingRules(status, {name.lower(): rule for name, rule in headers.items()}, body, metadata)


def _read(rules: Mapping[str, Any]) -> dict[str, Rule]:
    return {place: rule for place, data in rules.items() if (rule := read_rule(data))}


def _path(found: Sequence[str]) -> str:
    """Join steps into a path."""
    return "$" + "".join(f"[{step}]" if step == ANY or step.isdecimal() else f"['{escaped(step)}']" for step in found)


def escaped(step: str) -> str:
    """Return the name of a member as it stands between the quotes of a path."""
    return re.sub(r"(['\\])", r"\\\1", step)


def read_rule(data: Any) -> Rule | None:
    """Read one rule, or return None for an unknown form."""
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
