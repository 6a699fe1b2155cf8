"""The pages of the reference that are made from the code, or have to agree with it."""

import json
import re

import pytest
from django.core.management import get_commands

from docs.generated import SCHEMA, command_page, schema_page
from pact_verification import __all__ as public_names
from tests.docs.pages import of_page, prose
from tests.docs.test_names import options_of
from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

COMMANDS = sorted(name for name, app in get_commands().items() if app == "pact_verification")
COMMON = {"-h", "--version", "-v", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_of_a_command_is_on_its_page(name: str) -> None:
    written = set(re.findall(r"(?<=`)--?[\w-]+", "\n".join(command_page(name))))
    assert options_of(name) - written <= COMMON | {"--help", "--verbosity", "--skip-checks"}


def test_each_command_has_a_section() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    assert sorted(re.findall(r"^```\{generated\} command (\w+)$", page, re.MULTILINE)) == COMMANDS
    assert sorted(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == COMMANDS


def test_each_public_name_is_described() -> None:
    page = (ROOT / "docs/reference/api.md").read_text()
    assert sorted(re.findall(r"^\.\. auto\w+:: (\w+)$", page, re.MULTILINE)) == sorted(public_names)


def test_each_member_of_the_report_is_on_its_page() -> None:
    page = "\n".join(schema_page())
    schema = json.loads(SCHEMA.read_text())
    objects = {"The report": schema, **{f"`{name}`": each for name, each in schema["$defs"].items()}}
    sections = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n?)*)", page, re.MULTILINE))
    for title, definition in objects.items():
        members = list(definition.get("properties", ()))
        assert re.findall(r"^\| `(\w+)` \|", sections.get(title, ""), re.MULTILINE) == members


def test_the_exit_codes_are_those_of_the_help() -> None:
    (end,) = re.findall(r"^exit codes:\n(.*?)\n\n", "\n".join(command_page("verify_pacts")), re.MULTILINE | re.DOTALL)
    codes = re.findall(r"^  (\d+) ", end, re.MULTILINE)
    table = prose(ROOT / "docs/reference/exit-codes.md").partition("\n## ")[0]
    assert re.findall(r"^\| (\d+)(?:, 143)? \|", table, re.MULTILINE) == codes


def test_the_tutorial_shows_files_and_commands() -> None:
    assert {block.language for block in of_page("docs/tutorial/your-project.md")} == {"console", "json", "python"}
