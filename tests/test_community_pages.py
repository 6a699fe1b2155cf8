"""The pages for people and assistants who come here: what they name exists, and what they promise is so."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandParser

from pact_verification import __all__ as public_names
from pact_verification.checks import DJANGO, PYTHON
from tests.pact_verification.running import ROOT

PAGES = ("AGENTS.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md", "docs/reference/support.md")
REPOSITORY = "https://github.com/pactflow/example-provider-python"

pytestmark = pytest.mark.no_database


def page(name: str) -> str:
    return (ROOT / name).read_text()


def command_lines(name: str) -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)
    return [shlex.split(line[2:], comments=True) for line in "".join(blocks).splitlines()]


def parser_of(command: str) -> CommandParser:
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command)


def options_of(parser: CommandParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize("name", PAGES)
def test_a_file_that_a_page_names_exists(name: str) -> None:
    def targets() -> Iterator[Path]:
        for link in re.findall(r"\]\(([^)#]+)\)", page(name)):
            if link.startswith(f"{REPOSITORY}/blob/main/"):
                yield ROOT / link.removeprefix(f"{REPOSITORY}/blob/main/")
            elif not link.startswith("https://"):
                yield (ROOT / name).parent / link
        for path in re.findall(r"`((?:\w+/)+[\w.]*|\w+\.toml)`", page(name)):
            if path != "dist/":
                yield ROOT / path

    assert [path for path in targets() if not path.exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_link_into_this_repository_on_github_is_one_of_the_packages(name: str) -> None:
    links = re.findall(r"https://github\.com/[\w./-]+", page(name))
    assert [link for link in links if not link.startswith(REPOSITORY)] == []


def test_every_command_for_assistants_is_one() -> None:
    lines = command_lines("AGENTS.md")
    assert {line[2] for line in lines} == {"pact_states", "pact_impact", "verify_pacts", "check"}
    for python, manage_py, command, *arguments in lines:
        assert (python, manage_py) == ("python", "manage.py")
        parser_of(command).parse_args(arguments)  # exits if it doesn't know one


def test_every_option_for_assistants_is_one_of_verify_pacts() -> None:
    named = set(re.findall(r"`(--[\w-]+)`", page("AGENTS.md")))
    assert {"--no-publish", "--allow-no-pacts", "--provider-url"} <= named <= options_of(parser_of("verify_pacts"))


def test_what_assistants_read_of_the_report_is_in_its_schema() -> None:
    schema = json.loads(page("pact_verification/reporters/report.schema.json"))
    said = page("AGENTS.md").partition("In the JSON report")[2].partition("\n\n")[0]
    members = re.findall(r"`(\w+)`", said)
    assert len(members) == 5
    assert set(members) <= schema["properties"].keys() | schema["$defs"]["interaction"]["properties"].keys()
    version = schema["properties"]["version"]["const"]
    assert f"has the member `version`, which is {version}." in page("docs/reference/support.md")


def test_every_function_for_assistants_is_public() -> None:
    text = page("AGENTS.md")
    imported = re.findall(r"^from pact_verification import (.+)$", text, re.MULTILINE)[0].split(", ")
    named = re.findall(r"^\* `(base_state)`.*`(request_filter)`.*`(message_producer)`", text, re.MULTILINE)
    assert {*imported, *named[0]} <= set(public_names)


def test_every_make_target_for_contributors_is_one() -> None:
    targets = set(re.findall(r"^([a-z_]+):.*## ", page("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z_]+)", page("CONTRIBUTING.md")))
    typed = {line[1] for line in command_lines("CONTRIBUTING.md")}
    assert {"check", "release"} <= named | typed <= targets


def test_the_support_page_has_the_pairs_that_ci_tests_and_the_ranges_of_the_checks() -> None:
    text = page("docs/reference/support.md")
    assert len(text.splitlines()) <= 60
    header, *rows = re.findall(r"^\| ((?:Django|\d\.\d) \|.*) \|$", text, re.MULTILINE)
    pythons = [cell.removeprefix("Python ") for cell in header.split(" | ")[1:]]
    documented = {
        (python, django)
        for django, *cells in (row.split(" | ") for row in rows)
        for python, cell in zip(pythons, cells, strict=True)
        if cell == "yes"
    }
    matrix = yaml.safe_load(page(".github/workflows/build.yml"))["jobs"]["outside"]["strategy"]["matrix"]
    pairs = {(python, django) for python in matrix["python"] for django in matrix["django"]}
    assert documented == pairs - {(each["python"], each["django"]) for each in matrix["exclude"]}
    for sentence in (
        "Django is older than {}.{}.".format(*DJANGO[0]),
        "Django is newer than {}.{}.".format(*DJANGO[1]),
        "Python is newer than {}.{}.".format(*PYTHON[1]),
        "refuse to install the package on a Python before {}.{}.".format(*PYTHON[0]),
    ):
        assert sentence in text


def test_a_report_of_a_vulnerability_has_one_way() -> None:
    advisory = f"{REPOSITORY}/security/advisories/new"
    (link,) = (each["url"] for each in config()["contact_links"] if each["name"] == "A vulnerability")
    assert link == advisory
    assert f"]({advisory})" in page("SECURITY.md")


def config() -> dict[str, list[dict[str, str]]]:
    loaded: dict[str, list[dict[str, str]]] = yaml.safe_load(page(".github/ISSUE_TEMPLATE/config.yml"))
    return loaded
