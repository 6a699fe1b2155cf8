"""Each command, option and make target that README or docs/ name exists, and commands accept what is shown.

Blocks that need a broker, CI, another service or a person at a terminal are only parsed here. test_snippets.py runs
the others.
"""

import argparse
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandParser

from tests.docs.pages import ALL_PAGES, Block, blocks, prose
from tests.pact_verification.running import ROOT, environment

pytestmark = pytest.mark.no_database

CONSOLE = [block for block in blocks() if block.language == "console"]
OTHER_PROGRAMS = {".", ".venv/bin/pact", "cd", "django-admin", "export", "git", "grep", "pip"}
"""Programs of others that console blocks run. Their arguments are not parsed."""

OPTIONS_OF_OTHERS = {
    "--custom-provider-header": "pact-verifier",
    "--provider-base-url": "pact-verifier",
    "--provider-states-setup-url": "pact-verifier",
    "--header": "pact_verifier_cli",
    "--hostname": "pact_verifier_cli",
    "--port": "pact_verifier_cli",
    "--state-change-url": "pact_verifier_cli",
    "--pact-broker-token": "pactman",
    "--pact-broker-url": "pactman",
    "--pact-files": "pactman",
    "--pact-provider-name": "pactman",
    "--pact-publish-results": "pactman",
    "--pact-provider-version": "pactman",
    "--junitxml": "pytest, which lists its other spelling",
}


@cache
def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z_]+|\.env):", makefile, re.MULTILINE))


@cache
def parser(name: str) -> CommandParser:
    assert name in get_commands(), f"There is no manage.py {name}."
    app = get_commands()[name]
    return load_command_class(app, name).create_parser("manage.py", name)


@cache
def options_of(name: str) -> set[str]:
    return set(parser(name)._option_string_actions)  # argparse has no public list


@cache
def options_of_pytest() -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--help", "-p", "pact_verification.pytest_plugin"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"(?<!\S)(--?[\w-]+)", ran.stdout))


def check(command: str, place: object) -> None:
    """Check one command line, without running it."""
    words = shlex.split(command)
    while words and re.match(r"[A-Z_]+=", words[0]):  # variables for this command
        words = words[1:]
    match words:
        case ["make", *arguments]:
            for argument in arguments:
                assert "=" in argument or argument in targets(), f"{place}: there is no make {argument}."
        case ["python" | ".venv/bin/python", "manage.py", name, *arguments]:
            try:
                parser(name).parse_args(arguments)
            except (SystemExit, argparse.ArgumentError) as error:
                pytest.fail(f"{place}: {name} does not accept {arguments}: {error}")
        case ["python", "-m", "pytest", *arguments]:
            for argument in arguments:
                assert not argument.startswith("-") or argument.partition("=")[0] in options_of_pytest(), place
        case ["python3", "-m", "venv", *_]:
            pass
        case [program, *_]:
            assert program in OTHER_PROGRAMS, f"{place}: what is {program}?"


@pytest.mark.parametrize("block", CONSOLE, ids=str)
def test_commands_accept_what_a_block_shows(block: Block) -> None:
    commands = list(block.commands())
    assert commands, f"{block} has no command."
    for command in commands:
        for part in command.split(" | "):
            check(re.sub(r"<[\w /]+>", "x", part), block)


def spans(page: Path) -> list[str]:
    """Return a page's inline code."""
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose(page))]


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_prose_names_commands_options_and_targets_that_exist(page: Path) -> None:
    ours = {option for name in get_commands() for option in options_of(name) if is_ours(name)}
    for span in spans(page):
        if target := re.match(r"(?:[A-Z_]+=\S+ )?make ([\w.]+)$", span):
            assert target[1] in targets(), span
        if command := re.match(r"(?:python )?manage\.py (\w+)((?: --[\w-]+)*)", span):
            assert set(command[2].split()) <= options_of(command[1]), span
        if option := re.match(r"(--[a-z][\w-]*)", span):
            known = ours | OPTIONS_OF_OTHERS.keys()
            assert option[1] in known or option[1] in options_of_pytest(), f"{span} is no option"


def is_ours(name: str) -> bool:
    return str(get_commands()[name]) == "pact_verification" or name in ("test", "spectacular")
