"""ARCHITECTURE.md tells what is: its layers are those that import-linter checks, and its files exist."""

import re
import tomllib

import pytest

from tests.pact_verification.running import ROOT

pytestmark = pytest.mark.no_database

PAGE = (ROOT / "ARCHITECTURE.md").read_text()
PACKAGE = ROOT / "pact_verification"
MOST_ENTRIES, MOST_LAYERS = 20, 10


def layers() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (each["layers"] for each in contracts if each["type"] == "layers")
    return list(found)


def rooms() -> set[str]:
    return {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_its_layers_are_those_that_are_checked() -> None:
    (block,) = re.findall(r"```\n(.*?)\n```", PAGE, re.DOTALL)
    assert block.splitlines() == layers()
    assert len(layers()) <= MOST_LAYERS


def test_it_names_every_room_and_nothing_else() -> None:
    assert set(re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE)) == rooms()


def test_a_file_that_it_names_exists() -> None:
    room_files = re.findall(r"^\| `(\w+/)` \|.*\| `([\w/]+\.py)` \|$", PAGE, re.MULTILINE)
    named = {f"pact_verification/{room}{file}" for room, file in room_files}
    for path in re.findall(r"`([\w/]+(?:\.py|\.md|/))`", PAGE):
        if path.count("/") and path.rstrip("/") not in rooms():
            named.add(path if (ROOT / path).exists() else f"pact_verification/{path}")
    named = {path for path in named if not path.startswith("pact_verification/commands/")}
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_package_can_be_read_at_a_glance() -> None:
    entries = [path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES
    for room in rooms():
        first, *_ = (PACKAGE / room / "__init__.py").read_text().splitlines()
        assert first.startswith('"""'), room
        assert len(first) > len('"""A room."""'), room
