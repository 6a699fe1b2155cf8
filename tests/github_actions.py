"""Runs of workflows' and actions' steps, with the environment that GitHub gives them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.pact_verification.running import ROOT

OWN_ACTION = "$/"
"""How a workflow names an action of its own repository."""

Context = Mapping[str, Mapping[str, str]]


def action(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name / "action.yml").read_text())
    return loaded


def action_steps(name: str, given: Mapping[str, str], context: Context) -> Iterator[dict[str, Any]]:
    """Yield the `run` steps of an action.

    Args:
        given: what `with` gives it.
        context: where its expressions look names up, beside its inputs.
    """
    loaded = action(name)
    assert given.keys() <= loaded["inputs"].keys(), "an action takes no other inputs"
    defaults = {each: str(described["default"]) for each, described in loaded["inputs"].items()}
    inputs = {"inputs.": defaults | dict(given), **context}
    for step in loaded["runs"]["steps"]:
        if "run" in step and holds(step.get("if", ""), inputs["inputs."]):
            env = {variable: fill(value, inputs) for variable, value in step["env"].items()}
            folder = fill(step["working-directory"], inputs)
            yield {"run": step["run"], "env": env, "working-directory": folder}


def holds(condition: str, inputs: Mapping[str, str]) -> bool:
    """Return whether a step of an action runs. Of conditions it knows only that an input is not empty."""
    if not condition:
        return True
    known = re.fullmatch(r"inputs\.([\w-]+) != ''", condition)
    assert known, f"what is {condition}?"
    return bool(inputs[known[1]])


def fill(value: Any, context: Context) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: evaluate(match[1], context), str(value))


def evaluate(expression: str, context: Context) -> str:
    """The few expressions that the workflows use: names with ||, &&, and strings. Anything else fails the test."""
    value = ""
    for alternative in expression.split(" || "):
        for part in alternative.split(" && "):
            value = part[1:-1] if part.startswith("'") else look_up(part, context)
            if not value:
                break
        if value:
            break
    return value


def look_up(name: str, context: Context) -> str:
    for prefix, values in context.items():
        if name.startswith(prefix):
            return values.get(name.removeprefix(prefix), "")
    assert name.startswith("inputs."), f"what is {name}?"
    return ""
