"""Which matching rule of a pact applies to a part of a response, in words. The matching itself is the core's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rules = Mapping[str, str]
"""Paths and names, each with its rule in words."""

STEP = re.compile(r"\.?(?:\['((?:[^'\\]|\\.)*)'\]|\[(\d+|\*)\]|([^.\[]+))")
ANY = "*"


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """The rules of a response.

    Attributes:
        status: the status' rule, empty when it has to be equal.
        headers: by name in lower case.
        body: by path, such as `$.items[*].name`.
    """

    status: str = ""
    headers: Rules = field(default_factory=dict)
    body: Rules = field(default_factory=dict)

    def of(self, part: str, place: str) -> str:
        """The rule of a part of the response: status, header or body, and a place in it."""
        match part:
            case "status":
                return self.status
            case "header":
                return self.of_header(place)
            case "body":
                return self.of_body(place)
            case _:
                return ""

    def of_header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    def of_body(self, path: str) -> str:
        """The rule of the most specific path that leads here or to what holds it: the core passes rules down.

        A step that is named weighs 2 and a wildcard 1, and weights multiply; of equal ones the longer wins.
        """
        wanted = steps(path)
        best, chosen = (0, 0), ""
        for expression, rule in self.body.items():
            known = steps(expression)
            weight = 1
            for here, there in zip(known, wanted, strict=False):
                weight *= 2 if here == there else 1 if here == ANY else 0
            if weight and len(known) <= len(wanted) and (weight, len(known)) > best:
                best = weight, len(known)
                chosen = rule if len(known) == len(wanted) else rule.partition(", at ")[0]  # bounds are not passed down
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
    status = ""
    headers: dict[str, str] = {}
    body: dict[str, str] = {}
    for key, value in data.items():
        if not isinstance(value, Mapping):
            continue
        part, *path = steps(key) or ("",)
        by_path = key.startswith("$")
        if part == "status":
            status = describe(value)
        elif part == "body":
            body |= {_path(path): describe(value)} if by_path else _described(value)
        elif part in {"header", "headers"}:
            headers |= {"".join(path[:1]): describe(value)} if by_path else _described(value)
    return MatchingRules(status, {name.lower(): rule for name, rule in headers.items()}, body)


def _described(rules: Mapping[str, Any]) -> dict[str, str]:
    return {place: describe(rule) for place, rule in rules.items()}


def _path(found: Sequence[str]) -> str:
    """The path of these steps."""
    return "$" + "".join(f"[{step}]" if step == ANY or step.isdecimal() else f"['{_escaped(step)}']" for step in found)


def _escaped(step: str) -> str:
    return re.sub(r"(['\\])", r"\\\1", step)


def describe(rule: Any) -> str:
    """A rule in words: "type, at least 1", "regex \\d+", "integer"."""
    if not isinstance(rule, Mapping):
        return ""
    if isinstance(rule.get("matchers"), list):
        joint = " or " if rule.get("combine") == "OR" else " and "
        return joint.join(filter(None, map(describe, rule["matchers"])))
    kind = str(rule.get("match") or ("regex" if "regex" in rule else "type"))
    detail = next((str(rule[name]) for name in (kind, "format", "value", "status") if rule.get(name)), "")
    bounds = [f"{word} {rule[key]}" for key, word in (("min", "at least"), ("max", "at most")) if key in rule]
    return ", ".join([f"{kind} {detail}".rstrip(), *bounds])
