"""The parts of the reference that are made from the code: the commands' options, and the JSON report's schema.

So the reference can't differ from what the code does. Nothing here needs Sphinx, and the tests read it too.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import load_command_class

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "pact_verification/reporters/report.schema.json"


@cache
def set_django_up() -> None:
    """Configure Django with the app alone, unless a test has configured it."""
    if not settings.configured:
        settings.configure(INSTALLED_APPS=["pact_verification"], SECRET_KEY="for the documentation only")  # noqa: S106
        django.setup()


def command_page(name: str) -> Iterator[str]:
    """Yield the Markdown of a command: what it does, its usage, and its options in their groups."""
    set_django_up()
    parser = load_command_class("pact_verification", name).create_parser("manage.py", name)
    yield from (_text(parser.description or ""), "", "```text", parser.format_usage().strip(), "```", "")
    for group in parser._action_groups:  # argparse has no public list of its groups
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if not actions or (group.title or "").startswith("options of every"):
            continue
        yield from (f"**{_title(group.title or '')}**", "", "| option | meaning |", "| --- | --- |")
        for action in actions:
            formatter = parser.formatter_class(prog=parser.prog)  # argparse has no public way to write a single option
            names = formatter._format_action_invocation(action).split(", ")
            option = ", ".join(f"`{name}`" for name in names)
            yield f"| {option} | {_cell(formatter._expand_help(action))} |"
        yield ""
    end, _, _ = str(parser.epilog or "").partition("detected here: ")  # what is detected differs on each machine
    if end.strip():
        yield from ("**The end of its help**", "", "```text", end.strip(), "```", "")


def _title(title: str) -> str:
    return f"{title[:1].upper()}{title[1:]}"


def _text(text: str) -> str:
    """Return plain text as Markdown."""
    return re.sub(r"(?<![\w`])(--[a-z][\w-]*|[A-Z]+(?:_[A-Z]+)+|pact_states\.py)", r"`\1`", text).replace("*", r"\*")


def _cell(text: str) -> str:
    return _text(" ".join(text.split())).replace("|", r"\|")


def schema_page() -> Iterator[str]:
    """Yield the Markdown of the JSON report's schema: a table for each object that has a name."""
    schema = json.loads(SCHEMA.read_text())
    yield from _members("The report", schema)
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            yield from _members(f"`{name}`", definition)


def _members(title: str, definition: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## {title}", "", _text(definition.get("description", "")), "")
    yield from ("| member | type | meaning |", "| --- | --- | --- |")
    for name, member in definition["properties"].items():
        yield f"| `{name}` | {_type(member)} | {_cell(_meaning(member))} |"
    yield ""


def _type(member: Mapping[str, Any]) -> str:
    if "$ref" in member:
        return f"`{member['$ref'].rpartition('/')[2]}`"
    if "const" in member:
        return f"`{json.dumps(member['const'])}`"
    if "enum" in member:
        return ", ".join(f"`{json.dumps(value)}`" for value in member["enum"])
    for key in ("oneOf", "anyOf", "allOf"):
        if key in member:
            kinds = [_type(each) for each in member[key] if each.keys() - {"required", "properties"}]
            return " or ".join(dict.fromkeys(kinds))
    kind = member.get("type", "any")
    if kind == "array":
        return f"list of {_type(member.get('items', {}))}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _meaning(member: Mapping[str, Any]) -> str:
    texts = [member.get("description", "")]
    for each in member.get("oneOf", ()):
        texts += [f"null: {each['description']}"] if each.get("type") == "null" and "description" in each else []
    return " ".join(filter(None, texts))
